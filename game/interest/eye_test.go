package interest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBands(t *testing.T) {
	w := newWorld(1, 64)
	for _, d := range []float64{0, 50, 51, 75, 76, 100, 101, 119, 121} {
		w.add(0, d, 0)
	}
	f := NewField(w.config(Config{Radius: 100, Full: 50, Every: 1, Dwell: 1}))
	var e Eye
	bands := func(tick uint32) (out []int) {
		f.Update(tick, w)
		f.Look(&e, Viewer{Set: -1})
		for slot := range 9 {
			out = append(out, bandOf(t, &e, 0, slot))
		}
		return out
	}
	require.Equal(t, []int{0, 0, 1, 1, 2, 2, -1, -1, -1}, bands(1))
	f.Thin(true, false)
	require.Equal(t, []int{0, 0, 2, 2, 3, 3, -1, -1, -1}, bands(2))
	f.Thin(false, false)
	for slot := range 9 {
		w.sets[0].xs[slot] += 20 // 10 units
	}
	require.Equal(t, []int{0, 1, 1, 2, 2, 3, -1, -1, -1}, bands(3))
}

// TestBorder walks entities to and fro over the border of a view: one that stays
// between the two radii changes nothing, and one that goes far beyond both
// changes at most twice in a dwell.
func TestBorder(t *testing.T) {
	w := newWorld(1, 64)
	near, far := w.add(0, 95, 0), w.add(0, 95, 0)
	const dwell = 30
	f := NewField(w.config(Config{Radius: 100, Full: 100, Every: 1, Dwell: dwell}))
	var e Eye
	changes := [2]int{}
	was := [2]bool{}
	const ticks = 3000
	for tick := uint32(1); tick <= ticks; tick++ {
		out := float64(tick % 2)
		w.put(0, near, 95+20*out, 0)
		w.put(0, far, 95+40*out, 0)
		f.Update(tick, w)
		f.Look(&e, Viewer{Set: -1})
		for i, slot := range []int{near, far} {
			if in := bandOf(t, &e, 0, slot) >= 0; in != was[i] {
				was[i] = in
				changes[i]++
			}
		}
	}
	require.LessOrEqual(t, changes[0], 1)
	require.Greater(t, changes[1], 2)
	require.LessOrEqual(t, changes[1], 2*ticks/dwell+2)
}

// TestJudgementsAreSpread holds that of many viewers who stand still an even part
// is judged in each tick.
func TestJudgementsAreSpread(t *testing.T) {
	w := newWorld(1, 64)
	w.add(0, 0, 0)
	f := NewField(w.config(Config{Radius: 100, Full: 100, Every: 8, Dwell: 30}))
	eyes := make([]Eye, 80)
	look := func(tick uint32) (n int) {
		f.Update(tick, w)
		for i := range eyes {
			before := eyes[i].judged
			f.Look(&eyes[i], Viewer{Number: i, Set: -1})
			if eyes[i].judged != before {
				n++
			}
		}
		return n
	}
	require.Equal(t, 80, look(1))
	for tick := uint32(2); tick < 100; tick++ {
		require.Equal(t, 10, look(tick))
	}
	f.Thin(false, true)
	look(100)
	for tick := uint32(101); tick < 200; tick++ {
		require.Equal(t, 5, look(tick))
	}
}

// TestKinds holds who sees what has no place.
func TestKinds(t *testing.T) {
	w := newWorld(3, 64)
	for i := range w.sets {
		for range 4 {
			w.add(i, 0, 0)
		}
	}
	c := w.config(Config{Radius: 1, Every: 1, Dwell: 1})
	c.Sets[0].Kind, c.Sets[1].Kind, c.Sets[2].Kind = All, Own, Team
	f := NewField(c)
	var e Eye
	see := func(v Viewer) (out [3][]int) {
		f.Look(&e, v)
		for i := range out {
			for slot := range 4 {
				if bandOf(t, &e, i, slot) == 0 {
					out[i] = append(out[i], slot)
				}
			}
		}
		return out
	}
	f.Update(1, w)
	for slot, team := range []int{7, 8, 7} {
		f.Member(team, 2, slot)
	}
	all := []int{0, 1, 2, 3}
	require.Equal(t, [3][]int{all, {2}, {1}}, see(Viewer{Set: 1, Slot: 2, Team: 8}))
	require.Equal(t, [3][]int{all, nil, {0, 2}}, see(Viewer{Set: -1, Team: 7}))
	f.Update(2, w)
	require.Equal(t, [3][]int{all, nil, nil}, see(Viewer{Set: -1, Team: 7}), "who has left a team is not of it")
}

// TestHiddenChangesNothing plays one world twice, the second time with a crowd
// that one viewer may not see: births, deaths and jumps in its midst included.
// What the viewer does see, and when, is the same.
func TestHiddenChangesNothing(t *testing.T) {
	play := func(crowd bool) (seen [][]uint64) {
		w := newWorld(2, 4096)
		c := w.config(Config{Radius: 100, Full: 50, Every: 8, Dwell: 30})
		c.Rule = func(_, set, _ int) bool { return set == 0 }
		f := NewField(c)
		open, secret := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(2, 2))
		place := func(r *rand.Rand) float64 { return float64(r.IntN(600) - 300) }
		for range 300 {
			w.add(0, place(open), place(open))
		}
		var e Eye
		for tick := uint32(1); tick < 400; tick++ {
			for slot := range w.sets[0].xs {
				w.sets[0].xs[slot] += int32(open.IntN(9) - 4)
			}
			if crowd {
				s := w.sets[1]
				for range secret.IntN(200) {
					if s.rows.Len() < s.cap {
						w.add(1, place(secret), place(secret))
					}
				}
				for slot := range s.xs {
					if s.lives(slot) && secret.IntN(20) == 0 {
						s.rows.Remove(slot)
					} else if s.lives(slot) {
						w.put(1, slot, place(secret), place(secret))
					}
				}
			}
			f.Update(tick, w)
			f.Look(&e, Viewer{Set: -1})
			require.Zero(t, slices.Max(append(e.Sight.Sets[1].Bands[0], 0)))
			var flat []uint64
			for _, words := range e.Sight.Sets[0].Bands {
				flat = append(flat, words...)
			}
			seen = append(seen, flat)
		}
		return seen
	}
	require.Equal(t, play(false), play(true))
}
