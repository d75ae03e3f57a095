package tick

import (
	"encoding/binary"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// census follows all threads of the process: how long they ran, and how long they
// were runnable without a processor. The keeper takes it again and again, and a
// worker when it has woken late, so that there are readings close to what is to
// be explained.
type census struct {
	mu      sync.Mutex // guards the following
	folder  int        // /proc/self/task; -1: not there, or closed
	threads []threadStat
	round   uint32
	buf     [4096]byte
	total   usage
	ring    [censusRing]usage
	n       int
}

// usage is a sum over all threads there have been.
type usage struct{ at, ran, wait int64 }

// threadStat is one thread.
type threadStat struct {
	threadFile
	usage
	round uint32 // in which it was last seen
}

func (c *census) open() {
	fd, err := unix.Open("/proc/self/task", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	c.folder, c.threads = fd, make([]threadStat, 0, maxCensus)
}

func (c *census) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.threads {
		c.threads[i].close()
	}
	c.threads = c.threads[:0]
	if c.folder >= 0 {
		unix.Close(c.folder)
		c.folder = -1
	}
}

// take reads all threads. Somebody in a hurry leaves it when it is being done, and
// reads those that are known.
func (c *census) take(now int64, hurry bool) {
	if hurry {
		if !c.mu.TryLock() {
			return
		}
	} else {
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	if c.folder < 0 || c.n > 0 && now-c.total.at < sampleEvery {
		return
	}
	if !hurry {
		c.round++
		c.list()
	}
	kept := 0
	for i := range c.threads {
		t := &c.threads[i]
		was := t.usage
		if t.round != c.round || !t.update(now) {
			t.close()
			continue
		}
		c.total.ran += t.ran - was.ran
		c.total.wait += t.wait - was.wait
		c.threads[kept] = *t
		kept++
	}
	c.threads = c.threads[:kept]
	if c.n == 0 {
		c.total = usage{} // what was before the first reading is not of interest
	}
	c.total.at = now
	c.ring[c.n%censusRing] = c.total
	c.n++
}

// list finds the threads that there are, by the folder that has one entry for
// each. Those beyond the bound are left out.
func (c *census) list() {
	if _, err := unix.Seek(c.folder, 0, 0); err != nil {
		return
	}
	for {
		n, err := unix.Getdents(c.folder, c.buf[:])
		if err != nil || n <= 0 {
			return
		}
		for b := c.buf[:n]; len(b) > direntHead; {
			size := int(binary.NativeEndian.Uint16(b[16:]))
			if size <= direntHead || size > len(b) {
				return
			}
			if tid := number(b[direntHead:size]); tid > 0 {
				c.seen(tid)
			}
			b = b[size:]
		}
	}
}

// direntHead is what precedes the name in a struct linux_dirent64.
const direntHead = 19

// number reads the digits that b begins with.
func number(b []byte) (n int) {
	for _, d := range b {
		if d < '0' || d > '9' {
			break
		}
		n = n*10 + int(d-'0')
	}
	return n
}

// seen notes that a thread is there. What it did before it was first seen, it did
// since the last reading.
func (c *census) seen(tid int) {
	for i := range c.threads {
		if c.threads[i].tid == tid {
			c.threads[i].round = c.round
			return
		}
	}
	if len(c.threads) == maxCensus {
		return
	}
	c.threads = append(c.threads, threadStat{round: c.round})
	t := &c.threads[len(c.threads)-1]
	if t.open(tid); t.tid == 0 {
		c.threads = c.threads[:len(c.threads)-1]
	}
}

// update reads the thread.
func (t *threadStat) update(now int64) bool {
	// The file has the time of a running thread up to the last clock tick. Asking
	// for its clock brings that up to date.
	var cpu unix.Timespec
	_ = unix.ClockGettime(cpuClock(t.tid), &cpu)
	ran, wait, ok := t.read()
	if ok {
		t.usage = usage{at: now, ran: ran, wait: wait}
	}
	return ok
}

// cpuClock is the clock of the processor time of a thread.
func cpuClock(tid int) int32 { return int32(^tid<<3 | 6) } //nolint:gosec // as pthread_getcpuclockid does

// known returns the last reading of one thread.
func (c *census) known(tid int) sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.threads {
		if t := &c.threads[i]; t.tid == tid && t.at > 0 {
			return sample{ok: true, tid: tid, at: t.at, ran: t.ran, wait: t.wait}
		}
	}
	return sample{}
}

// used estimates how much of a stretch of time the threads ran and waited, all of
// them together. The readings around it cover more than that: either it was all
// the same, or what is outside was as busy as it had been before, whichever leaves
// more for the inside.
func (c *census) used(from, to int64) (ran, wait int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, last := max(c.n-censusRing, 0), c.n-1
	i, j := first, last
	for i < last && c.ring[(i+1)%censusRing].at <= from {
		i++
	}
	for j > i+1 && c.ring[(j-1)%censusRing].at >= to+int64(settleFor) {
		j--
	}
	if j <= i {
		return 0, 0
	}
	a, b := &c.ring[i%censusRing], &c.ring[j%censusRing]
	p := a
	if i > first {
		p = &c.ring[(i-1)%censusRing]
	}
	inside := min(float64(to-from)/float64(max(b.at-a.at, 1)), 1)
	before := float64(max(b.at-a.at-(to-from), 0)) / float64(max(a.at-p.at, 1))
	part := func(all, earlier int64) int64 {
		even := inside * float64(all)
		if p == a {
			return int64(even)
		}
		return int64(max(even, float64(all)-before*float64(earlier)))
	}
	return part(b.ran-a.ran, a.ran-p.ran), part(b.wait-a.wait, a.wait-p.wait)
}

// threadFile is the schedstat file of one thread.
type threadFile struct {
	tid int
	fd  int
	buf [64]byte
}

func (f *threadFile) open(tid int) {
	fd, err := unix.Open("/proc/self/task/"+strconv.Itoa(tid)+"/schedstat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		f.tid, f.fd = tid, fd
	}
}

func (f *threadFile) close() {
	if f.tid != 0 {
		unix.Close(f.fd)
		f.tid = 0
	}
}

// read returns the first two numbers: nanoseconds on a processor, nanoseconds
// waiting for one.
func (f *threadFile) read() (ran, wait int64, ok bool) {
	if f.tid == 0 {
		return 0, 0, false
	}
	n, err := unix.Pread(f.fd, f.buf[:], 0)
	if err != nil {
		f.close() // the thread has ended, and another has its number
		return 0, 0, false
	}
	var numbers [2]int64
	field := 0
	for _, c := range f.buf[:n] {
		if c == ' ' || c == '\n' {
			if field++; field == len(numbers) {
				return numbers[0], numbers[1], true
			}
			continue
		}
		numbers[field] = numbers[field]*10 + int64(c-'0')
	}
	return 0, 0, false
}
