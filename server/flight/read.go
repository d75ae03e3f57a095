package flight

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/exp/trace"

	"gameserver/tick"
)

// tickRegion is how the names of the trace regions of whole ticks begin; the
// entry's name follows.
const tickRegion = "tick "

// The states in which a tick spends its time, beside "waiting: " and a reason.
const (
	running  = "running"
	runnable = "runnable"
	syscall  = "syscall"
	waiting  = "waiting: "
)

// Read reads an execution trace and explains the ticks in it that took longer
// than over. It reads at most MaxTraceBytes.
func Read(r io.Reader, over time.Duration) (p *Profile, err error) {
	defer func() {
		if v := recover(); v != nil { // the parser is not ours, and the file may be anything
			p, err = nil, fmt.Errorf("flight: not an execution trace that can be read: %v", v)
		}
	}()
	in, err := trace.NewReader(io.LimitReader(r, MaxTraceBytes*2))
	if err != nil {
		return nil, fmt.Errorf("flight: not an execution trace: %w", err)
	}
	rd := &reader{profile: &Profile{Over: over}, gs: map[trace.GoID]*gstate{}, sums: newSums()}
	for n := 0; ; n++ {
		ev, err := in.ReadEvent()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("flight: reading the trace: %w", err)
		}
		if n == 0 {
			rd.first = ev.Time()
		}
		rd.last = ev.Time()
		rd.event(&ev)
	}
	rd.finish()
	return rd.profile, nil
}

// reader follows the goroutines that run ticks through a trace.
type reader struct {
	profile     *Profile
	gs          map[trace.GoID]*gstate
	sums        *sums
	first, last trace.Time
}

// gstate is a goroutine within a tick.
type gstate struct {
	entry   string // "": not in a tick
	began   trace.Time
	depth   int    // regions within the tick
	phase   string // the outermost of them
	state   string
	since   trace.Time // when it got there
	stack   trace.Stack
	woken   string
	assist  trace.Time // when a GC assist began; 0: none
	assists time.Duration

	// What the tick did so far, kept if it turns out slow.
	parts []part
}

// part is a stretch of a tick, or a sample within one.
type part struct {
	phase, state, woken string
	stack               trace.Stack
	time                time.Duration
	sample              bool
}

func (rd *reader) event(ev *trace.Event) {
	switch ev.Kind() {
	case trace.EventRegionBegin:
		rd.regionBegin(ev)
	case trace.EventRegionEnd:
		rd.regionEnd(ev)
	case trace.EventStackSample:
		rd.profile.Sampled = true
		if g := rd.gs[ev.Goroutine()]; g != nil && g.entry != "" {
			g.add(part{phase: g.phase, state: running, stack: ev.Stack(), sample: true})
		}
	case trace.EventStateTransition:
		rd.transition(ev)
	case trace.EventRangeBegin, trace.EventRangeEnd:
		rd.span(ev)
	default:
	}
}

func (rd *reader) regionBegin(ev *trace.Event) {
	name, id := ev.Region().Type, ev.Goroutine()
	g := rd.gs[id]
	if entry, ok := strings.CutPrefix(name, tickRegion); ok && (g == nil || g.entry == "") {
		if g == nil {
			if len(rd.gs) >= maxGoroutines {
				return
			}
			g = &gstate{}
			rd.gs[id] = g
		}
		*g = gstate{entry: entry, began: ev.Time(), since: ev.Time(), phase: tick.NumPhases.String(), state: running, parts: g.parts[:0]}
		return
	}
	if g == nil || g.entry == "" {
		return
	}
	if g.depth++; g.depth == 1 {
		g.close(ev.Time())
		g.phase = name
	}
}

func (rd *reader) regionEnd(ev *trace.Event) {
	g := rd.gs[ev.Goroutine()]
	if g == nil || g.entry == "" {
		return
	}
	if g.depth > 0 {
		if g.depth--; g.depth == 0 {
			g.close(ev.Time())
			g.phase = tick.NumPhases.String()
		}
		return
	}
	g.close(ev.Time())
	p, took := rd.profile, ev.Time().Sub(g.began)
	p.Ticks++
	if took > p.Over {
		p.Slow++
		p.Total += took
		p.Assist += g.assists
		if took > p.Worst.Took {
			p.Worst = SlowTick{Entry: g.entry, At: g.began.Sub(rd.first), Took: took}
		}
		for i := range g.parts {
			rd.sums.add(g.entry, &g.parts[i])
		}
	}
	g.entry = ""
}

// close ends the stretch of time that the goroutine is in.
func (g *gstate) close(now trace.Time) {
	if d := now.Sub(g.since); d > 0 {
		g.add(part{phase: g.phase, state: g.state, woken: g.woken, stack: g.stack, time: d})
	}
	g.since, g.woken = now, ""
}

// add keeps a part. Of a tick with very many the time of the last ones falls to
// one of them.
func (g *gstate) add(p part) {
	if len(g.parts) < maxParts {
		g.parts = append(g.parts, p)
		return
	}
	g.parts[maxParts-1].time += p.time
}

func (rd *reader) transition(ev *trace.Event) {
	st := ev.StateTransition()
	if st.Resource.Kind != trace.ResourceGoroutine {
		return
	}
	g := rd.gs[st.Resource.Goroutine()]
	if g == nil || g.entry == "" {
		return
	}
	from, to := st.Goroutine()
	if to == trace.GoNotExist {
		g.entry = "" // it ended within a tick
		return
	}
	if from == trace.GoWaiting {
		g.woken = waker(ev)
	}
	g.close(ev.Time())
	switch to {
	case trace.GoWaiting:
		g.state, g.stack = waiting+st.Reason, st.Stack
	case trace.GoRunnable:
		g.state = runnable
		if from == trace.GoRunning { // preempted, or it yielded
			g.stack = st.Stack
		}
	case trace.GoSyscall:
		g.state, g.stack = syscall, st.Stack
	default:
		g.state, g.stack = running, trace.NoStack
	}
}

// waker says where another goroutine was when it ended a wait.
func waker(ev *trace.Event) string {
	if ev.Goroutine() == trace.NoGoroutine {
		return ""
	}
	var frames []Frame
	for f := range ev.Stack().Frames() {
		frames = append(frames, Frame{Func: f.Func, File: f.File, Line: int(f.Line)}) //nolint:gosec // of a file
	}
	if f, ok := guilty(frames); ok {
		return f.String()
	}
	return ""
}

// span adds up the time that ticks spent helping the collector.
func (rd *reader) span(ev *trace.Event) {
	rg := ev.Range()
	if rg.Name != "GC mark assist" || rg.Scope.Kind != trace.ResourceGoroutine {
		return
	}
	g := rd.gs[rg.Scope.Goroutine()]
	switch {
	case g == nil || g.entry == "":
	case ev.Kind() == trace.EventRangeBegin:
		g.assist = ev.Time()
	case g.assist != 0:
		g.assists += ev.Time().Sub(g.assist)
		g.assist = 0
	}
}

// finish closes the account.
func (rd *reader) finish() {
	p := rd.profile
	p.Span = rd.last.Sub(rd.first)
	p.Rows, p.Samples = rd.sums.rows()
}
