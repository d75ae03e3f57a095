package tick

import "time"

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
// it must not be kept. The zero value works, its Begin then does nothing.
type Tick struct {
	N       uint64        // number of the tick: 1, 2, 3 …, without gaps
	Due     int64         // when it was due, on the clock of Scheduler.Now
	Late    time.Duration // how long after Due it began
	Skipped int           // slots of the schedule given up just before it

	clk   *clock
	start int64
	stamp int64
	phase Phase
	spent [NumPhases + 1]int64
}

// Begin ends the phase that is running and starts p. A phase may be entered
// several times; its times add up. It costs one clock read and allocates
// nothing. Time before the first Begin belongs to no phase.
func (t *Tick) Begin(p Phase) {
	if t.clk == nil {
		return
	}
	t.lap(p, t.clk.now())
}

func (t *Tick) lap(p Phase, now int64) {
	t.spent[t.phase] += now - t.stamp
	t.stamp, t.phase = now, p
}

// reset makes t ready for a tick that starts now.
func (t *Tick) reset(now int64) {
	t.start, t.stamp, t.phase = now, now, NumPhases
	clear(t.spent[:])
}
