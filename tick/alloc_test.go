package tick

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
	for {
		e, _ := w.next(now)
		if e == nil {
			return ran
		}
		w.step(e, now)
		ran++
	}
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

// TestLatePassAllocatesNothing has every tick late, stolen evidence and all: what
// the worker writes down for the keeper costs no memory either.
func TestLatePassAllocatesNothing(t *testing.T) {
	w := quiet(t, 20, phased{})
	w.thread.host = newHost(w.clk)
	defer w.thread.close()
	if n := testing.AllocsPerRun(200, func() {
		now := w.clk.now()
		w.thread.calm(w)
		w.meant = now - int64(time.Millisecond)
		w.wake(now)
		for _, s := range w.waiting.slots {
			s.e.sched.anchor += now - s.e.sched.due(s.e.slot) - 2*int64(LateThreshold)
		}
		w.waiting.rekey()
		for e, at := w.next(now); e != nil; e, at = w.next(now) {
			w.step(e, at)
		}
		w.pend.n = 0
	}); n != 0 {
		t.Errorf("%v allocations in a late pass", n)
	}
	if w.totals.blames.Load() < 200*20 {
		t.Errorf("only %d late ticks", w.totals.blames.Load())
	}
}

// TestEvidenceAllocatesNothing is about what the keeper reads all the time.
func TestEvidenceAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the detector allocates")
	}
	clk := &clock{base: time.Now()}
	h := newHost(clk)
	if n := testing.AllocsPerRun(100, func() { h.observe(clk.now()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// forker is a task that forks in every tick.
type forker struct {
	part func(int)
	n    atomic.Int64
}

func (f *forker) Tick(t *Tick) bool {
	t.Fork(16, f.part)
	return true
}

func TestForkAllocatesNothing(t *testing.T) {
	s := New(Config{Workers: 2, PortableTimer: true})
	defer s.Close(t.Context())
	w := s.workers[0].Load()
	f := &forker{}
	f.part = func(int) { f.n.Add(1) }
	e := &Entry{task: f, s: s}
	e.tick.w = w
	if n := testing.AllocsPerRun(100, func() { f.Tick(&e.tick) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if f.n.Load() != 101*16 {
		t.Errorf("%d parts ran", f.n.Load())
	}
}

// TestKeeperAllocatesNothing runs its round, with late ticks to explain and
// nobody to tell.
func TestKeeperAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the detector allocates")
	}
	s := New(Config{Workers: 2})
	require.NoError(t, s.Close(t.Context()))
	k, w := s.keeper, s.workers[1].Load()
	causes, group := new(tally), new(group)
	for range MaxBlames {
		k.blames = append(k.blames, Blame{})
	}
	if n := testing.AllocsPerRun(100, func() {
		for i := range maxPending {
			w.pend.raws[i] = raw{causes: causes, group: group, name: "x", start: 2e6, end: 9e6, late: true, heavy: true}
		}
		w.pend.n = maxPending
		now := s.clk.now()
		k.host.observe(now)
		k.judge()
		k.look(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
