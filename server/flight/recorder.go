package flight

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/tick"
)

var (
	// ErrBusy means that another trace is being taken.
	ErrBusy = errors.New("flight: another trace is being taken")
	// ErrOff means that the flight recorder is not running.
	ErrOff = errors.New("flight: the recorder is not running")
	// ErrPaused means that it is not running for now.
	ErrPaused = errors.New("flight: the recorder pauses while the process is busy")
	// ErrTooLarge means that a trace exceeds its bound.
	ErrTooLarge = errors.New("flight: trace too large")
)

// Config describes a Recorder. Only Dir is required.
type Config struct {
	Dir         string        // where saves go; made when it is missing
	Window      time.Duration // how far back they reach; 0: DefaultWindow
	WindowBytes int           // the memory for it; 0: DefaultWindowBytes
	Over        time.Duration // save when a tick began or ended so late; 0: one period of its own
	Every       time.Duration // shortest time between saves; 0: DefaultEvery
	Saves       int           // 0: DefaultSaves
	Bytes       int64         // of all saves; 0: DefaultBytes
	Logger      *slog.Logger  // nil: discard

	// Busy returns the share of its processors that the process has used since the
	// last call. While that is more than PauseAbove, nothing is recorded: a process
	// that has no time to spare gets it all. nil: that is never so.
	Busy func() float64

	// Ticks returns an entry's last ticks, oldest first. It is called on the
	// recorder's goroutine; nil: they are not saved.
	Ticks func(entry string) []tick.Record

	source source // for tests; nil: runtime/trace
}

// source is where the last seconds come from.
type source interface {
	Start() error
	Stop()
	WriteTo(w io.Writer) (int64, error)
}

// Stats counts what a Recorder did and refused.
type Stats struct {
	Running    bool   // the window is being recorded
	Paused     bool   // it is not for now, because the process is busy
	Saved      uint64 // saves written
	Suppressed uint64 // ticks that came too soon after another save
	QueueFull  uint64 // ticks that came while too many waited
	Failed     uint64 // saves that could not be written
	Dropped    uint64 // saves that waited when the recorder was closed
	Problem    string // the last reason for Failed, or for not running
}

// Recorder keeps the execution trace of the last seconds and saves it when a
// tick was late. Make one with New and end it with Close.
type Recorder struct {
	conf   Config // immutable, as are the following
	log    *slog.Logger
	source source
	queue  chan job
	quit   chan struct{}
	done   chan struct{}

	taking sync.Mutex // held while the source writes
	closes sync.Once

	running, paused                               atomic.Bool
	saved, suppressed, queueFull, failed, dropped atomic.Uint64

	mu      sync.Mutex // guards the following
	last    [2]limiter // ticks that returned, ticks that did not
	saves   []Save     // oldest first
	problem string
}

// limiter lets one through every so often, and sooner when it is more than twice
// as bad as the last one: the first late tick of a bad time is seldom its worst.
type limiter struct {
	next   time.Time
	worst  time.Duration
	missed uint64 // since
}

// allow reports whether a save may be made, and how many were missed before.
func (l *limiter) allow(now time.Time, bad time.Duration) (missed uint64, ok bool) {
	if now.Before(l.next) && bad <= 2*l.worst {
		l.missed++
		return 0, false
	}
	return l.missed, true
}

// took notes that a save is made.
func (l *limiter) took(now time.Time, bad, every time.Duration) {
	*l = limiter{next: now.Add(every), worst: max(bad, 1)}
}

// job is a save that waits.
type job struct {
	at    time.Time
	why   Why
	entry string
	blame tick.Blame
	stack []byte
	count uint64 // ticks that were suppressed before
}

// New makes the folder, lists what is in it, and starts recording. A process that
// is being recorded already is no error: the Recorder then lists, and saves heads
// without a trace; Stats says why.
func New(c Config) (*Recorder, error) {
	c.Window = cmp.Or(c.Window, DefaultWindow)
	c.WindowBytes = cmp.Or(c.WindowBytes, DefaultWindowBytes)
	c.Every = cmp.Or(c.Every, DefaultEvery)
	c.Saves = cmp.Or(c.Saves, DefaultSaves)
	c.Bytes = cmp.Or(c.Bytes, DefaultBytes)
	switch {
	case c.Dir == "":
		return nil, errors.New("flight: no folder")
	case c.Window < 0 || c.WindowBytes < 0 || c.Over < 0 || c.Every < 0 || c.Bytes < 0:
		return nil, errors.New("flight: a negative bound")
	case c.Saves < 1 || c.Saves > MaxSaves:
		return nil, fmt.Errorf("flight: %d saves, want 1 to %d", c.Saves, MaxSaves)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Recorder{
		conf: c, log: c.Logger, source: c.source,
		queue: make(chan job, MaxQueue), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if r.source == nil {
		r.source = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: c.Window, MaxBytes: uint64(c.WindowBytes)})
	}
	if err := r.scan(); err != nil {
		return nil, err
	}
	if err := r.source.Start(); err != nil {
		r.trouble(err)
	} else {
		r.running.Store(true)
	}
	go r.run()
	return r, nil
}

// Close stops recording. Saves that wait are dropped; one that is being written
// is finished.
func (r *Recorder) Close() {
	r.closes.Do(func() {
		close(r.quit)
		<-r.done
		if r.running.Swap(false) {
			r.taking.Lock()
			defer r.taking.Unlock()
			r.source.Stop()
		}
	})
}

// Blame is told of a tick that was late or long, and decides whether to save the
// trace.
func (r *Recorder) Blame(b tick.Blame) {
	over := r.conf.Over
	if over == 0 {
		over = b.Length
	}
	why := Late
	switch {
	case b.Late > over:
	case b.Took > over:
		why = Long
	default:
		return
	}
	r.offer(0, job{why: why, entry: b.Entry, blame: b})
}

// Stuck is told of a tick that does not return.
func (r *Recorder) Stuck(entry string, stack []byte) {
	r.offer(1, job{why: Stuck, entry: entry, stack: stack[:min(len(stack), MaxText)]})
}

// offer queues a save unless there was one as bad just now.
func (r *Recorder) offer(kind int, j job) {
	j.at = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	l, bad := &r.last[kind], max(j.blame.Late, j.blame.Took)
	missed, ok := l.allow(j.at, bad)
	if !ok {
		r.suppressed.Add(1)
		return
	}
	j.count = missed
	select {
	case r.queue <- j:
		l.took(j.at, bad, r.conf.Every)
	default:
		r.queueFull.Add(1)
	}
}

func (r *Recorder) run() {
	defer close(r.done)
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	if r.conf.Busy == nil {
		look.Stop()
	}
	for {
		select {
		case <-r.quit:
			r.dropped.Add(uint64(len(r.queue)))
			return
		default:
		}
		select {
		case <-r.quit:
		case <-look.C:
			r.yield(r.conf.Busy())
		case j := <-r.queue:
			if err := r.save(j); err != nil {
				r.failed.Add(1)
				r.trouble(err)
				r.log.Warn("trace not saved", slog.String("entry", j.entry), slog.Any("err", err))
			}
		}
	}
}

// yield stops recording when the process becomes busy, and goes on when it is not
// any more.
func (r *Recorder) yield(busy float64) {
	r.taking.Lock()
	defer r.taking.Unlock()
	switch {
	case busy > PauseAbove && r.running.Load():
		r.running.Store(false)
		r.paused.Store(true)
		r.source.Stop()
		r.log.Info("the flight recorder pauses: the process is busy", slog.Float64("busy", busy))
	case busy < resumeBelow && r.paused.Load():
		r.paused.Store(false)
		if err := r.source.Start(); err != nil {
			r.trouble(err)
			r.log.Warn("the flight recorder cannot go on", slog.Any("err", err))
			return
		}
		r.running.Store(true)
		r.log.Info("the flight recorder goes on", slog.Float64("busy", busy))
	}
}

// trouble remembers the last problem.
func (r *Recorder) trouble(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = err.Error()
}

// Stats returns the account so far.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{
		Running: r.running.Load(), Paused: r.paused.Load(), Saved: r.saved.Load(), Suppressed: r.suppressed.Load(),
		QueueFull: r.queueFull.Load(), Failed: r.failed.Load(), Dropped: r.dropped.Load(), Problem: r.problem,
	}
}

// Snapshot returns the trace of the last seconds.
func (r *Recorder) Snapshot() ([]byte, error) {
	if !r.taking.TryLock() {
		return nil, ErrBusy
	}
	defer r.taking.Unlock()
	return r.window()
}

// window reads the source. The caller holds taking.
func (r *Recorder) window() ([]byte, error) {
	switch {
	case r.paused.Load():
		return nil, ErrPaused
	case !r.running.Load():
		return nil, ErrOff
	}
	var b bytes.Buffer
	if _, err := r.source.WriteTo(&capped{w: &b, left: MaxTraceBytes}); err != nil {
		return nil, fmt.Errorf("flight: taking the trace: %w", err)
	}
	return b.Bytes(), nil
}

// capped refuses what exceeds a number of bytes.
type capped struct {
	w    io.Writer
	left int
}

func (c *capped) Write(b []byte) (int, error) {
	if len(b) > c.left {
		return 0, ErrTooLarge
	}
	c.left -= len(b)
	return c.w.Write(b)
}
