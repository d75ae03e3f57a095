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
	s    *Scheduler
	id   int
	clk  *clock
	done chan struct{} // closed when the goroutine has ended for good

	goid   atomic.Uint64 // of the goroutine
	totals totals

	mu       sync.Mutex // guards the following and the entries' queue state
	timer    timer
	waiting  heap // entries by the time their next tick is due
	ready    heap // entries that are due, by deadline
	cur      *Entry
	curKey   int64 // its place in ready
	behind   bool  // overload: an entry fell behind since the worker last slept
	crush    int64 // number of the overload, or of the next one
	sleeping bool
	closed   bool
}

func newWorker(s *Scheduler, id int, portable bool) *worker {
	w := &worker{s: s, id: id, clk: &s.clk, done: make(chan struct{}), crush: 1}
	if !portable {
		t, err := newKernelTimer(w.clk)
		if err == nil {
			w.timer = t
			return w
		}
		if !errors.Is(err, errFakeTime) {
			s.log.Warn("tick: using the portable timer", slog.Int("worker", id), slog.Any("error", err))
		}
	}
	w.timer = newPortableTimer(w.clk)
	return w
}

// run is the goroutine. A task that calls runtime.Goexit takes it down with its
// deferred calls running; the worker then goes on in a new one.
func (w *worker) run() {
	w.goid.Store(goid())
	over := false
	defer func() {
		if !over {
			go w.run()
		}
	}()
	defer w.abandon()
	now := w.clk.now()
	for {
		if e := w.next(now); e != nil {
			now = w.step(e, now)
			continue
		}
		if !w.sleep() {
			break
		}
		now = w.clk.now()
	}
	over = true
	w.shut()
}

// next returns the entry whose tick must be run first. With nothing due it arms
// the timer and returns nil.
func (w *worker) next(now int64) *Entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sleeping = false
	if w.closed {
		return nil
	}
	for w.waiting.len() > 0 && w.waiting.slots[0].key <= now {
		_, e := w.waiting.pop()
		w.enqueue(&w.ready, e.deadline(w.crush), e)
	}
	if w.ready.len() > 0 {
		key, e := w.ready.pop()
		e.state, w.cur, w.curKey = stateRunning, e, key
		return e
	}
	w.sleeping = true
	if w.behind {
		w.behind = false
		w.crush++ // all debts are void
	}
	if w.waiting.len() > 0 {
		w.timer.arm(w.waiting.slots[0].key)
	}
	return nil
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

// step runs one tick of e and returns the time it ended.
func (w *worker) step(e *Entry, now int64) int64 {
	o := e.begin(now)
	keep := w.call(e)
	now = w.clk.now()
	e.finish(&o, now)
	w.put(e, keep, &o)
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
	return e.task.Tick(&e.tick)
}

// report hands a panic to whoever wants it. It runs where the panic was
// recovered, so the stack still shows its origin.
func (w *worker) report(e *Entry, v any) {
	w.totals.panics.Add(1)
	stack := make([]byte, MaxStack)
	stack = stack[:runtime.Stack(stack, false)]
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

// put returns e to the queue after a tick, or ends it.
func (w *worker) put(e *Entry, keep bool, o *outcome) {
	w.mu.Lock()
	w.cur = nil
	if keep && !e.stopping && !w.closed {
		e.state = stateQueued
		w.charge(e, o)
		w.enqueue(&w.waiting, e.sched.due(e.slot), e)
		w.mu.Unlock()
		return
	}
	e.state = stateGone
	w.mu.Unlock()
	w.retire(e)
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
		w.put(e, false, nil)
		w.report(e, errGoexit)
	}
}

// enqueue puts e into one of the heaps. The caller holds mu.
func (w *worker) enqueue(h *heap, key int64, e *Entry) {
	e.home = h
	h.push(key, e)
}

// add takes a new entry and wakes the worker if it is the first to be due.
func (w *worker) add(e *Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	due := e.sched.due(e.slot)
	w.enqueue(&w.waiting, due, e)
	if w.sleeping && w.waiting.slots[0].e == e {
		w.timer.arm(due)
	}
	return nil
}

// stop removes an entry that is queued, or marks one that is running.
func (w *worker) stop(e *Entry) (removed, running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
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

// retire is called exactly once for every entry, when it has been taken from
// the queue for good.
func (w *worker) retire(e *Entry) {
	w.s.forget(e)
	close(e.done)
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
	for _, h := range []*heap{&w.ready, &w.waiting} {
		for _, s := range h.slots {
			s.e.state = stateGone
			rest = append(rest, s.e)
		}
		h.slots = nil
	}
	w.mu.Unlock()
	for _, e := range rest {
		w.retire(e)
	}
	close(w.done)
}
