package match

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// TestEverythingAtOnce lets goroutines claim, attach, ask, play, leave and lose
// connections while the match is ticked and then stopped, or panics. Every call
// is answered once, every link is closed or was given up, and there is one end.
func TestEverythingAtOnce(t *testing.T) {
	for _, end := range []string{"stop", "panic", "hold"} {
		t.Run(end, func(t *testing.T) {
			f := newFixture(t, quick(), persons(4))
			var asked, answered, leaving, left atomic.Int64
			var open sync.Map // link to its Seat
			var wg sync.WaitGroup
			play := func(seat int, n int) {
				defer wg.Done()
				for i := range n {
					if err := f.Claim(context.Background(), seat, 0, false); err != nil {
						require.True(t, errors.Is(err, ErrGone) || errors.Is(err, ErrSeatGone), err)
						return
					}
					l := &link{quiet: true}
					s, err := f.Attach(seat, l)
					if err != nil {
						require.ErrorIs(t, err, ErrGone)
						return
					}
					open.Store(l, s)
					asked.Add(1)
					s.Request("r", nil, func(any, error) { answered.Add(1) })
					s.Input(f.Stats().Tick+1, 0, value(1, true))
					if i == n-1 && end == "hold" {
						leaving.Add(1)
						s.Leave(func() { left.Add(1) })
					} else if i%2 == 0 {
						s.Detach()
					}
				}
			}
			for i := range 8 {
				wg.Add(1)
				go play(i%4, 30)
			}
			done := make(chan struct{})
			go func() { wg.Wait(); close(done) }()
			for over, last := false, 0; f.ticks(1) && last < 100; runtime.Gosched() {
				select {
				case <-done:
					over = true
				default:
				}
				if over || f.tick > 40 && end == "panic" {
					last++
				}
				switch {
				case last == 1 && end == "stop":
					go f.Stop(game.ReasonDrain)
				case last == 1 && end == "panic":
					f.game.on["step"] = func(*game.Match, *game.Player) error { panic("now") }
				}
			}
			require.True(t, f.State().Final(), "it ended: %v", f.State())
			<-done
			require.Equal(t, asked.Load(), answered.Load())
			require.Equal(t, leaving.Load(), left.Load())
			f.requireClean(&open)
		})
	}
}

// requireClean checks that a match is over, once, and holds nothing any more.
func (f *fixture) requireClean(open *sync.Map) {
	f.t.Helper()
	require.Len(f.t, f.ends, 1, fmt.Sprint(f.ends))
	open.Range(func(k, v any) bool {
		l, s := k.(*link), v.(*Seat)
		require.True(f.t, l.closed != 0 || s.gone.Load(), "a link is open")
		return true
	})
	for i := range f.seats {
		require.Nil(f.t, f.seats[i].link)
	}
	require.ErrorIs(f.t, f.Claim(f.t.Context(), 0, 0, false), ErrGone)
}

// taped is an entry of an inbox with the tick that took it.
type taped struct {
	tick uint32
	e    Entry
}

// conn names a connection of a seat in a tape.
type conn struct {
	seat  int
	epoch uint32
}

// dice gives a match a game in which chance, inputs, requests and bots matter.
func dice(t *testing.T) *fixture {
	t.Helper()
	rules := quick()
	rules.Players, rules.Bots, rules.Hold = game.Between(1, 8), true, time.Hour
	f := newFixture(t, rules, append(persons(4), SeatSpec{Bot: true}))
	f.game.step = func(s *game.Step[input]) {
		for p, in := range s.Inputs() {
			b := f.game.Bodies.Mut(p.ID)
			b.X += float32(s.Match.Rand.IntN(10)) + float32(in.N%3)
			if in.Fire || p.Bot {
				f.game.Bodies.Add(body{X: b.X})
				p.Send("shot", s.Match.Rand.Uint32())
			}
		}
		for id := range f.game.Bodies.All() {
			if id > 8 && s.Match.Rand.IntN(4) == 0 {
				f.game.Bodies.Del(id)
			}
		}
	}
	f.game.on["handle"] = func(m *game.Match, p *game.Player) error {
		m.After(3, func() { m.Broadcast("later", p.ID) })
		return nil
	}
	return f
}

// record plays a match and returns what its inbox held and its links were given.
func record(t *testing.T) (tape []taped, links map[conn]*link) {
	t.Helper()
	f := dice(t)
	f.Match.cfg.Tap = func(tick uint32, e *Entry) {
		c := *e
		c.Data = append([]byte(nil), e.Data...)
		tape = append(tape, taped{tick, c})
	}
	links = map[conn]*link{}
	seats := map[int]*Seat{}
	for i := range 200 {
		n := i % 4
		switch {
		case i%17 == 0 || seats[n] == nil:
			l := &link{}
			seats[n] = f.attach(n, l)
			links[conn{n, seats[n].epoch}] = l
		case i%29 == 0:
			seats[n].Detach()
		case i%31 == 0:
			seats[n].Request("r", nil, func(any, error) {})
		default:
			seats[n].Input(f.tick+1+uint32(i%3), f.tick, value(i, i%2 == 0))
		}
		f.ticks(1)
	}
	return tape, links
}

// TestSameInboxSameWorld replays what the inbox of one match held to another:
// what links are given is the same.
func TestSameInboxSameWorld(t *testing.T) {
	tape, links := record(t)
	require.Greater(t, len(links), 8)
	f := dice(t)
	held, again := map[conn]*Seat{}, map[conn]*link{}
	for i := range 200 {
		for ; len(tape) > 0 && tape[0].tick == uint32(i+1); tape = tape[1:] {
			e := tape[0].e
			c := conn{e.Seat, e.Epoch}
			switch e.Kind {
			case KindAttach:
				again[c] = &link{}
				held[c] = f.attach(e.Seat, again[c])
			case KindDetach:
				held[c].Detach()
			case KindInput:
				held[c].Input(e.S, e.K, e.Data)
			case KindRequest:
				held[c].Request(e.Event, e.Data, func(any, error) {})
			case KindLeave, KindClaim, KindStop:
				t.Fatalf("unexpected %v", e.Kind)
			}
		}
		f.ticks(1)
	}
	require.Len(t, again, len(links))
	for c, l := range again {
		require.Equal(t, links[c].log, l.log)
		require.Equal(t, links[c].entities, l.entities)
	}
}
