package tick

import (
	"fmt"
	"runtime/trace"
	"sync"
	"testing"
	"time"
)

// BenchmarkIdleTick is the whole cost of an empty tick: queue, decision, account.
func BenchmarkIdleTick(b *testing.B) {
	for _, n := range []int{1, 50, 1000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			w := quiet(b, n, taskFunc(idle))
			// Virtual time: always the next deadline.
			b.ReportAllocs()
			for b.Loop() {
				e, _ := w.next(w.waiting.slots[0].key)
				w.step(e, e.sched.due(e.slot))
			}
		})
	}
}

func BenchmarkBegin(b *testing.B) {
	t := Tick{clk: &clock{base: time.Now()}}
	b.ReportAllocs()
	for b.Loop() {
		t.Begin(PhaseStep)
	}
}

func BenchmarkHistogramRecord(b *testing.B) {
	h := new(Histogram)
	ns := int64(1)
	b.ReportAllocs()
	for b.Loop() {
		h.Record(ns)
		ns = ns*6364136223846793005 + 1442695040888963407
		ns = int64(uint64(ns) >> 34)
	}
}

func BenchmarkHistogramQuantile(b *testing.B) {
	h := new(Histogram)
	for i := range int64(100000) {
		h.Record(i * i)
	}
	for b.Loop() {
		h.Quantile(0.99)
	}
}

// BenchmarkAccounting is what an entry with all phases costs, and how much of that
// is a tick that is late and has to be explained.
func BenchmarkAccounting(b *testing.B) {
	for _, late := range []time.Duration{0, 2 * time.Millisecond} {
		b.Run(fmt.Sprintf("late=%v", late), func(b *testing.B) {
			w := quiet(b, 1, phased{})
			b.ReportAllocs()
			for b.Loop() {
				now := w.waiting.slots[0].key + int64(late)
				e, _ := w.next(now)
				w.step(e, now)
				w.pend.n = 0 // as if the keeper had fetched it
				e.sched.anchor += w.clk.now() - e.sched.due(e.slot)
				w.waiting.slots[0].key = e.sched.due(e.slot)
			}
		})
	}
}

// BenchmarkSample is what a worker pays to look at its thread: when it has been
// woken late or a tick was long, and before some of its sleeps.
func BenchmarkSample(b *testing.B) {
	clk := &clock{base: time.Now()}
	h, w := newHost(clk), &worker{clk: clk}
	defer w.thread.close()
	b.ReportAllocs()
	for b.Loop() {
		h.sample(w)
	}
}

// BenchmarkEvidence is what the keeper pays forty times a second, with all threads
// there are.
func BenchmarkEvidence(b *testing.B) {
	clk := &clock{base: time.Now()}
	h, now := newHost(clk), clk.now()
	defer h.close()
	b.ReportAllocs()
	for b.Loop() {
		now += sampleEvery
		h.observe(now)
	}
}

// spread is how entries that each have a goroutine are started.
func spread(b *testing.B, entries int, loop func(h *Histogram, start time.Time, ticks int)) *Histogram {
	b.Helper()
	h := new(Histogram)
	var wg sync.WaitGroup
	for i := range entries {
		wg.Go(func() { loop(h, time.Now().Add(time.Duration(i)*latenessPeriod/time.Duration(entries)), b.N) })
	}
	wg.Wait()
	return h
}

const latenessHz, latenessPeriod = 60, time.Second / 60

// BenchmarkLateness measures how late entries at 60 Hz begin, ours beside what
// the standard library offers, alone and with five hundred of them. Each keeps a
// processor busy for 10 µs. An operation is one period.
func BenchmarkLateness(b *testing.B) {
	report := func(b *testing.B, h *Histogram) {
		b.Helper()
		for name, q := range map[string]float64{"p50-µs": 0.5, "p99-µs": 0.99, "p99.9-µs": 0.999, "max-µs": 1} {
			b.ReportMetric(float64(h.Quantile(q).Nanoseconds())/1e3, name)
		}
	}
	for _, n := range []int{1, 500} {
		for _, c := range []Config{{}, {PortableTimer: true}, {Realtime: true}} {
			name := fmt.Sprintf("entries=%d/scheduler", n)
			switch {
			case c.Realtime:
				name += "-realtime"
			case c.PortableTimer:
				name += "-portable"
			}
			b.Run(name, func(b *testing.B) {
				c.Utilisation = -1
				report(b, scheduled(b, c, n))
			})
		}
		b.Run(fmt.Sprintf("entries=%d/time.Ticker", n), func(b *testing.B) {
			report(b, spread(b, n, func(h *Histogram, start time.Time, ticks int) {
				time.Sleep(time.Until(start))
				start, tk := time.Now(), time.NewTicker(latenessPeriod)
				defer tk.Stop()
				for n := 1; n <= ticks; n++ {
					<-tk.C
					h.Record(int64(time.Since(start) - time.Duration(n)*latenessPeriod))
					burn(10 * time.Microsecond)
				}
			}))
		})
		b.Run(fmt.Sprintf("entries=%d/time.Sleep", n), func(b *testing.B) {
			report(b, spread(b, n, func(h *Histogram, start time.Time, ticks int) {
				for n := 1; n <= ticks; n++ {
					due := start.Add(time.Duration(n) * latenessPeriod)
					time.Sleep(time.Until(due))
					h.Record(int64(time.Since(due)))
					burn(10 * time.Microsecond)
				}
			}))
		})
	}
}

// scheduled runs n entries for b.N ticks each.
func scheduled(b *testing.B, c Config, n int) *Histogram {
	b.Helper()
	s := New(c)
	var all []*Entry
	for range n {
		e, err := s.Add(taskFunc(func(t *Tick) bool { burn(10 * time.Microsecond); return t.N < uint64(b.N) }), Options{Hz: latenessHz})
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, e)
	}
	for _, e := range all {
		<-e.Done()
	}
	st := s.Stats()
	if c.Realtime && st.Realtime == 0 {
		b.Skip(st.Refusal)
	}
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	return st.Lateness
}

// crowd is a tick with the phases of a match of ten players who get snapshots.
type crowd struct{}

func (crowd) Tick(t *Tick) bool {
	for _, p := range []Phase{PhaseInput, PhaseStep, PhaseEvents, PhaseInterest, PhaseEncode} {
		t.Begin(p)
	}
	for range 10 {
		t.Begin(PhaseSplice)
		t.Begin(PhaseWrite)
	}
	t.Begin(NumPhases)
	return true
}

// BenchmarkRecorded is what the flight recorder adds to a tick of 25 phases.
func BenchmarkRecorded(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprintf("recorder=%v", on), func(b *testing.B) {
			if on {
				r := trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: 5 * time.Second, MaxBytes: 16 << 20})
				if err := r.Start(); err != nil {
					b.Fatal(err)
				}
				defer r.Stop()
			}
			w := quiet(b, 1, crowd{})
			b.ReportAllocs()
			for b.Loop() {
				e, _ := w.next(w.waiting.slots[0].key)
				w.step(e, e.sched.due(e.slot))
			}
		})
	}
}
