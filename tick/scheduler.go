package tick

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Errors that Add returns. ErrBusy is an ErrFull: there is room for the entry,
// but no time.
var (
	ErrClosed = errors.New("tick: scheduler closed")
	ErrFull   = errors.New("tick: too many entries")
	ErrBusy   = fmt.Errorf("tick: workers are busy: %w", ErrFull)
)

// Config describes a scheduler. The zero value works.
type Config struct {
	Workers       int          // goroutines that run ticks, at most MaxWorkers; 0: GOMAXPROCS
	PortableTimer bool         // sleep on a time.Timer even where a timerfd is at hand
	Logger        *slog.Logger // nil: discard

	// Utilisation is the share of a worker's time, by the p95 cost of the
	// entries' ticks, up to which Add loads it. 0: DefaultUtilisation; negative:
	// no bound.
	Utilisation float64

	// Stuck is how long a tick may run. Then the other entries of its worker go
	// on without it, and it ends when it returns. 0: DefaultStuck; negative:
	// forever.
	Stuck time.Duration

	// Realtime makes each worker a thread of its own under SCHED_FIFO, where
	// the system allows it. Stats.Refusal says why not.
	Realtime bool

	// Hooks. They are called one at a time on a goroutine beside the workers,
	// so that they delay no tick, but each other. nil: logged.
	OnBlame func(Blame)                     // a late or long tick, at most one every BlameEvery
	OnLevel func(LevelChange)               // a governor changed its mind
	OnStuck func(name string, stack []byte) // a tick does not return

	BlameEvery time.Duration // 0: DefaultBlameEvery; negative: every blame is reported

	host host // for tests; nil: the real one
}

// Scheduler runs entries at their rates. Make one with New and end it with
// Close.
type Scheduler struct {
	// Immutable after New.
	conf    Config
	clk     clock
	log     *slog.Logger
	workers []atomic.Pointer[worker] // each is replaced when a tick of it gets stuck
	keeper  *keeper

	alive      atomic.Int64 // entries
	refused    atomic.Uint64
	totalStuck atomic.Uint64
	labelled   atomic.Bool

	mu      sync.Mutex // guards the following; locked before a worker's
	crews   [][]*Entry // the live entries of each worker
	groups  map[string]*group
	hoard   int64     // bytes of the live entries' rings
	stuck   []*worker // replaced, and their last tick has not returned
	seq     uint64
	closed  bool
	refusal error // of real-time priority
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
	c.Utilisation = cmp.Or(c.Utilisation, DefaultUtilisation)
	if c.Utilisation < 0 {
		c.Utilisation = math.Inf(1)
	}
	c.Stuck = cmp.Or(c.Stuck, DefaultStuck)
	c.BlameEvery = cmp.Or(c.BlameEvery, DefaultBlameEvery)
	s := &Scheduler{
		conf:    c,
		clk:     clock{base: time.Now()},
		log:     c.Logger,
		crews:   make([][]*Entry, c.Workers),
		groups:  make(map[string]*group),
		workers: make([]atomic.Pointer[worker], c.Workers),
	}
	for i := range c.Workers {
		s.workers[i].Store(newWorker(s, i))
	}
	s.keeper = newKeeper(s, s.lodge())
	for i := range s.workers {
		go s.workers[i].Load().run()
	}
	go s.keeper.run()
	return s
}

// lodge finds out what evidence there is, and gives it to the workers.
func (s *Scheduler) lodge() host {
	h := s.conf.host
	if h == nil && s.workers[0].Load().timer.name() != "portable" {
		h = newHost(&s.clk)
	}
	if h == nil {
		return nowhere{}
	}
	for i := range s.workers {
		s.workers[i].Load().thread.host = h
	}
	return h
}

// Now returns the nanoseconds since the scheduler was made, on the monotonic
// clock that Tick.Due refers to.
func (s *Scheduler) Now() int64 { return s.clk.now() }

// Label switches pprof labels on or off: "match", the entry's name, and "phase".
// While the execution tracer runs they are on in any case.
func (s *Scheduler) Label(on bool) { s.labelled.Store(on) }

// Add starts a task. Its first tick is due within one period. It returns ErrFull
// or ErrBusy when there is no room for it; the latter is also an ErrFull.
func (s *Scheduler) Add(t Task, o Options) (*Entry, error) {
	e, err := newEntry(t, o)
	if err != nil {
		return nil, err
	}
	if err := s.enlist(e, o.Group); err != nil {
		return nil, err
	}
	if err := e.w.Load().add(e); err != nil {
		s.forget(e)
		return nil, err
	}
	s.alert(e)
	return e, nil
}

// enlist gives e a worker and a phase.
func (s *Scheduler) enlist(e *Entry, group string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.alive.Load() >= MaxEntries:
		return ErrFull
	}
	shunned := func(i int) bool {
		return slices.ContainsFunc(s.stuck, func(w *worker) bool { return w.id == i }) ||
			slices.ContainsFunc(s.crews[i], func(o *Entry) bool { return Level(o.level.Load()) >= LevelRefuse })
	}
	worker, phase, ok := place(s.crews, shunned, e, s.conf.Utilisation)
	if !ok {
		s.refused.Add(1)
		return ErrBusy
	}
	s.seq++
	e.s, e.seq, e.crew = s, s.seq, worker
	e.w.Store(s.workers[worker].Load())
	e.tick.clk = &s.clk
	records, bytes := ringFor(e.hz, MaxRingBytes-s.hoard)
	e.ring.open(records)
	e.hoard = bytes
	s.hoard += bytes
	s.join(e, group)
	e.start(phase, s.clk.now())
	s.crews[worker] = append(s.crews[worker], e)
	if s.alive.Add(1) == 1 {
		s.poke()
	}
	return nil
}

// alert has the sleeping workers look after a new entry that is not theirs.
func (s *Scheduler) alert(e *Entry) {
	if len(s.workers) == 1 {
		return
	}
	home := e.w.Load()
	at := home.nextDue.Load()
	if at == never {
		return
	}
	at += int64(stealAfter)
	for i := range s.workers {
		w := s.workers[i].Load()
		if w == home {
			continue
		}
		w.mu.Lock()
		if w.sleeping && !w.closed && at < w.meant {
			w.meant = at
			w.timer.arm(at)
		}
		w.mu.Unlock()
	}
}

// relocate moves e to the list of another worker. It reports false when e has
// ended.
func (s *Scheduler) relocate(e *Entry, worker int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	crew := s.crews[e.crew]
	i := slices.Index(crew, e)
	if i < 0 || s.workers[worker].Load().successor != nil {
		return false
	}
	s.crews[e.crew] = slices.Delete(crew, i, i+1)
	e.crew = worker
	s.crews[worker] = append(s.crews[worker], e)
	return true
}

// forget takes e out of the lists that placement and statistics read.
func (s *Scheduler) forget(e *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	crew := s.crews[e.crew]
	if i := slices.Index(crew, e); i >= 0 {
		s.crews[e.crew] = slices.Delete(crew, i, i+1)
		s.alive.Add(-1)
		s.hoard -= e.hoard
		e.group.entries--
		e.group.past.add(e)
	}
}

// refuse notes why a worker does without real-time priority. It says so once.
func (s *Scheduler) refuse(err error) {
	s.mu.Lock()
	first := s.refusal == nil
	s.refusal = err
	s.mu.Unlock()
	if first {
		s.log.Warn("tick: going on without real-time priority", slog.Any("error", err))
	}
}

// recovered is told by a replaced worker that its stuck tick has returned.
func (s *Scheduler) recovered(w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.stuck, w); i >= 0 {
		s.stuck = slices.Delete(s.stuck, i, i+1)
	}
}

// crew appends the workers to all.
func (s *Scheduler) crew(all []*worker) []*worker {
	for i := range s.workers {
		all = append(all, s.workers[i].Load())
	}
	return all
}

// everybody appends the workers and those they have replaced to all.
func (s *Scheduler) everybody(all []*worker) []*worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(s.crew(all), s.stuck...)
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
		Refused: s.refused.Load(), Stalls: s.totalStuck.Load(), Entries: int(s.alive.Load()),
	}
	for p := range st.Phases {
		st.Phases[p] = new(Histogram)
	}
	for _, w := range s.crew(nil) {
		w.totals.mergeInto(&st)
		st.Busy = append(st.Busy, w.utilisation())
		w.mu.Lock()
		st.Timer = w.timer.name()
		w.mu.Unlock()
		if st.Timer == "realtime" {
			st.Realtime++
		}
		w.pend.mu.Lock()
		st.Lost += w.pend.lost
		w.pend.mu.Unlock()
	}
	st.Causes = s.keeper.causes.read()
	s.mu.Lock()
	st.Stuck, st.Refusal = len(s.stuck), s.refusal
	s.mu.Unlock()
	return st
}

// Close ends all entries and waits until no Tick is running and the workers
// have ended, or until ctx is done. Called from inside a Tick or a hook it does
// not wait. It may be called any number of times.
func (s *Scheduler) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	err := s.await(ctx)
	if first {
		close(s.keeper.quit)
	}
	if err != nil || s.inside() {
		return err
	}
	select {
	case <-s.keeper.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("tick: close: in a hook: %w", context.Cause(ctx))
	}
}

// await closes the workers and waits for them.
func (s *Scheduler) await(ctx context.Context) error {
	all := s.everybody(nil)
	for _, w := range all {
		w.close()
	}
	if s.inside() {
		return nil
	}
	for _, w := range all {
		select {
		case <-w.done:
		case <-ctx.Done():
			return fmt.Errorf("tick: close: worker %d still in a tick: %w", w.id, context.Cause(ctx))
		}
	}
	return nil
}

// inside reports whether the calling goroutine is one of the scheduler's own, in
// which case waiting for one could mean waiting for oneself.
func (s *Scheduler) inside() bool {
	id := goid()
	k := s.keeper
	k.mu.Lock()
	is := k.goid == id
	k.mu.Unlock()
	return is || slices.ContainsFunc(s.everybody(nil), func(w *worker) bool { return w.goid.Load() == id })
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
