package match

import (
	"fmt"
	"testing"
	"time"

	"gameserver/tick"
)

// BenchmarkFork is what dividing the work for many seats among idle workers is
// worth: each seat costs as much as to put together its message, or that and a
// write. An operation is one tick's work, for all seats; serial is the same in one
// go.
func BenchmarkFork(b *testing.B) {
	for _, each := range []time.Duration{time.Microsecond, 8 * time.Microsecond} {
		for _, seats := range []int{64, 256, 1024} {
			for _, workers := range []int{1, 2} {
				how := "serial"
				if workers > 1 {
					how = "forked"
				}
				b.Run(fmt.Sprintf("seat=%v/seats=%d/%s", each, seats, how), func(b *testing.B) {
					forkAll(b, seats, workers, each)
				})
			}
		}
	}
}

func forkAll(b *testing.B, seats, workers int, each time.Duration) {
	b.Helper()
	m := &Match{}
	part := func(from, to int) {
		for range to - from {
			for start := time.Now(); time.Since(start) < each; {
			}
		}
	}
	s := tick.New(tick.Config{Workers: workers, Utilisation: -1, Stuck: -1})
	took, n := time.Duration(0), 0
	e, err := s.Add(taskFunc(func(t *tick.Tick) bool {
		t.Cost, t.Length = time.Second, time.Second // big, whatever it has cost
		start := time.Now()
		m.fork(t, seats, part)
		took += time.Since(start)
		n++
		return n < b.N
	}), tick.Options{Name: "fork", Hz: 240})
	if err != nil {
		b.Fatal(err)
	}
	<-e.Done()
	if err := s.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(n), "ns/tick")
	b.ReportMetric(0, "ns/op") // the tick rate's
}
