package tick

import (
	"testing"
	"time"
)

// phased is a task that enters every phase.
type phased struct{}

func (phased) Tick(t *Tick) bool {
	for p := range NumPhases {
		t.Begin(p)
	}
	return true
}

// quiet returns a worker whose goroutine does not run, with n entries.
func quiet(tb testing.TB, n int, task Task) *worker {
	tb.Helper()
	s := New(Config{Workers: 1, PortableTimer: true, Utilisation: -1})
	if err := s.Close(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	w := newWorker(s, 0)
	tb.Cleanup(w.timer.close)
	s.workers[0].Store(w)
	s.closed = false
	for range n {
		if _, err := s.Add(task, Options{Hz: 60}); err != nil {
			tb.Fatal(err)
		}
	}
	return w
}

// pass runs every entry once, as if their next tick were due now.
func pass(w *worker) int {
	now := w.clk.now()
	for _, s := range w.waiting.slots {
		s.e.sched.anchor += now - s.e.sched.due(s.e.slot)
	}
	w.waiting.rekey()
	ran := 0
	for e := w.next(now); e != nil; e = w.next(now) {
		w.step(e, now)
		ran++
	}
	return ran
}

// rekey restores the heap after a test has moved the schedules.
func (h *heap) rekey() {
	for i := range h.slots {
		h.slots[i].key = h.slots[i].e.sched.due(h.slots[i].e.slot)
		h.up(i)
	}
}

func TestPassAllocatesNothing(t *testing.T) {
	const entries = 50
	w := quiet(t, entries, phased{})
	ran := 0
	if n := testing.AllocsPerRun(200, func() { ran += pass(w) }); n != 0 {
		t.Errorf("%v allocations in a pass", n)
	}
	if ran != 201*entries {
		t.Errorf("%d ticks ran, not %d", ran, 201*entries)
	}
}

func TestHistogramAllocatesNothing(t *testing.T) {
	h := new(Histogram)
	if n := testing.AllocsPerRun(100, func() { h.Record(12345); _ = h.Quantile(0.5) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTimersAllocateNothing arms and waits for both timers.
func TestTimersAllocateNothing(t *testing.T) {
	clk := &clock{base: time.Now()}
	timers := []timer{newPortableTimer(clk)}
	if k, err := newKernelTimer(clk); err == nil {
		timers = append(timers, k)
	}
	for _, tm := range timers {
		if n := testing.AllocsPerRun(20, func() {
			tm.arm(clk.now() + 1000)
			if err := tm.wait(); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", tm.name(), n)
		}
		tm.close()
	}
}
