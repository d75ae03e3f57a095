package flight

import (
	"cmp"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/exp/trace"
)

// Profile says where the time of slow ticks went. The times of its rows add up to
// Total.
type Profile struct {
	Over    time.Duration // ticks that took longer are the slow ones
	Span    time.Duration // of the trace
	Ticks   int           // in it, whole
	Slow    int
	Total   time.Duration // of the slow ones
	Worst   SlowTick
	Sampled bool          // the CPU profiler was on
	Samples int           // of it, in slow ticks
	Assist  time.Duration // that slow ticks spent in the collector's work, for what they allocated
	Rows    []Row         // most time first
}

// SlowTick is one of them.
type SlowTick struct {
	Entry string
	At    time.Duration // since the trace began
	Took  time.Duration
}

// Row is time that ticks of one entry spent in one phase and state on one stack.
type Row struct {
	Entry, Phase string
	State        string // "running", "runnable", "syscall", or "waiting: " and what for
	WokenBy      string // who ended the wait
	Time         time.Duration
	Samples      int
	Stack        []Frame // innermost first; none for time that was running between samples
}

// Frame is one call of a stack.
type Frame struct {
	Func, File string
	Line       int
}

// String returns the function and the place, with one folder.
func (f Frame) String() string {
	file := f.File
	if i := strings.LastIndexByte(file, '/'); i > 0 {
		file = file[strings.LastIndexByte(file[:i], '/')+1:]
	}
	return f.Func + " " + file + ":" + strconv.Itoa(f.Line)
}

// guilty returns the innermost call that is not the standard library's: the line
// that somebody can change.
func guilty(stack []Frame) (Frame, bool) {
	root := libraryOf(stack)
	for _, f := range stack {
		if !isStandard(f, root) {
			return f, true
		}
	}
	return Frame{}, false
}

// libraryOf returns the folder that the standard library of the traced program
// was built from, "" if its paths were trimmed: most stacks have a call of the
// runtime in them, and else it is that of this program.
func libraryOf(stack []Frame) string {
	for _, f := range stack {
		if root, _, ok := strings.Cut(f.File, "/src/runtime/"); ok && maybeStandard(f) {
			return root + "/src/"
		}
	}
	return ownLibrary()
}

var ownLibrary = sync.OnceValue(func() string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(runtime.GC).Pointer()).FileLine(0)
	root, _, ok := strings.Cut(file, "/src/runtime/")
	if !ok {
		return ""
	}
	return root + "/src/"
})

// maybeStandard reports whether the import path could be one of the standard
// library's: they have no dot in their first element. Ours have none either.
func maybeStandard(f Frame) bool {
	first, _, nested := strings.Cut(f.Func, "/")
	if !nested {
		first, _, _ = strings.Cut(first, ".")
	}
	return first != "main" && first != "gameserver" && !strings.Contains(first, ".")
}

// isStandard reports whether a function belongs to the standard library at root.
func isStandard(f Frame, root string) bool {
	if !maybeStandard(f) {
		return false
	}
	if !strings.HasPrefix(f.File, "/") { // trimmed, or made by the compiler
		return true
	}
	return root != "" && strings.HasPrefix(f.File, root)
}

// sums adds up the parts of slow ticks.
type sums struct {
	stacks map[trace.Stack]string // their keys in frames
	frames map[string][]Frame
	times  map[rowKey]*rowSum
	runs   map[runKey]*runSum
}

type rowKey struct{ entry, phase, state, woken, stack string }

type rowSum struct {
	time    time.Duration
	samples int
}

// runKey and runSum are the time that one phase of an entry was running: it is
// known exactly, and divided among the samples.
type runKey struct{ entry, phase string }

type runSum struct {
	time    time.Duration
	samples int
}

func newSums() *sums {
	return &sums{
		stacks: map[trace.Stack]string{}, frames: map[string][]Frame{},
		times: map[rowKey]*rowSum{}, runs: map[runKey]*runSum{},
	}
}

func (s *sums) add(entry string, p *part) {
	if p.state == running {
		k := runKey{entry, p.phase}
		r := s.runs[k]
		if r == nil {
			r = &runSum{}
			s.runs[k] = r
		}
		r.time += p.time
		if !p.sample {
			return
		}
		r.samples++
	}
	k := rowKey{entry, p.phase, p.state, p.woken, s.key(p.stack)}
	r := s.times[k]
	if r == nil {
		if len(s.times) >= maxRows {
			k = rowKey{entry: entry, phase: p.phase, state: p.state}
			if r = s.times[k]; r == nil {
				r = &rowSum{}
				s.times[k] = r
			}
		} else {
			r = &rowSum{}
			s.times[k] = r
		}
	}
	r.time += p.time
	if p.sample {
		r.samples++
	}
}

// key returns what a stack is known by. The same calls may have several stacks in
// a trace.
func (s *sums) key(st trace.Stack) string {
	if k, ok := s.stacks[st]; ok {
		return k
	}
	var frames []Frame
	var b strings.Builder
	for f := range st.Frames() {
		if len(frames) == maxFrames {
			break
		}
		frames = append(frames, Frame{Func: f.Func, File: f.File, Line: int(f.Line)}) //nolint:gosec // of a file
		b.WriteString(f.Func)
		b.WriteByte(':')
		b.WriteString(strconv.FormatUint(f.Line, 10))
		b.WriteByte('\n')
	}
	k := b.String()
	s.stacks[st] = k
	if s.frames[k] == nil {
		s.frames[k] = frames
	}
	return k
}

// rows returns what has been added up, most time first.
func (s *sums) rows() (rows []Row, samples int) {
	for k, sum := range s.times {
		row := Row{
			Entry: k.entry, Phase: k.phase, State: k.state, WokenBy: k.woken,
			Time: sum.time, Samples: sum.samples, Stack: s.frames[k.stack],
		}
		if k.state == running {
			run := s.runs[runKey{k.entry, k.phase}]
			row.Time = time.Duration(float64(run.time) * float64(sum.samples) / float64(run.samples))
			samples += sum.samples
		}
		rows = append(rows, row)
	}
	for k, run := range s.runs {
		if run.samples == 0 && run.time > 0 {
			rows = append(rows, Row{Entry: k.entry, Phase: k.phase, State: running, Time: run.time})
		}
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Phase, b.Phase),
			cmp.Compare(a.State, b.State), cmp.Compare(a.WokenBy, b.WokenBy), slices.CompareFunc(a.Stack, b.Stack, func(x, y Frame) int {
				return cmp.Or(cmp.Compare(x.Func, y.Func), cmp.Compare(x.Line, y.Line))
			}))
	})
	return rows, samples
}
