package tick

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Errors that Add returns.
var (
	ErrClosed = errors.New("tick: scheduler closed")
	ErrFull   = errors.New("tick: too many entries")
)

// Config describes a scheduler. The zero value works.
type Config struct {
	Workers       int          // goroutines that run ticks, at most MaxWorkers; 0: GOMAXPROCS
	PortableTimer bool         // sleep on a time.Timer even where a timerfd is at hand
	Logger        *slog.Logger // nil: discard
}

// Scheduler runs entries at their rates. Make one with New and end it with
// Close.
type Scheduler struct {
	// Immutable after New.
	clk     clock
	log     *slog.Logger
	workers []*worker

	mu     sync.Mutex // guards the following; never held together with a worker's
	crews  [][]*Entry // the live entries of each worker
	live   int
	seq    uint64
	closed bool
}

// New starts a scheduler.
func New(c Config) *Scheduler {
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	c.Workers = min(c.Workers, MaxWorkers)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Scheduler{
		clk:   clock{base: time.Now()},
		log:   c.Logger,
		crews: make([][]*Entry, c.Workers),
	}
	for i := range c.Workers {
		s.workers = append(s.workers, newWorker(s, i, c.PortableTimer))
	}
	for _, w := range s.workers {
		go w.run()
	}
	return s
}

// Now returns the nanoseconds since the scheduler was made, on the monotonic
// clock that Tick.Due refers to.
func (s *Scheduler) Now() int64 { return s.clk.now() }

// Add starts a task. Its first tick is due within one period.
func (s *Scheduler) Add(t Task, o Options) (*Entry, error) {
	e, err := newEntry(t, o)
	if err != nil {
		return nil, err
	}
	if err := s.enlist(e); err != nil {
		return nil, err
	}
	if err := e.w.add(e); err != nil {
		s.forget(e)
		return nil, err
	}
	return e, nil
}

// enlist gives e a worker and a phase.
func (s *Scheduler) enlist(e *Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.live >= MaxEntries:
		return ErrFull
	}
	worker, phase := place(s.crews, e.hz)
	s.seq++
	e.seq, e.w = s.seq, s.workers[worker]
	e.tick.clk = &s.clk
	e.start(phase, s.clk.now())
	s.crews[worker] = append(s.crews[worker], e)
	s.live++
	return nil
}

// forget takes e out of the lists that placement and statistics read.
func (s *Scheduler) forget(e *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	crew := s.crews[e.w.id]
	if i := slices.Index(crew, e); i >= 0 {
		s.crews[e.w.id] = slices.Delete(crew, i, i+1)
		s.live--
	}
}

// Entries returns the entries that are alive, oldest first.
func (s *Scheduler) Entries() []*Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Concat(s.crews...)
	slices.SortFunc(all, func(a, b *Entry) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

// Stats returns the account of all workers together.
func (s *Scheduler) Stats() Stats {
	st := Stats{
		Workers: len(s.workers), Uptime: time.Duration(s.clk.now()),
		Lateness: new(Histogram), Duration: new(Histogram),
	}
	for p := range st.Phases {
		st.Phases[p] = new(Histogram)
	}
	for _, w := range s.workers {
		t := &w.totals
		t.addTo(&st.Counts)
		st.Panics += t.panics.Load()
		st.Wakes += t.wakes.Load()
		st.Lateness.Merge(&t.lateness)
		st.Duration.Merge(&t.duration)
		for p := range st.Phases {
			st.Phases[p].Merge(&t.phases[p])
		}
		w.mu.Lock()
		st.Timer = w.timer.name()
		w.mu.Unlock()
	}
	s.mu.Lock()
	st.Entries = s.live
	s.mu.Unlock()
	return st
}

// Close ends all entries and waits until no Tick is running and the workers
// have ended, or until ctx is done. Called from inside a Tick it does not wait.
// It may be called any number of times.
func (s *Scheduler) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, w := range s.workers {
		w.close()
	}
	if s.inside() {
		return nil
	}
	for _, w := range s.workers {
		select {
		case <-w.done:
		case <-ctx.Done():
			return fmt.Errorf("tick: close: worker %d still in a tick: %w", w.id, context.Cause(ctx))
		}
	}
	return nil
}

// inside reports whether the calling goroutine is one of the workers, in which
// case waiting for a worker could mean waiting for oneself.
func (s *Scheduler) inside() bool {
	id := goid()
	return slices.ContainsFunc(s.workers, func(w *worker) bool { return w.goid.Load() == id })
}

// goid returns the number of the calling goroutine from the first line of its
// stack, "goroutine 42 [running]:". It takes a microsecond or two and is used on
// cold paths only.
func goid() uint64 {
	var buf [40]byte
	line := buf[len("goroutine "):runtime.Stack(buf[:], false)]
	id := uint64(0)
	for _, c := range line {
		if c < '0' || c > '9' {
			break
		}
		id = id*10 + uint64(c-'0')
	}
	if id == 0 {
		panic("tick: no goroutine number in " + strconv.Quote(string(line)))
	}
	return id
}
