package ops

import (
	"slices"

	"gameserver/sio"
	"gameserver/tick"
)

// watcher is a page that is connected. What it was sent is only its base once the
// connection has taken it with nothing ahead: see the package comment.
type watcher struct {
	out outlet
	on  bool

	// At the base.
	base   uint32
	hists  histograms
	blames uint64 // newest line
	ticked uint64 // newest tick of the selected match

	// Since the base.
	heat  []heat
	pause float64

	match  string // selected; empty: none
	shown  uint32 // reading at the base whose seats were sent
	listed bool   // has the traces
}

func newWatcher(out outlet) *watcher { return &watcher{out: out} }

// restart forgets what the page has: it starts with nothing again.
func (w *watcher) restart() { *w = watcher{out: w.out, on: w.on} }

// choose selects the match to show tick by tick.
func (w *watcher) choose(match string) {
	if w.match != match {
		w.match, w.ticked, w.shown = match, 0, 0
	}
}

// note adds a reading to what the page has not seen.
func (w *watcher) note(s *sampler) {
	if !w.on {
		return
	}
	w.pause = max(w.pause, s.process.Pause)
	w.grow(len(s.slots))
	for i := range s.slots {
		p := &s.slots[i]
		if p.born == s.n || p.entry == nil {
			w.heat[i] = heat{} // of somebody else
		}
		w.heat[i].add(p.now)
	}
}

func (w *watcher) grow(n int) {
	if more := n - len(w.heat); more > 0 {
		w.heat = append(w.heat, make([]heat, more)...)
	}
}

// tell sends a watcher what it has not seen.
func (s *sampler) tell(w *watcher) {
	if !w.on {
		return
	}
	w.grow(len(s.slots))
	f, ticked := s.frame(w)
	outcome, err := w.out.Offer(sio.Offer{Key: eventFrame}, eventFrame, f)
	if err == nil && outcome == sio.Sent {
		w.base, w.hists, w.blames, w.ticked = s.n, s.hists, s.blameSeq, ticked
		w.pause = 0
		for i := range w.heat {
			w.heat[i] = heat{state: w.heat[i].state}
		}
		if f.Match != nil && f.Match.Seats != nil {
			w.shown = s.rowsAt
		}
	}
	if !w.listed && s.cfg.Traces != nil {
		_, err = w.out.Offer(sio.Offer{Key: eventTraces}, eventTraces, append([]Trace{}, s.traces...))
		w.listed = err == nil
	}
}

// frame puts together what a watcher has not seen, and says which tick of the
// selected match it then has.
func (s *sampler) frame(w *watcher) (f *Frame, ticked uint64) {
	st := &s.stats
	f = &Frame{
		N: s.n, B: w.base, At: s.at.UnixMilli(), Up: st.Uptime.Milliseconds(),
		Sum: Sums{
			Expected: st.Expected, Ticks: st.Ticks, OnTime: st.OnTime, Late: st.Late, Skipped: st.Skipped,
			Overruns: st.Overruns, Steals: st.Steals, Refused: st.Refused, Stalls: st.Stalls, Blames: st.Blames,
			Stuck: st.Stuck, Entries: st.Entries,
		},
		House: s.figures, Process: s.process, Workers: make([]Worker, len(st.Busy)), Hidden: s.hidden,
		Hist: appendHist([]byte{}, &s.hists, &w.hists), Heat: appendHeat(make([]byte, 0, heatStride*len(s.slots)), w.heat[:len(s.slots)]),
		Causes: totals(&st.Causes),
	}
	f.Process.Pause = w.pause
	for i, busy := range st.Busy {
		f.Workers[i].Busy = busy
	}
	for i := range s.slots {
		p := &s.slots[i]
		if p.entry != nil && p.who.Worker < len(f.Workers) {
			f.Workers[p.who.Worker].Entries++
		}
		if p.changed > w.base && (p.entry != nil || w.base > 0) {
			f.Slots = append(f.Slots, p.who)
		}
	}
	if s.rowsAt > w.base {
		f.Rows = s.rows
	}
	fresh, _ := slices.BinarySearchFunc(s.blames, w.blames+1, func(b BlameLine, seq uint64) int { return int(b.Seq) - int(seq) }) //nolint:gosec // far from the bound
	f.Blames = s.blames[fresh:]
	if len(f.Blames) > 0 && w.base > 0 {
		f.Missed = f.Blames[0].Seq - w.blames - 1
	}
	if w.match != "" {
		f.Match, ticked = s.report(w)
	}
	return f, ticked
}

func totals(c *tick.Causes) CauseTotals {
	return CauseTotals{Blames: c.Blames, Late: millis(c.Late[:]), Took: millis(c.Took[:])}
}

// report is what a watcher has not seen of the match it selected.
func (s *sampler) report(w *watcher) (r *MatchReport, ticked uint64) {
	i := slices.IndexFunc(s.slots, func(p slot) bool { return p.entry != nil && p.who.ID == w.match })
	if i < 0 {
		return &MatchReport{ID: w.match, Gone: true, Slot: -1}, w.ticked
	}
	p := &s.slots[i]
	r = &MatchReport{ID: w.match, Slot: i, Hz: p.who.Hz, Length: micro(p.length)}
	s.records = p.entry.Recent(s.records[:0], w.ticked)
	ticked = w.ticked
	if all := s.records[:min(len(s.records), MaxTicks)]; len(all) > 0 {
		r.From, ticked = all[0].N, all[len(all)-1].N
		r.Ticks = make([]byte, 0, len(all)*tickBytes)
		for j := range all {
			r.Ticks = appendTick(r.Ticks, &all[j])
		}
	}
	if w.shown < s.rowsAt {
		st := p.entry.Stats()
		causes := totals(&st.Causes)
		r.Causes = &causes
		state, seats, _ := s.cfg.House.Match(w.match)
		r.State, r.Seats = state, make([]Seat, 0, min(len(seats), MaxSeats))
		for _, seat := range seats[:min(len(seats), MaxSeats)] {
			seat.Name = clip(seat.Name, MaxName)
			r.Seats = append(r.Seats, seat)
		}
	}
	return r, ticked
}
