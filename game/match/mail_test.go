package match

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// reader is a client that lives through several connections and counts the
// game's events, as docs/STATES.md tells clients to.
type reader struct {
	got  []string
	gaps int
	seen uint32 // newest snapshot
}

// read takes what a connection brought since the last time.
func (r *reader) read(t require.TestingT, l *link, from int) {
	skip := 0
	for _, line := range l.log[from:] {
		name, value, _ := strings.Cut(line, " ")
		switch name {
		case "welcome":
			var w struct{ Events int }
			require.NoError(t, json.Unmarshal([]byte(value), &w))
			if skip = len(r.got) - w.Events; skip < 0 {
				r.gaps++
				for range -skip {
					r.got = append(r.got, "lost")
				}
			}
		case "event":
			var e []any
			require.NoError(t, json.Unmarshal([]byte(value), &e))
			if strings.HasPrefix(e[1].(string), "match:") {
				continue
			}
			if skip--; skip < 0 {
				r.got = append(r.got, fmt.Sprint(e...))
			}
		case "snapshot":
			fmt.Sscanf(value, "%d", &r.seen)
		}
	}
}

// TestEventsSurviveLostConnections: connections die unnoticed, are noticed and
// are replaced at any moment. What a player has read is always the beginning of
// what the game said, without a gap and without a repetition.
func TestEventsSurviveLostConnections(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rules := quick()
		rules.Hold = time.Hour
		f := newFixture(t, rules, persons(2))
		var said []string
		f.game.step = func(s *game.Step[input]) {
			for p := range s.Match.Players() {
				if p.ID == 1 && s.Match.Rand.IntN(2) == 0 {
					n := s.Match.Rand.IntN(3)
					for range n {
						s.Match.Broadcast("b", len(said))
						said = append(said, fmt.Sprint(s.Tick, "b", len(said)))
						s.Match.Player(2).Send("other", 0)
					}
					p.Send("p", len(said))
					said = append(said, fmt.Sprint(s.Tick, "p", len(said)))
				}
			}
		}
		f.attach(1, &link{quiet: true})
		l := &link{}
		seat := f.attach(0, l)
		var r reader
		from, dead := 0, false
		catchUp := func() {
			if !dead {
				r.read(rt, l, from)
				from = len(l.log)
			}
		}
		for range rapid.IntRange(1, 60).Draw(rt, "moves") {
			switch op := rapid.SampledFrom([]string{"tick", "tick", "tick", "input", "die", "detach", "attach"}).Draw(rt, "op"); op {
			case "tick":
				f.ticks(rapid.IntRange(1, 5).Draw(rt, "ticks"))
				catchUp()
			case "input":
				if !dead {
					seat.Input(f.tick+1, r.seen, value(1, false))
				}
			case "die": // a client that never says what it sees is taken to have seen it all
				dead = dead || f.seats[0].mail.acks
			case "detach":
				if s := &f.seats[0]; !s.mail.acks && s.epoch != seat.epoch {
					continue // the same: it would die before it got anything
				}
				catchUp()
				dead = true
				seat.Detach()
			case "attach":
				catchUp()
				l, from, dead = &link{}, 0, false
				seat = f.attach(0, l)
			}
			require.LessOrEqual(rt, len(r.got), len(said))
			require.True(rt, slices.Equal(said[:len(r.got)], r.got), "said %v, read %v", said, r.got)
		}
		catchUp()
		l, from, dead = &link{}, 0, false
		f.attach(0, l)
		f.ticks(1)
		catchUp()
		require.Zero(rt, r.gaps)
		require.True(rt, slices.Equal(said, r.got), "said %v, read %v", said, r.got)
	})
}

func TestReplayBound(t *testing.T) {
	for _, n := range []int{ReplayMax, ReplayMax + 1} {
		rules := quick()
		rules.Hold = time.Hour
		f := newFixture(t, rules, persons(2))
		f.attach(1, &link{})
		l := &link{}
		s := f.attach(0, l)
		f.ticks(2)
		s.Detach()
		left := n
		f.game.step = func(s *game.Step[input]) {
			for range min(left, 50) {
				s.Match.Broadcast("b", left)
				left--
			}
		}
		f.ticks(10)
		require.Zero(t, left)
		require.Len(t, f.seats[0].mail.letters, ReplayMax)
		again := &link{}
		f.attach(0, again)
		f.ticks(1)
		var r reader
		r.read(t, again, 0)
		require.Equal(t, n, len(r.got))
		if n == ReplayMax {
			require.Zero(t, r.gaps)
			require.Equal(t, "3b256", strings.ReplaceAll(r.got[0], " ", ""))
		} else {
			require.Equal(t, 1, r.gaps, "none of them, and the count says so")
			require.Equal(t, "lost", r.got[n-1])
		}
		require.Equal(t, "snapshot", again.names()[len(again.names())-1])
	}
}

func TestWhatIsSeenIsForgotten(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	f.game.step = func(s *game.Step[input]) { s.Match.Broadcast("b", nil) }
	s := f.attach(0, &link{})
	f.ticks(1000)
	require.Len(t, f.seats[0].mail.letters, ReplayMax)
	for range 100 {
		s.Input(f.tick+1, f.tick, value(1, false))
		f.ticks(1)
		require.LessOrEqual(t, len(f.seats[0].mail.letters), 2)
	}
	s.Input(f.tick+1, ^uint32(0), value(1, false)) // it has not seen the future
	f.ticks(1)
	require.LessOrEqual(t, len(f.seats[0].mail.letters), 2)
	require.NotEmpty(t, f.seats[0].mail.letters)
	require.EqualValues(t, 1101, int(f.seats[0].mail.before)+len(f.seats[0].mail.letters))
	s.Leave(func() {})
	f.ticks(1)
	require.Empty(t, f.seats[0].mail.letters)
}

// TestWelcomeIsNoSnapshot: a client that has read welcome knows its tick, but
// has not seen what follows in that tick.
func TestWelcomeIsNoSnapshot(t *testing.T) {
	rules := quick()
	rules.Hold = time.Hour
	f := newFixture(t, rules, persons(2))
	f.attach(1, &link{})
	s := f.attach(0, &link{})
	f.ticks(3)
	s.Detach()
	f.game.step = func(s *game.Step[input]) {
		if s.Tick == 4 {
			s.Match.Broadcast("b", nil)
		}
	}
	f.ticks(2)
	for range 3 {
		l := &link{}
		s = f.attach(0, l)
		f.ticks(1)
		require.Contains(t, l.log, `event [4,"b",null]`)
		s.Input(f.tick+1, f.tick, value(1, false))
		s.Detach()
		f.ticks(1)
	}
	s = f.attach(0, &link{})
	f.ticks(3)
	s.Input(f.tick+1, f.tick, value(1, false)) // of a later snapshot
	f.ticks(1)
	require.Empty(t, f.seats[0].mail.letters)
}

func TestBotsAndStrangersHaveNoMail(t *testing.T) {
	f := newFixture(t, quick(), append(persons(2), SeatSpec{Bot: true}))
	f.game.step = func(s *game.Step[input]) { s.Match.Broadcast("b", nil) }
	f.attach(0, &link{})
	f.ticks(20)
	require.NotEmpty(t, f.seats[0].mail.letters)
	require.Equal(t, SeatNoShow, f.seats[1].state)
	require.Empty(t, f.seats[1].mail.letters)
	require.Empty(t, f.seats[2].mail.letters)
}
