package tick

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Task is what an entry runs.
type Task interface {
	// Tick is called once per tick by one goroutine at a time. Returning false
	// removes the entry. It must not block and must not keep t.
	Tick(t *Tick) bool
}

// Options describe an entry. Only Hz is required.
type Options struct {
	Name    string                    // for logs and statistics
	Hz      int                       // ticks per second, MinHz to MaxHz
	Policy  Policy                    // what to do when late; nil: CatchUp{}
	OnPanic func(v any, stack []byte) // called on the worker after a panic in Tick; nil: logged
}

// where an entry is.
type state uint8

const (
	stateQueued state = iota // in one of the worker's heaps
	stateRunning
	stateGone
)

// Entry is a task in a scheduler. It ends when its Tick returns false or
// panics, when Stop is called, or with the scheduler.
type Entry struct {
	// Immutable after Add.
	w       *worker
	seq     uint64
	task    Task
	name    string
	onPanic func(any, []byte)
	rule    rule
	hz      int64
	period  int64 // nanoseconds, rounded down
	phase   int64
	done    chan struct{}

	// Guarded by w.mu.
	state    state
	stopping bool
	home     *heap // the heap it is in while queued
	pos      int   // its place there

	// Owned by the worker while running, guarded by w.mu between ticks.
	sched schedule
	slot  int64 // of the next tick
	left  int64 // catch-up ticks it may still run
	debt  int64 // earliest deadline it may claim in the queue
	crush int64 // the overload in which it ran up the debt; void in others
	tick  Tick

	// Written by the worker, read by anyone.
	counts   counters
	lateness sketch
	duration sketch
	phases   [NumPhases]struct{ sum, max atomic.Int64 }
}

func newEntry(t Task, o Options) (*Entry, error) {
	if t == nil {
		return nil, fmt.Errorf("tick: nil task")
	}
	if o.Hz < MinHz || o.Hz > MaxHz {
		return nil, fmt.Errorf("tick: rate of %d Hz outside %d to %d", o.Hz, MinHz, MaxHz)
	}
	r, err := ruleOf(o.Policy)
	if err != nil {
		return nil, err
	}
	hz := int64(o.Hz)
	return &Entry{
		task: t, name: o.Name, onPanic: o.OnPanic, rule: r, left: r.max,
		hz: hz, period: second / hz, done: make(chan struct{}),
	}, nil
}

// Stop removes the entry. When it returns, Tick is not running and will not run
// again. Called from inside any Tick it does not wait: the entry then ends with
// the call that is running. It may be called any number of times.
func (e *Entry) Stop() {
	removed, running := e.w.stop(e)
	if removed {
		e.w.retire(e)
		return
	}
	if running && e.w.s.inside() {
		return
	}
	<-e.done
}

// Done returns a channel that is closed when the entry has ended, after its last
// Tick.
func (e *Entry) Done() <-chan struct{} { return e.done }

// Stats returns the entry's account so far.
func (e *Entry) Stats() EntryStats {
	s := EntryStats{
		Name: e.name, Hz: int(e.hz), Worker: e.w.id,
		Lateness: e.lateness.summary(), Duration: e.duration.summary(),
	}
	e.counts.addTo(&s.Counts)
	for p := range e.phases {
		s.Phases[p] = PhaseTotal{
			Sum: time.Duration(e.phases[p].sum.Load()),
			Max: time.Duration(e.phases[p].max.Load()),
		}
	}
	return s
}

// load estimates the nanoseconds per second the entry costs its worker.
func (e *Entry) load() int64 {
	cost := assumedCost
	if n := int64(e.counts.ticks.Load()); n > 0 {
		cost = max(e.duration.sum.Load()/n, floorCost)
	}
	return cost * e.hz
}

// start puts the entry on the grid that begins at the scheduler's birth: its
// first slot is due within a period from now.
func (e *Entry) start(phase, now int64) {
	e.phase = phase
	e.sched = schedule{anchor: phase, hz: e.hz}
	e.slot = e.sched.last(now) + 1
}

// deadline is the entry's place in the queue of those that are due: the end of
// its tick's time, or later when it is in debt.
func (e *Entry) deadline(crush int64) int64 {
	end := e.sched.due(e.slot + 1)
	if e.crush == crush {
		return max(end, e.debt)
	}
	return end
}

// begin prepares the tick that starts now and says what it is.
func (e *Entry) begin(now int64) outcome {
	d := e.sched.decide(e.slot, now, e.rule, e.left)
	o := outcome{decision: d, period: e.period, catchUp: d.steps > 1 || d.slide > 0}
	for i, stride := int64(0), 1+d.skip/maxCorrections; i < d.skip; i += stride {
		late, n := now-e.sched.due(e.slot+i), min(stride, d.skip-i)
		e.lateness.record(late, n)
		e.w.totals.lateness.record(late, n)
	}
	if d.steps > 1 {
		e.left--
	}
	e.slot += d.skip
	t := &e.tick
	t.N++
	t.Due = e.sched.due(e.slot)
	t.Late = time.Duration(d.late)
	t.Skipped = int(d.skip)
	t.reset(now)
	return o
}

// finish closes the account of the tick that ended now and moves on to the next
// slot.
func (e *Entry) finish(o *outcome, now int64) {
	t := &e.tick
	t.lap(NumPhases, now)
	o.duration = now - t.start
	o.onTime = now < e.sched.due(e.slot+1)
	if o.slide > 0 {
		o.periods = o.slide / e.period
		e.sched.anchor += o.slide
	}
	e.record(o)
	e.slot++
	o.behind = now >= e.sched.due(e.slot)
	if !o.behind {
		e.left = e.rule.max
	}
}

func (e *Entry) record(o *outcome) {
	w := &e.w.totals
	e.counts.add(o)
	w.counters.add(o)
	e.lateness.record(o.late, 1)
	w.lateness.record(o.late, 1)
	e.duration.record(o.duration, 1)
	w.duration.record(o.duration, 1)
	for p := range e.phases {
		if ns := e.tick.spent[p]; ns > 0 {
			e.phases[p].sum.Add(ns)
			raise(&e.phases[p].max, ns)
			w.phases[p].record(ns, 1)
		}
	}
}
