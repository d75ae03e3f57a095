package tick

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestForkUsesIdleWorkers splits 12 ms of work over three workers.
func TestForkUsesIdleWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 3)
		var calls, serial, wrong atomic.Int64
		part := func(int) {
			if serial.Load() != 0 {
				wrong.Add(1)
			}
			calls.Add(1)
			time.Sleep(ms)
		}
		e := add(t, s, Options{Name: "big", Hz: 60}, func(tk *Tick) bool {
			serial.Store(1)
			tk.Begin(PhaseStep)
			time.Sleep(ms)
			serial.Store(0)
			tk.Begin(PhaseEncode)
			tk.Fork(12, part)
			serial.Store(1)
			tk.Begin(PhaseWrite)
			return true
		})
		until(s, time.Second+5*ms)
		st := e.Stats()
		require.Equal(t, uint64(60), st.Ticks)
		require.Equal(t, int64(60*12), calls.Load())
		require.Zero(t, wrong.Load())
		require.Equal(t, 60*4*ms, st.Phases[PhaseEncode].Sum)
		require.Equal(t, uint64(60), st.OnTime)
	})
}

// TestForkAlone has nobody to help.
func TestForkAlone(t *testing.T) {
	var order []int
	part := func(i int) { order = append(order, i) }
	(&Tick{}).Fork(3, part)
	require.Equal(t, []int{0, 1, 2}, order)
	require.Panics(t, func() { (&Tick{}).Fork(MaxForks+1, part) })
	n := 0
	(&Tick{}).Fork(MaxForks, func(int) { n++ })
	require.Equal(t, MaxForks, n)
}

// TestForkFailure panics, and ends the goroutine, in one of the parts.
func TestForkFailure(t *testing.T) {
	for _, fail := range []func(){func() { panic("planted") }, runtime.Goexit} {
		for part := range 6 {
			synctest.Test(t, func(t *testing.T) {
				s := virtual(t, 2)
				reasons := 0
				bad := add(t, s, Options{Hz: 60, OnPanic: func(any, []byte) { reasons++ }}, func(tk *Tick) bool {
					tk.Fork(6, func(i int) {
						time.Sleep(100 * time.Microsecond)
						if tk.N == 10 && i == part {
							fail()
						}
					})
					return true
				})
				other := add(t, s, Options{Hz: 60}, func(tk *Tick) bool { tk.Fork(4, func(int) {}); return true })
				<-bad.Done()
				synctest.Wait()
				require.NotZero(t, reasons)
				require.InDelta(t, 10, bad.Stats().Ticks, 1)
				until(s, 2*time.Second)
				require.Equal(t, uint64(120), other.Stats().OnTime)
			})
		}
	}
}

// TestForkChurn forks from many entries at once, in real time: every part runs
// exactly once and before the tick goes on.
func TestForkChurn(t *testing.T) {
	s := New(Config{Workers: 4, Utilisation: -1})
	var wg sync.WaitGroup
	for range 12 {
		done := make([]int, 33)
		wg.Go(func() {
			e := add(t, s, Options{Hz: MaxHz}, func(tk *Tick) bool {
				tk.Fork(len(done), func(i int) { done[i]++ })
				for _, n := range done {
					if uint64(n) != tk.N {
						panic("a part is missing")
					}
				}
				return tk.N < 60
			})
			<-e.Done()
			if n := e.Stats().Ticks; n != 60 {
				t.Errorf("%d ticks", n)
			}
		})
	}
	wg.Wait()
	require.Zero(t, s.Stats().Panics)
	require.NoError(t, s.Close(t.Context()))
}
