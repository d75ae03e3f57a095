package flight

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// WritePprof writes p for `go tool pprof`: the time of slow ticks, and the CPU
// samples in them, with the labels match, phase, state and woken_by.
func (p *Profile) WritePprof(w io.Writer) error {
	out := &profile.Profile{
		SampleType:        []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "tick", Unit: "nanoseconds"}},
		DefaultSampleType: "tick",
		DurationNanos:     int64(p.Span),
		Comments:          []string{p.title()},
	}
	functions, locations := map[[2]string]*profile.Function{}, map[Frame]*profile.Location{}
	locate := func(f Frame) *profile.Location {
		if l := locations[f]; l != nil {
			return l
		}
		fn := functions[[2]string{f.Func, f.File}]
		if fn == nil {
			fn = &profile.Function{ID: uint64(len(out.Function) + 1), Name: f.Func, SystemName: f.Func, Filename: f.File}
			functions[[2]string{f.Func, f.File}] = fn
			out.Function = append(out.Function, fn)
		}
		l := &profile.Location{ID: uint64(len(out.Location) + 1), Line: []profile.Line{{Function: fn, Line: int64(f.Line)}}}
		locations[f] = l
		out.Location = append(out.Location, l)
		return l
	}
	for _, row := range p.Rows {
		s := &profile.Sample{
			Value: []int64{int64(row.Samples), int64(row.Time)},
			Label: map[string][]string{"match": {row.Entry}, "phase": {row.Phase}, "state": {row.State}},
		}
		if row.WokenBy != "" {
			s.Label["woken_by"] = []string{row.WokenBy}
		}
		stack := row.Stack
		if len(stack) == 0 {
			stack = []Frame{{Func: "(" + row.State + " in phase " + row.Phase + ", not sampled)"}}
		}
		for _, f := range stack {
			s.Location = append(s.Location, locate(f))
		}
		out.Sample = append(out.Sample, s)
	}
	if err := out.Write(w); err != nil {
		return fmt.Errorf("flight: writing the profile: %w", err)
	}
	return nil
}

func (p *Profile) title() string {
	return fmt.Sprintf("%d of %d ticks took longer than %v", p.Slow, p.Ticks, p.Over)
}

// line is one line of the top list: rows of the same function and state.
type line struct {
	state, phase, fn, woken string
}

// places finds for each line the place in its function that has most time.
type places map[line]map[Frame]time.Duration

func (p places) add(l line, at Frame, d time.Duration) {
	if p[l] == nil {
		p[l] = map[Frame]time.Duration{}
	}
	p[l][at] += d
}

func (p places) of(l line) string {
	if l.fn == "" {
		return "(not sampled)"
	}
	return top(p[l], 1, Frame.String)[0].String()
}

// WriteText writes p for people: the places where slow ticks spent their time, at
// most n.
func (p *Profile) WriteText(w io.Writer, n int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, in a trace of %v", p.title(), p.Span.Round(10*time.Millisecond))
	if p.Slow == 0 {
		b.WriteString("\n")
		if p.Ticks == 0 {
			b.WriteString("It holds no whole tick: was a match running?\n")
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, ": %s ms in all\nthe longest: %s ms, %s, %v into the trace\n",
		ms(p.Total), ms(p.Worst.Took), p.Worst.Entry, p.Worst.At.Round(time.Millisecond))
	lines, phases, entries := map[line]time.Duration{}, map[string]time.Duration{}, map[string]time.Duration{}
	at := places{}
	for _, row := range p.Rows {
		place := row.place()
		l := line{row.State, row.Phase, place.Func, row.WokenBy}
		lines[l] += row.Time
		at.add(l, place, row.Time)
		phases[row.Phase] += row.Time
		entries[row.Entry] += row.Time
	}
	b.WriteString("\n      ms      %  phase     state and place\n")
	for _, l := range top(lines, n, func(l line) string { return l.fn + l.state + l.phase + l.woken }) {
		if share(lines[l], p.Total) < 0.1 {
			break
		}
		fmt.Fprintf(&b, "%8s  %5.1f  %-8s  %s  %s\n", ms(lines[l]), share(lines[l], p.Total), l.phase, l.state, at.of(l))
		if l.woken != "" {
			fmt.Fprintf(&b, "%27swoken by %s\n", "", l.woken)
		}
	}
	itself := func(s string) string { return s }
	b.WriteString("\nby phase:")
	for _, ph := range top(phases, n, itself) {
		if share(phases[ph], p.Total) < 0.1 {
			break
		}
		fmt.Fprintf(&b, "  %s %s", ph, ms(phases[ph]))
	}
	b.WriteString("\nby match:")
	for _, e := range top(entries, 5, itself) {
		fmt.Fprintf(&b, "  %s %s", e, ms(entries[e]))
	}
	b.WriteString("\n")
	if p.Assist > 0 {
		fmt.Fprintf(&b, "helping the collector, for what they allocated: %s ms\n", ms(p.Assist))
	}
	if !p.Sampled {
		b.WriteString("the CPU profiler was off: where ticks were running is known by phase only; trace --for 10s has it on\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// place is the line that somebody can change, the zero Frame if it is not known.
func (r *Row) place() Frame {
	if f, ok := guilty(r.Stack); ok {
		return f
	}
	if len(r.Stack) > 0 {
		return r.Stack[0]
	}
	return Frame{}
}

// top returns the keys of the n largest values.
func top[K comparable](m map[K]time.Duration, n int, name func(K) string) []K {
	keys := slices.SortedFunc(maps.Keys(m), func(a, b K) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(name(a), name(b)))
	})
	return keys[:min(n, len(keys))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d)/1e6) }

func share(d, of time.Duration) float64 { return 100 * float64(d) / float64(max(of, 1)) }
