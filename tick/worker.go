package tick

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
)

var errGoexit = errors.New("tick: task called runtime.Goexit")

// worker runs its entries one after the other on one goroutine.
type worker struct {
	// Immutable after New.
	s      *Scheduler
	id     int
	clk    *clock
	totals *totals
	done   chan struct{} // closed when the goroutine has ended for good

	goid     atomic.Uint64 // of the goroutine
	nextDue  atomic.Int64  // when the earliest entry in the queue is due
	meter    meter
	thread   thread
	forked   atomic.Bool // fork has parts
	fork     fork
	priority priority

	// Owned by the goroutine.
	loot testimony // about the entry stolen last

	mu      sync.Mutex // guards the following and the entries' queue state
	timer   timer
	waiting heap // entries by the time their next tick is due
	ready   heap // entries that are due, by deadline
	parked  heap // entries that are paused

	cur       *Entry
	curKey    int64 // its place in ready
	began     int64 // when its tick began
	behind    bool  // overload: an entry fell behind since the worker last slept
	crush     int64 // number of the overload, or of the next one
	sleeping  bool
	meant     int64 // what the timer is armed for; never: it is not
	closed    bool
	successor *worker // that took over when a tick got stuck here

	woke    int64 // when it last woke
	wokeCum int64 // busy then
	gap     gap
	past    history

	pend pending
}

func newWorker(s *Scheduler, id int) *worker {
	w := &worker{s: s, id: id, clk: &s.clk, totals: new(totals), done: make(chan struct{}), crush: 1, meant: never}
	w.nextDue.Store(never)
	w.timer = w.newTimer()
	return w
}

func (w *worker) newTimer() timer {
	if w.s.conf.PortableTimer {
		return newPortableTimer(w.clk)
	}
	t, err := newKernelTimer(w.clk)
	if err == nil {
		return t
	}
	if !errors.Is(err, errFakeTime) {
		w.s.log.Warn("tick: using the portable timer", slog.Int("worker", w.id), slog.Any("error", err))
	}
	return newPortableTimer(w.clk)
}

// run is the goroutine. A task that calls runtime.Goexit takes it down with its
// deferred calls running; the worker then goes on in a new one.
func (w *worker) run() {
	w.goid.Store(goid())
	if w.s.conf.Realtime {
		if err := w.enthrone(); err != nil {
			w.s.refuse(err)
		}
	}
	over := false
	defer func() {
		if !over {
			go w.run()
		}
	}()
	defer w.abandon()
	now := w.wake(w.clk.now())
	for {
		e, at := w.next(now)
		if e != nil {
			now = w.step(e, at)
			continue
		}
		if !w.sleep() {
			break
		}
		now = w.wake(w.clk.now())
	}
	over = true
	w.shut()
}

// next returns the entry whose tick must be run first, and when that begins: of
// the worker's own, or else one that is late elsewhere. With nothing due it arms
// the timer and returns nil.
func (w *worker) next(now int64) (*Entry, int64) {
	for {
		e, own, closed := w.take(now)
		if e != nil || closed {
			return e, now
		}
		if len(w.s.workers) == 1 {
			break
		}
		if w.assist() {
			now = w.clk.now()
			continue
		}
		if e = w.steal(own, now); e != nil {
			w.mu.Lock()
			w.cur, w.began = e, now
			w.mu.Unlock()
			return e, now
		}
		break
	}
	w.rest()
	return nil, now
}

// take returns the first of the worker's entries that are due. If there is none
// it returns when one will be.
func (w *worker) take(now int64) (e *Entry, own int64, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sleeping = false
	if w.closed {
		return nil, never, true
	}
	w.promote(now)
	if w.ready.len() > 0 {
		key, e := w.ready.pop()
		e.state, e.runner = stateRunning, w
		w.cur, w.curKey, w.began = e, key, now
		w.publish()
		return e, 0, false
	}
	if w.waiting.len() > 0 {
		return nil, w.waiting.slots[0].key, false
	}
	return nil, never, false
}

// promote moves the entries that are due from waiting to ready. The caller holds
// mu.
func (w *worker) promote(now int64) {
	for w.waiting.len() > 0 && w.waiting.slots[0].key <= now {
		_, e := w.waiting.pop()
		w.enqueue(&w.ready, e.deadline(w.crush), e)
	}
}

// rest prepares for sleep.
func (w *worker) rest() {
	at, _ := w.help()
	now := w.clk.now()
	if at <= now {
		at = now + int64(stealAfter) // it was declined
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.behind && w.ready.len() == 0 {
		w.behind = false
		w.crush++ // all debts are void
	}
	w.sleeping = true
	w.publish()
	if len(w.s.workers) > 1 && w.s.alive.Load() > 0 {
		at = min(at, now+int64(guardPoll))
	}
	if w.ready.len() > 0 {
		at = 0
	} else if w.waiting.len() > 0 {
		at = min(at, w.waiting.slots[0].key)
	}
	w.meant = at
	if at != never {
		w.timer.arm(at)
	}
}

// sleep waits for the timer. It reports false when the worker is closed.
func (w *worker) sleep() bool {
	w.mu.Lock()
	t, closed := w.timer, w.closed
	w.mu.Unlock()
	if closed {
		return false
	}
	w.totals.wakes.Add(1)
	w.thread.calm(w)
	w.restore()
	if err := t.wait(); err != nil {
		w.s.log.Error("tick: timer failed, using the portable one",
			slog.Int("worker", w.id), slog.Any("error", err))
		w.mu.Lock()
		t.close()
		w.timer = newPortableTimer(w.clk)
		w.mu.Unlock()
	}
	return true
}

// wake notes that the worker is awake, and returns since when.
func (w *worker) wake(now int64) int64 {
	w.mu.Lock()
	meant := w.meant
	w.mu.Unlock()
	gap, now := w.thread.rouse(w, meant, now)
	w.mu.Lock()
	w.woke, w.wokeCum, w.gap = now, w.past.busy, gap
	w.mu.Unlock()
	return now
}

// step runs one tick of e and returns the time it ended.
func (w *worker) step(e *Entry, now int64) int64 {
	o := e.begin(w, now)
	late := o.late > int64(LateThreshold)
	var why testimony
	if late {
		why = w.explain(e, now)
	}
	keep := w.call(e)
	waited, off, now := w.thread.stretch(w, e.tick.start, w.clk.now())
	e.finish(w, &o, now)
	w.meter.add(now, o.duration)
	if w.s.conf.Realtime {
		w.relax(now)
	}
	if late || o.duration > o.period/2 {
		w.accuse(e, &o, &why, waited, off)
	}
	w.put(e, keep, &o, waited)
	return now
}

// call runs the task and survives its panic.
func (w *worker) call(e *Entry) (keep bool) {
	defer func() {
		if v := recover(); v != nil {
			keep = false
			w.report(e, v)
		}
	}()
	t := &e.tick
	t.open(e)
	keep = e.task.Tick(t)
	t.shut()
	return keep
}

// report hands a panic to whoever wants it. It runs where the panic was
// recovered, so the stack still shows its origin.
func (w *worker) report(e *Entry, v any) {
	w.totals.panics.Add(1)
	stack := make([]byte, MaxStack)
	stack = stack[:runtime.Stack(stack, false)]
	e.tick.shut()
	defer func() {
		if again := recover(); again != nil {
			w.s.log.Error("tick: OnPanic panicked", slog.String("entry", e.name), slog.Any("panic", again))
		}
	}()
	if e.onPanic != nil {
		e.onPanic(v, stack)
		return
	}
	w.s.log.Error("tick: task panicked", slog.String("entry", e.name),
		slog.String("panic", fmt.Sprint(v)), slog.String("stack", string(stack)))
}

// put returns e to its queue after a tick, or ends it.
func (w *worker) put(e *Entry, keep bool, o *outcome, waited int64) {
	w.mu.Lock()
	if o != nil {
		w.past.add(e, waited)
	}
	w.cur = nil
	home := e.w.Load()
	if home != w {
		w.mu.Unlock()
		if keep && e.steals.add(e.tick.stamp) {
			w.rehome(e)
		}
		home = e.lock()
	}
	for home.successor != nil && !e.stuck {
		e.w.Store(home.successor)
		home.mu.Unlock()
		home = e.lock()
	}
	if keep && !e.stopping && !e.stuck && !home.closed {
		if home == w {
			w.charge(e, o)
		}
		home.queue(e, e.tick.stamp)
		home.mu.Unlock()
		return
	}
	e.state = stateGone
	home.mu.Unlock()
	e.retire()
}

// charge moves e's place in the queue back by the time it has used while the
// worker is overloaded, times the number of entries that want their share. The
// caller holds mu.
func (w *worker) charge(e *Entry, o *outcome) {
	w.behind = w.behind || o.behind
	if w.behind {
		crowd := int64(w.ready.len() + w.waiting.len() + 1)
		e.debt = min(w.curKey+o.duration*crowd, e.tick.stamp+maxDebt)
		e.crush = w.crush
	}
}

// abandon ends the entry whose task took the goroutine away.
func (w *worker) abandon() {
	w.mu.Lock()
	e := w.cur
	w.mu.Unlock()
	if e != nil {
		w.put(e, false, nil, 0)
		w.report(e, errGoexit)
	}
}

// enqueue puts e into one of the heaps. The caller holds mu.
func (w *worker) enqueue(h *heap, key int64, e *Entry) {
	e.home = h
	h.push(key, e)
}

// queue makes e wait for its next tick, and wakes the worker if that is the
// first. The caller holds mu.
func (w *worker) queue(e *Entry, now int64) {
	resumed := e.home == &w.parked
	e.state = stateQueued
	if !(e.scale > 0) {
		w.enqueue(&w.parked, 0, e)
		w.publish()
		return
	}
	e.pace(now, resumed)
	due := e.sched.due(e.slot)
	w.enqueue(&w.waiting, due, e)
	if w.waiting.slots[0].e != e {
		return
	}
	w.publish()
	if w.sleeping && due < w.meant {
		w.meant = due
		w.timer.arm(due)
	}
}

// add takes a new entry.
func (w *worker) add(e *Entry) error {
	w.mu.Lock()
	for w.successor != nil {
		next := w.successor
		e.w.Store(next)
		w.mu.Unlock()
		w = next
		w.mu.Lock()
	}
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	w.queue(e, w.clk.now())
	return nil
}

// stop removes an entry that is queued, or marks one that is running. The caller
// holds mu.
func (w *worker) stop(e *Entry) (removed, running bool) {
	switch e.state {
	case stateQueued:
		e.home.remove(e.pos)
		e.state = stateGone
		return true, false
	case stateRunning:
		e.stopping = true
		return false, true
	default:
		return false, false
	}
}

// close asks the goroutine to end.
func (w *worker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		w.timer.arm(0)
	}
}

// shut ends all entries once the goroutine has left its loop.
func (w *worker) shut() {
	w.mu.Lock()
	w.timer.close()
	var rest []*Entry
	for _, h := range []*heap{&w.ready, &w.waiting, &w.parked} {
		for _, s := range h.slots {
			s.e.state = stateGone
			rest = append(rest, s.e)
		}
		h.slots = nil
	}
	w.mu.Unlock()
	w.thread.close()
	w.s.recovered(w)
	for _, e := range rest {
		e.retire()
	}
	close(w.done)
}
