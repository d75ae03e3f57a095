package tick

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// realtime returns a scheduler under real-time priority, or skips the test.
func realtime(tb testing.TB, workers int) *Scheduler {
	tb.Helper()
	if err := func() error {
		errs := make(chan error)
		go func() { errs <- tryRealtime() }()
		return <-errs
	}(); err != nil {
		tb.Skip(err)
	}
	return New(Config{Workers: workers, Realtime: true})
}

// tryRealtime takes the priority and gives it back.
func tryRealtime() error {
	if err := setPolicy(0, true); err != nil {
		return err
	}
	return setPolicy(0, false)
}

func TestRealtimeWorkers(t *testing.T) {
	s := realtime(t, 2)
	policies := make(chan uint32, 1)
	e := add(t, s, Options{Hz: 200}, func(tk *Tick) bool {
		if tk.N == 20 {
			a, err := unix.SchedGetAttr(0, 0)
			if err != nil {
				panic(err)
			}
			policies <- a.Policy
		}
		return tk.N < 40
	})
	slow := add(t, s, Options{Hz: 1}, idle)
	<-e.Done()
	require.Equal(t, uint32(unix.SCHED_FIFO), <-policies)
	st := s.Stats()
	require.NoError(t, st.Refusal)
	require.Equal(t, 2, st.Realtime)
	require.Equal(t, "realtime", st.Timer)
	// An entry added while the workers sleep wakes one.
	fast := add(t, s, Options{Hz: 200}, func(*Tick) bool { return false })
	<-fast.Done()
	slow.Stop()
	require.NoError(t, s.Close(t.Context()))
}

// TestRealtimeDoesNotStarve has a worker run for longer than it may.
func TestRealtimeDoesNotStarve(t *testing.T) {
	s := realtime(t, 1)
	policy := func() uint32 {
		a, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			panic(err)
		}
		return a.Policy
	}
	var during, after uint32
	e := add(t, s, Options{Hz: 50, Policy: CatchUp{Max: -1}}, func(tk *Tick) bool {
		switch tk.N {
		case 5:
			during = unix.SCHED_FIFO
			for start := time.Now(); during == unix.SCHED_FIFO && time.Since(start) < 1500*ms; {
				during = policy()
			}
		case 15:
			after = policy()
		}
		return tk.N < 15
	})
	<-e.Done()
	require.Equal(t, uint32(unix.SCHED_NORMAL), during)
	require.Equal(t, uint32(unix.SCHED_FIFO), after)
	require.NotZero(t, s.Stats().Demoted)
	require.NoError(t, s.Close(t.Context()))
}

func TestRealtimeRefusedIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 1, Realtime: true})
		e := add(t, s, Options{Hz: 100}, idle)
		until(s, time.Second)
		require.Equal(t, uint64(100), e.Stats().OnTime, "it falls back")
		st := s.Stats()
		require.Error(t, st.Refusal)
		require.Zero(t, st.Realtime)
	})
}
