package tick

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// GroupStats is the account of all entries of a group, those that are gone
// included.
type GroupStats struct {
	Counts
	Group    string
	Entries  int // alive
	Lateness Summary
	Duration Summary
	Phases   [NumPhases]PhaseTotal
	Causes   Causes
}

// Causes say where the time of late and long ticks went: the sums over their
// blames.
type Causes struct {
	Blames uint64
	Late   [NumCauses]time.Duration
	Took   [NumCauses]time.Duration
}

// tally is Causes in the making. The keeper writes, any goroutine may read.
type tally struct {
	blames     atomic.Uint64
	late, took [NumCauses]atomic.Int64
}

func (t *tally) add(b *Blame) {
	t.blames.Add(1)
	for c := range NumCauses {
		t.late[c].Add(int64(b.LateParts[c]))
		t.took[c].Add(int64(b.TookParts[c]))
	}
}

func (t *tally) read() Causes {
	c := Causes{Blames: t.blames.Load()}
	for i := range NumCauses {
		c.Late[i], c.Took[i] = time.Duration(t.late[i].Load()), time.Duration(t.took[i].Load())
	}
	return c
}

// phaseSums is the time spent in each phase.
type phaseSums [NumPhases]struct{ sum, max atomic.Int64 }

func (p *phaseSums) add(o *phaseSums) {
	for i := range p {
		p[i].sum.Add(o[i].sum.Load())
		raise(&p[i].max, o[i].max.Load())
	}
}

func (p *phaseSums) totals() (all [NumPhases]PhaseTotal) {
	for i := range p {
		all[i] = PhaseTotal{Sum: time.Duration(p[i].sum.Load()), Max: time.Duration(p[i].max.Load())}
	}
	return all
}

// group is what entries have in common. What the dead ones have used is added
// up here; the living are asked when somebody wants to know.
type group struct {
	name   string
	causes tally

	// Guarded by Scheduler.mu.
	entries int
	past    sums
}

// sums is the part of an account that can be added up.
type sums struct {
	counts             Counts
	lateness, duration sketch
	phases             phaseSums
}

func (s *sums) add(e *Entry) {
	e.counts.addTo(&s.counts)
	s.lateness.merge(&e.lateness)
	s.duration.merge(&e.duration)
	s.phases.add(&e.phases)
}

// join makes e a member of its group. The caller holds mu.
func (s *Scheduler) join(e *Entry, name string) {
	g := s.groups[name]
	if g == nil && len(s.groups) >= MaxGroups {
		name = otherGroup
		g = s.groups[name]
	}
	if g == nil {
		g = &group{name: name}
		s.groups[name] = g
	}
	g.entries++
	e.group = g
}

// Groups returns the account of each group, by name.
func (s *Scheduler) Groups() []GroupStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]GroupStats, 0, len(s.groups))
	for _, g := range s.groups {
		sum := &sums{counts: g.past.counts}
		sum.lateness.merge(&g.past.lateness)
		sum.duration.merge(&g.past.duration)
		sum.phases.add(&g.past.phases)
		for _, crew := range s.crews {
			for _, e := range crew {
				if e.group == g {
					sum.add(e)
				}
			}
		}
		all = append(all, GroupStats{
			Counts: sum.counts, Group: g.name, Entries: g.entries, Causes: g.causes.read(), Phases: sum.phases.totals(),
			Lateness: sum.lateness.summary(), Duration: sum.duration.summary(),
		})
	}
	slices.SortFunc(all, func(a, b GroupStats) int { return cmp.Compare(a.Group, b.Group) })
	return all
}
