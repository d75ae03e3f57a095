package tick

import (
	"os"

	"golang.org/x/sys/unix"
)

// kernelHost adds what Linux knows: how long a thread waited for a processor,
// and what the hypervisor took.
type kernelHost struct {
	*evidence
	census   census
	stat     *os.File // /proc/stat, nil: not there
	readings [64]struct{ at, stolen int64 }
	n        int
}

func newHost(clk *clock) host {
	h := &kernelHost{evidence: newEvidence(clk)}
	h.census.open()
	if f, err := os.Open("/proc/stat"); err == nil {
		h.stat = f
	}
	h.observe(clk.now())
	return h
}

func (h *kernelHost) observe(now int64) {
	h.evidence.observe(now)
	h.census.take(now, false)
	var buf [256]byte
	if h.stat == nil {
		return
	}
	if n, _ := h.stat.ReadAt(buf[:], 0); n > 0 {
		r := &h.readings[h.n%len(h.readings)]
		r.at, r.stolen = now, stealOf(buf[:n])
		h.n++
	}
}

// stealOf returns the stolen nanoseconds in the first line of /proc/stat: "cpu
// user nice system idle iowait irq softirq steal …" in hundredths of a second.
func stealOf(b []byte) int64 {
	const column, tick = 8, int64(10e6)
	n, field, digits := int64(0), 0, false
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n, digits = n*10+int64(c-'0'), true
		case c == ' ' || c == '\n':
			if digits {
				field++
				if field == column {
					return n * tick
				}
			}
			n, digits = 0, false
			if c == '\n' {
				return 0
			}
		}
	}
	return 0
}

// stolen returns what was taken between the readings around a stretch of time,
// from all processors together.
func (h *kernelHost) stolen(from, to int64) int64 {
	last := min(h.n, len(h.readings))
	if last < 2 {
		return 0
	}
	before, after := int64(-1), int64(-1)
	for i := h.n - last; i < h.n; i++ {
		r := h.readings[i%len(h.readings)]
		if r.at <= from || before < 0 {
			before = r.stolen
		}
		after = r.stolen
		if r.at >= to {
			break
		}
	}
	return max(after-before, 0)
}

func (h *kernelHost) sample(w *worker) sample {
	s := sample{tid: unix.Gettid()}
	var cpu unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &cpu) // brings the file up to date
	s.ran, s.wait, s.ok = w.thread.file(s.tid).read()
	return s
}

func (h *kernelHost) known(tid int) sample                  { return h.census.known(tid) }
func (h *kernelHost) count(now int64)                       { h.census.take(now, true) }
func (h *kernelHost) used(from, to int64) (ran, wait int64) { return h.census.used(from, to) }

func (h *kernelHost) close() {
	h.census.close()
	if h.stat != nil {
		h.stat.Close()
		h.stat = nil
	}
}

// file returns the file of a thread, opening it in place of the one that was
// opened longest ago.
func (t *thread) file(tid int) *threadFile {
	for i := range t.room {
		if t.room[i].tid == tid {
			return &t.room[i]
		}
	}
	f := &t.room[t.turn]
	t.turn = (t.turn + 1) % maxThreads
	f.close()
	f.open(tid)
	return f
}
