package tick

import (
	"math"
	"sync/atomic"
)

// past is one tick that a worker has run.
type past struct {
	name       string
	seq        uint64
	start, end int64
	busy       int64 // of the worker in all, up to and with this tick
	waited     int64 // of its time the thread was not on a processor
	phase      Phase // that took longest
	inPhase    int64 // how long
}

// history is what a worker ran most recently, to find out what kept it busy.
type history struct {
	ring [historyTicks]past
	n    uint64
	busy int64
}

func (h *history) add(e *Entry, waited int64) {
	t := &e.tick
	p := past{name: e.name, seq: e.seq, start: t.start, end: t.stamp, waited: waited}
	p.phase, p.inPhase = t.longest()
	h.push(p)
}

func (h *history) push(p past) {
	h.busy += p.end - p.start
	p.busy = h.busy
	h.ring[h.n%historyTicks] = p
	h.n++
}

// testimony is what a worker knows about the time before a late tick.
type testimony struct {
	awake   int64  // since when a worker was awake that could have run it
	gap     gap    // what its thread did until then
	culprit string // the entry that kept it busy longest after that
	seq     uint64
	phase   Phase
	took    int64 // how long it did
	inPhase int64 // how much of that in the phase
	others  int64 // how long all others did
	crowd   int   // how many ticks of others that were
	waited  int64 // how long the thread was kept off the processor meanwhile
}

// explain says why e begins so late on w, whether it is w's own entry or stolen.
func (w *worker) explain(e *Entry, now int64) testimony {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.w.Load() != w {
		return w.loot
	}
	return w.recall(e.tick.Due, now)
}

// testify is what v knows about the entry that a thief takes from it. The caller
// holds mu.
func (w *worker) testify(e *Entry, now int64) testimony {
	return w.recall(e.sched.due(e.sched.last(now)), now)
}

// recall describes the time from due till now. The caller holds mu.
func (w *worker) recall(due, now int64) testimony {
	t := testimony{awake: w.woke, gap: w.gap}
	if w.sleeping {
		t.awake, t.gap = now, gap{}
		return t
	}
	from := max(due, w.woke)
	if w.cur != nil && w.began < now {
		t.blame(w.cur.name, w.cur.seq, now-max(from, w.began), w.cur.tick.current(), 1, 0)
	}
	h := &w.past
	for i := h.n; i > 0 && h.n-i < historyTicks; i-- {
		p := &h.ring[(i-1)%historyTicks]
		if p.end <= from {
			return t
		}
		over := p.end - max(from, p.start)
		share := float64(over) / float64(max(p.end-p.start, 1))
		t.blame(p.name, p.seq, over, p.phase, float64(p.inPhase)/float64(max(p.end-p.start, 1)),
			int64(share*float64(p.waited)))
	}
	if h.n > historyTicks {
		// More ticks than are remembered: what is known of the rest is its sum.
		first := h.ring[h.n%historyTicks]
		before := first.busy - (first.end - first.start) - w.wokeCum
		if span := first.start - w.woke; span > 0 && first.start > from && before > 0 {
			t.others += int64(math.Round(float64(before) * float64(first.start-from) / float64(span)))
			t.crowd++
		}
	}
	return t
}

// blame counts ns of one tick; the entry with the most is the culprit.
func (t *testimony) blame(name string, seq uint64, ns int64, p Phase, inPhase float64, waited int64) {
	t.waited += waited
	switch {
	case seq == t.seq && t.took > 0:
		t.took += ns
		t.inPhase += int64(inPhase * float64(ns))
	case ns > t.took:
		if t.took > 0 {
			t.crowd++
		}
		t.others += t.took
		t.culprit, t.seq, t.took, t.phase, t.inPhase = name, seq, ns, p, int64(inPhase*float64(ns))
	default:
		t.others += ns
		t.crowd++
	}
}

// meter measures the share of its time that a worker spends in ticks.
type meter struct {
	since int64
	busy  int64
	share atomic.Uint64 // bits of a float64
}

func (m *meter) add(now, ns int64) {
	m.busy += ns
	if span := now - m.since; span >= second {
		m.share.Store(math.Float64bits(min(float64(m.busy)/float64(span), 1)))
		m.since, m.busy = now, 0
	}
}

func (w *worker) utilisation() float64 { return math.Float64frombits(w.meter.share.Load()) }
