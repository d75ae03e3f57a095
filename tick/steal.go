package tick

import "math"

// steals counts how often an entry was run by another worker.
type steals struct {
	since int64
	n     int
}

// add counts one and reports whether the entry should move to the thief.
func (s *steals) add(now int64) bool {
	if now-s.since > second {
		*s = steals{since: now}
	}
	s.n++
	if s.n < rehomeAfter {
		return false
	}
	*s = steals{}
	return true
}

// never is the time of what does not come.
const never = int64(math.MaxInt64)

// publish tells the other workers when the earliest of the entries in the queue
// is due. The caller holds mu.
func (w *worker) publish() {
	due := never
	if w.ready.len() > 0 {
		e := w.ready.slots[0].e
		due = e.sched.due(e.slot)
	}
	if w.waiting.len() > 0 {
		due = min(due, w.waiting.slots[0].key)
	}
	w.nextDue.Store(due)
}

// help returns when one of the other workers may need help, which is when its
// earliest entry is late.
func (w *worker) help() (at int64, victim *worker) {
	at = never
	n := len(w.s.workers)
	for i := 1; i < min(n, stealScan+1); i++ {
		v := w.s.workers[(w.id+i)%n].Load()
		if due := v.nextDue.Load(); due < at-int64(stealAfter) {
			at, victim = due+int64(stealAfter), v
		}
	}
	return at, victim
}

// steal takes an entry that is due and late from a worker that has not got round
// to it. The thief has nothing due; own is when that changes.
func (w *worker) steal(own, now int64) *Entry {
	at, v := w.help()
	if v == nil || at > now {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return nil
	}
	v.promote(now)
	defer v.publish()
	if v.ready.len() == 0 {
		return nil
	}
	e := v.ready.slots[0].e
	late := now - e.sched.due(e.slot)
	// Not at the price of being later oneself.
	if late < int64(stealAfter) || own != never && now+e.cost.Load()-own > late {
		return nil
	}
	v.ready.remove(0)
	e.state, e.runner = stateRunning, w
	w.loot = v.testify(e, now)
	w.totals.steals.Add(1)
	return e
}

// rehome makes w the worker of an entry that it has stolen repeatedly.
func (w *worker) rehome(e *Entry) {
	if !w.s.relocate(e, w.id) {
		return
	}
	old := e.lock()
	e.w.Store(w)
	old.mu.Unlock()
	w.totals.rehomed.Add(1)
}
