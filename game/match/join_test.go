package match

import (
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// TestLargeWorldComesInParts: a keyframe beyond JoinBytes is spread over ticks,
// the player's own entity and what is near first, and then the usual pace begins.
func TestLargeWorldComesInParts(t *testing.T) {
	const others = 2040
	rules := quick()
	rules.SeatTTL = time.Minute
	f := newFixture(t, rules, persons(2))
	f.game.on["init"] = func(*game.Match, *game.Player) error {
		for i := range others {
			f.game.Bodies.Add(body{X: float32(i), HP: 7})
		}
		return nil
	}
	f.attach(1, &link{})
	f.ticks(30)
	for f.tick%3 != 1 { // between two snapshots of the match
		f.ticks(1)
	}
	l := &link{enc: true}
	f.attach(0, l)
	f.ticks(1)
	require.Zero(t, l.last.B)
	first := len(l.entities)
	require.Less(t, first, others/2, "it does not hold all")
	require.Contains(t, l.entities, int64(1), "but the player's own")
	ticks := 1
	for len(l.entities) < f.game.Bodies.Len() {
		before := l.last.T
		f.ticks(1)
		ticks++
		require.Equal(t, before+1, l.last.T, "one part a tick")
		require.Less(t, ticks, 10)
	}
	require.Greater(t, ticks, 2)
	require.Zero(t, f.seats[0].joining)
	at := l.last.T
	f.ticks(6)
	require.LessOrEqual(t, l.last.T, at+6)
	require.Zero(t, l.last.T%3, "then the usual pace")
	require.Equal(t, l.last.B+3, l.last.T)

	// A small one comes at once.
	small := newFixture(t, quick(), persons(1))
	s := &link{enc: true}
	small.attach(0, s)
	small.ticks(1)
	require.Zero(t, small.seats[0].joining)
	require.Len(t, s.entities, 1)
}

// placed is a game whose entities have a place.
type placed struct {
	Things game.Set[thing] `snap:"cap=4096"`
}

type thing struct {
	X float32 `snap:"q=1,x"`
	Y float32 `snap:"q=1,y"`
}

func (g *placed) Step(*game.Step[input]) {}

func (g *placed) Init(*game.Match) error {
	for i := range 3000 {
		g.Things.Add(thing{X: float32(i), Y: 5})
	}
	return nil
}

func (g *placed) Join(_ *game.Match, p *game.Player) error {
	g.Things.Put(p.ID, thing{X: 1500, Y: 5})
	return nil
}

func TestNearComesFirst(t *testing.T) {
	var r registry
	game.Register(&r, "placed", func() *placed { return &placed{} }, quick())
	m, err := New(Config{ID: "m", Def: r[0], Seats: persons(1)})
	require.NoError(t, err)
	f := &fixture{Match: m, t: t}
	l := &link{enc: true}
	f.attach(0, l)
	f.ticks(1)
	n := len(l.entities)
	require.Less(t, n, 2000)
	require.Contains(t, l.entities, int64(1))
	for id, e := range l.entities {
		x, _ := e[0].(float64)
		require.InDelta(t, 1500, x, float64(n)/2+2, "entity %d", id)
	}
	f.ticks(5)
	require.Len(t, l.entities, 3001)
}
