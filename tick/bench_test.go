package tick

import (
	"fmt"
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
				e := w.next(w.waiting.slots[0].key)
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

// BenchmarkLateness measures how late a 100 Hz loop wakes, ours beside what the
// standard library offers. An operation is one tick of 10 ms.
func BenchmarkLateness(b *testing.B) {
	const hz, period = 100, time.Second / 100
	report := func(b *testing.B, h *Histogram) {
		b.Helper()
		b.ReportMetric(float64(h.Quantile(0.5).Nanoseconds())/1e3, "p50-µs")
		b.ReportMetric(float64(h.Quantile(0.99).Nanoseconds())/1e3, "p99-µs")
		b.ReportMetric(float64(h.Max().Nanoseconds())/1e3, "max-µs")
	}
	for _, portable := range []bool{false, true} {
		b.Run(fmt.Sprintf("scheduler/portable=%v", portable), func(b *testing.B) {
			s := New(Config{Workers: 1, PortableTimer: portable})
			e, err := s.Add(taskFunc(func(t *Tick) bool { return t.N < uint64(b.N) }), Options{Hz: hz})
			if err != nil {
				b.Fatal(err)
			}
			<-e.Done()
			report(b, s.Stats().Lateness)
			if err := s.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.Run("time.Ticker", func(b *testing.B) {
		h, start, tk := new(Histogram), time.Now(), time.NewTicker(period)
		defer tk.Stop()
		for n := 1; n <= b.N; n++ {
			<-tk.C
			h.Record(int64(time.Since(start) - time.Duration(n)*period))
		}
		report(b, h)
	})
	b.Run("time.Sleep", func(b *testing.B) {
		h, start := new(Histogram), time.Now()
		for n := 1; n <= b.N; n++ {
			due := time.Duration(n) * period
			time.Sleep(due - time.Since(start))
			h.Record(int64(time.Since(start) - due))
		}
		report(b, h)
	})
}
