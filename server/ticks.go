package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"gameserver/tick"
)

// tickAccount is what GET /debug/ticks answers: the scheduler's account since
// the process began. Times are nanoseconds. Histograms are [[upper bound in ns,
// count]…], so that a reader can take the difference of two answers.
type tickAccount struct {
	Version  string                 `json:"version"`
	Uptime   time.Duration          `json:"uptime"`
	Expected uint64                 `json:"expected"`
	Ticks    uint64                 `json:"ticks"`
	OnTime   uint64                 `json:"onTime"`
	Late     uint64                 `json:"late"`
	Skipped  uint64                 `json:"skipped"`
	Overruns uint64                 `json:"overruns"`
	Stuck    int                    `json:"stuck"`
	Blamed   uint64                 `json:"blamed"` // late or long ticks
	Workers  int                    `json:"workers"`
	Busy     []float64              `json:"busy"` // share of the last second each spent in ticks
	Timer    string                 `json:"timer"`
	Entries  int                    `json:"entries"`
	Lateness [][2]uint64            `json:"lateness"`
	Duration [][2]uint64            `json:"duration"`
	Phases   map[string][][2]uint64 `json:"phases"`
	Matches  []matchAccount         `json:"matches"` // the slowest; as many as ?matches= says
	Blames   []blameLine            `json:"blames"`  // newest first
	Runtime  runtimeAccount         `json:"runtime"`
	Traces   traceList              `json:"traces"`
}

// matchAccount is the account of one match.
type matchAccount struct {
	ID       uint64            `json:"id"` // of the scheduler's own
	Name     string            `json:"name"`
	Hz       int               `json:"hz"`
	Worker   int               `json:"worker"`
	Level    string            `json:"level"`
	Stuck    bool              `json:"stuck,omitempty"`
	Length   time.Duration     `json:"length"` // from one tick to the next
	Use      float64           `json:"use"`    // of its budget; above 1 the governor acts
	Expected uint64            `json:"expected"`
	Ticks    uint64            `json:"ticks"`
	OnTime   uint64            `json:"onTime"`
	Skipped  uint64            `json:"skipped"`
	LateP50  time.Duration     `json:"lateP50"` // since it began
	LateP99  time.Duration     `json:"lateP99"` // of the last ten seconds, as are the following
	TookP99  time.Duration     `json:"tookP99"`
	Worst    time.Duration     `json:"worst"`
	Phases   map[string]uint64 `json:"phases"` // sums since it began
}

// blameLine is one late or long tick.
type blameLine struct {
	At    time.Time     `json:"at"`
	Match string        `json:"match"`
	Tick  uint64        `json:"tick"`
	Late  time.Duration `json:"late"`
	Took  time.Duration `json:"took,omitempty"`
	Line  string        `json:"line"`
}

// debugTicks serves the scheduler's account as JSON.
func (s *Server) debugTicks(w http.ResponseWriter, r *http.Request) {
	rows := TickRows
	if text := r.URL.Query().Get("matches"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 || n > TickRowsMost {
			plain(w, http.StatusBadRequest, fmt.Sprintf("matches: want a number from 0 to %d", TickRowsMost))
			return
		}
		rows = n
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// An error here is a reader that left.
	_ = json.NewEncoder(w).Encode(s.account(rows))
}

// account describes the scheduler, with the given number of matches.
func (s *Server) account(rows int) tickAccount {
	st := s.ticks.Stats()
	a := tickAccount{
		Version: version(s.cfg.Version), Uptime: st.Uptime,
		Expected: st.Expected, Ticks: st.Ticks, OnTime: st.OnTime, Late: st.Late, Skipped: st.Skipped, Overruns: st.Overruns,
		Stuck: st.Stuck, Blamed: st.Blames, Workers: st.Workers, Busy: st.Busy, Timer: st.Timer, Entries: st.Entries,
		Lateness: buckets(st.Lateness), Duration: buckets(st.Duration),
		Phases: map[string][][2]uint64{}, Matches: s.slowest(rows), Blames: []blameLine{},
		Runtime: readRuntime(), Traces: s.traceList(TickTraces),
	}
	for p, h := range st.Phases {
		a.Phases[tick.Phase(p).String()] = buckets(h)
	}
	start := time.Now().Add(-time.Duration(s.ticks.Now()))
	blames := s.ticks.Blames()
	slices.Reverse(blames)
	for _, b := range blames[:min(len(blames), TickBlames)] {
		a.Blames = append(a.Blames, blameLine{
			At: start.Add(time.Duration(b.Due) + b.Late).UTC(), Match: b.Entry, Tick: b.N, Late: b.Late, Took: b.Took, Line: b.String(),
		})
	}
	return a
}

// slowest returns the accounts of the n matches that are worth a look most:
// stuck, then by how much of their time their ticks took lately, or came late.
func (s *Server) slowest(n int) []matchAccount {
	all := []matchAccount{}
	if n == 0 {
		return all
	}
	for _, e := range s.ticks.Entries() {
		st := e.Stats()
		m := matchAccount{
			ID: st.ID, Name: st.Name, Hz: st.Hz, Worker: st.Worker, Level: st.Level.String(), Stuck: st.Stuck,
			Length: st.Length, Use: st.Use, Expected: st.Expected, Ticks: st.Ticks, OnTime: st.OnTime, Skipped: st.Skipped,
			LateP50: st.Lateness.P50, LateP99: st.Lately.Late, TookP99: st.Lately.Took, Worst: st.Lately.Worst,
			Phases: map[string]uint64{},
		}
		for p, t := range st.Phases {
			if t.Sum > 0 {
				m.Phases[tick.Phase(p).String()] = uint64(t.Sum)
			}
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(a, b matchAccount) int {
		return cmp.Or(stuckFirst(a.Stuck, b.Stuck), cmp.Compare(b.weight(), a.weight()))
	})
	return all[:min(n, len(all))]
}

func stuckFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// weight is the larger of lateness and duration, as a share of the period.
func (m *matchAccount) weight() float64 {
	return float64(max(m.LateP99, m.TookP99, m.Worst)) / float64(max(m.Length, 1))
}

// buckets are the histogram's buckets that are not empty.
func buckets(h *tick.Histogram) [][2]uint64 {
	out := [][2]uint64{}
	for d, n := range h.All() {
		out = append(out, [2]uint64{uint64(d), n})
	}
	return out
}
