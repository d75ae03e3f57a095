package arena

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"sync"
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// sim drives one match through the game's own driver, as a runner would, but
// with no sockets and no time.
type sim struct {
	t     testing.TB
	a     *Arena
	d     game.Driver
	tick  uint32
	seats int
	buf   []byte

	hits, kills, spawns int // events seen so far
}

// field is the bundled field, which the tests share as matches do.
var field = sync.OnceValue(DefaultField)

type catcher struct{ def *game.Definition }

func (c *catcher) RegisterGame(d *game.Definition) { c.def = d }

// newSim makes a match from the definition that Register gives.
func newSim(tb testing.TB, seed uint64, o Options) *sim {
	tb.Helper()
	if o.Players == (game.Range{}) {
		o.Players = game.Between(MinPlayers, MaxPlayers)
	}
	if o.Sight == 0 {
		o.Sight = -1
	}
	if o.Field == nil {
		o.Field = field()
	}
	s := &sim{t: tb}
	var c catcher
	register(&c, o, func(a *Arena) { s.a = a })
	s.d = c.def.New(seed)
	require.NoError(tb, s.d.Init())
	return s
}

// enter seats a player.
func (s *sim) enter(name string, bot bool) *game.Player {
	s.t.Helper()
	p := s.d.Enter(s.seats, name, 0, bot)
	s.seats++
	require.NoError(s.t, s.d.Join(p))
	return p
}

func (s *sim) bots(n int) *sim {
	s.t.Helper()
	for range n {
		s.enter("bot", true)
	}
	return s
}

// hold sets what a player holds until told otherwise.
func (s *sim) hold(p *game.Player, in Input) {
	s.t.Helper()
	s.buf = appendInput(s.buf[:0], in)
	require.NoError(s.t, s.d.Decode(int(p.ID)-1, game.CellNow, s.buf))
}

// step runs one tick.
func (s *sim) step() {
	s.tick++
	s.d.Advance(s.tick, game.StateRunning)
	s.d.Step()
	s.d.Record()
	for _, e := range s.d.Events() {
		switch e.Name {
		case "hit":
			s.hits++
		case "kill":
			s.kills++
		case "spawn":
			s.spawns++
		}
	}
	s.d.ClearEvents()
}

func (s *sim) steps(n int) {
	for range n {
		s.step()
	}
}

func (s *sim) ship(p *game.Player) *Ship {
	s.t.Helper()
	ship := s.a.Ships.Mut(p.ID)
	require.NotNil(s.t, ship)
	return ship
}

// place puts a ship somewhere, at rest and without its shield.
func (s *sim) place(p *game.Player, x, y float64) *Ship {
	s.t.Helper()
	ship := s.ship(p)
	ship.setBody(Body{X: x, Y: y})
	ship.shieldEnd = 0
	return ship
}

// hash folds the whole world, private fields too, into one number.
func (s *sim) hash() uint64 {
	h := fnv.New64a()
	put := func(v ...uint64) {
		for _, v := range v {
			h.Write(binary.LittleEndian.AppendUint64(nil, v))
		}
	}
	f := math.Float64bits
	for id, x := range s.a.Ships.All() {
		put(uint64(id), f(x.X), f(x.Y), f(x.VX), f(x.VY), f(x.Rot), uint64(x.HP), uint64(x.Flags),
			uint64(x.Kills), uint64(x.Deaths), uint64(x.damage), uint64(x.fireAt), uint64(x.beamAt), uint64(x.mendAt))
	}
	for id, x := range s.a.Shots.All() {
		put(uint64(id), f(x.X), f(x.Y), f(x.VX), f(x.VY), uint64(x.Owner), uint64(x.ends))
	}
	for id, x := range s.a.Beams.All() {
		put(uint64(id), f(x.X), f(x.Y), f(x.TX), f(x.TY), uint64(x.Owner), uint64(x.ends))
	}
	for id, x := range s.a.Rounds.All() {
		put(uint64(id), uint64(x.Phase), uint64(x.EndsAt))
	}
	return h.Sum64()
}

// appendInput writes an input the way a client sends it.
func appendInput(b []byte, in Input) []byte {
	b = append(b, 0x87)
	for _, k := range []struct {
		name string
		v    bool
	}{{"up", in.Up}, {"down", in.Down}, {"left", in.Left}, {"right", in.Right}, {"fire", in.Fire}, {"beam", in.Beam}} {
		b = append(b, 0xa0|byte(len(k.name)))
		b = append(b, k.name...)
		if k.v {
			b = append(b, 0xc3)
		} else {
			b = append(b, 0xc2)
		}
	}
	b = append(b, 0xa3, 'a', 'i', 'm', 0xcb)
	return binary.BigEndian.AppendUint64(b, math.Float64bits(in.Aim))
}
