package tick

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkBesideAHog runs fifty matches at 60 Hz beside one that misbehaves, and
// reports which share of their ticks was on time. An operation is one period.
func BenchmarkBesideAHog(b *testing.B) {
	var over atomic.Bool
	var keep atomic.Pointer[[]byte]
	hogs := []struct {
		name string
		tick func(t *Tick) bool
	}{
		{"none", idle},
		{"loop", func(*Tick) bool {
			for !over.Load() {
			}
			return false
		}},
		{"allocates=1GB/s", func(*Tick) bool {
			for range 266 {
				garbage := make([]byte, 64<<10)
				keep.Store(&garbage)
			}
			return true
		}},
		{"overruns", func(*Tick) bool { burn(40 * time.Millisecond); return true }},
	}
	for _, hog := range hogs {
		for _, realtime := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/realtime=%v", hog.name, realtime), func(b *testing.B) {
				over.Store(false)
				s := New(Config{Utilisation: -1, Realtime: realtime})
				if _, err := s.Add(taskFunc(hog.tick), Options{Hz: 60}); err != nil {
					b.Fatal(err)
				}
				var all []*Entry
				for range 50 {
					e, err := s.Add(taskFunc(func(*Tick) bool { burn(50 * time.Microsecond); return true }), Options{Hz: 60})
					if err != nil {
						b.Fatal(err)
					}
					all = append(all, e)
				}
				b.ResetTimer()
				time.Sleep(time.Duration(b.N) * time.Second / 60)
				b.StopTimer()
				var sum Counts
				worst := time.Duration(0)
				for _, e := range all {
					st := e.Stats()
					sum.OnTime += st.OnTime
					sum.Expected += st.Expected
					worst = max(worst, st.Lateness.P99)
				}
				b.ReportMetric(100*sum.OnTimeRatio(), "%-on-time")
				b.ReportMetric(float64(worst.Microseconds()), "worst-p99-µs")
				b.ReportMetric(float64(s.Stats().Steals), "steals")
				over.Store(true)
				if err := s.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
				runtime.GC()
			})
		}
	}
}
