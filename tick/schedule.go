package tick

import "fmt"

const second = int64(1e9)

// A Policy says what happens to ticks whose time has passed: [CatchUp] or
// [Slip]. A nil Policy is CatchUp{}.
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

// rule is a Policy in the form the core works with.
type rule struct {
	slip bool
	max  int64 // catch-up ticks allowed in a row
}

func (p CatchUp) rule() rule {
	if p.Max == 0 {
		return rule{max: DefaultCatchUp}
	}
	return rule{max: int64(max(p.Max, 0))}
}

func (Slip) rule() rule { return rule{slip: true} }

func ruleOf(p Policy) (rule, error) {
	if p == nil {
		p = CatchUp{}
	}
	r := p.rule()
	if r.max > MaxCatchUp {
		return rule{}, fmt.Errorf("tick: catch-up of %d ticks above %d", r.max, MaxCatchUp)
	}
	return r, nil
}

// schedule is a grid of deadlines: slot n is due at anchor + n*1e9/hz.
type schedule struct {
	anchor int64
	hz     int64
}

// due returns the deadline of a slot. Whole seconds are split off so that the
// product cannot overflow.
func (s schedule) due(slot int64) int64 {
	return s.anchor + slot/s.hz*second + slot%s.hz*second/s.hz
}

// last returns the latest slot that is due at now, or -1 before the first.
func (s schedule) last(now int64) int64 {
	since := now - s.anchor
	if since < 0 {
		return -1
	}
	// The inverse of the floor in due: the largest j with j*1e9/hz <= rest.
	return since/second*s.hz + ((since%second+1)*s.hz-1)/second
}

// decision is what to do about a slot that is due.
type decision struct {
	steps int64 // ticks to run back to back, the one about to run included
	skip  int64 // slots to give up before it
	slide int64 // nanoseconds by which the schedule moves
	late  int64 // lateness of the tick about to run
}

// decide answers for an entry whose next slot is due and which may run left more
// catch-up ticks. It is asked again before every tick, so time that passes
// between the steps counts.
func (s schedule) decide(slot, now int64, r rule, left int64) decision {
	d := decision{steps: 1, late: now - s.due(slot)}
	behind := s.last(now) - slot
	switch {
	case behind <= 0:
	case r.slip:
		d.slide = d.late
	default:
		d.steps = 1 + min(behind, left)
		d.skip = behind + 1 - d.steps
		d.late = now - s.due(slot+d.skip)
	}
	return d
}
