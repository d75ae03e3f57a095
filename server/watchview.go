package server

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gameserver/tick"
)

// view draws accounts as text. It remembers the last one, so that what it shows
// is what happened since.
type view struct {
	width, height int // of a screen; height 0: there is none, and no bound
	rows          int // matches to show; 0: as many as fit
	color         bool
	url           string
	trouble       string // instead of the account's age

	last    tickAccount
	entries map[uint64]matchAccount // of the last account
	seen    bool
}

// barCells is how wide a bar is that stands for a whole period.
const barCells = 16

// letters stand for the phases in a bar, colours for the letters.
var (
	letters = [tick.NumPhases + 1]byte{'i', 's', 'v', 'n', 'e', 'p', 'w', 'r', 'o'}
	colours = [tick.NumPhases + 1]int{36, 32, 35, 34, 33, 93, 31, 94, 37}
)

// frame returns the text for an account.
func (v *view) frame(a *tickAccount) []byte {
	var b strings.Builder
	v.head(&b, a)
	rows := v.rows
	foot := v.foot(a)
	if rows == 0 {
		rows = max(v.height-strings.Count(b.String(), "\n")-1-len(foot), 3)
	}
	v.matches(&b, a, rows)
	for _, line := range foot {
		b.WriteString(line + "\n")
	}
	v.remember(a)
	return []byte(b.String())
}

func (v *view) remember(a *tickAccount) {
	v.last, v.seen = *a, true
	v.entries = make(map[uint64]matchAccount, len(a.Matches))
	for _, m := range a.Matches {
		v.entries[m.ID] = m
	}
}

// paint colours text, where there are colours.
func (v *view) paint(code int, text string) string {
	if !v.color {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, text)
}

// head describes the process.
func (v *view) head(b *strings.Builder, a *tickAccount) {
	state := v.trouble
	if state == "" {
		state = "up " + a.Uptime.Round(time.Second).String()
	}
	busy := make([]string, len(a.Busy))
	for i, share := range a.Busy {
		busy[i] = fmt.Sprintf("%.0f%%", 100*share)
	}
	fmt.Fprintf(b, "%s  %s  %s  %d matches  %d workers by %s, busy %s\n", v.paint(1, "ticks"), v.url, state,
		a.Entries, a.Workers, a.Timer, strings.Join(busy, " "))

	expected, onTime, skipped, blamed := a.Expected, a.OnTime, a.Skipped, a.Blamed
	span := "since the start"
	late, took := a.Lateness, a.Duration
	if v.seen && a.Expected >= v.last.Expected {
		expected, onTime = expected-v.last.Expected, onTime-v.last.OnTime
		skipped, blamed = skipped-v.last.Skipped, blamed-v.last.Blamed
		late, took = minus(late, v.last.Lateness), minus(took, v.last.Duration)
		span = "in the last " + (a.Uptime - v.last.Uptime).Round(100*time.Millisecond).String()
	}
	fmt.Fprintf(b, "on time %s  %d ticks, %d skipped, %d late or long %s\n", v.onTime(onTime, expected), expected, skipped, blamed, span)
	fmt.Fprintf(b, "late    p50 %s  p99 %s  max %s     took  p50 %s  p99 %s  max %s  ms\n",
		of(late, 0.5), of(late, 0.99), of(late, 1), of(took, 0.5), of(took, 0.99), of(took, 1))
	r, since := a.Runtime, uint64(0)
	if v.seen && r.Cycles >= v.last.Runtime.Cycles {
		since = r.Cycles - v.last.Runtime.Cycles
	}
	fmt.Fprintf(b, "gc      +%d cycles, pause p50 %.2f p99 %.2f max %.2f ms, %.1f%% of cpu  heap %d MB  %d goroutines, waiting p99 %.2f ms\n",
		since, inMs(r.PauseP50), inMs(r.PauseP99), inMs(r.PauseMax), 100*r.GCShare, r.Heap>>20, r.Goroutines, inMs(r.SchedP99))
	if a.Stuck > 0 {
		b.WriteString(v.paint(31, fmt.Sprintf("stuck   %d ticks do not return: their stacks are in the saved traces", a.Stuck)) + "\n")
	}
}

// onTime is a share in percent.
func (v *view) onTime(n, of uint64) string {
	if of == 0 {
		return "   -   "
	}
	share := math.Floor(10000*float64(n)/float64(of)) / 100 // 99.996 is not all of them
	text := fmt.Sprintf("%6.2f%%", share)
	switch {
	case share >= 99.9:
		return v.paint(32, text)
	case share >= 99:
		return v.paint(33, text)
	default:
		return v.paint(31, text)
	}
}

// matches lists the slowest.
func (v *view) matches(b *strings.Builder, a *tickAccount, rows int) {
	name := 8
	for _, m := range a.Matches[:min(rows, len(a.Matches))] {
		name = max(name, utf8.RuneCountInString(m.Name))
	}
	name = min(name, 40, max(v.width-80, 12))
	fmt.Fprintf(b, "\n%-*s  %4s  %7s  %7s %7s  %7s %7s  %-*s  %s\n", name, "match", "hz", "on time",
		"late50", "late99", "took99", "worst", barCells, "took99 of a tick", "level")
	if len(a.Matches) == 0 {
		b.WriteString("no match is running\n")
	}
	for i, m := range a.Matches {
		if i == rows {
			break
		}
		expected, onTime, phases := m.Expected, m.OnTime, m.Phases
		if old, ok := v.entries[m.ID]; ok {
			expected, onTime, phases = expected-old.Expected, onTime-old.OnTime, less(phases, old.Phases)
		}
		level := m.Level
		if level == "full" {
			level = ""
		}
		if m.Stuck {
			level = v.paint(31, "STUCK")
		}
		fmt.Fprintf(b, "%s  %4d  %s  %s %s  %s %s  %s  %s\n", pad(m.Name, name), m.Hz, v.onTime(onTime, expected),
			msec(m.LateP50), msec(m.LateP99), msec(m.TookP99), msec(m.Worst), v.bar(&m, phases), level)
	}
}

// bar draws a duration as a share of the period, divided like the time of the
// phases.
func (v *view) bar(m *matchAccount, phases map[string]uint64) string {
	cells := min(int(math.Ceil(barCells*float64(m.TookP99)/float64(max(m.Length, 1)))), barCells)
	sum := uint64(0)
	for _, ns := range phases {
		sum += ns
	}
	if sum == 0 {
		return strings.Repeat(" ", barCells)
	}
	var s strings.Builder
	done, drawn := uint64(0), 0
	for p := range tick.NumPhases {
		done += phases[p.String()]
		upTo := int(math.Round(float64(cells) * float64(done) / float64(sum)))
		if n := upTo - drawn; n > 0 {
			s.WriteString(v.paint(colours[p], strings.Repeat(string(letters[p]), n)))
			drawn = upTo
		}
	}
	return s.String() + strings.Repeat(" ", barCells-drawn)
}

// foot says why ticks were late, and what was saved.
func (v *view) foot(a *tickAccount) []string {
	lines := []string{"", v.legend()}
	if len(a.Blames) > 0 {
		lines = append(lines, "", v.paint(1, "why ticks were late or long"))
		for _, bl := range a.Blames[:min(len(a.Blames), 5)] {
			lines = append(lines, v.cut(fmt.Sprintf("%s  %s tick %d  %s", bl.At.Local().Format("15:04:05"), bl.Match, bl.Tick, itself(bl.Line, bl.Match))))
		}
	}
	t := a.Traces
	switch {
	case !t.On:
		lines = append(lines, "", v.cut("no traces are saved: "+noRecorder))
		return lines
	case t.Paused:
		lines = append(lines, "", v.cut("the flight recorder pauses: the process is busy"))
	case !t.Running:
		lines = append(lines, "", v.cut("the flight recorder does not run: "+t.Problem))
	}
	lines = append(lines, "", v.paint(1, v.cut(fmt.Sprintf("%d saved traces in %s", len(t.Saves), t.Dir))))
	for _, s := range t.Saves[:min(len(t.Saves), 4)] {
		lines = append(lines, v.cut(fmt.Sprintf("%s  %s %s", s.Name, s.Entry, cmp.Or(itself(s.Blame, s.Entry), string(s.Why)))))
	}
	if len(t.Saves) > 0 {
		lines = append(lines, v.cut("look into one:  trace --saved NAME --only-ticks-over 8ms"))
	}
	return lines
}

// itself shortens a blame in which a match was in its own way.
func itself(line, match string) string { return strings.ReplaceAll(line, "("+match+": ", "(itself: ") }

// legend says what the letters of a bar mean.
func (v *view) legend() string {
	parts := make([]string, 0, tick.NumPhases)
	for p := range tick.NumPhases {
		parts = append(parts, v.paint(colours[p], string(letters[p]))+" "+p.String())
	}
	return "times in ms    " + strings.Join(parts, "  ")
}

// cut keeps a line within the width.
func (v *view) cut(line string) string {
	if v.width == 0 || utf8.RuneCountInString(line) <= v.width {
		return line
	}
	return string([]rune(line)[:max(v.width-1, 0)]) + "…"
}

// pad makes a name exactly so wide.
func pad(name string, width int) string {
	n := utf8.RuneCountInString(name)
	if n > width {
		return string([]rune(name)[:width-1]) + "…"
	}
	return name + strings.Repeat(" ", width-n)
}

func inMs(d time.Duration) float64 { return float64(d) / 1e6 }

func msec(d time.Duration) string { return fmt.Sprintf("%7.2f", inMs(d)) }

// minus is the histogram of what came between two accounts.
func minus(now, before [][2]uint64) [][2]uint64 {
	old := make(map[uint64]uint64, len(before))
	for _, b := range before {
		old[b[0]] = b[1]
	}
	out := make([][2]uint64, 0, len(now))
	for _, b := range now {
		if n := b[1] - min(old[b[0]], b[1]); n > 0 {
			out = append(out, [2]uint64{b[0], n})
		}
	}
	return out
}

// less is the time of phases between two accounts.
func less(now, before map[string]uint64) map[string]uint64 {
	out := maps.Clone(now)
	for p, ns := range before {
		out[p] -= min(ns, out[p])
	}
	return out
}

// of is a quantile of a histogram, in milliseconds.
func of(h [][2]uint64, q float64) string {
	slices.SortFunc(h, func(a, b [2]uint64) int { return cmp.Compare(a[0], b[0]) })
	total := uint64(0)
	for _, b := range h {
		total += b[1]
	}
	rank, seen := max(uint64(math.Ceil(q*float64(total))), 1), uint64(0)
	for _, b := range h {
		if seen += b[1]; seen >= rank {
			return msec(time.Duration(b[0])) //nolint:gosec // of a histogram of durations
		}
	}
	return msec(0)
}
