package tick

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// evidence is the part of a host that every system has: what the runtime knows.
// All of it is read without allocation. Only the keeper uses it.
type evidence struct {
	clk   *clock
	stats debug.GCStats

	samples []metrics.Sample // see newEvidence
	waits   []uint64         // counts of /sched/latencies at the last reading
	longest int64            // wait of a goroutine between the last two readings

	cycles int64
	gcCPU  float64
	marks  [rememberMarks]span
	marked int
}

const rememberMarks = 64

func newEvidence(clk *clock) *evidence {
	v := &evidence{clk: clk}
	v.samples = []metrics.Sample{{Name: "/sched/latencies:seconds"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}}
	v.observe(clk.now())
	return v
}

func (v *evidence) observe(int64) {
	metrics.Read(v.samples)
	v.observeQueue()
	debug.ReadGCStats(&v.stats)
	cpu := v.samples[1].Value.Float64()
	n := v.stats.NumGC - v.cycles
	if n <= 0 || len(v.stats.PauseEnd) == 0 {
		return
	}
	// The processor time of the cycles since the last reading says how long
	// each of them had all processors at least.
	each := int64((cpu - v.gcCPU) * 1e9 / float64(n) / float64(v.processors()))
	known := min(n, int64(len(v.stats.PauseEnd)), rememberMarks)
	for i := known - 1; i >= 0; i-- {
		end := v.own(v.stats.PauseEnd[i])
		v.marks[v.marked%rememberMarks] = span{end - each, end}
		v.marked++
	}
	v.cycles, v.gcCPU = v.stats.NumGC, cpu
}

// observeQueue finds the longest wait of a goroutine since the last reading, by
// the lower bound of its bucket.
func (v *evidence) observeQueue() {
	h := v.samples[0].Value.Float64Histogram()
	if len(v.waits) != len(h.Counts) {
		v.waits = make([]uint64, len(h.Counts))
		copy(v.waits, h.Counts)
	}
	v.longest = 0
	for i, n := range h.Counts {
		if n > v.waits[i] && !math.IsInf(h.Buckets[i], 0) {
			v.longest = int64(h.Buckets[i] * 1e9)
		}
		v.waits[i] = n
	}
}

// own converts a wall-clock time that was just read.
func (v *evidence) own(t time.Time) int64 { return v.clk.now() - int64(time.Since(t)) }

// paused adds up the pauses between two times. A cycle stops the world twice;
// the runtime reports the sum of both at the end of the second.
func (v *evidence) paused(from, to int64) int64 {
	sum := int64(0)
	for i, end := range v.stats.PauseEnd {
		at := v.own(end)
		if at < from {
			break // they are sorted, latest first
		}
		sum += span{at - int64(v.stats.Pause[i]), at}.in(from, to)
	}
	return sum
}

func (v *evidence) marking(from, to int64) int64 {
	sum := int64(0)
	for i := range min(v.marked, rememberMarks) {
		sum += v.marks[i].in(from, to)
	}
	return sum
}

func (v *evidence) queued() int64 { return v.longest }

func (v *evidence) processors() int { return runtime.GOMAXPROCS(0) }
