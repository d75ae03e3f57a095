package tick

import (
	"fmt"
	"math"
)

const second = int64(1e9)

// A Policy says what happens to ticks whose time has passed: [CatchUp], [Slip]
// or [Stretch]. A nil Policy is CatchUp{}.
type Policy interface {
	rule() rule
}

// CatchUp runs missed ticks back to back, at most Max of them beside the one
// that is due now, and then skips the rest of the schedule. The allowance comes
// back once a tick has finished before the next one is due. Max 0 means
// DefaultCatchUp; a negative Max catches up nothing.
type CatchUp struct {
	Max int
}

// Slip lets the schedule slide: after a missed deadline the next tick is due one
// whole period after the late one began. Nothing is run twice as fast and
// nothing is skipped; simulated time falls behind.
type Slip struct{}

// Stretch makes one longer tick out of those that were missed: it stands for up
// to Max periods (Tick.Stretch says how many), and slots before those are
// skipped. Max 0 means DefaultStretch.
type Stretch struct {
	Max int
}

// rule is a Policy in the form the core works with.
type rule struct {
	slip    bool
	max     int64 // catch-up ticks allowed in a row
	stretch int64 // most periods in one tick, 0: one
}

func (p CatchUp) rule() rule {
	if p.Max == 0 {
		return rule{max: DefaultCatchUp}
	}
	return rule{max: int64(max(p.Max, 0))}
}

func (Slip) rule() rule { return rule{slip: true} }

func (p Stretch) rule() rule {
	if p.Max == 0 {
		return rule{stretch: DefaultStretch}
	}
	return rule{stretch: int64(max(p.Max, 1))}
}

func ruleOf(p Policy) (rule, error) {
	if p == nil {
		p = CatchUp{}
	}
	r := p.rule()
	if r.max > MaxCatchUp {
		return rule{}, fmt.Errorf("tick: catch-up of %d ticks above %d", r.max, MaxCatchUp)
	}
	if r.stretch > MaxStretch {
		return rule{}, fmt.Errorf("tick: stretch of %d ticks above %d", r.stretch, MaxStretch)
	}
	return r, nil
}

// schedule is a grid of deadlines: slot n is due at anchor + (n-from)*1e12/rate.
type schedule struct {
	anchor int64
	from   int64 // the slot that is due at anchor
	rate   int64 // slots per 1000 seconds
}

const kilosecond = 1000 * second

// due returns the deadline of a slot, which must not be before from. Whole
// kiloseconds are split off so that the product cannot overflow.
func (s schedule) due(slot int64) int64 {
	n := slot - s.from
	return s.anchor + n/s.rate*kilosecond + n%s.rate*kilosecond/s.rate
}

// last returns the latest slot that is due at now, or the one before from.
func (s schedule) last(now int64) int64 {
	since := now - s.anchor
	if since < 0 {
		return s.from - 1
	}
	// The inverse of the floor in due: the largest j with j*1e12/rate <= rest.
	return s.from + since/kilosecond*s.rate + ((since%kilosecond+1)*s.rate-1)/kilosecond
}

// period returns the distance between two slots, rounded down.
func (s schedule) period() int64 { return kilosecond / s.rate }

// rescale returns the grid that goes on from the given slot at another rate. The
// slot, the next to run, is due one new period after the one before it was.
func (s schedule) rescale(slot, rate int64) schedule {
	if slot <= s.from {
		return schedule{anchor: s.anchor, from: s.from, rate: rate}
	}
	return schedule{anchor: s.due(slot - 1), from: slot - 1, rate: rate}
}

// rateOf returns hz at a time scale in the unit of schedule.
func rateOf(hz int64, scale float64) int64 {
	return max(int64(math.Round(float64(hz)*scale*1000)), 1)
}

// decision is what to do about a slot that is due.
type decision struct {
	steps   int64 // ticks to run back to back, the one about to run included
	skip    int64 // slots to give up before it
	stretch int64 // periods that the tick stands for
	slide   int64 // nanoseconds by which the schedule moves
	late    int64 // lateness of the tick about to run
}

// missed is how many slots pass without a tick of their own.
func (d decision) missed() int64 { return d.skip + d.stretch - 1 }

// decide answers for an entry whose next slot is due and which may run left more
// catch-up ticks. It is asked again before every tick, so time that passes
// between the steps counts.
func (s schedule) decide(slot, now int64, r rule, left int64) decision {
	d := decision{steps: 1, stretch: 1, late: now - s.due(slot)}
	behind := s.last(now) - slot
	switch {
	case behind <= 0:
	case r.slip:
		d.slide = d.late
	case r.stretch > 0:
		d.stretch = min(behind+1, r.stretch)
		d.skip = behind + 1 - d.stretch
		d.late = now - s.due(slot+behind)
	default:
		d.steps = 1 + min(behind, left)
		d.skip = behind + 1 - d.steps
		d.late = now - s.due(slot+d.skip)
	}
	return d
}
