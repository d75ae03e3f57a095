package server

import (
	"encoding/json"
	"net/http"

	"gameserver/tick"
)

// tickAccount is what GET /debug/ticks answers: the scheduler's account since
// the process began. Histograms are [[upper bound in ns, count]…], so that a
// reader can take the difference of two answers.
type tickAccount struct {
	Expected uint64                 `json:"expected"`
	Ticks    uint64                 `json:"ticks"`
	OnTime   uint64                 `json:"onTime"`
	Late     uint64                 `json:"late"`
	Skipped  uint64                 `json:"skipped"`
	Overruns uint64                 `json:"overruns"`
	Workers  int                    `json:"workers"`
	Timer    string                 `json:"timer"`
	Lateness [][2]uint64            `json:"lateness"`
	Duration [][2]uint64            `json:"duration"`
	Phases   map[string][][2]uint64 `json:"phases"`
}

// debugTicks serves the scheduler's account as JSON.
func (s *Server) debugTicks(w http.ResponseWriter, _ *http.Request) {
	st := s.ticks.Stats()
	a := tickAccount{
		Expected: st.Expected, Ticks: st.Ticks, OnTime: st.OnTime, Late: st.Late, Skipped: st.Skipped, Overruns: st.Overruns,
		Workers: st.Workers, Timer: st.Timer, Lateness: buckets(st.Lateness), Duration: buckets(st.Duration),
		Phases: map[string][][2]uint64{},
	}
	for p, h := range st.Phases {
		a.Phases[tick.Phase(p).String()] = buckets(h)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// An error here is a reader that left.
	_ = json.NewEncoder(w).Encode(a)
}

// buckets are the histogram's buckets that are not empty.
func buckets(h *tick.Histogram) [][2]uint64 {
	out := [][2]uint64{}
	for d, n := range h.All() {
		out = append(out, [2]uint64{uint64(d), n})
	}
	return out
}
