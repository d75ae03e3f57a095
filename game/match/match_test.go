package match

import (
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

func TestOrderOfCallbacks(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	a, b := &link{}, &link{enc: true}
	sa := f.attach(0, a)
	f.ticks(1)
	f.attach(1, b)
	f.game.on["join"] = func(m *game.Match, p *game.Player) error { m.Kick(m.Player(9), game.ReasonKicked); return nil }
	sa.Request("hello", nil, func(any, error) {})
	f.ticks(1)
	sa.Detach()
	f.ticks(1)
	sa = f.attach(0, a)
	sa.Request("again", nil, func(any, error) {})
	f.ticks(1)
	sa.Leave(func() {})
	f.ticks(1)
	f.game.on["step"] = func(m *game.Match, _ *game.Player) error { m.End(); return nil }
	f.ticks(1)
	require.Equal(t, game.StateEnding, f.State())
	require.False(t, f.ticks(2))
	require.Equal(t, []string{
		"init", "join 1", "world",
		"join 2", "world", "handle 1", "step",
		"drop 1", "step",
		"resume 1", "world", "handle 1", "step",
		"leave 1", "left", "step",
		"step",
		"close",
	}, f.game.log)
	require.Equal(t, []string{"ended ended ended"}, f.ends)
	require.Equal(t, game.StateEnded, f.State())
}

func TestOrderOnALink(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	l := &link{}
	f.game.on["join"] = func(m *game.Match, p *game.Player) error {
		m.Broadcast("first", 1)
		p.Send("second", 2)
		return nil
	}
	s := f.attach(0, l)
	f.ticks(1)
	require.Equal(t, []string{
		`welcome {"match":"m1","tick":1,"rate":60,"every":3,"you":1,"snap":0,"resume":"token 1","state":"open","world":{"w":3},"players":[{"id":1,"name":"name1","bot":false,"team":0}],"events":0}`,
		`schema {"v":1,"sets":[{"name":"bodies","fields":[["x","f",0.5],["hp","u",0]],"cap":2048}],"input":[["n","i"],["fire","b"]]}`,
		`event [1,"match:state",{"state":"running","at":0}]`,
		`event [1,"first",1]`,
		`event [1,"second",2]`,
		`snapshot 1 on 0`,
	}, l.log)
	l.log = nil
	f.ticks(5)
	require.Equal(t, []string{"snapshot 3 on 1", "snapshot 6 on 3"}, l.log)

	again := &link{enc: true}
	f.game.on["resume"] = func(_ *game.Match, p *game.Player) error { p.Send("back", nil); return nil }
	f.attach(0, again)
	f.ticks(1)
	require.Equal(t, game.ReasonReplaced, l.closed)
	require.Equal(t, []string{"welcome", "schema", "event", "snapshot"}, again.names())
	require.Equal(t, map[int64][]any{1: {2.0, 100.0}}, again.entities)
	s.Input(7, 6, value(1, true))
	f.ticks(1)
	require.EqualValues(t, 1, f.Stats().StaleEpoch, "the replaced connection has no say")

	again.log = nil
	f.Stop(game.ReasonDrain)
	require.True(t, f.ticks(1))
	require.False(t, f.ticks(1))
	require.Equal(t, []string{"event", "snapshot", "event", "result", "close"}, again.names())
	require.Contains(t, again.log, `result {"match":"m1","reason":"server_drain","result":"server_drain"}`)
	require.Equal(t, game.ReasonDrain, again.closed)
}

func TestLifeOpenCountdownRunning(t *testing.T) {
	rules := quick()
	rules.Players, rules.Countdown = game.Between(2, 8), 0 // the default, 3 s
	f := newFixture(t, rules, persons(2))
	l := &link{}
	f.attach(0, l)
	f.ticks(3)
	require.Equal(t, game.StateOpen, f.State())
	f.attach(1, &link{})
	f.ticks(1)
	require.Equal(t, game.StateCountdown, f.State())
	require.Contains(t, l.log, `event [4,"match:state",{"state":"countdown","at":184}]`)
	f.ticks(179)
	require.Equal(t, game.StateCountdown, f.State())
	require.NotContains(t, f.game.log, "step")
	f.ticks(1)
	require.Equal(t, game.StateRunning, f.State())
	require.Equal(t, "step", f.game.log[len(f.game.log)-1])
}

func TestLifeVoid(t *testing.T) {
	rules := quick()
	rules.Players = game.Between(2, 8)
	t.Run("nobody came", func(t *testing.T) {
		f := newFixture(t, rules, persons(2))
		require.True(t, f.ticks(5))
		require.False(t, f.ticks(1), "at SeatTTL, 6 ticks")
		require.Equal(t, []string{"voided no_show"}, f.ends)
		require.Equal(t, []string{"init", "close"}, f.game.log)
		_, err := f.Attach(0, &link{})
		require.ErrorIs(t, err, ErrGone)
	})
	t.Run("too few came", func(t *testing.T) {
		f := newFixture(t, rules, persons(2))
		l := &link{}
		f.attach(0, l)
		f.ticks(6)
		require.Equal(t, []string{"voided no_show"}, f.ends)
		require.Equal(t, game.ReasonVoided, l.closed)
	})
	t.Run("one left in the countdown", func(t *testing.T) {
		rules := rules
		rules.Countdown = 0
		f := newFixture(t, rules, persons(2))
		f.attach(0, &link{})
		s := f.attach(1, &link{})
		f.ticks(2)
		require.Equal(t, game.StateCountdown, f.State())
		s.Leave(func() {})
		f.ticks(1)
		require.Equal(t, []string{"voided left"}, f.ends)
	})
	t.Run("stopped", func(t *testing.T) {
		f := newFixture(t, rules, persons(2))
		f.Stop(game.ReasonDrain)
		require.False(t, f.ticks(1))
		require.Equal(t, []string{"voided server_drain"}, f.ends)
	})
}

func TestNoShowIsPlayedByABotIfTheRulesSaySo(t *testing.T) {
	rules := quick()
	rules.Players, rules.Bots = game.Between(2, 8), true
	f := newFixture(t, rules, persons(2))
	f.attach(0, &link{})
	f.ticks(6)
	require.Equal(t, game.StateRunning, f.State())
	require.Equal(t, SeatBot, f.seats[1].state)
	require.True(t, f.drv.Match().Player(2).Bot)
	_, err := f.Attach(1, &link{})
	require.NoError(t, err)
	late := &link{}
	f.attach(1, late)
	f.ticks(1)
	require.Equal(t, game.ReasonSeatGone, late.closed)
}

func TestLifeHoldingAndBack(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	a := f.attach(0, &link{})
	b := f.attach(1, &link{})
	f.ticks(2)
	a.Detach()
	f.ticks(1)
	require.Equal(t, game.StateRunning, f.State())
	b.Detach()
	f.ticks(1)
	require.Equal(t, game.StateHolding, f.State())
	steps := f.drv.Steps()
	f.ticks(2)
	require.Equal(t, steps, f.drv.Steps(), "the world stands")
	l := &link{}
	f.attach(1, l)
	f.ticks(1)
	require.Equal(t, game.StateRunning, f.State())
	require.Equal(t, steps+1, f.drv.Steps())
	f.ticks(10)
	require.Equal(t, SeatLeft, f.seats[0].state, "the hold time is over")
	require.Contains(t, f.game.log, "dropped")
}

func TestHoldingEndsWithTheHoldTime(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	f.attach(0, &link{}).Detach()
	f.ticks(1)
	require.Equal(t, game.StateRunning, f.State(), "it begins before it holds")
	f.ticks(1)
	require.Equal(t, game.StateHolding, f.State())
	f.ticks(4)
	require.Equal(t, game.StateHolding, f.State())
	require.False(t, f.ticks(2))
	require.Equal(t, []string{"ended empty empty"}, f.ends)
}

func TestEmptyMatchWithBotsGoesOnForEmptyTTL(t *testing.T) {
	f := newFixture(t, quick(), append(persons(1), SeatSpec{Bot: true, Name: "b"}))
	s := f.attach(0, &link{})
	f.ticks(1)
	s.Leave(func() {})
	f.ticks(3)
	require.Equal(t, game.StateRunning, f.State())
	f.ticks(1)
	require.Equal(t, game.StateEnding, f.State(), "after 50 ms")
}

func TestMatchOfBotsRunsToMaxTicks(t *testing.T) {
	rules := quick()
	rules.MaxTicks = 50
	f := newFixture(t, rules, []SeatSpec{{Bot: true}, {Bot: true}})
	f.ticks(49)
	require.Equal(t, game.StateRunning, f.State())
	f.ticks(1)
	require.Equal(t, game.StateEnding, f.State())
	f.ticks(1)
	require.Equal(t, []string{"ended ended ended"}, f.ends)
}

func TestRefusedJoin(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	f.game.on["join"] = func(_ *game.Match, p *game.Player) error {
		if p.ID == 2 {
			return &game.Error{Code: "no"}
		}
		return nil
	}
	a, b := &link{}, &link{}
	f.attach(0, a)
	f.attach(1, b)
	f.ticks(1)
	require.Equal(t, game.ReasonRefused, b.closed)
	require.Equal(t, []string{"close refused"}, b.log)
	require.Nil(t, f.drv.Match().Player(2))
	require.Equal(t, SeatLeft, f.seats[1].state)
}

func TestKick(t *testing.T) {
	f := newFixture(t, quick(), persons(3))
	f.attach(2, &link{})
	a, b := &link{}, &link{}
	f.attach(0, a)
	f.attach(1, b)
	f.ticks(1)
	f.game.on["step"] = func(m *game.Match, _ *game.Player) error { m.Kick(m.Player(2), game.ReasonKicked); return nil }
	f.game.on["leave"] = func(m *game.Match, _ *game.Player) error { m.Kick(m.Player(1), game.ReasonEmpty); return nil }
	f.ticks(1)
	require.NotNil(t, f.drv.Match().Player(2), "the call that kicks still sees everybody")
	f.ticks(1)
	require.Equal(t, game.ReasonKicked, b.closed)
	require.Equal(t, game.ReasonEmpty, a.closed, "kicked by the Leave of the other")
	require.ErrorIs(t, f.mayClaim(1, 0, false), ErrSeatGone)
}

// An operator's kick is that of the game, from any goroutine, and for seats that
// nobody has taken too.
func TestKickFromOutside(t *testing.T) {
	f := newFixture(t, quick(), persons(3))
	a := &link{}
	f.attach(0, a)
	f.ticks(1)
	for _, seat := range []int{-1, 3} {
		require.ErrorIs(t, f.Kick(seat, game.ReasonKicked), ErrSeatGone)
	}
	require.NoError(t, f.Kick(0, game.ReasonKicked))
	require.NoError(t, f.Kick(1, game.ReasonKicked))
	require.Zero(t, a.closed, "not before the next tick")
	f.ticks(1)
	require.Equal(t, game.ReasonKicked, a.closed)
	for seat := range 2 {
		require.Equal(t, SeatLeft, f.seats[seat].state)
		require.ErrorIs(t, f.mayClaim(seat, 0, false), ErrSeatGone)
	}
	require.NoError(t, f.Kick(0, game.ReasonKicked), "who is gone cannot be kicked again")
	f.ticks(1)
	require.Equal(t, SeatReserved, f.seats[2].state)
	f.Stop(game.ReasonStopped)
	f.ticks(1)
	require.ErrorIs(t, f.Kick(2, game.ReasonKicked), ErrGone)
}

func TestNewRefuses(t *testing.T) {
	var r registry
	game.Register(&r, "probe", func() *probe { return &probe{} }, quick())
	game.Register(&r, "dull", func() *dull { return &dull{} }, quick())
	for want, c := range map[string]Config{
		"match: no definition":                                       {},
		"match: 0 seats, want 1 to 8":                                {Def: r[0]},
		"match: 9 seats, want 1 to 8":                                {Def: r[0], Seats: persons(9)},
		"match: seat 0 is for a bot, but the game has no Bot method": {Def: r[1], Seats: []SeatSpec{{Bot: true}}},
	} {
		_, err := New(c)
		require.EqualError(t, err, want)
	}
}

// dull has nothing but Step.
type dull struct{}

func (*dull) Step(*game.Step[input]) {}

func TestGameWithStepOnly(t *testing.T) {
	var r registry
	game.Register(&r, "dull", func() *dull { return &dull{} }, quick())
	m, err := New(Config{ID: "d", Def: r[0], Seats: persons(1)})
	require.NoError(t, err)
	f := &fixture{t: t, Match: m}
	l := &link{}
	s := f.attach(0, l)
	var failed error
	s.Request("x", nil, func(_ any, err error) { failed = err })
	s.Input(1, 0, value(1, true))
	f.ticks(2)
	require.EqualError(t, failed, "not_found: the game takes no requests")
	s.Leave(func() {})
	require.False(t, f.ticks(8))
	require.Equal(t, game.ReasonLeft, l.closed)
}
