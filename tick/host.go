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
	queues  [rememberMarks]queue
	looks   int

	cycles int64
	gcCPU  float64
	marks  [rememberMarks]span
	marked int
}

const rememberMarks = 64

// queue is the longest wait of a goroutine between two readings.
type queue struct {
	span
	longest int64
}

func newEvidence(clk *clock) *evidence {
	v := &evidence{clk: clk}
	v.samples = []metrics.Sample{{Name: "/sched/latencies:seconds"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}}
	v.observe(clk.now())
	return v
}

func (v *evidence) observe(now int64) {
	metrics.Read(v.samples)
	v.observeQueue(now)
	debug.ReadGCStats(&v.stats)
	cpu := v.samples[1].Value.Float64()
	n := v.stats.NumGC - v.cycles
	if n <= 0 || len(v.stats.PauseEnd) == 0 {
		return
	}
	// The processor time of the cycles since the last reading says how long
	// each of them had all processors at least.
	each := int64((cpu - v.gcCPU) * 1e9 / float64(n) / float64(v.processors()))
	last := int64(0)
	if v.marked > 0 {
		last = v.marks[(v.marked-1)%rememberMarks].to
	}
	known := min(n, int64(len(v.stats.PauseEnd)), rememberMarks)
	for i := known - 1; i >= 0; i-- {
		end := v.own(v.stats.PauseEnd[i])
		from := end - each
		if 2*each > end-last {
			from = last // hardly anything else was done between the two
		}
		v.marks[v.marked%rememberMarks] = span{from, end}
		v.marked++
		last = end
	}
	v.cycles, v.gcCPU = v.stats.NumGC, cpu
}

// observeQueue finds the longest wait of a goroutine since the last reading, by
// the upper bound of its bucket.
func (v *evidence) observeQueue(now int64) {
	h := v.samples[0].Value.Float64Histogram()
	if len(v.waits) != len(h.Counts) {
		v.waits = make([]uint64, len(h.Counts))
		copy(v.waits, h.Counts)
	}
	q := &v.queues[v.looks%rememberMarks]
	from := now
	if v.looks > 0 {
		from = v.queues[(v.looks-1)%rememberMarks].to
	}
	v.looks++
	*q = queue{span: span{from, now}}
	for i, n := range h.Counts {
		if n > v.waits[i] && !math.IsInf(h.Buckets[i+1], 0) {
			q.longest = int64(h.Buckets[i+1] * 1e9)
		}
		v.waits[i] = n
	}
}

func (v *evidence) queued(from, to int64) int64 {
	longest := int64(0)
	for i := range min(v.looks, rememberMarks) {
		if q := &v.queues[i]; q.to >= from && q.from <= to+int64(judgeAfter) {
			longest = max(longest, q.longest)
		}
	}
	return longest
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

func (v *evidence) processors() int { return runtime.GOMAXPROCS(0) }
