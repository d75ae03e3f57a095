package tick

import (
	"math"
	"slices"
)

// freePhase returns the middle of the largest gap between the phases, taken
// modulo the period; of equal gaps the earliest. With no phases it is 0, so that
// entries added one after the other get 0, 1/2, 1/4, 3/4, 1/8 of the period and
// so on. It sorts phases in place.
func freePhase(phases []int64, period int64) int64 {
	if len(phases) == 0 {
		return 0
	}
	for i := range phases {
		phases[i] %= period
	}
	slices.Sort(phases)
	best, at := int64(-1), int64(0)
	for i, p := range phases {
		next := phases[0] + period
		if i+1 < len(phases) {
			next = phases[i+1]
		}
		if gap := next - p; gap > best {
			best, at = gap, p+gap/2
		}
	}
	return at % period
}

// coarse moves a phase to the nearest of the places that are at least wakeEvery
// apart: so many entries that their ticks would follow one another faster than
// that share a place and a waking, which costs more than most of their ticks. The
// number of places is a power of two, as are those that freePhase finds, so that
// these stay where they are, and later ones are spread evenly over them.
func coarse(phase, period int64) int64 {
	places := int64(1)
	for period/(2*places) >= int64(wakeEvery) {
		places *= 2
	}
	return (phase*places + period/2) / period * period / places
}

// load is the share of a worker's time the entry needs: by its measured p95, in
// its first second by its mean, and before that by what was announced or, if
// nothing was, by what is assumed.
func (e *Entry) load(assumed int64) float64 {
	cost := e.cost.Load()
	switch n := int64(e.counts.ticks.Load()); {
	case cost > 0:
		cost = max(cost, floorCost)
	case n > 0: // in its first second
		cost = max(e.duration.sum.Load()/n, e.hint, floorCost)
	case e.hint > 0:
		cost = e.hint
	default:
		cost = assumed
	}
	return float64(cost) * float64(e.hz) / float64(second)
}

// typical is the mean cost of the entries that have been measured.
func typical(crews [][]*Entry) int64 {
	sum, n := int64(0), int64(0)
	for _, crew := range crews {
		for _, e := range crew {
			if c := e.cost.Load(); c > 0 {
				sum += max(c, floorCost)
				n++
			}
		}
	}
	if n == 0 {
		return assumedCost
	}
	return sum / n
}

// place chooses the worker with the most time left, of those not shunned, and
// there the phase that is furthest from all others. It reports false when no
// worker may be loaded with e up to limit. Phases are compared modulo the
// shortest period on the worker, which is exact for rates that divide one
// another.
func place(crews [][]*Entry, shunned func(int) bool, e *Entry, limit float64) (worker int, phase int64, ok bool) {
	assumed := typical(crews)
	least := math.Inf(1)
	worker = -1
	for i, crew := range crews {
		if shunned(i) {
			continue
		}
		load := 0.0
		for _, o := range crew {
			load += o.load(assumed)
		}
		if load < least {
			worker, least = i, load
		}
	}
	if worker < 0 || least+e.load(assumed) > limit {
		return 0, 0, false
	}
	fastest := e.hz
	phases := make([]int64, 0, len(crews[worker]))
	for _, o := range crews[worker] {
		fastest = max(fastest, o.hz)
		phases = append(phases, o.phase)
	}
	return worker, freePhase(phases, second/fastest), true
}
