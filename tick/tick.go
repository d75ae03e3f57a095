package tick

import (
	"sync/atomic"
	"time"
)

// Phase is a part of a tick whose time is accounted for on its own.
type Phase uint8

// The phases of a tick, in their usual order. NumPhases is their number; passed
// to Begin it ends the current phase without starting another.
const (
	PhaseInput    Phase = iota // draining the inbox
	PhaseStep                  // the simulation
	PhaseEvents                // reliable events it produced
	PhaseInterest              // who sees what
	PhaseEncode                // records shared by all viewers
	PhaseSplice                // one message per viewer
	PhaseWrite                 // handing them to the sockets
	PhaseRecord                // replay, checksums, history
	NumPhases
)

// String returns the phase's name in lower case.
func (p Phase) String() string {
	names := [NumPhases + 1]string{
		"input", "step", "events", "interest", "encode", "splice", "write", "record", "other",
	}
	return names[min(p, NumPhases)]
}

// clock is the monotonic clock of one scheduler, in nanoseconds since base.
type clock struct {
	base time.Time
}

func (c *clock) now() int64 { return int64(time.Since(c.base)) }

// Tick describes the call of Task.Tick it is passed to. The scheduler reuses it:
// it must not be kept. The zero value works, its methods then do nothing more
// than a test by hand needs.
type Tick struct {
	N       uint64        // number of the tick: 1, 2, 3 …, without gaps
	Due     int64         // when it was due, on the clock of Scheduler.Now
	Late    time.Duration // how long after Due it began
	Skipped int           // slots of the schedule given up just before it
	Stretch int           // periods the tick stands for: 1, or more under Stretch
	Length  time.Duration // real time from one tick to the next; longer than 1/Hz when time is scaled down
	Level   Level         // how far the governor asks to reduce the cost
	Cost    time.Duration // of a tick: p95 of a second, smoothed; 0: not measured yet

	clk      *clock
	w        *worker // that runs it
	name     string  // of the entry
	start    int64
	stamp    int64
	phase    uint32 // a Phase; read by others too
	bytes    uint64
	entities uint64
	spent    [NumPhases + 1]int64
	marks    marks
}

// Begin ends the phase that is running and starts p. A phase may be entered
// several times; its times add up. It costs one clock read and allocates
// nothing, unless the execution tracer or labels are on. Time before the first
// Begin belongs to no phase.
func (t *Tick) Begin(p Phase) {
	if t.clk == nil {
		return
	}
	t.lap(p, t.clk.now())
	if t.marks.on {
		t.marks.begin(p)
	}
}

// Count adds to what the tick has sent: bytes, and records of entities.
func (t *Tick) Count(bytes, entities int) {
	t.bytes += uint64(max(bytes, 0))
	t.entities += uint64(max(entities, 0))
}

func (t *Tick) lap(p Phase, now int64) {
	t.spent[min(t.current(), NumPhases)] += now - t.stamp
	t.stamp = now
	atomic.StoreUint32(&t.phase, uint32(p))
}

// current is the phase that is running.
func (t *Tick) current() Phase { return Phase(atomic.LoadUint32(&t.phase)) }

// longest returns the phase that took longest, and how long.
func (t *Tick) longest() (Phase, int64) {
	best := NumPhases
	for p := range NumPhases {
		if t.spent[p] > t.spent[best] {
			best = p
		}
	}
	return best, t.spent[best]
}

// reset makes t ready for a tick that starts now.
func (t *Tick) reset(now int64) {
	t.start, t.stamp = now, now
	t.bytes, t.entities = 0, 0
	atomic.StoreUint32(&t.phase, uint32(NumPhases))
	clear(t.spent[:])
}
