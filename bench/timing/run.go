package timing

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gameserver/game/match"
	"gameserver/tick"
)

// Result is what a run has recorded.
type Result struct {
	Late     [][2]int64 `json:"late"` // [lateness in ns, ticks]
	Expected int64      `json:"expected"`
	OnTime   int64      `json:"onTime"` // finished before the next one was due
	CPU      float64    `json:"cpu"`    // seconds
	Note     string     `json:"note,omitempty"`
}

// Methods are the ways of keeping time in Go.
var Methods = []string{"ours", "ours --realtime", "time.Ticker, one loop", "time.Sleep, one loop", "time.Ticker each"}

// Run runs n matches at a rate by one of Methods, for d after a second of warming
// up.
func Run(ctx context.Context, method string, n, hz int, d time.Duration) (Result, error) {
	if n < 1 || n > MaxMatches || d <= 0 || d > MaxTime {
		return Result{}, fmt.Errorf("timing: %d matches for %v: too much", n, d)
	}
	all, err := newMatches(n, Players, hz)
	if err != nil {
		return Result{}, err
	}
	if method == Methods[0] || method == Methods[1] {
		return scheduled(ctx, all, hz, d, tick.Config{Utilisation: -1, Realtime: method == Methods[1]})
	}
	return newLoops(all, hz, d).run(ctx, method)
}

// scheduled runs the matches on a scheduler.
func scheduled(ctx context.Context, all []*match.Match, hz int, d time.Duration, c tick.Config) (r Result, err error) {
	s := tick.New(c)
	defer func() {
		if cerr := s.Close(context.WithoutCancel(ctx)); err == nil {
			err = cerr
		}
	}()
	for _, m := range all {
		if _, err := s.Add(m, tick.Options{Name: m.ID(), Hz: hz}); err != nil {
			return r, err
		}
	}
	sleep(ctx, warmup)
	before, cpu := s.Stats(), cpuTime()
	sleep(ctx, d)
	after := s.Stats()
	r = Result{
		Late: since(before.Lateness, after.Lateness), CPU: (cpuTime() - cpu).Seconds(),
		Expected: int64(after.Expected - before.Expected), OnTime: int64(after.OnTime - before.OnTime), //nolint:gosec // counts
	}
	if c.Realtime && after.Realtime == 0 {
		r.Note = fmt.Sprint("no real-time priority here: ", after.Refusal)
	}
	return r, nil
}

// since returns what a histogram has more than before.
func since(before, after *tick.Histogram) [][2]int64 {
	old := maps.Collect(before.All())
	list := [][2]int64{}
	for d, n := range after.All() {
		if n > old[d] {
			list = append(list, [2]int64{int64(d), int64(n - old[d])}) //nolint:gosec // counts
		}
	}
	return list
}

// loops run matches without a scheduler.
type loops struct {
	all    []*match.Match
	period time.Duration
	start  time.Time // of the schedule
	from   time.Time // what is due before is warming up
	until  time.Time
	late   tick.Histogram

	mu     sync.Mutex // guards the following
	onTime int64
	owed   int64
}

func newLoops(all []*match.Match, hz int, d time.Duration) *loops {
	l := &loops{all: all, period: period(hz), start: time.Now().Add(10 * time.Millisecond)}
	l.from = l.start.Add(warmup)
	l.until = l.from.Add(d)
	return l
}

func (l *loops) run(ctx context.Context, method string) (Result, error) {
	cpu := cpuTime()
	var wg sync.WaitGroup
	switch method {
	case Methods[2]:
		l.ticker(ctx, l.all, l.start)
	case Methods[3]:
		l.sleeper(ctx, l.all, l.start)
	case Methods[4]:
		for i := range l.all {
			at := l.start.Add(l.period * time.Duration(i) / time.Duration(len(l.all)))
			wg.Go(func() { l.ticker(ctx, l.all[i:i+1], at) })
		}
	default:
		return Result{}, fmt.Errorf("timing: no method %q", method)
	}
	wg.Wait()
	r := Result{OnTime: l.onTime, Expected: l.owed, CPU: (cpuTime() - cpu).Seconds()}
	for d, n := range l.late.All() {
		r.Late = append(r.Late, [2]int64{int64(d), int64(n)}) //nolint:gosec // counts
	}
	return r, ctx.Err()
}

// ticker ticks matches at what a Ticker says. The n-th is owed n periods after
// the start, whatever the Ticker leaves out.
func (l *loops) ticker(ctx context.Context, some []*match.Match, start time.Time) {
	time.Sleep(time.Until(start))
	t := time.NewTicker(l.period)
	defer t.Stop()
	l.loop(ctx, some, start, func(time.Time) { <-t.C })
}

// sleeper ticks matches when a Sleep till then has ended.
func (l *loops) sleeper(ctx context.Context, some []*match.Match, start time.Time) {
	l.loop(ctx, some, start, func(due time.Time) { time.Sleep(time.Until(due)) })
}

func (l *loops) loop(ctx context.Context, some []*match.Match, start time.Time, wait func(due time.Time)) {
	var t tick.Tick
	onTime, owed := int64(0), int64(0)
	for due := start.Add(l.period); due.Before(l.until); due = due.Add(l.period) {
		wait(due)
		if now := time.Now(); now.After(l.until) || ctx.Err() != nil {
			owed += l.giveUp(due, now, len(some))
			break
		}
		for _, m := range some {
			began := time.Now()
			m.Tick(&t)
			if due.Before(l.from) {
				continue
			}
			owed++
			l.late.Record(int64(began.Sub(due)))
			if time.Since(due) < l.period {
				onTime++
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.onTime += onTime
	l.owed += owed
}

// giveUp records the ticks that are still owed and will not run.
func (l *loops) giveUp(due, now time.Time, matches int) (owed int64) {
	for ; due.Before(l.until); due = due.Add(l.period) {
		for range matches {
			l.late.Record(int64(now.Sub(due)))
			owed++
		}
	}
	return owed
}

// cpuTime is the processor time of this process so far.
func cpuTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// sleep returns early when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
