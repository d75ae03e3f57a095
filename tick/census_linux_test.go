package tick

import (
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestCensusUsed estimates what was used in a stretch of time from readings that
// do not fit it.
func TestCensusUsed(t *testing.T) {
	c := &census{}
	ran, wait := c.used(0, 100)
	require.Zero(t, ran+wait, "nothing is known")
	read := func(at, ran, wait int64) {
		c.ring[c.n%censusRing] = usage{at, ran, wait}
		c.n++
	}
	const s = int64(settleFor)
	for i := range int64(2 * censusRing) { // idle; more than are kept
		read(i*s, 0, 0)
	}
	end := (2*censusRing - 1) * s
	read(end+4*s, 6*s, s) // busy meanwhile
	ran, wait = c.used(end+s, end+4*s)
	require.Equal(t, [2]int64{6 * s, s}, [2]int64{ran, wait}, "it was idle before: all of it was here")
	read(end+8*s, 14*s, s) // and goes on so
	ran, wait = c.used(end+6*s, end+8*s)
	require.Equal(t, [2]int64{5 * s, 0}, [2]int64{ran, wait}, "it had been as busy before")
	read(end+12*s, 18*s, 5*s)
	ran, wait = c.used(end+9*s, end+11*s)
	require.Equal(t, [2]int64{2 * s, 4 * s}, [2]int64{ran, wait}, "even is more than nothing, and waiting is new")
	_, wait = c.used(end+20*s, end+21*s)
	require.Zero(t, wait, "no reading since")
}

// TestCensusCountsThreads has threads burn time, and end.
func TestCensusCountsThreads(t *testing.T) {
	var c census
	c.open()
	now := int64(0)
	take := func() usage {
		now += sampleEvery
		c.take(now, false)
		return c.total
	}
	before := take()
	require.Zero(t, before.ran, "what was before is not of interest")
	var wg sync.WaitGroup
	ran := make([]int64, 3)
	for i := range ran {
		wg.Go(func() {
			runtime.LockOSThread() // the thread ends with the goroutine
			take()
			used := func() int64 {
				var cpu unix.Timespec
				_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &cpu)
				return cpu.Nano()
			}
			since := used()
			burn(20 * ms)
			ran[i] = used() - since
			if i > 0 { // of the others nobody looks at the last part
				take()
				require.True(t, c.known(unix.Gettid()).ok)
			}
		})
		wg.Wait()
		take()
	}
	after := take()
	require.Positive(t, ran[1])
	require.GreaterOrEqual(t, after.ran-before.ran, ran[1]+ran[2])
	require.False(t, c.known(1<<30).ok)
	before = c.total
	c.take(now+sampleEvery/2, false)
	require.Equal(t, before, c.total, "not so soon again")

	c.close()
	c.take(now+10*sampleEvery, true)
	require.Equal(t, before, c.total, "closed")
	c.close()
}

// TestCensusIsBounded goes to the bound and one past it.
func TestCensusIsBounded(t *testing.T) {
	var c census
	c.open()
	defer c.close()
	c.take(sampleEvery, false)
	self := os.Getpid()
	for i := len(c.threads); i < maxCensus; i++ {
		c.threads = append(c.threads, threadStat{})
	}
	c.seen(1 << 30)
	require.Len(t, c.threads, maxCensus)
	require.True(t, c.known(self).ok)
}
