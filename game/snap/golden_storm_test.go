package snap

import (
	"math/rand/v2"
	"testing"
)

// goldenStorm is a long random game, for what nobody thought of: entities come
// and go, ids are used again, fields change by a little and by all, sights and
// budgets change, and snapshots are skipped.
func goldenStorm(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "a random game of 150 snapshots")
	g.p.view.Check, g.p.view.Owner = true, 10
	r := rand.New(rand.NewPCG(4, 7))
	for range 150 {
		for range r.IntN(4) {
			g.gust(r)
		}
		if r.IntN(5) == 0 {
			g.pass(uint32(1+r.IntN(4)), 1)
		}
		if r.IntN(12) == 0 {
			g.p.view.Sight = randomSight(r)
		}
		g.head.Budget = []int{0, 0, 0, 40}[r.IntN(4)]
		g.snap("")
	}
	g.p.view.Sight, g.head.Budget = nil, 0
	g.snap("everything, at the end")
	return g
}

// gust changes one thing.
func (g *golden) gust(r *rand.Rand) {
	set := r.IntN(3)
	live := g.live(set)
	switch {
	case len(live) == 0 || len(live) < 8 && r.IntN(3) == 0:
		g.add(set, 0, thing{A: r.IntN(2) == 0, B: int8(r.IntN(256)), D: int32(r.Uint32()), J: r.Float32()})
	case r.IntN(6) == 0:
		g.del(set, live[r.IntN(len(live))])
	default:
		v := g.sets[set].at(live[r.IntN(len(live))])
		v.A = !v.A
		v.B += int8(r.IntN(3))
		if r.IntN(4) == 0 {
			v.D, v.H, v.J, v.K = int32(r.Uint32()), r.Uint32(), float32(r.IntN(1000)), r.NormFloat64()*1e6
		}
	}
}

func randomSight(r *rand.Rand) *Sight {
	s := &Sight{Sets: make([]SetSight, 3)}
	for set := range s.Sets {
		for band := range NumBands {
			s.Sets[set].Bands[band] = []uint64{0, 0}
		}
		for slot := range seaCap {
			if band := r.IntN(NumBands + 1); band < NumBands {
				s.Sets[set].Bands[band][slot/64] |= 1 << (slot % 64)
			}
		}
	}
	return s
}
