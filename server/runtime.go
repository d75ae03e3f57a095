package server

import (
	"math"
	rtm "runtime/metrics"
	"time"
)

// runtimeAccount is what the Go runtime says about itself, since the process
// began. Times are nanoseconds.
type runtimeAccount struct {
	Cycles     uint64        `json:"gcCycles"`
	Pauses     uint64        `json:"gcPauses"`
	PauseP50   time.Duration `json:"gcPauseP50"`
	PauseP99   time.Duration `json:"gcPauseP99"`
	PauseMax   time.Duration `json:"gcPauseMax"`
	GCShare    float64       `json:"gcShare"` // of the process's processor time
	Heap       uint64        `json:"heap"`    // bytes of live and not yet swept objects
	Allocated  uint64        `json:"allocated"`
	Goroutines uint64        `json:"goroutines"`
	SchedP50   time.Duration `json:"schedP50"` // time goroutines waited for a processor
	SchedP99   time.Duration `json:"schedP99"`
}

var runtimeNames = [...]string{
	"/gc/cycles/total:gc-cycles",
	"/sched/pauses/total/gc:seconds",
	"/sched/latencies:seconds",
	"/cpu/classes/gc/total:cpu-seconds",
	"/cpu/classes/total:cpu-seconds",
	"/cpu/classes/idle:cpu-seconds",
	"/memory/classes/heap/objects:bytes",
	"/gc/heap/allocs:bytes",
	"/sched/goroutines:goroutines",
}

func readRuntime() runtimeAccount {
	var m [len(runtimeNames)]rtm.Sample
	for i, name := range runtimeNames {
		m[i].Name = name
	}
	rtm.Read(m[:])
	pauses, latencies := m[1].Value.Float64Histogram(), m[2].Value.Float64Histogram()
	a := runtimeAccount{
		Cycles: m[0].Value.Uint64(), Heap: m[6].Value.Uint64(), Allocated: m[7].Value.Uint64(), Goroutines: m[8].Value.Uint64(),
		PauseP50: quantile(pauses, 0.5), PauseP99: quantile(pauses, 0.99), PauseMax: quantile(pauses, 1),
		SchedP50: quantile(latencies, 0.5), SchedP99: quantile(latencies, 0.99),
	}
	for _, n := range pauses.Counts {
		a.Pauses += n
	}
	if used := m[4].Value.Float64() - m[5].Value.Float64(); used > 0 {
		a.GCShare = m[3].Value.Float64() / used
	}
	return a
}

// quantile returns the upper bound of the bucket that holds it.
func quantile(h *rtm.Float64Histogram, q float64) time.Duration {
	total := uint64(0)
	for _, n := range h.Counts {
		total += n
	}
	if total == 0 {
		return 0
	}
	rank := max(uint64(math.Ceil(q*float64(total))), 1)
	seen := uint64(0)
	for i, n := range h.Counts {
		if seen += n; seen >= rank {
			bound := h.Buckets[i+1]
			if math.IsInf(bound, 1) {
				bound = h.Buckets[i]
			}
			return time.Duration(bound * float64(time.Second))
		}
	}
	return 0
}
