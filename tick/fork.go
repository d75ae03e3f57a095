package tick

import (
	"fmt"
	"sync"
)

// fork is work that a tick shares with the other workers. Each worker has one and
// uses it again and again; a helper that comes too late finds nothing to do.
type fork struct {
	mu     sync.Mutex // guards the following
	name   string     // of the entry
	part   func(int)
	n      int
	next   int // the first part that nobody has
	open   int // parts that are not finished
	failed bool
	reason any
	done   chan struct{} // receives one element when open becomes 0
}

// Fork calls part with 0 to n-1, n at most MaxForks, and returns when all calls
// have returned. Idle workers help: the calls run at the same time as one
// another, but never at the same time as the rest of the tick, so that a big
// match can split its snapshot work while its step stays serial. A panic in a
// part is one of the tick, and parts not begun are left out. In a Tick without a
// scheduler, and with a single worker, the calls run one after the other. Fork
// must not be called from a part.
func (t *Tick) Fork(n int, part func(i int)) {
	if n > MaxForks {
		panic(fmt.Sprintf("tick: fork of %d parts above %d", n, MaxForks))
	}
	if t.w == nil || n < 2 || len(t.w.s.workers) == 1 {
		for i := range n {
			part(i)
		}
		return
	}
	f := &t.w.fork
	f.mu.Lock()
	if f.done == nil {
		f.done = make(chan struct{}, 1)
	}
	f.name, f.part, f.n, f.next, f.open = t.name, part, n, 0, n
	f.failed, f.reason = false, nil
	f.mu.Unlock()
	t.w.forked.Store(true)
	t.w.s.rally(t.w, n-1)
	defer t.w.join()
	f.help()
}

// join waits until the last part has finished.
func (w *worker) join() {
	f := &w.fork
	<-f.done
	w.forked.Store(false)
	f.mu.Lock()
	f.part = nil
	failed, reason := f.failed, f.reason
	f.mu.Unlock()
	if failed {
		panic(reason)
	}
}

// help runs parts until there are no more. It returns the name of whom it has
// helped, and whether it has.
func (f *fork) help() (name string, ran bool) {
	for {
		f.mu.Lock()
		i, part := f.next, f.part
		if i >= f.n || part == nil {
			f.mu.Unlock()
			return name, ran
		}
		f.next++
		name, ran = f.name, true
		f.mu.Unlock()
		f.run(part, i)
	}
}

// run runs one part and keeps its panic for the one who forked.
func (f *fork) run(part func(int), i int) {
	finished := false
	defer func() {
		v := any(errGoexit)
		if !finished {
			if r := recover(); r != nil {
				v = r
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.open--
		if !finished {
			f.failed, f.reason = true, v
			f.open -= f.n - f.next
			f.next = f.n
		}
		if f.open == 0 {
			f.done <- struct{}{}
		}
	}()
	part(i)
	finished = true
}

// rally wakes up to n workers that sleep.
func (s *Scheduler) rally(from *worker, n int) {
	for i := 1; i < len(s.workers) && n > 0; i++ {
		w := s.workers[(from.id+i)%len(s.workers)].Load()
		w.mu.Lock()
		if w.sleeping && !w.closed {
			w.meant = never // nothing of its own is due
			w.timer.arm(0)
			n--
		}
		w.mu.Unlock()
	}
}

// assist helps workers that have forked. It reports whether it did anything.
func (w *worker) assist() (ran bool) {
	n := len(w.s.workers)
	for i := 1; i < min(n, stealScan+1); i++ {
		v := w.s.workers[(w.id+i)%n].Load()
		if !v.forked.Load() {
			continue
		}
		start := w.clk.now()
		if name, did := v.fork.help(); did {
			ran = true
			end := w.clk.now()
			w.mu.Lock()
			w.past.push(past{name: name, start: start, end: end, phase: NumPhases, inPhase: end - start})
			w.mu.Unlock()
		}
	}
	return ran
}
