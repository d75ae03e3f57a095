package tick

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func idle(*Tick) bool { return true }

func TestAddRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		for _, o := range []Options{
			{}, {Hz: MinHz - 1}, {Hz: MaxHz + 1}, {Hz: -60}, {Hz: 60, Policy: CatchUp{Max: MaxCatchUp + 1}},
		} {
			_, err := s.Add(taskFunc(idle), o)
			require.Error(t, err, "%+v", o)
		}
		_, err := s.Add(nil, Options{Hz: 60})
		require.Error(t, err)
		add(t, s, Options{Hz: MinHz}, idle)
		add(t, s, Options{Hz: MaxHz}, idle)
		require.Equal(t, 2, s.Stats().Entries)
	})
}

func TestEntriesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		e := add(t, s, Options{Hz: 1}, idle)
		s.alive.Store(MaxEntries - 1) // as if there were that many
		add(t, s, Options{Hz: 1}, idle)
		_, err := s.Add(taskFunc(idle), Options{Hz: 1})
		require.ErrorIs(t, err, ErrFull)
		e.Stop()
		add(t, s, Options{Hz: 1}, idle)
	})
}

func TestWorkersAreBounded(t *testing.T) {
	for n, want := range map[int]int{-1: runtime.GOMAXPROCS(0), 0: runtime.GOMAXPROCS(0), 3: 3, MaxWorkers: MaxWorkers, MaxWorkers + 1: MaxWorkers} {
		s := New(Config{Workers: n, PortableTimer: true})
		require.Equal(t, want, s.Stats().Workers)
		require.NoError(t, s.Close(t.Context()))
	}
}

// TestPanicEndsOneEntryOnly is the isolation promise: of 101 entries one panics,
// the other hundred do not miss or delay a single tick.
func TestPanicEndsOneEntryOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 2)
		var got any
		var trace string
		var others []*Entry
		for range 50 {
			others = append(others, add(t, s, Options{Hz: 60}, idle))
		}
		bad := add(t, s, Options{Hz: 60, OnPanic: func(v any, stack []byte) { got, trace = v, string(stack) }},
			func(tk *Tick) bool {
				if tk.N == 30 {
					plantedPanic()
				}
				return true
			})
		for range 50 {
			others = append(others, add(t, s, Options{Hz: 60}, idle))
		}
		until(s, 10*time.Second)
		for _, e := range others {
			st := e.Stats()
			require.Equal(t, uint64(600), st.Ticks)
			require.Equal(t, uint64(600), st.OnTime)
			require.Zero(t, st.Lateness.Max)
		}
		require.Equal(t, "planted", got)
		require.Contains(t, trace, "plantedPanic", "the stack shows the origin")
		require.Equal(t, uint64(30), bad.Stats().Ticks)
		<-bad.Done()
		st := s.Stats()
		require.Equal(t, uint64(1), st.Panics)
		require.Equal(t, 100, st.Entries)
		require.Len(t, s.Entries(), 100)
	})
}

func plantedPanic() { panic("planted") }

func TestPanicIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := New(Config{Workers: 1, Logger: slog.New(slog.NewTextHandler(&out, nil))})
		defer s.Close(context.Background())
		e := add(t, s, Options{Name: "m7", Hz: 60}, func(*Tick) bool { panic(errors.New("boom")) })
		<-e.Done()
		synctest.Wait()
		require.Contains(t, out.String(), "entry=m7 panic=boom stack=")
		// A panic of the handler itself does not hurt either.
		out.Reset()
		e = add(t, s, Options{Name: "m8", Hz: 60, OnPanic: func(any, []byte) { panic("again") }},
			func(*Tick) bool { panic("first") })
		<-e.Done()
		synctest.Wait()
		require.Contains(t, out.String(), "entry=m8 panic=again")
		e = add(t, s, Options{Hz: 60}, idle)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, uint64(60), e.Stats().Ticks)
	})
}

// TestStackIsBounded lets a task panic from deep recursion.
func TestStackIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		var dig func(n int)
		dig = func(n int) {
			if n == 0 {
				panic(strings.Repeat("x", 2*MaxStack))
			}
			dig(n - 1)
		}
		size := 0
		e := add(t, s, Options{Hz: 60, OnPanic: func(_ any, stack []byte) { size = len(stack) }},
			func(*Tick) bool { dig(1000); return true })
		<-e.Done()
		require.Greater(t, size, 1000)
		require.LessOrEqual(t, size, MaxStack)
	})
}

func TestGoexitEndsOneEntryOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		var got any
		bad := add(t, s, Options{Hz: 60, OnPanic: func(v any, _ []byte) { got = v }}, func(tk *Tick) bool {
			if tk.N == 3 {
				runtime.Goexit()
			}
			return true
		})
		good := add(t, s, Options{Hz: 60}, idle)
		until(s, time.Second)
		require.Equal(t, errGoexit, got)
		<-bad.Done()
		require.Equal(t, uint64(60), good.Stats().OnTime)
		good.Stop()
	})
}

func TestFalseRemoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		ticks := 0
		e := add(t, s, Options{Hz: 60}, func(tk *Tick) bool { ticks++; return tk.N < 5 })
		until(s, time.Second)
		<-e.Done()
		require.Equal(t, 5, ticks)
		require.Zero(t, s.Stats().Entries)
		e.Stop() // afterwards: no effect
	})
}

// TestStopWaits stops an entry in the middle of a tick: Stop returns when the
// tick has ended, and there is no other.
func TestStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		var running atomic.Bool
		ticks := 0
		e := add(t, s, Options{Hz: 60}, func(*Tick) bool {
			running.Store(true)
			ticks++
			time.Sleep(5 * time.Millisecond)
			running.Store(false)
			return true
		})
		until(s, time.Second+time.Millisecond)
		require.True(t, running.Load())
		for range 3 {
			go e.Stop()
		}
		e.Stop()
		require.False(t, running.Load())
		require.Equal(t, int64(1005*time.Millisecond), s.Now())
		was := ticks
		until(s, 2*time.Second)
		require.Equal(t, was, ticks)
	})
}

// TestStopFromInside stops an entry from its own tick, and two on different
// workers from each other's while both are running.
func TestStopFromInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 2)
		var self, a, b *Entry
		added := make(chan struct{})
		self = add(t, s, Options{Hz: 10}, func(tk *Tick) bool {
			<-added
			if tk.N == 2 {
				self.Stop()
			}
			return true
		})
		a = add(t, s, Options{Hz: 10}, func(*Tick) bool {
			time.Sleep(300 * time.Millisecond)
			<-added
			b.Stop()
			return true
		})
		b = add(t, s, Options{Hz: 10}, func(*Tick) bool {
			time.Sleep(300 * time.Millisecond)
			<-added
			a.Stop()
			return true
		})
		require.NotEqual(t, a.Stats().Worker, b.Stats().Worker)
		close(added)
		<-self.Done()
		<-a.Done()
		<-b.Done()
		require.Equal(t, uint64(2), self.Stats().Ticks)
		require.Zero(t, s.Stats().Entries)
	})
}

// TestStopNeighbourFromInside stops an entry of the same worker, which cannot be
// running.
func TestStopNeighbourFromInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		other := add(t, s, Options{Hz: 100}, idle)
		add(t, s, Options{Hz: 10}, func(tk *Tick) bool {
			other.Stop()
			<-other.Done()
			return false
		})
		<-other.Done()
		until(s, time.Second)
		require.Zero(t, s.Stats().Entries)
		require.LessOrEqual(t, other.Stats().Ticks, uint64(10))
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Workers: 2})
		var finished atomic.Bool
		slow := add(t, s, Options{Hz: 10}, func(*Tick) bool { time.Sleep(time.Second); finished.Store(true); return true })
		other := add(t, s, Options{Hz: 10}, idle)
		time.Sleep(150 * time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, s.Close(ctx), context.DeadlineExceeded)
		require.False(t, finished.Load())
		<-other.Done()
		_, err := s.Add(taskFunc(idle), Options{Hz: 10})
		require.ErrorIs(t, err, ErrClosed)
		require.NoError(t, s.Close(context.Background()))
		require.True(t, finished.Load())
		<-slow.Done()
		require.Equal(t, uint64(1), slow.Stats().Ticks)
		require.NoError(t, s.Close(context.Background()))
		slow.Stop()
		require.Zero(t, s.Stats().Entries)
	})
}

func TestCloseFromInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Workers: 2})
		e := add(t, s, Options{Hz: 10}, func(*Tick) bool { return s.Close(context.Background()) == nil })
		<-e.Done()
		require.NoError(t, s.Close(context.Background()))
		require.Equal(t, uint64(1), e.Stats().Ticks)
	})
}

// TestAddWakesTheWorker adds a fast entry while the worker sleeps for a slow one.
func TestAddWakesTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		add(t, s, Options{Hz: 1}, idle)
		until(s, 1100*time.Millisecond)
		fast := add(t, s, Options{Hz: 100}, idle)
		until(s, 1150*time.Millisecond)
		require.Equal(t, uint64(5), fast.Stats().OnTime)
		require.Zero(t, fast.Stats().Lateness.Max)
	})
}

// TestChurn adds, stops and finishes entries from many goroutines in real time.
// The tasks count without synchronisation: the race detector proves that a task
// never runs beside itself or after Stop.
func TestChurn(t *testing.T) {
	s := New(Config{Workers: 3, Utilisation: -1})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 0))
			for range 150 {
				ticks, life := uint64(0), rnd.Uint64N(4)
				e, err := s.Add(taskFunc(func(tk *Tick) bool {
					ticks++
					if tk.N == 3 && life == 3 {
						panic("planted")
					}
					return tk.N != ticks || ticks < life || life == 0
				}), Options{Hz: 1 + rnd.IntN(MaxHz), OnPanic: func(any, []byte) {}})
				if err != nil {
					t.Error(err)
					return
				}
				for range rnd.IntN(20) {
					runtime.Gosched()
				}
				if rnd.IntN(4) == 0 {
					go e.Stop()
				}
				if life == 0 || rnd.IntN(8) > 0 {
					e.Stop()
				}
				<-e.Done()
				if n := e.Stats().Ticks; n != ticks {
					t.Errorf("%d ticks counted, %d run", n, ticks)
				}
				_ = s.Stats()
			}
		})
	}
	wg.Wait()
	require.Zero(t, s.Stats().Entries)
	// Close while others add.
	for range 4 {
		wg.Go(func() {
			for {
				if _, err := s.Add(taskFunc(idle), Options{Hz: 200}); err != nil {
					require.ErrorIs(t, err, ErrClosed)
					return
				}
			}
		})
	}
	require.NoError(t, s.Close(t.Context()))
	wg.Wait()
	require.Empty(t, s.Entries())
}
