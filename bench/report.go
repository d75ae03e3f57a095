package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// quantiles of a latency, in microseconds.
type quantiles struct {
	Count int64 `json:"count"`
	P50   int64 `json:"p50"`
	P95   int64 `json:"p95"`
	P99   int64 `json:"p99"`
	P999  int64 `json:"p999"`
	Max   int64 `json:"max"`
}

func quantilesOf(h *hdrhistogram.Histogram) quantiles {
	return quantiles{
		Count: h.TotalCount(), P50: h.ValueAtQuantile(50), P95: h.ValueAtQuantile(95), P99: h.ValueAtQuantile(99),
		P999: h.ValueAtQuantile(99.9), Max: h.Max(),
	}
}

// report is one run's outcome; its JSON form is what --json writes.
type report struct {
	Command string `json:"command"`
	Machine string `json:"machine"`
	Pinned  bool   `json:"pinned"`

	Bots    int     `json:"bots"`
	Seconds float64 `json:"seconds"`
	Parser  string  `json:"parser"`

	Ticks        int64     `json:"ticks"` // that were due
	TicksOnTime  float64   `json:"ticksOnTime"`
	TicksSkipped int64     `json:"ticksSkipped"`
	Lateness     quantiles `json:"latenessUs"`
	Duration     quantiles `json:"durationUs"`

	Inputs        int64     `json:"inputs"`
	InputLatency  quantiles `json:"inputToSnapshotUs"`
	InputsLate    float64   `json:"inputsLate"` // share of those taken
	InputsLost    float64   `json:"inputsLost"` // share of those sent that were not taken
	Age           quantiles `json:"snapshotAgeUs"`
	Snapshots     int64     `json:"snapshots"`
	SnapshotBytes int64     `json:"snapshotBytes"`
	BytesIn       int64     `json:"bytesIn"`
	BytesOut      int64     `json:"bytesOut"`
	Disconnects   int64     `json:"disconnects"`
	GeneratorLate quantiles `json:"generatorLatenessUs"`

	ServerCPU      float64 `json:"serverCpuSeconds"`
	CPUPerSnapshot float64 `json:"serverCpuUsPerSnapshot"`
	RSS            int64   `json:"serverRssBytes"`
	RSSEmpty       int64   `json:"serverRssBytesEmpty"` // before anybody came
}

func machine() string {
	model := "unknown processor"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// print writes the table a person reads.
func (r *report) print(w io.Writer) {
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "  %-28s %s\n", name, fmt.Sprintf(format, args...))
	}
	quant := func(name string, q quantiles) {
		row(name, "p50 %s   p99 %s   p99.9 %s   max %s", ms(q.P50), ms(q.P99), ms(q.P999), ms(q.Max))
	}
	perClient := func(n int64) float64 { return float64(n) / r.Seconds / float64(max(1, r.Bots)) }
	fmt.Fprintf(w, "\n%d bots, %s, %.0f s   (%s)\n", r.Bots, r.Parser, r.Seconds, r.Machine)
	if !r.Pinned {
		fmt.Fprintln(w, "  server and load share their cores: compare with care")
	}
	row("ticks on time", "%.3f %%  of %d  (%d skipped)", 100*r.TicksOnTime, r.Ticks, r.TicksSkipped)
	quant("tick lateness", r.Lateness)
	quant("tick duration", r.Duration)
	quant("input to snapshot", r.InputLatency)
	row("snapshots per client", "%.2f /s", perClient(r.Snapshots))
	row("bytes per client", "%.0f B/s down   %.0f B/s up   (%.0f B in a snapshot)",
		perClient(r.BytesIn), perClient(r.BytesOut), float64(r.SnapshotBytes)/float64(max(1, r.Snapshots)))
	if r.ServerCPU > 0 {
		row("server CPU", "%.1f %% of a core   %.1f µs per delivered snapshot", 100*r.ServerCPU/r.Seconds, r.CPUPerSnapshot)
		row("server memory", "%.1f MiB RSS   %.1f KiB per player", float64(r.RSS)/(1<<20),
			float64(r.RSS-r.RSSEmpty)/1024/float64(max(1, r.Bots)))
	}
	row("connections lost", "%d", r.Disconnects)
	quant("load generator's lateness", r.GeneratorLate)
}

func ms(us int64) string { return fmt.Sprintf("%7.2f ms", float64(us)/1000) }

// progress draws one line that is overwritten, on a terminal, and nothing
// elsewhere.
type progress struct {
	w     io.Writer
	live  bool
	start time.Time
}

func newProgress(f *os.File) *progress {
	st, err := f.Stat()
	return &progress{w: f, live: err == nil && st.Mode()&os.ModeCharDevice != 0, start: time.Now()}
}

func (p *progress) show(what string, done, of int, tail string) {
	if !p.live {
		return
	}
	const width = 30
	full := width * done / max(1, of)
	fmt.Fprintf(p.w, "\r%-8s [%s%s] %d/%d  %s\x1b[K", what, strings.Repeat("=", full), strings.Repeat(" ", width-full), done, of, tail)
}

func (p *progress) end() {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
