package ops

import (
	"runtime/metrics"
)

// process reads what the runtime says of itself. The samples, and the histograms
// in them, are used again and again.
type process struct {
	samples [7]metrics.Sample
	pauses  []uint64 // counts at the last reading
	waits   []uint64
}

// The samples.
const (
	sampleGoroutines = iota
	sampleHeap
	sampleAllocs
	sampleCycles
	samplePauses
	sampleWaits
)

func newProcess() *process {
	p := new(process)
	for i, name := range [...]string{
		"/sched/goroutines:goroutines", "/memory/classes/heap/objects:bytes", "/gc/heap/allocs:bytes",
		"/gc/cycles/total:gc-cycles", "/sched/pauses/total/gc:seconds", "/sched/latencies:seconds",
	} {
		p.samples[i].Name = name
	}
	return p
}

// read returns the numbers now; Pause and Latency are those since the last
// reading.
func (p *process) read() Process {
	s := p.samples[:sampleWaits+1]
	metrics.Read(s)
	var r Process
	r.Goroutines, r.Heap = s[sampleGoroutines].Value.Uint64(), s[sampleHeap].Value.Uint64()
	r.Allocs, r.Cycles = s[sampleAllocs].Value.Uint64(), s[sampleCycles].Value.Uint64()
	pauses, waits := s[samplePauses].Value.Float64Histogram(), s[sampleWaits].Value.Float64Histogram()
	for _, n := range pauses.Counts {
		r.Pauses += n
	}
	r.Pause = 1e6 * quantileSince(pauses, &p.pauses, 1)
	r.Latency = 1e6 * quantileSince(waits, &p.waits, 0.99)
	return r
}

// quantileSince returns the upper bound of the bucket in which a quantile of what
// was counted since before lies, and keeps the counts for the next time. At the
// first time nothing was.
func quantileSince(h *metrics.Float64Histogram, before *[]uint64, q float64) float64 {
	old := *before
	if old == nil {
		*before = append(old, h.Counts...)
		return 0
	}
	total := uint64(0)
	for i, n := range h.Counts {
		total += n - old[i]
	}
	rank, seen, at := uint64(q*float64(total)), uint64(0), 0.0
	if rank < 1 {
		rank = 1
	}
	for i, n := range h.Counts {
		if more := n - old[i]; more > 0 && seen < rank {
			seen += more
			at = upper(h.Buckets, i)
		}
		old[i] = n
	}
	return at
}

// upper is the end of a bucket, or its beginning where it has none.
func upper(edges []float64, i int) float64 {
	if i+2 < len(edges) {
		return edges[i+1]
	}
	return edges[i]
}
