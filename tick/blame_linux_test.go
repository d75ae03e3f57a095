package tick

import (
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// verdict adds up what is said about an entry called victim: about its late ticks,
// or about its long ones.
type verdict struct {
	long bool

	mu    sync.Mutex
	n     int
	sum   time.Duration
	parts [NumCauses]time.Duration
	named map[string]time.Duration
	last  string
}

func (v *verdict) config(c Config) Config {
	v.named = map[string]time.Duration{}
	c.BlameEvery = -1
	c.OnBlame = func(b Blame) {
		all, parts := b.Late, &b.LateParts
		if v.long {
			all, parts = b.Took, &b.TookParts
		}
		if b.Entry != "victim" || all == 0 {
			return
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.n++
		v.sum += all
		v.last = b.String()
		for c, d := range parts {
			v.parts[c] += d
		}
		v.named[b.Culprit+" "+b.Phase.String()] += b.Held
	}
	return c
}

// check requires of all samples together that the planted causes account for
// more than any other, and that no more than a share is unexplained. What the
// kernel and the hypervisor did to a test on a busy machine is no fault of the
// test's, and is left out of account, unless it is what was planted. Of a tick that
// was off its thread only what is certain is said, so that a part stays with the
// tick.
func (v *verdict) check(t *testing.T, unknown float64, planted ...Cause) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	t.Logf("%d ticks, %v: %v; such as: %s", v.n, v.sum, v.parts, v.last)
	require.Positive(t, v.n)
	added, named, others := time.Duration(0), time.Duration(0), time.Duration(0)
	for c, d := range v.parts {
		added += d
		switch c := Cause(c); {
		case slices.Contains(planted, c):
			named += d
		case c == CauseWake || c == CausePreempted || c == CauseStolen:
		default:
			require.LessOrEqual(t, d, v.sum*2/5, "%v got what is not its own", c)
			others += d
		}
	}
	require.Equal(t, v.sum, added)
	require.LessOrEqual(t, v.parts[CauseUnknown].Seconds(), unknown*v.sum.Seconds())
	if named+others > v.sum/10 { // the kernel left something to decide
		require.Greater(t, named, others)
	}
}

// TestRealBusyLoopIsBlamed plants a loop in one entry and looks at another of the
// same worker.
func TestRealBusyLoopIsBlamed(t *testing.T) {
	var v verdict
	s := New(v.config(Config{Workers: 1, Utilisation: -1}))
	bad := add(t, s, Options{Name: "culprit", Hz: 25}, func(tk *Tick) bool {
		tk.Begin(PhaseStep)
		burn(30 * ms)
		tk.Begin(PhaseWrite)
		return tk.N < 40
	})
	add(t, s, Options{Name: "victim", Hz: 25}, idle)
	<-bad.Done()
	require.NoError(t, s.Close(t.Context()))
	v.check(t, 0.05, CauseBusy)
	most := ""
	for name, d := range v.named {
		if d > v.named[most] {
			most = name
		}
	}
	require.Equal(t, "culprit step", most)
}

// TestRealCollectorIsBlamed runs the garbage collector over a large heap again
// and again.
func TestRealCollectorIsBlamed(t *testing.T) {
	if raceEnabled {
		t.Skip("the detector slows the collector's victim as well")
	}
	var v verdict
	heap := make([][]*int, 2000)
	for i := range heap {
		heap[i] = make([]*int, 2000)
		for j := range heap[i] {
			heap[i][j] = new(int)
		}
	}
	s := New(v.config(Config{Workers: 1}))
	e := add(t, s, Options{Name: "victim", Hz: 200, Policy: CatchUp{Max: -1}}, func(tk *Tick) bool { return tk.N < 300 })
	for {
		select {
		case <-e.Done():
			runtime.KeepAlive(heap)
			require.NoError(t, s.Close(t.Context()))
			require.Positive(t, v.parts[CauseGC])
			// Beside pauses and marking there is sweeping, in the caller's time.
			v.check(t, 0.1, CauseGC, CauseSched)
			return
		default:
			runtime.GC()
		}
	}
}

// TestRealKernelIsBlamed puts a thread of a higher priority on the processor of a
// worker's thread.
func TestRealKernelIsBlamed(t *testing.T) {
	if runtime.NumCPU() < 2 || runtime.GOMAXPROCS(0) < 2 {
		t.Skip("needs a processor to spare")
	}
	realtime(t, 1).Close(t.Context())
	var v verdict
	s := New(v.config(Config{Workers: 1, Realtime: true}))
	var one unix.CPUSet
	one.Set(runtime.NumCPU() - 1)
	e := add(t, s, Options{Name: "victim", Hz: 100}, func(tk *Tick) bool {
		if tk.N == 1 {
			if err := unix.SchedSetaffinity(0, &one); err != nil {
				panic(err)
			}
		}
		return tk.N < 150
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		a := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 2 * realtimePriority}
		if unix.SchedSetaffinity(0, &one) != nil || unix.SchedSetAttr(0, &a, 0) != nil {
			return
		}
		for {
			select {
			case <-e.Done():
				return
			default:
				burn(12 * ms)
				nap := unix.NsecToTimespec(int64(11 * ms))
				_ = unix.Nanosleep(&nap, nil)
			}
		}
	})
	wg.Wait()
	require.NoError(t, s.Close(t.Context()))
	v.check(t, 0.1, CauseWake, CausePreempted)
}

// TestRealLockIsBlamed has every other tick wait for a lock that another goroutine
// holds while it sleeps.
func TestRealLockIsBlamed(t *testing.T) {
	v := verdict{long: true}
	s := New(v.config(Config{Workers: 1}))
	var lock sync.Mutex
	held := make(chan struct{})
	e := add(t, s, Options{Name: "victim", Hz: 50, Policy: CatchUp{Max: -1}}, func(tk *Tick) bool {
		if tk.N%2 == 0 {
			held <- struct{}{}
			<-held
			lock.Lock()
			defer lock.Unlock()
		}
		return tk.N < 80
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-e.Done():
				return
			case <-held:
				lock.Lock()
				held <- struct{}{}
				time.Sleep(15 * ms)
				lock.Unlock()
			}
		}
	})
	wg.Wait()
	require.NoError(t, s.Close(t.Context()))
	v.check(t, 0.05, CauseBlocked)
}

// TestRealRunQueueIsBlamed keeps every processor of the process busy with other
// goroutines.
func TestRealRunQueueIsBlamed(t *testing.T) {
	var v verdict
	s := New(v.config(Config{Workers: 1}))
	e := add(t, s, Options{Name: "victim", Hz: 100, Policy: CatchUp{Max: -1}}, func(tk *Tick) bool { return tk.N < 150 })
	var wg sync.WaitGroup
	for range 3 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				select {
				case <-e.Done():
					return
				default:
					burn(5 * ms)
				}
			}
		})
	}
	wg.Wait()
	require.NoError(t, s.Close(t.Context()))
	v.check(t, 0.1, CauseSched)
}
