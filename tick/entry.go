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
	Group   string                    // whose account it also goes into, such as the kind of game
	Hz      int                       // ticks per second, MinHz to MaxHz
	Policy  Policy                    // what to do when late; nil: CatchUp{}
	Cost    time.Duration             // what a tick is expected to take until it has been measured; 0: as the others
	Dilate  bool                      // the governor may slow the entry's time down (LevelDilate and above)
	OnPanic func(v any, stack []byte) // called on the worker after a panic in Tick; nil: logged
}

// where an entry is.
type state uint8

const (
	stateQueued state = iota // in one of its worker's heaps
	stateRunning
	stateGone
)

// Entry is a task in a scheduler. It ends when its Tick returns false or
// panics, when Stop is called, or with the scheduler.
type Entry struct {
	// Immutable after Add.
	s       *Scheduler
	seq     uint64
	task    Task
	name    string
	onPanic func(any, []byte)
	rule    rule
	hz      int64
	phase   int64
	hint    int64 // Options.Cost
	dilate  bool
	done    chan struct{}
	lost    chan struct{} // closed when its tick is found stuck
	group   *group
	causes  *tally
	ring    ring
	hoard   int64 // bytes of ring that count

	w    atomic.Pointer[worker] // where it is queued; changes with the old one's mu held
	crew int                    // index of its list; guarded by s.mu

	// Guarded by w.mu.
	state    state
	stopping bool
	stuck    bool
	scale    float64 // of time; 0: paused
	home     *heap   // the heap it is in while queued
	pos      int     // its place there

	// Owned by the worker that runs it, guarded by w.mu between ticks.
	runner *worker
	sched  schedule
	slot   int64 // of the next tick
	left   int64 // catch-up ticks it may still run
	debt   int64 // earliest deadline it may claim in the queue
	crush  int64 // the overload in which it ran up the debt; void in others
	steals steals
	window window
	gov    governor
	tick   Tick
	labels *labels // nil until they are wanted

	// Written by the worker, read by anyone.
	cost     atomic.Int64 // of a tick, smoothed p95 in ns; 0: not measured yet
	level    atomic.Uint32
	allocs   atomic.Bool
	counts   counters
	lateness sketch
	duration sketch
	phases   phaseSums
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
	return &Entry{
		task: t, name: o.Name, onPanic: o.OnPanic, rule: r, left: r.max,
		hz: int64(o.Hz), hint: int64(max(o.Cost, 0)), dilate: o.Dilate, scale: 1,
		done: make(chan struct{}), lost: make(chan struct{}), causes: new(tally),
	}, nil
}

// lock locks the worker that the entry belongs to and returns it.
func (e *Entry) lock() *worker {
	for {
		w := e.w.Load()
		w.mu.Lock()
		if e.w.Load() == w {
			return w
		}
		w.mu.Unlock()
	}
}

// Stop removes the entry. When it returns, Tick is not running and will not run
// again. Called from inside any Tick it does not wait: the entry then ends with
// the call that is running; nor does it wait for a Tick found stuck. It may be
// called any number of times.
func (e *Entry) Stop() {
	w := e.lock()
	removed, running := w.stop(e)
	w.mu.Unlock()
	if removed {
		e.retire()
		return
	}
	if running && e.s.inside() {
		return
	}
	select {
	case <-e.done:
	case <-e.lost:
	}
}

// Done returns a channel that is closed when the entry has ended, after its last
// Tick.
func (e *Entry) Done() <-chan struct{} { return e.done }

// Scale sets how fast the entry's time passes: 0 pauses it, 1 is its own rate, 2
// twice that; the rate is kept within MinHz/10 and MaxHz. Ticks stand for the same
// simulated time at any scale. It takes effect with the next tick that is not
// running yet, and may be called from anywhere, the entry's own Tick included.
func (e *Entry) Scale(f float64) {
	if !(f > 0) {
		f = 0 // NaN too
	}
	w := e.lock()
	defer w.mu.Unlock()
	if e.state == stateGone {
		return
	}
	was := e.scale
	e.scale = f
	if e.state == stateQueued && was != f {
		e.home.remove(e.pos)
		w.queue(e, e.s.clk.now())
	}
}

// CountAllocs switches the counting of allocations in the entry's ticks on or
// off. They are read from the runtime's own statistics, so what other goroutines
// allocate at the same time is counted too.
func (e *Entry) CountAllocs(on bool) { e.allocs.Store(on) }

// Stats returns the entry's account so far.
func (e *Entry) Stats() EntryStats {
	w := e.lock()
	s := EntryStats{
		ID: e.seq, Name: e.name, Group: e.group.name, Hz: int(e.hz), Worker: w.id, Scale: e.scale, Stuck: e.stuck,
		Length: time.Duration(e.sched.period()), Level: Level(e.level.Load()), Cost: time.Duration(e.cost.Load()),
	}
	w.mu.Unlock()
	s.Use = float64(s.Cost) / float64(s.Length) / budgetSoft
	s.Lately, s.Causes, s.Phases = e.ring.lately(e.hz), e.causes.read(), e.phases.totals()
	s.Lateness, s.Duration = e.lateness.summary(), e.duration.summary()
	e.counts.addTo(&s.Counts)
	return s
}

// start puts the entry on the grid that begins at the scheduler's birth: its
// first slot is due within a period from now.
func (e *Entry) start(phase, now int64) {
	e.phase = phase
	e.sched = schedule{anchor: coarse(phase, second/e.hz), rate: rateOf(e.hz, 1)}
	e.slot = e.sched.last(now) + 1
}

// pace brings the schedule to the wanted rate before the entry is queued.
func (e *Entry) pace(now int64, resumed bool) {
	if !(e.scale > 0) {
		return
	}
	most, least := rateOf(MaxHz, 1), rateOf(MinHz, 0.1)
	rate := max(min(rateOf(e.hz, e.scale/e.gov.dilation(e.dilate)), most), least)
	if rate != e.sched.rate {
		e.sched = e.sched.rescale(e.slot, rate)
	}
	if resumed {
		// The pause is no lateness: the next free slot is the next tick.
		e.slot = max(e.slot, e.sched.last(now)+1)
	}
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

// begin prepares the tick that starts now on w and says what it is.
func (e *Entry) begin(w *worker, now int64) outcome {
	d := e.sched.decide(e.slot, now, e.rule, e.left)
	o := outcome{decision: d, period: e.sched.period(), catchUp: d.steps > 1 || d.slide > 0}
	missed := d.missed()
	for i, stride := int64(0), 1+missed/maxCorrections; i < missed; i += stride {
		late, n := now-e.sched.due(e.slot+i), min(stride, missed-i)
		e.lateness.record(late, n)
		w.totals.lateness.record(late, n)
	}
	if d.steps > 1 {
		e.left--
	}
	e.slot += missed
	t := &e.tick
	t.w, t.name = w, e.name
	t.N++
	t.Due = e.sched.due(e.slot)
	t.Late = time.Duration(d.late)
	t.Skipped = int(d.skip)
	t.Stretch = int(d.stretch)
	t.Length = time.Duration(o.period)
	t.Level, t.Cost = Level(e.level.Load()), time.Duration(e.cost.Load())
	t.reset(now)
	return o
}

// finish closes the account of the tick that ended now on w and moves on to the
// next slot.
func (e *Entry) finish(w *worker, o *outcome, now int64) {
	t := &e.tick
	t.lap(NumPhases, now)
	o.duration = now - t.start
	o.onTime = now < e.sched.due(e.slot+1)
	if o.slide > 0 {
		o.periods = o.slide / o.period
		e.sched.anchor += o.slide
	}
	e.record(w, o)
	e.slot++
	o.behind = now >= e.sched.due(e.slot)
	if !o.behind {
		e.left = e.rule.max
	}
	if p95, full := e.window.add(o.duration, now); full {
		e.review(w, p95, now)
	}
}

// review is called about once a second with the p95 of the ticks since the last
// time.
func (e *Entry) review(w *worker, p95, now int64) {
	cost := e.cost.Load()
	if cost == 0 {
		cost = p95
	} else {
		cost += (p95 - cost) / 2
	}
	e.cost.Store(max(cost, 1))
	was := Level(e.level.Load())
	level := e.gov.observe(pressure(cost, e.sched.period(), w.utilisation()), now)
	if !e.dilate {
		level = min(level, LevelRefuse)
	}
	if level != was {
		e.level.Store(uint32(level))
		w.note(LevelChange{
			Name: e.name, From: was, To: level, Cost: time.Duration(cost),
			Length: time.Duration(e.sched.period()), N: e.tick.N,
		})
	}
}

func (e *Entry) record(w *worker, o *outcome) {
	sum, t := w.totals, &e.tick
	o.bytes, o.entities = t.bytes, t.entities
	o.allocs, o.mem = t.marks.allocated()
	e.counts.add(o)
	sum.add(o)
	e.ring.put(t, o)
	e.lateness.record(o.late, 1)
	sum.lateness.record(o.late, 1)
	e.duration.record(o.duration, 1)
	sum.duration.record(o.duration, 1)
	for p := range e.phases {
		if ns := t.spent[p]; ns > 0 {
			e.phases[p].sum.Add(ns)
			raise(&e.phases[p].max, ns)
			sum.phases[p].record(ns, 1)
		}
	}
}

// retire is called exactly once for every entry, when it has been taken from
// the queue for good.
func (e *Entry) retire() {
	e.s.forget(e)
	close(e.done)
}
