package match

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// TestRequestsAreRationed: what a game does for each request stays within the
// game's own bounds, because nobody can make more than RequestRate a second.
func TestRequestsAreRationed(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	s := f.attach(0, &link{})
	f.attach(1, &link{})
	f.ticks(1)
	taken, full := 0, 0
	count := func(_ any, err error) {
		if err == nil {
			taken++
			return
		}
		require.ErrorIs(t, err, ErrFull)
		full++
	}
	const seconds = 10
	for range seconds * 60 {
		for range SeatRequestsMax {
			s.Request("r", nil, count)
		}
		f.ticks(1)
	}
	require.InDelta(t, SeatRequestsMax+seconds*RequestRate, taken, 1)
	require.Equal(t, seconds*60*SeatRequestsMax-taken, full)
	require.EqualValues(t, full, f.Stats().InboxFull)
	f.ticks(60 * 60)
	taken = 0
	for range SeatRequestsMax {
		s.Request("r", nil, count)
	}
	f.ticks(1)
	require.Equal(t, SeatRequestsMax, taken, "and no more than that is saved up")
}

// TestRequestsCannotExhaustTheEvents: a handler that tells everybody meets a
// refusal before it meets the bound that fails the match.
func TestRequestsCannotExhaustTheEvents(t *testing.T) {
	rules := quick()
	rules.Players = game.Between(1, 64)
	f := newFixture(t, rules, persons(64))
	f.game.on["handle"] = func(m *game.Match, _ *game.Player) error {
		for p := range m.Players() {
			p.Send("said", 1)
		}
		return nil
	}
	seats := make([]*Seat, 64)
	for i := range seats {
		seats[i] = f.attach(i, &link{quiet: true})
	}
	f.ticks(1)
	refused := 0
	for _, s := range seats {
		for range SeatRequestsMax {
			s.Request("r", nil, func(_ any, err error) {
				if errors.Is(err, ErrFull) {
					refused++
				}
			})
		}
	}
	require.True(t, f.ticks(1))
	require.Equal(t, game.StateRunning, f.State())
	require.NotZero(t, refused)
	ok := 0
	f.ticks(2)
	for i := range seats {
		seats[i].Request("r", nil, func(_ any, err error) { require.NoError(t, err); ok++ })
		f.ticks(1)
	}
	require.Equal(t, 64, ok, "the next ticks have room again")
}

// TestManyConnectionsOfOneTick: the game hears of the newest one only.
func TestManyConnectionsOfOneTick(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	links := make([]*link, 100)
	seats := make([]*Seat, 100)
	for i := range links {
		links[i] = &link{}
		seats[i] = f.attach(0, links[i])
		if i%3 == 0 {
			seats[i].Detach()
		}
	}
	f.ticks(1)
	f.game.log = nil
	for i := range links {
		links[i] = &link{}
		seats[i] = f.attach(0, links[i])
	}
	f.ticks(1)
	require.Equal(t, []string{"resume 1", "world", "step"}, f.game.log)
	for _, l := range links[:99] {
		require.Equal(t, []string{"close replaced"}, l.log)
	}
	require.Equal(t, links[99], f.seats[0].link)
	require.Equal(t, "welcome", links[99].names()[0])
	seats[98].Input(f.tick+1, 0, value(1, false))
	seats[98].Leave(func() {})
	f.ticks(1)
	require.EqualValues(t, 1, f.Stats().StaleEpoch)
	require.Equal(t, links[99], f.seats[0].link)
}

// TestNewConnectionStartsAfresh: what the old one sent ahead is not played, and
// the new one may send it again; what was played stays played.
func TestNewConnectionStartsAfresh(t *testing.T) {
	f, s, played := inputFixture(t)
	for i := range 10 {
		s.Input(f.tick+1+uint32(i), 0, value(100+i, false))
	}
	for range StrikesMax - 1 {
		s.Input(f.tick+1, 0, nil)
	}
	f.ticks(2)
	require.EqualValues(t, 101, (*played)[len(*played)-1].N)
	was := f.seats[0].in.applied
	l := &link{}
	again := f.attach(0, l)
	f.ticks(1)
	require.EqualValues(t, 101, (*played)[len(*played)-1].N, "repeated, not the one sent ahead")
	require.Equal(t, was, f.seats[0].in.applied)
	again.Input(f.tick+1, 0, value(7, false))
	again.Input(was, 0, value(8, false))
	again.Input(f.tick+1, 0, nil) // a strike, the first of this connection
	f.ticks(1)
	require.EqualValues(t, 7, (*played)[len(*played)-1].N)
	require.Zero(t, l.closed)
	f.ticks(3) // a snapshot, after which the lead is measured anew
	again.Input(^uint32(0), 0, value(9, false))
	f.ticks(1)
	require.Equal(t, leadMax, f.seats[0].in.lead, "absurdly early is not late")
}

// TestEveryoneHearsOfABot: welcome lists the seats as they are, and those who
// are there already are told.
func TestEveryoneHearsOfABot(t *testing.T) {
	rules := quick()
	rules.Players, rules.Bots = game.Between(2, 8), true
	f := newFixture(t, rules, persons(2))
	l := &link{}
	f.attach(0, l)
	f.ticks(6)
	const who = `[{"id":1,"name":"name1","bot":false,"team":0},{"id":2,"name":"name2","bot":true,"team":0}]`
	require.Contains(t, l.log, `event [6,"match:players",`+who+`]`)
	again := &link{}
	f.attach(0, again)
	f.ticks(1)
	require.Contains(t, again.log[0], `"players":`+who+`,"events":0`)
	require.NotContains(t, again.names()[2:], "event", "what is about the match is not repeated")
}

// TestBotSitsDownWhileThePlayersAreAway: a held seat is a player too.
func TestBotSitsDownWhileThePlayersAreAway(t *testing.T) {
	rules := quick()
	rules.Players, rules.Bots, rules.Hold = game.Between(2, 8), true, time.Hour
	f := newFixture(t, rules, persons(2))
	f.attach(0, &link{}).Detach()
	f.ticks(6)
	require.Equal(t, SeatBot, f.seats[1].state)
	require.False(t, f.State().Final())
}

func TestEndInEveryState(t *testing.T) {
	for _, where := range []string{"init", "join", "countdown", "drop", "handle"} {
		rules := quick()
		if where == "countdown" {
			rules.Countdown = time.Hour
		}
		rules.Hold = time.Hour
		f := newFixture(t, rules, persons(1))
		end := func(m *game.Match, _ *game.Player) error { m.End(); return nil }
		f.game.on[where] = end
		s := f.attach(0, &link{})
		f.ticks(1)
		switch where {
		case "countdown":
			require.Equal(t, game.StateCountdown, f.State())
			f.drv.Match().End()
		case "drop":
			s.Detach()
		case "handle":
			s.Request("r", nil, func(any, error) {})
		}
		require.False(t, f.ticks(2), where)
		require.Equal(t, []string{"ended ended ended"}, f.ends, where)
	}
}

// TestTicksNeverWrap: a match that nobody ends ends before its numbers do.
func TestTicksNeverWrap(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	f.attach(0, &link{quiet: true})
	f.ticks(1)
	f.tick = TicksMax - 2
	require.True(t, f.ticks(1))
	require.Equal(t, game.StateRunning, f.State())
	require.True(t, f.ticks(1))
	require.False(t, f.ticks(1))
	require.Equal(t, []string{"ended ended ended"}, f.ends)

	rules := quick()
	rules.Countdown = time.Hour
	f = newFixture(t, rules, persons(1))
	f.attach(0, &link{quiet: true})
	f.ticks(1)
	f.tick = TicksMax - 1
	require.False(t, f.ticks(1))
	require.Equal(t, []string{"voided ended"}, f.ends)
}

// TestAuthorsAreTold: what a game does wrong at run time and what goes no
// further than one player is in the log, with the name of the event.
func TestAuthorsAreTold(t *testing.T) {
	var out bytes.Buffer
	f := newFixture(t, quick(), persons(3))
	f.Match.cfg.Logger = slog.New(slog.NewTextHandler(&out, nil))
	f.game.on["join"] = func(_ *game.Match, p *game.Player) error {
		if p.ID == 2 {
			return errors.New("no ship left")
		}
		return nil
	}
	f.game.step = func(s *game.Step[input]) { s.Match.Broadcast("chan", make(chan int)) }
	l := &link{deaf: true}
	f.attach(0, l)
	f.attach(1, &link{})
	f.ticks(8)
	require.Contains(t, out.String(), "no ship left")
	require.Contains(t, out.String(), "event=chan")
	require.Equal(t, game.StateRunning, f.State())
	f.game.step = func(s *game.Step[input]) { s.Match.Broadcast("fine", 1) }
	out.Reset()
	f.ticks(1)
	require.Empty(t, out.String(), "a connection that is closing is nobody's fault")

	f = newFixture(t, quick(), persons(1))
	f.Match.cfg.Logger = slog.New(slog.NewTextHandler(&out, nil))
	f.game.world = make(chan int)
	f.attach(0, &link{deaf: true})
	require.False(t, f.ticks(1))
	require.True(t, strings.HasPrefix(f.Crash().What, "what World returned cannot be encoded: "), f.Crash().What)
	require.Equal(t, fmt.Sprint([]string{"failed m1@1"}), fmt.Sprint(f.ends))
}
