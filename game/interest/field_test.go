package interest

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"gameserver/game/snap"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const quantum = 0.5

// set is a set of things at places.
type set struct {
	rows snap.Rows
	xs   []int32
	ys   []int32
	cap  int
}

// world is some sets and whatever else a test hides in them.
type world struct {
	sets []*set
	born uint32
}

func newWorld(sets, limit int) *world {
	w := &world{}
	for range sets {
		w.sets = append(w.sets, &set{cap: limit})
	}
	return w
}

func (w *world) Column(set, field int) []int32 {
	if field == 0 {
		return w.sets[set].xs
	}
	return w.sets[set].ys
}

func (w *world) add(i int, x, y float64) int {
	s := w.sets[i]
	slot := s.rows.Reserve(s.cap)
	for len(s.xs) <= slot {
		s.xs, s.ys = append(s.xs, 0), append(s.ys, 0)
	}
	w.born++
	s.rows.Insert(slot, w.born, w.born)
	w.put(i, slot, x, y)
	return slot
}

func (w *world) put(i, slot int, x, y float64) {
	w.sets[i].xs[slot], w.sets[i].ys[slot] = int32(x/quantum), int32(y/quantum)
}

func (w *world) at(i, slot int) Point {
	return Point{float32(float64(w.sets[i].xs[slot]) * quantum), float32(float64(w.sets[i].ys[slot]) * quantum)}
}

func (s *set) lives(slot int) bool {
	return slot/64 < len(s.rows.Live) && s.rows.Live[slot/64]>>(slot%64)&1 != 0
}

func (w *world) config(c Config) Config {
	for _, s := range w.sets {
		c.Sets = append(c.Sets, Set{Rows: &s.rows, Kind: Near, X: 0, Y: 1, QX: quantum, QY: quantum, Cap: s.cap})
	}
	return c
}

// bandOf returns the band of a slot, -1 if it is not in view.
func bandOf(t require.TestingT, e *Eye, set, slot int) int {
	band := -1
	for b, words := range e.Sight.Sets[set].Bands {
		if slot/64 < len(words) && words[slot/64]>>(slot%64)&1 != 0 {
			require.Equal(t, -1, band, "the bands are disjoint")
			band = b
		}
	}
	return band
}

func visible(e *Eye) (n int) {
	for _, s := range e.Sight.Sets {
		for _, words := range s.Bands {
			for _, w := range words {
				n += bits.OnesCount64(w)
			}
		}
	}
	return n
}

// oracle says what a viewer is to see, entity by entity, from the rules as they
// are written in the package comment.
type oracle struct {
	c      Config
	in     map[[2]int]sighting
	sub    [2]float32
	last   Viewer
	judged uint32
	looked bool // at the last Update
}

type sighting struct {
	gen    uint32
	period int // in which it came into view
	band   int
}

// moves is what happened to the entities at one Update.
type moves struct {
	fresh map[[2]int]bool // born or jumped
	gen   map[[2]int]uint32
	at    map[[2]int]Point
}

// track follows the entities over Updates.
func track(w *world, before *moves, cell float32) *moves {
	m := &moves{map[[2]int]bool{}, map[[2]int]uint32{}, map[[2]int]Point{}}
	for i, s := range w.sets {
		for slot := range s.xs {
			if !s.lives(slot) {
				continue
			}
			k := [2]int{i, slot}
			m.gen[k], m.at[k] = s.rows.Gen[slot], w.at(i, slot)
			if before == nil || before.gen[k] != m.gen[k] {
				m.fresh[k] = true
				continue
			}
			p, q := before.at[k], m.at[k]
			m.fresh[k] = abs(p.X-q.X) > cell || abs(p.Y-q.Y) > cell
		}
	}
	return m
}

func floor32(v, size float32) float32 { return float32(cellOf(v, size)) }

// missed tells an oracle of an Update that its viewer did not look at.
func (o *oracle) missed(m *moves) {
	o.looked = false
	for k, s := range o.in {
		if m.fresh[k] || m.gen[k] != s.gen {
			delete(o.in, k)
		}
	}
}

func (o *oracle) look(tick, every uint32, v Viewer, m *moves) {
	r := float32(o.c.Radius)
	sub := [2]float32{floor32(v.At.X, r/8), floor32(v.At.Y, r/8)}
	n := uint32(v.Number)
	anew := !o.looked || sub != o.sub || v.Blind != o.last.Blind || v.Set != o.last.Set || v.Slot != o.last.Slot || (tick+n)/every != (o.judged+n)/every
	period := int((tick + n) / o.c.Dwell)
	next := map[[2]int]sighting{}
	for k, gen := range m.gen {
		own := v.Set == k[0] && v.Slot == k[1]
		dx, dy := m.at[k].X-v.At.X, m.at[k].Y-v.At.Y
		d := float32(dx*dx) + float32(dy*dy)
		was, held := o.in[k]
		held = held && was.gen == gen && !m.fresh[k]
		switch {
		case o.c.Rule != nil && !own && !o.c.Rule(v.Number, k[0], k[1]):
		case v.Blind:
		case !anew && held: // as it was
			next[k] = was
			continue
		case !anew && m.fresh[k] && d <= r*r:
			next[k] = sighting{gen, period, o.band(d)}
		case anew && d <= r*r, anew && held && d <= float32(r*1.2)*float32(r*1.2):
			s := sighting{gen, period, o.band(d)}
			if held {
				s.period = was.period
			}
			next[k] = s
		case anew && held && period <= was.period+1:
			next[k] = sighting{gen, was.period, o.band(d)}
		}
	}
	o.in, o.looked = next, true
	if anew {
		o.judged, o.sub, o.last = tick, sub, v
	}
}

func (o *oracle) band(d float32) int {
	r, full := float32(o.c.Radius), float32(min(o.c.Full, o.c.Radius))
	mid := (full + r) / 2
	switch {
	case d <= full*full, o.c.Full >= o.c.Radius:
		return 0
	case d <= mid*mid:
		return 1
	case d <= r*r:
		return 2
	}
	return 3
}

// TestAgainstBruteForce plays random worlds and compares what each viewer sees
// with what the rules say of each pair: births, deaths, slots used again, walks,
// jumps, a rule that changes its mind, viewers who skip looks, move and go blind.
func TestAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.IntRange(1, 2).Draw(t, "sets"), 160)
		hidden := map[[2]int]bool{}
		c := Config{
			Radius: 100, Full: rapid.SampledFrom([]float64{30, 100, 500}).Draw(t, "full"),
			Every: rapid.Uint32Range(1, 8).Draw(t, "every"), Dwell: rapid.Uint32Range(1, 20).Draw(t, "dwell"),
		}
		if rapid.Bool().Draw(t, "fog") {
			c.Rule = func(viewer, set, slot int) bool { return !hidden[[2]int{viewer, set*1000 + slot}] }
		}
		c = w.config(c)
		f := NewField(c)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		place := func() float64 { return float64(r.IntN(1200) - 600) }
		eyes, oracles, viewers := make([]Eye, 3), make([]oracle, 3), make([]Viewer, 3)
		for i := range viewers {
			viewers[i] = Viewer{Number: i, Set: -1, At: Point{float32(place() / 4), float32(place() / 4)}}
			oracles[i].c = c
		}
		var m *moves
		tick := uint32(0)
		for range rapid.IntRange(5, 60).Draw(t, "ticks") {
			tick += 1 + uint32(r.IntN(3))
			w.stir(r, place, hidden)
			f.Update(tick, w)
			m = track(w, m, 50)
			for i := range eyes {
				v := &viewers[i]
				v.stir(r, w, place)
				if r.IntN(5) == 0 {
					oracles[i].missed(m)
					continue
				}
				f.Look(&eyes[i], *v)
				oracles[i].look(tick, c.Every, *v, m)
				oracles[i].same(t, &eyes[i], *v, m, fmt.Sprint("tick ", tick, " viewer ", i))
			}
		}
	})
}

// stir changes a world at random.
func (w *world) stir(r *rand.Rand, place func() float64, hidden map[[2]int]bool) {
	for i, s := range w.sets {
		for slot := range s.xs {
			if !s.lives(slot) {
				continue
			}
			switch n := r.IntN(40); {
			case n == 0:
				s.rows.Remove(slot)
			case n == 1:
				w.put(i, slot, place(), place())
			case n == 2:
				hidden[[2]int{r.IntN(3), i*1000 + slot}] = r.IntN(2) == 0
			case n < 20:
				s.xs[slot] += int32(r.IntN(41) - 20)
				s.ys[slot] += int32(r.IntN(41) - 20)
			}
		}
		n := r.IntN(4)
		if r.IntN(12) == 0 {
			n = 80 // more than a viewer looks at one by one
		}
		for range min(n, s.cap-s.rows.Len()) {
			w.add(i, place(), place())
		}
	}
}

func (v *Viewer) stir(r *rand.Rand, w *world, place func() float64) {
	switch r.IntN(12) {
	case 0:
		v.At = Point{float32(place() / 4), float32(place() / 4)}
	case 1, 2, 3:
		v.At.X += float32(r.IntN(9) - 4)
	case 4:
		v.Blind = !v.Blind
	case 5:
		v.Set = -1
		if s := w.sets[0]; s.rows.Len() > 0 {
			v.Set, v.Slot = 0, s.rows.Next(0, ^uint32(0))
		}
	}
	if v.Set >= 0 && !w.sets[v.Set].lives(v.Slot) {
		v.Set = -1
	}
}

// same compares, but for the viewer's own entity, which is to be seen always.
func (o *oracle) same(t *rapid.T, e *Eye, v Viewer, m *moves, when string) {
	n := 0
	for k := range m.gen {
		want := -1
		if s, ok := o.in[k]; ok {
			want = s.band
		}
		if v.Set == k[0] && v.Slot == k[1] {
			want = 0
			if bandOf(t, e, k[0], k[1]) == 0 {
				// From here on it counts as seen in the first band.
				s, ok := o.in[k]
				if !ok {
					s = sighting{gen: m.gen[k], period: -2} // no dwell holds it
				}
				s.band = 0
				o.in[k] = s
			}
		}
		if got := bandOf(t, e, k[0], k[1]); got != want {
			t.Fatalf("%s: entity %v is in band %d, want %d", when, k, got, want)
		}
		if want >= 0 {
			n++
		}
	}
	if visible(e) != n {
		t.Fatalf("%s: %d bits, %d entities in view: something that is no more is seen", when, visible(e), n)
	}
}
