package game

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// world is a game that records what happens to it.
type world struct {
	Ships Set[ship]
	step  func(s *Step[control])
}

func (w *world) Step(s *Step[control]) {
	if w.step != nil {
		w.step(s)
	}
}

func (w *world) Bot(s *Step[control], p *Player) control {
	return control{Count: int(s.Tick) + int(p.ID)}
}

func newWorld(tb testing.TB, rules Rules) (*world, Driver) {
	tb.Helper()
	w := &world{}
	var r registry
	Register(&r, "world", func() *world { return w }, rules)
	return w, r[0].New(1)
}

func TestAfterCountsSteps(t *testing.T) {
	_, d := newWorld(t, Rules{})
	m := d.Match()
	var said []string
	say := func(s string) func() { return func() { said = append(said, s) } }
	m.After(2, say("b"))
	m.After(1, func() { say("a")(); m.After(1, say("c")) })
	m.After(0, say("a2"))
	d.Step()
	require.Equal(t, []string{"a", "a2"}, said)
	d.Step()
	require.Equal(t, []string{"a", "a2", "b", "c"}, said)
	d.Step()
	require.Len(t, said, 4)
}

func TestAfterALongTime(t *testing.T) {
	_, d := newWorld(t, Rules{})
	d.Match().After(math.MaxInt, func() { t.Error("called") })
	d.Match().After(math.MaxUint32, func() { t.Error("called") })
	for range 10 {
		d.Step()
	}
}

func TestTimersAndEventsAreBounded(t *testing.T) {
	_, d := newWorld(t, Rules{})
	m := d.Match()
	for range TimersMax {
		m.After(1, func() {})
	}
	require.PanicsWithValue(t, "game: more than 4096 After functions are waiting", func() { m.After(1, func() {}) })
	for range EventsPerTickMax {
		m.Broadcast("x", nil)
	}
	require.PanicsWithValue(t, "game: more than 4096 events in one tick", func() { m.Broadcast("x", nil) })
	d.ClearEvents()
	require.NotPanics(t, func() { m.Broadcast("x", nil) })
}

func TestPlayersByID(t *testing.T) {
	w, d := newWorld(t, Rules{})
	m := d.Match()
	c, a, b := d.Enter(2, "c", 0, false), d.Enter(0, "a", 1, true), d.Enter(1, "b", 0, false)
	var names []string
	for p := range m.Players() {
		names = append(names, p.Name)
	}
	require.Equal(t, []string{"a", "b", "c"}, names)
	require.Same(t, b, m.Player(2))
	require.Nil(t, m.Player(4))
	require.Nil(t, m.Player(0))

	require.NoError(t, d.Decode(2, CellNow, pack(t, object{"n": 5})))
	d.Advance(7, StateRunning)
	w.step = func(s *Step[control]) {
		require.EqualValues(t, 7, s.Tick)
		got := map[ID]int{}
		for p, in := range s.Inputs() {
			got[p.ID] = in.Count
		}
		require.Equal(t, map[ID]int{1: 8, 2: 0, 3: 5}, got)
		require.Equal(t, 5, s.Input(c).Count)
		require.Zero(t, s.Input(nil))
		require.Zero(t, s.Input(&Player{}), "of another match")
	}
	d.Step()
	w.step = func(s *Step[control]) { require.Zero(t, s.Input(c), "who is gone does nothing") }
	d.Exit(c)
	d.Step()
	d.Exit(b)
	require.Nil(t, m.Player(2))
	require.Same(t, a, m.Player(1))
}

func TestKickIsRemembered(t *testing.T) {
	_, d := newWorld(t, Rules{})
	m := d.Match()
	p := d.Enter(0, "a", 0, false)
	m.Kick(p, ReasonKicked)
	m.Kick(p, ReasonLeft)
	m.Kick(nil, ReasonLeft)
	m.Kick(&Player{}, ReasonLeft)
	m.Kick(&Player{ID: 1 << 20, match: &Match{}}, ReasonLeft)
	require.Equal(t, []Kick{{p, ReasonKicked}}, d.Kicks())
	d.ClearKicks()
	require.Empty(t, d.Kicks())
}

func TestIDsRestAndReturn(t *testing.T) {
	w, d := newWorld(t, Rules{Players: Between(1, 4)})
	p := d.Enter(3, "p", 0, false)
	require.True(t, w.Ships.Put(p.ID, ship{}))
	require.True(t, w.Ships.Put(p.ID, ship{HP: 2}), "again: replaced")
	require.Equal(t, 1, w.Ships.Len())

	first := w.Ships.Add(ship{})
	require.EqualValues(t, 5, first, "after the players")
	kept := d.Match().NewID()
	require.EqualValues(t, 6, kept)
	require.True(t, w.Ships.Del(first))
	require.False(t, w.Ships.Put(first, ship{}), "it is free")
	d.Advance(idRestTicks-1, StateRunning)
	require.EqualValues(t, 7, w.Ships.Add(ship{}), "still resting")
	d.Advance(idRestTicks, StateRunning)
	require.Equal(t, first, w.Ships.Add(ship{}), "rested")
	require.EqualValues(t, 8, w.Ships.Add(ship{}))

	require.True(t, w.Ships.Del(p.ID))
	require.True(t, w.Ships.Put(p.ID, ship{}), "a player's ID stays the player's")

	d.Advance(10*idRestTicks, StateRunning)
	require.True(t, w.Ships.Del(first))
	require.EqualValues(t, 9, w.Ships.Add(ship{}), "the rest counts from the deletion")
	d.Advance(11*idRestTicks, StateRunning)
	require.Equal(t, first, w.Ships.Add(ship{}))
}

func TestIDsEndAtTheBound(t *testing.T) {
	ids := newIDTable()
	for range IDMax {
		require.NotZero(t, ids.take(idEntity))
	}
	require.Zero(t, ids.take(idEntity))
	ids.release(7)
	require.EqualValues(t, 7, ids.take(idEntity), "in need, without rest")
}

func TestSetsShareOneIDSpace(t *testing.T) {
	ids := newIDTable()
	var a, b Set[row]
	a.bind(ids, 0, 4)
	b.bind(ids, 1, 4)
	id := a.Add(row{})
	require.Nil(t, b.Mut(id))
	require.False(t, b.Put(id, row{}))
	require.False(t, b.Del(id))
	require.EqualValues(t, 2, b.Add(row{}))
}

func TestRandIsOfTheSeed(t *testing.T) {
	_, a := newWorld(t, Rules{})
	_, b := newWorld(t, Rules{})
	require.Equal(t, a.Match().Rand.Uint64(), b.Match().Rand.Uint64())
}

func TestStepDoesNotAllocate(t *testing.T) {
	w, d := newWorld(t, Rules{Players: Between(1, 100)})
	for i := range 100 {
		p := d.Enter(i, "", 0, i%2 == 0)
		w.Ships.Put(p.ID, ship{})
	}
	w.step = func(s *Step[control]) {
		for p, in := range s.Inputs() {
			w.Ships.Mut(p.ID).X += float32(in.Count)
		}
		for p := range s.Match.Players() {
			w.Ships.Mut(p.ID).HP++
		}
		for id, v := range w.Ships.All() {
			v.Y = float32(id)
		}
	}
	require.Zero(t, testing.AllocsPerRun(100, d.Step))
}

func TestArgsDecode(t *testing.T) {
	var v struct {
		Name string `json:"name"`
	}
	require.NoError(t, NewArgs(pack(t, object{"name": "x"})).Decode(&v))
	require.Equal(t, "x", v.Name)
	require.NoError(t, NewArgs(nil).Decode(&v))
	require.EqualError(t, NewArgs([]byte{0x91}).Decode(&v), "bad_payload: the request could not be read")
	var open map[any]any
	require.EqualError(t, NewArgs([]byte{0x81, 0x91, 1, 1}).Decode(&open), "bad_payload: the request could not be read",
		"a list as a key, where Go panics")
	require.NoError(t, NewArgs(pack(t, object{"name": "y"})).Decode(&v), "the decoder goes on")
}

func TestReasonAndStateTexts(t *testing.T) {
	seen := map[string]bool{}
	for r := ReasonNone; r <= ReasonStopped; r++ {
		require.NotEqual(t, "unknown", r.String())
		require.False(t, seen[r.String()], r.String())
		seen[r.String()] = true
	}
	require.Equal(t, "unknown", (ReasonStopped + 1).String())
	for s := StateOpen; s <= StateFailed; s++ {
		require.NotEqual(t, "unknown", s.String())
		require.Equal(t, s == StateEnded || s == StateVoid || s == StateFailed, s.Final())
	}
	require.Equal(t, "unknown", (StateFailed + 1).String())
}
