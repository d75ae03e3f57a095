package tick

import "slices"

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

// place chooses the worker with the least load and there the phase that is
// furthest from all others. Phases are compared modulo the shortest period on
// the worker, which is exact for rates that divide one another.
func place(crews [][]*Entry, hz int64) (worker int, phase int64) {
	least := int64(-1)
	for i, crew := range crews {
		load := int64(0)
		for _, e := range crew {
			load += e.load()
		}
		if least < 0 || load < least {
			worker, least = i, load
		}
	}
	fastest := hz
	phases := make([]int64, 0, len(crews[worker]))
	for _, e := range crews[worker] {
		fastest = max(fastest, e.hz)
		phases = append(phases, e.phase)
	}
	return worker, freePhase(phases, second/fastest)
}
