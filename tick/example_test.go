package tick_test

import (
	"context"
	"fmt"
	"time"

	"gameserver/tick"
)

// world is a task with two phases.
type world struct{ x float64 }

func (w *world) Tick(t *tick.Tick) bool {
	t.Begin(tick.PhaseStep)
	w.x += 1.0 / 100
	t.Begin(tick.PhaseWrite)
	return t.N < 25
}

func Example() {
	s := tick.New(tick.Config{})
	defer s.Close(context.Background())
	w := &world{}
	e, err := s.Add(w, tick.Options{Name: "demo", Hz: 100, Policy: tick.CatchUp{Max: 100}})
	if err != nil {
		fmt.Println(err)
		return
	}
	<-e.Done()
	st := e.Stats()
	fmt.Printf("%d ticks, x = %.2f, never early: %v\n", st.Ticks, w.x, st.Lateness.Max >= 0)
	// Output: 25 ticks, x = 0.25, never early: true
}

func ExampleHistogram() {
	var h tick.Histogram
	for i := range 100 {
		h.Record(int64(i+1) * int64(time.Millisecond))
	}
	fmt.Println(h.Count(), h.Quantile(0.5).Round(time.Millisecond), h.Max())
	// Output: 100 50ms 100ms
}
