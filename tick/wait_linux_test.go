package tick

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTimerfd runs against the kernel's clock. It has no upper bound on
// lateness: only what the timer promises at any load.
func TestTimerfd(t *testing.T) {
	s := New(Config{Workers: 2})
	require.Equal(t, "timerfd", s.Stats().Timer)
	early := make(chan time.Duration, 64)
	var entries []*Entry
	for _, hz := range []int{60, 100, 240} {
		entries = append(entries, add(t, s, Options{Hz: hz, Policy: CatchUp{Max: MaxCatchUp}}, func(tk *Tick) bool {
			if tk.Late < 0 || tk.Due > s.Now() {
				early <- tk.Late
			}
			return tk.N < 20
		}))
	}
	for _, e := range entries {
		<-e.Done()
		require.Equal(t, uint64(20), e.Stats().Ticks)
	}
	require.Empty(t, early, "a tick never runs before it is due")
	require.NoError(t, s.Close(t.Context()))
}

// TestTimerfdWakesForAdd adds to workers that sleep with nothing armed, and to
// one that sleeps for a second.
func TestTimerfdWakesForAdd(t *testing.T) {
	s := New(Config{Workers: 1})
	for range 3 {
		e := add(t, s, Options{Hz: 240}, func(*Tick) bool { return false })
		<-e.Done()
	}
	slow := add(t, s, Options{Hz: 1}, idle)
	e := add(t, s, Options{Hz: 240}, func(tk *Tick) bool { return tk.N < 3 })
	<-e.Done()
	slow.Stop()
	require.NoError(t, s.Close(t.Context()))
}

// TestTimerfdOffset compares the kernel's clock with ours twice: both follow
// the same counter.
func TestTimerfdOffset(t *testing.T) {
	clk := &clock{base: time.Now()}
	a, err := kernelOffset(clk)
	require.NoError(t, err)
	b, err := kernelOffset(clk)
	require.NoError(t, err)
	require.InDelta(t, a, b, float64(time.Millisecond))
}

func TestTimerfdIsNotForBubbles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := newKernelTimer(&clock{base: time.Now()})
		require.ErrorIs(t, err, errFakeTime)
	})
}

// TestBrokenTimerIsReplaced pulls the descriptor from under a worker.
func TestBrokenTimerIsReplaced(t *testing.T) {
	s := New(Config{Workers: 1})
	e := add(t, s, Options{Hz: 100}, func(tk *Tick) bool { return tk.N < 20 })
	w := s.workers[0].Load()
	w.mu.Lock()
	w.timer.close()
	w.mu.Unlock()
	<-e.Done()
	require.Equal(t, "portable", s.Stats().Timer)
	require.NoError(t, s.Close(t.Context()))
}
