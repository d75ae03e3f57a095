package game

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// shooters is a game of targets in two sets, which a test moves.
type shooters struct {
	base[none]
	Big   Set[place] `snap:"cap=512,lag"`
	Small Set[struct {
		X int16 `snap:"x"`
		Y int8  `snap:"y"`
	}] `snap:"cap=64,lag"`
	Other Set[place] `snap:"cap=64"`
}

// gallery is a match of shooters with one player, stepped by hand.
type gallery struct {
	*shooters
	Driver
	p    *Player
	tick uint32
}

func newGallery(tb testing.TB, rules Rules) *gallery {
	tb.Helper()
	g := &gallery{shooters: &shooters{}}
	var r registry
	Register(&r, "g", func() *shooters { return g.shooters }, rules)
	g.Driver = r[0].New(1)
	g.p = g.Enter(0, "ann", 0, false)
	return g
}

// next begins a tick, done ends it.
func (g *gallery) next() { g.tick++; g.Advance(g.tick, StateRunning) }

func (g *gallery) run(n int, each func(tick uint32)) {
	for range n {
		g.next()
		each(g.tick)
		g.Record()
	}
}

// saw says what the player saw when making the input of this tick.
func (g *gallery) saw(ticks float64) Past {
	g.Look(0, uint64(ticks*4))
	return g.Match().Rewind(g.p)
}

// TestRewindIsBetweenTicks moves a target evenly and asks where it was at every
// quarter of a tick.
func TestRewindIsBetweenTicks(t *testing.T) {
	g := newGallery(t, Rules{})
	id := g.Big.Add(place{})
	g.run(100, func(tick uint32) { *g.Big.Mut(id) = place{X: float32(tick), Y: -2 * float64(tick)} })
	g.next()
	for q := 4 * (100 - 14); q <= 400; q++ {
		v := g.saw(float64(q) / 4)
		x, y, ok := v.At(id)
		require.True(t, ok)
		require.InDelta(t, float64(q)/4, x, 1e-5)
		require.InDelta(t, -2*float64(q)/4, y, 1e-5)
		require.InDelta(t, 101-float64(q)/4, v.Behind(), 1e-9)
	}
}

// TestRewindIsBounded asks for all kinds of times.
func TestRewindIsBounded(t *testing.T) {
	for _, c := range []struct {
		rules  Rules
		oldest float64
	}{
		{Rules{}, 101 - 15},
		{Rules{Rewind: RewindMax}, 101 - 30},
		{Rules{Rewind: 100 * time.Millisecond}, 101 - 6},
		{Rules{Rewind: RewindMax, Tick: 120}, 101 - 60},
		{Rules{Tick: TickMax}, 101 - 60},
		{Rules{Rewind: -1}, 100},
	} {
		g := newGallery(t, c.rules)
		id := g.Big.Add(place{})
		g.run(100, func(tick uint32) { g.Big.Mut(id).X = float32(tick) })
		g.next()
		for _, q := range []struct{ saw, want float64 }{
			{1, c.oldest},
			{0.25, c.oldest},
			{c.oldest - 0.25, c.oldest},
			{c.oldest, c.oldest},
			{100, 100},
			{100.25, 100},
			{1000, 100},
			{math.MaxUint32, 100},
			{0, 100},
		} {
			x, _, ok := g.saw(q.saw).At(id)
			require.True(t, ok)
			require.InDelta(t, q.want, x, 1e-9, "%+v saw %v", c.rules, q.saw)
		}
	}
}

// TestRewindInTheBeginning has little to go back to.
func TestRewindInTheBeginning(t *testing.T) {
	g := newGallery(t, Rules{})
	id := g.Big.Add(place{X: 5})
	g.next()
	_, _, ok := g.saw(1).At(id)
	require.False(t, ok, "there is no past")
	_, _, ok = g.saw(1).RayCast(0, 0, 1, 0, 10, 1, nil)
	require.False(t, ok)
	g.Record()
	g.next()
	x, _, ok := g.saw(0.25).At(id)
	require.True(t, ok)
	require.InDelta(t, 5.0, x, 0)
	require.Equal(t, Past{}, g.Match().Rewind(nil))
	require.Equal(t, Past{}, g.Match().Rewind(&Player{}))
	_, _, ok = Past{}.At(id)
	require.False(t, ok)
}

// TestRewindKnowsLivesApart ends, replaces and teleports targets: nobody is met
// as what was there before.
func TestRewindKnowsLivesApart(t *testing.T) {
	g := newGallery(t, Rules{})
	dead, moved, old := g.Big.Add(place{X: 1}), g.Big.Add(place{X: 2}), g.Big.Add(place{X: 3})
	still := func(uint32) {}
	g.run(20, still)
	g.Big.Del(dead)
	born := g.Big.Add(place{X: 50}) // in the slot of the dead
	g.Big.Mut(moved).X = 60
	g.Big.Teleport(moved)
	g.run(4, still)
	g.next()
	at := func(id ID, tick float64) (float64, bool) {
		x, _, ok := g.saw(tick).At(id)
		return x, ok
	}
	for _, tick := range []float64{15, 19.75, 20, 20.25, 20.75} {
		for _, id := range []ID{dead, born, moved} {
			_, ok := at(id, tick)
			require.False(t, ok, "tick %v, id %d", tick, id)
		}
		x, ok := at(old, tick)
		require.True(t, ok)
		require.InDelta(t, 3.0, x, 0)
	}
	for _, tick := range []float64{21, 21.5, 24} {
		_, ok := at(dead, tick)
		require.False(t, ok)
		x, ok := at(born, tick)
		require.True(t, ok)
		require.InDelta(t, 50.0, x, 0)
		x, ok = at(moved, tick)
		require.True(t, ok)
		require.InDelta(t, 60.0, x, 0)
	}
	id, _, ok := g.saw(19).RayCast(-10, 0, 1, 0, 100, 0.25, nil)
	require.True(t, ok)
	require.Equal(t, old, id, "the ray goes through what is not there any more")
	g.Big.Teleport(old)
	_, ok = at(old, 24)
	require.False(t, ok, "teleported in this very tick")
	g.Big.Teleport(12345)
}

// TestRayCast meets targets of two sets.
func TestRayCast(t *testing.T) {
	g := newGallery(t, Rules{})
	far, near := g.Big.Add(place{X: 20}), g.Big.Add(place{X: 10, Y: 1})
	g.Other.Add(place{X: 5})
	small := g.Small.Add(struct {
		X int16 `snap:"x"`
		Y int8  `snap:"y"`
	}{15, -1})
	g.run(3, func(uint32) {})
	g.next()
	v := g.saw(3)
	cast := func(ox, oy, dx, dy, reach, radius float64, filter func(ID) bool) (ID, float64) {
		id, d, ok := v.RayCast(ox, oy, dx, dy, reach, radius, filter)
		require.Equal(t, id != 0, ok)
		return id, d
	}
	id, d := cast(0, 0, 7, 0, 100, 1, nil) // a touch is a hit
	require.Equal(t, near, id)
	require.InDelta(t, 10.0, d, 1e-9)
	id, d = cast(0, 0, 0.1, 0, 100, 0.5, nil)
	require.Equal(t, far, id)
	require.InDelta(t, 19.5, d, 1e-9)
	id, d = cast(0, -1, 1, 0, 100, 0.5, nil)
	require.Equal(t, small, id)
	require.InDelta(t, 14.5, d, 1e-9)
	id, _ = cast(0, 0, 1, 0, 100, 1, func(id ID) bool { return id != near })
	require.Equal(t, small, id)
	id, _ = cast(0, 0, 1, 0, 19.4, 0.5, nil)
	require.Zero(t, id, "out of reach")
	id, _ = cast(0, 0, -1, 0, 100, 0.5, nil)
	require.Zero(t, id, "behind")
	id, d = cast(20.25, 0, -1, 0, 100, 0.5, nil)
	require.Equal(t, far, id, "inside")
	require.Zero(t, d)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for i := range 6 {
			a := [6]float64{0, 0, 1, 0, 100, 1}
			a[i] = bad
			if i == 4 && bad > 0 {
				continue // a ray may go on for ever
			}
			id, _ = cast(a[0], a[1], a[2], a[3], a[4], a[5], nil)
			require.Zero(t, id, "%v", a)
		}
	}
	id, _ = cast(0, 0, 0, 0, 100, 1, nil)
	require.Zero(t, id, "no direction")
	id, _ = cast(0, 0, 1, 0, math.Inf(1), 1, nil)
	require.Equal(t, near, id)
}

// TestRayCastFindsTheFirst compares rays among many targets with a look at each
// of them.
func TestRayCastFindsTheFirst(tt *testing.T) {
	rapid.Check(tt, func(t *rapid.T) {
		g := newGallery(tt, Rules{})
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := rapid.SampledFrom([]int{1, indexMin, indexMin + 1, 300}).Draw(t, "targets")
		spread := rapid.SampledFrom([]float64{1, 100, 1e6}).Draw(t, "spread")
		in := func() float64 { return (r.Float64() - 0.5) * spread }
		for range n {
			g.Big.Add(place{X: float32(in()), Y: in()})
		}
		ticks := rapid.SampledFrom([]int{6, historyTicks + 6}).Draw(t, "ticks")
		g.run(ticks, func(uint32) {
			g.saw(float64(g.tick)-0.5).RayCast(0, 0, 1, 1, spread, 0, nil)
			for id, p := range g.Big.All() {
				switch r.IntN(20) {
				case 0:
					*p = place{X: float32(in()), Y: in()}
				case 1:
					g.Big.Teleport(id)
				default:
					p.X += float32(in() / 100)
					p.Y += in() / 100
				}
			}
		})
		g.next()
		for range 30 {
			v := g.saw(float64(ticks-5) + float64(r.IntN(21))/4)
			ox, oy, dx, dy := in(), in(), in(), in()
			reach, radius := r.Float64()*spread*2, r.Float64()*spread/20
			odd := func(id ID) bool { return id%2 == 1 }
			want, best := ID(0), math.Inf(1)
			for id := range g.Big.All() {
				x, y, ok := v.At(id)
				if d, met := meets(x-ox, y-oy, dx, dy, radius); ok && met && d <= reach && d < best && odd(id) {
					want, best = id, d
				}
			}
			got, d, ok := v.RayCast(ox, oy, dx, dy, reach, radius, odd)
			if got != want && !(ok && math.Abs(d-best) < spread*1e-6) {
				t.Fatalf("met %d at %v, want %d at %v", got, d, want, best)
			}
		}
	})
}

// meets says by other means than the ray's where a line from the origin comes
// within radius of a point: it walks up to the nearest point and back.
func meets(px, py, dx, dy, radius float64) (float64, bool) {
	l := math.Hypot(dx, dy)
	if math.Hypot(px, py) <= radius {
		return 0, true
	}
	along, off := (px*dx+py*dy)/l, math.Abs(px*dy-py*dx)/l
	if off > radius || along < 0 {
		return 0, false
	}
	return along - math.Sqrt(radius*radius-off*off), true
}

// TestRewindChangesNothing holds that a Past is only looked at, that several may
// be in use at once, and that none of it allocates.
func TestRewindChangesNothing(t *testing.T) {
	g := newGallery(t, Rules{})
	for i := range 300 {
		g.Big.Add(place{X: float32(i % 20), Y: float64(i / 20)})
	}
	step := func(uint32) {
		for _, p := range g.Big.All() {
			p.X++
		}
	}
	g.run(200, step)
	g.next()
	a, b := g.saw(190), g.saw(195.5)
	mine := g.p.ID
	cast := func(v Past) (ID, float64) {
		id, d, _ := v.RayCast(0, 7, 1, 0, 1e4, 0.4, func(id ID) bool { return id != mine })
		return id, d
	}
	id1, d1 := cast(a)
	id2, d2 := cast(b)
	again, d := cast(a)
	require.Equal(t, id1, again)
	require.InDelta(t, d1, d, 0)
	require.Equal(t, id1, id2)
	require.InDelta(t, d1+5.5, d2, 1e-4)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		g.run(1, step)
		g.next()
		v := g.saw(float64(g.tick) - 3.25)
		cast(v)
		v.At(mine)
	}))
}

func BenchmarkRecord(b *testing.B) {
	g := newGallery(b, Rules{})
	for i := range 500 {
		g.Big.Add(place{X: float32(i)})
	}
	g.run(64, func(uint32) {})
	for b.Loop() {
		g.run(1, func(uint32) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/entity")
}

func BenchmarkRayCast(b *testing.B) {
	for _, n := range []int{10, 64, 500} {
		b.Run(map[int]string{10: "10", 64: "64", 500: "500"}[n], func(b *testing.B) {
			g := newGallery(b, Rules{})
			r := rand.New(rand.NewPCG(1, 2))
			for range n {
				g.Big.Add(place{X: r.Float32() * 2000, Y: r.Float64() * 2000})
			}
			g.run(64, func(uint32) {})
			g.next()
			v := g.saw(60.5)
			for b.Loop() {
				v.RayCast(1000, 1000, r.Float64()-0.5, r.Float64()-0.5, 900, 18, nil)
			}
		})
	}
}
