package tick

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// keeper is the goroutine beside the workers: it explains late ticks, calls the
// hooks, and finds ticks that do not return.
type keeper struct {
	s    *Scheduler
	host host
	wake chan struct{} // holds one element
	quit chan struct{}
	done chan struct{}

	causes tally // of all entries

	mu     sync.Mutex // guards the following
	blames []Blame    // ring of the last ones
	next   int
	goid   uint64

	// Owned by the goroutine, and used again so that looking and judging allocate
	// nothing.
	workers    []*worker
	raws       []raw
	blame      Blame
	changes    []LevelChange
	lastCall   int64
	suppressed uint64
	seen       map[*worker]sighting
}

// sighting is a tick that was found running.
type sighting struct {
	began int64
	times int
}

func newKeeper(s *Scheduler, h host) *keeper {
	return &keeper{
		s: s, host: h, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
		seen: map[*worker]sighting{},
	}
}

// poke wakes the keeper.
func (s *Scheduler) poke() {
	select {
	case s.keeper.wake <- struct{}{}:
	default:
	}
}

// round is how often the keeper looks after the workers.
func (k *keeper) round() time.Duration {
	every := k.s.conf.Stuck / stuckLooks
	if k.s.conf.Stuck <= 0 {
		every = time.Second
	}
	if _, blind := k.host.(nowhere); !blind {
		every = min(every, evidenceEvery)
	}
	return every
}

func (k *keeper) run() {
	defer close(k.done)
	defer k.host.close()
	k.mu.Lock()
	k.goid = goid()
	k.mu.Unlock()
	t, settle := time.NewTimer(0), time.NewTimer(0)
	defer t.Stop()
	defer settle.Stop()
	next := k.s.clk.now()
	for {
		select {
		case <-k.quit:
			k.judge()
			return
		case <-k.wake:
			// Others may follow, and the collector's cycle has to end.
			k.host.observe(k.s.clk.now())
			settle.Reset(judgeAfter)
			select {
			case <-k.quit:
			case <-settle.C:
			}
			k.judge()
		case <-t.C:
		}
		now := k.s.clk.now()
		if now >= next {
			k.host.observe(now)
			k.look(now)
			next = now + int64(k.round())
		}
		if k.s.alive.Load() > 0 {
			t.Reset(time.Duration(max(next-now, 0)))
		}
	}
}

// judge explains the ticks that have piled up, and calls the hooks.
func (k *keeper) judge() {
	k.raws, k.changes = k.raws[:0], k.changes[:0]
	k.workers = k.s.everybody(k.workers[:0])
	for _, w := range k.workers {
		p := &w.pend
		p.mu.Lock()
		k.raws = append(k.raws, p.raws[:p.n]...)
		k.changes = append(k.changes, p.levels[:p.changed]...)
		p.n, p.changed = 0, 0
		p.mu.Unlock()
	}
	if len(k.raws) > 0 {
		k.host.observe(k.s.clk.now())
	}
	for i := range k.raws {
		b := &k.blame
		*b = Blame{}
		k.raws[i].judge(k.host, b)
		k.raws[i].causes.add(b)
		k.raws[i].group.causes.add(b)
		k.causes.add(b)
		k.mu.Lock()
		if len(k.blames) < MaxBlames {
			k.blames = append(k.blames, *b)
		} else {
			k.blames[k.next] = *b
			k.next = (k.next + 1) % MaxBlames
		}
		k.mu.Unlock()
		k.tell(b)
	}
	for _, c := range k.changes {
		k.guard("OnLevel", func() {
			if k.s.conf.OnLevel != nil {
				k.s.conf.OnLevel(c)
				return
			}
			k.s.log.Info("tick: level changed", slog.String("entry", c.Name),
				slog.String("from", c.From.String()), slog.String("to", c.To.String()))
		})
	}
}

// tell reports a blame unless one was reported just now.
func (k *keeper) tell(b *Blame) {
	now := k.s.clk.now()
	if k.lastCall != 0 && now-k.lastCall < int64(k.s.conf.BlameEvery) {
		k.suppressed++
		return
	}
	b.Suppressed = k.suppressed
	k.lastCall, k.suppressed = max(now, 1), 0
	if k.s.conf.OnBlame == nil && !k.s.log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	k.guard("OnBlame", func() {
		if k.s.conf.OnBlame != nil {
			k.s.conf.OnBlame(*b)
			return
		}
		k.s.log.Info("tick: "+b.String(), slog.String("entry", b.Entry), slog.Uint64("tick", b.N),
			slog.Int("worker", b.Worker), slog.Uint64("suppressed", b.Suppressed))
	})
}

// guard survives a hook that panics.
func (k *keeper) guard(name string, hook func()) {
	defer func() {
		if v := recover(); v != nil {
			k.s.log.Error("tick: hook panicked", slog.String("hook", name), slog.Any("panic", v))
		}
	}()
	hook()
}

// Blames returns the most recent late and long ticks, oldest first. The slice is
// the caller's own.
func (s *Scheduler) Blames() []Blame {
	k := s.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	return append(append(make([]Blame, 0, len(k.blames)), k.blames[k.next:]...), k.blames[:k.next]...)
}

// look finds ticks that do not return. A tick is stuck when it was seen running
// over and over for the whole time, so that a process which was stopped does not
// accuse anybody when it goes on.
func (k *keeper) look(now int64) {
	k.workers = k.s.crew(k.workers[:0])
	for _, w := range k.workers {
		w.mu.Lock()
		e, began := w.cur, w.began
		w.mu.Unlock()
		if e == nil {
			delete(k.seen, w)
			continue
		}
		if e = k.overstays(w, e, began, now); e == nil {
			continue
		}
		stack := stackOf(w.goid.Load())
		if !k.s.replace(w, e, began) {
			continue
		}
		delete(k.seen, w)
		k.guard("OnStuck", func() {
			if k.s.conf.OnStuck != nil {
				k.s.conf.OnStuck(e.name, stack)
				return
			}
			k.s.log.Error("tick: stuck", slog.String("entry", e.name), slog.Int("worker", w.id),
				slog.Duration("for", time.Duration(now-began)), slog.String("stack", string(stack)))
		})
	}
}

// overstays returns e if its tick has been running for too long.
func (k *keeper) overstays(w *worker, e *Entry, began, now int64) *Entry {
	limit := k.s.conf.Stuck
	w.relax(now)
	if limit <= 0 {
		return nil
	}
	seen := k.seen[w]
	if seen.began != began {
		seen = sighting{began: began}
	}
	seen.times++
	k.seen[w] = seen
	looks := int(limit / k.round())
	if now-began < int64(limit) || seen.times < max(looks, 1)*3/4 {
		return nil
	}
	return e
}

// replace puts a fresh worker in the place of w, whose tick of e is stuck, and
// moves all other entries there.
func (s *Scheduler) replace(w *worker, e *Entry, began int64) bool {
	fresh := newWorker(s, w.id)
	fresh.totals = w.totals
	fresh.thread.host = w.thread.host
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		fresh.timer.close()
		return false
	}
	w.mu.Lock()
	if w.cur != e || w.began != began {
		w.mu.Unlock()
		s.mu.Unlock()
		fresh.timer.close()
		return false
	}
	s.stuck = append(s.stuck, w)
	s.workers[w.id].Store(fresh)
	s.mu.Unlock()
	w.successor, w.closed = fresh, true
	for from, to := range map[*heap]*heap{&w.waiting: &fresh.waiting, &w.ready: &fresh.waiting, &w.parked: &fresh.parked} {
		for _, slot := range from.slots {
			key := slot.key
			if from == &w.ready {
				key = slot.e.sched.due(slot.e.slot)
			}
			slot.e.w.Store(fresh)
			fresh.enqueue(to, key, slot.e)
		}
		from.slots = nil
	}
	w.mu.Unlock()

	home := e.lock()
	if e.state == stateRunning && e.runner == w {
		e.stuck = true
		close(e.lost)
	}
	home.mu.Unlock()
	s.totalStuck.Add(1)
	go fresh.run()
	return true
}

// stackOf returns the stack of one goroutine, found in the dump of all of them.
func stackOf(id uint64) []byte {
	head := []byte("goroutine " + strconv.FormatUint(id, 10) + " [")
	for size := 256 << 10; size <= maxDump; size *= 8 {
		buf := make([]byte, size)
		buf = buf[:runtime.Stack(buf, true)]
		if i := bytes.Index(buf, append([]byte("\n\n"), head...)); i >= 0 {
			stack, _, _ := bytes.Cut(buf[i+2:], []byte("\n\n"))
			return stack[:min(len(stack), MaxStack)]
		}
		if len(buf) < size {
			break
		}
	}
	return append(head, "not found]"...)
}
