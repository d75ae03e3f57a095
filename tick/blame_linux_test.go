package tick

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// verdict adds up the blames of the late ticks of an entry called victim.
type verdict struct {
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
		if b.Entry != "victim" || b.Late == 0 {
			return
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		v.n++
		v.sum += b.Late
		v.last = b.String()
		for c, d := range b.LateParts {
			v.parts[c] += d
		}
		v.named[b.Culprit+" "+b.Phase.String()] += b.Held
	}
	return c
}

// alone skips the test when the kernel had so much else to run that it, and not
// what was planted, is to blame.
func (v *verdict) alone(t *testing.T) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	if other := v.parts[CauseWake] + v.parts[CausePreempted] + v.parts[CauseStolen]; other > v.sum/4 {
		t.Skipf("the machine is busy with something else: %v of %v", other, v.sum)
	}
}

// check requires that the planted cause is the largest part and that no more than
// a share is unexplained.
func (v *verdict) check(t *testing.T, unknown float64, planted ...Cause) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	t.Logf("%d late ticks, %v: %v; such as: %s", v.n, v.sum, v.parts, v.last)
	if v.n == 0 {
		t.Skip("nothing was late")
	}
	require.LessOrEqual(t, v.parts[CauseUnknown].Seconds(), unknown*v.sum.Seconds())
	named := time.Duration(0)
	for _, c := range planted {
		named += v.parts[c]
		v.parts[c] = 0
	}
	for c, d := range v.parts {
		require.Greater(t, named, d, Cause(c).String())
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
	v.alone(t)
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
	e := add(t, s, Options{Name: "victim", Hz: 200}, func(tk *Tick) bool { return tk.N < 300 })
	for {
		select {
		case <-e.Done():
			runtime.KeepAlive(heap)
			require.NoError(t, s.Close(t.Context()))
			require.Positive(t, v.parts[CauseGC])
			v.alone(t)
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

// TestRealRunQueueIsBlamed keeps every processor of the process busy with other
// goroutines.
func TestRealRunQueueIsBlamed(t *testing.T) {
	var v verdict
	s := New(v.config(Config{Workers: 1}))
	e := add(t, s, Options{Name: "victim", Hz: 100}, func(tk *Tick) bool { return tk.N < 150 })
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
	v.alone(t)
	v.check(t, 0.1, CauseSched)
}
