package tick

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// plantedLoop is what the stack of a stuck tick has to show.
func plantedLoop(release <-chan struct{}) { <-release }

func TestStuckTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var name, stack string
		var at time.Duration
		var s *Scheduler
		s = virtualWith(t, Config{Workers: 2, OnStuck: func(n string, st []byte) {
			name, stack, at = n, string(st), time.Duration(s.Now())
		}})
		release := make(chan struct{})
		bad := add(t, s, Options{Name: "bad", Hz: 60}, func(tk *Tick) bool {
			if tk.N == 60 {
				plantedLoop(release)
			}
			return true
		})
		var others []*Entry
		for range 9 {
			others = append(others, add(t, s, Options{Hz: 60}, idle))
		}
		others[8].Scale(0)
		until(s, 20*time.Second)
		require.Equal(t, "bad", name)
		require.Contains(t, stack, "plantedLoop")
		require.NotContains(t, stack, "TestStuckTick(", "one goroutine only")
		require.InDelta(t, 3500*ms, at, float64(600*ms))
		require.True(t, bad.Stats().Stuck)
		st := s.Stats()
		require.Equal(t, 1, st.Stuck)
		require.Equal(t, uint64(1), st.Stalls)
		for _, e := range others[:8] {
			require.InDelta(t, 20*60, e.Stats().OnTime, 10, "the others go on")
			require.Less(t, e.Stats().Lateness.Max, ms)
		}
		for range 10 {
			e := add(t, s, Options{Hz: 60}, idle)
			require.NotEqual(t, bad.Stats().Worker, e.Stats().Worker, "new entries are kept off")
		}
		bad.Stop() // does not wait for what may never come
		others[8].Scale(1)
		until(s, 21*time.Second)
		require.Equal(t, uint64(60), others[8].Stats().Ticks, "a paused one has moved too")

		close(release)
		<-bad.Done()
		until(s, 22*time.Second)
		require.Equal(t, uint64(60), bad.Stats().Ticks, "it ended with the stuck tick")
		require.Zero(t, s.Stats().Stuck)
		seen := map[int]bool{}
		for range 10 {
			seen[add(t, s, Options{Hz: 60}, idle).Stats().Worker] = true
		}
		require.True(t, seen[bad.Stats().Worker], "the worker takes entries again")
	})
}

// TestStuckStolenTick gets stuck on the worker that has stolen it.
func TestStuckStolenTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := ""
		s := virtualWith(t, Config{Workers: 2, Utilisation: -1, OnStuck: func(n string, _ []byte) { stuck = n }})
		release := make(chan struct{})
		add(t, s, Options{Name: "busy", Hz: 60}, func(*Tick) bool { time.Sleep(15 * ms); return true })
		thief := add(t, s, Options{Hz: 1, Cost: time.Second}, idle)
		bad := add(t, s, Options{Name: "bad", Hz: 60, Cost: 1}, func(tk *Tick) bool {
			if tk.Late >= stealAfter {
				<-release
			}
			return true
		})
		until(s, 10*time.Second)
		require.Equal(t, "bad", stuck)
		require.True(t, bad.Stats().Stuck)
		require.InDelta(t, 9, thief.Stats().Ticks, 1)
		close(release)
		<-bad.Done()
	})
}

// TestLongTickIsNotStuck stays below the limit, and with a watchdog switched off
// above it.
func TestLongTickIsNotStuck(t *testing.T) {
	for _, c := range []struct {
		stuck, tick time.Duration
		found       int
	}{
		{0, 1900 * ms, 0},
		{0, 2600 * ms, 1},
		{100 * ms, 90 * ms, 0},
		{100 * ms, 130 * ms, 1},
		{-1, time.Minute, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			found := 0
			s := virtualWith(t, Config{Workers: 1, Stuck: c.stuck, OnStuck: func(string, []byte) { found++ }})
			e := add(t, s, Options{Hz: 10}, func(tk *Tick) bool {
				if tk.N == 5 {
					time.Sleep(c.tick)
				}
				return tk.N < 20
			})
			<-e.Done()
			synctest.Wait()
			require.Equal(t, c.found, found)
			require.Equal(t, c.found > 0, e.Stats().Ticks == 5)
		})
	}
}

func TestCloseWithAStuckTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Workers: 1})
		release := make(chan struct{})
		bad := add(t, s, Options{Hz: 10}, func(*Tick) bool { <-release; return true })
		stopped := make(chan struct{})
		go func() { time.Sleep(time.Second); bad.Stop(); close(stopped) }()
		until(s, 10*time.Second)
		<-stopped // it had been waiting before
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Close(ctx), context.DeadlineExceeded)
		close(release)
		require.NoError(t, s.Close(context.Background()))
	})
}

// TestTheLastWorkerIsStuck refuses new entries until it is free again.
func TestTheLastWorkerIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		release := make(chan struct{})
		add(t, s, Options{Hz: 10}, func(*Tick) bool { <-release; return true })
		until(s, 10*time.Second)
		_, err := s.Add(taskFunc(idle), Options{Hz: 10})
		require.ErrorIs(t, err, ErrBusy)
		close(release)
		synctest.Wait()
		add(t, s, Options{Hz: 10}, idle)
	})
}

// TestHookMayClose closes the scheduler from a hook.
func TestHookMayClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Scheduler
		release := make(chan struct{})
		s = New(Config{Workers: 2, OnStuck: func(string, []byte) {
			close(release)
			_ = s.Close(context.Background())
		}})
		e := add(t, s, Options{Hz: 10}, func(*Tick) bool { <-release; return true })
		<-e.Done()
		require.NoError(t, s.Close(context.Background()))
	})
}

// TestRealLoopIsFound has a task spin without a call, in real time.
func TestRealLoopIsFound(t *testing.T) {
	var stack []byte
	found := make(chan struct{})
	s := New(Config{Workers: 1, Stuck: 100 * ms, OnStuck: func(_ string, st []byte) { stack = st; close(found) }})
	over := false
	e := add(t, s, Options{Hz: 100}, func(*Tick) bool { return spin(&over, found) })
	<-found
	<-e.Done()
	require.Contains(t, string(stack), "tick.spin")
	require.NoError(t, s.Close(t.Context()))
}

func spin(over *bool, found <-chan struct{}) bool {
	for !*over {
		for range 1 << 20 {
			*over = *over || false
		}
		select {
		case <-found:
			*over = true
		default:
		}
	}
	return true
}

// TestStoppedProcessAccusesNobody is what the keeper sees when the process was
// stopped for half a minute in the middle of a tick.
func TestStoppedProcessAccusesNobody(t *testing.T) {
	s := New(Config{Workers: 1, PortableTimer: true})
	require.NoError(t, s.Close(t.Context()))
	k, w, e := s.keeper, s.workers[0].Load(), &Entry{}
	began := int64(time.Second)
	require.Nil(t, k.overstays(w, e, began, began+int64(ms)))
	require.Nil(t, k.overstays(w, e, began, began+int64(30*time.Second)))
	require.NotNil(t, k.overstays(w, e, began, began+int64(31*time.Second)), "three looks out of four")
	require.Nil(t, k.overstays(w, e, began+1, began+int64(60*time.Second)), "another tick")
}
