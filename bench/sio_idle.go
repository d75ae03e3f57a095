package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// idleCmd measures what a session costs that does nothing but answer pings.
type idleCmd struct {
	hallOptions
	Sessions int           `default:"10000" placeholder:"N" help:"Idle WebSocket sessions, each in one namespace and one room (${default})."`
	Ping     time.Duration `default:"5s" help:"Time between pings (${default})."`
	Settle   time.Duration `default:"15s" help:"Wait after the last one has come in, for pings and garbage collection (${default})."`
	Rounds   int           `default:"1" placeholder:"N" help:"How often to measure each, with a fresh server (${default})."`
}

type idleRow struct {
	Server   string   `json:"server"`
	Parser   string   `json:"parser"`
	Sessions int      `json:"sessions"`
	Empty    readings `json:"emptyMiB"`   // before the first
	Full     readings `json:"fullMiB"`    // with all of them
	Each     readings `json:"eachKB"`     // the difference, by session
	CPU      readings `json:"cpuPercent"` // of a core, while idle

	empty, full, each, cpu []float64
}

type idleReport struct {
	Command string     `json:"command"`
	Machine string     `json:"machine"`
	Rows    []*idleRow `json:"rows"`
}

// Run measures each server in turn.
func (o *idleCmd) Run(ctx context.Context) error {
	if o.Sessions < 1 || o.Sessions > sessionsMax || o.Rounds < 1 || o.Rounds > roundsMax || o.Settle > playMax {
		return fmt.Errorf("at most %d sessions, %d rounds and %v", sessionsMax, roundsMax, playMax)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cpu := cores()
	halls, argv, err := o.makeHalls(ctx, dir, o.Ping)
	if err != nil {
		return err
	}
	r := idleReport{Command: commandLine(), Machine: machine()}
	rows := map[*hall]*idleRow{}
	for _, h := range halls {
		rows[h] = &idleRow{Server: h.maker, Parser: h.parser, Sessions: o.Sessions}
		r.Rows = append(r.Rows, rows[h])
	}
	for round := range o.Rounds {
		for _, h := range halls {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, o.Rounds, h)
			err = errors.Join(err, o.measure(ctx, h, argv[h], cpu, rows[h]))
			h.end()
			if ctx.Err() != nil {
				break
			}
		}
	}
	r.print(os.Stdout)
	if o.JSON != "" {
		err = errors.Join(err, saveJSON(o.JSON, r))
	}
	return err
}

func (o *idleCmd) measure(ctx context.Context, h *hall, argv []string, cpu int, row *idleRow) error {
	if err := h.start(argv, cpu); err != nil {
		return err
	}
	var err error
	if h.crowd, err = newCrowd(h.url, h.parser); err != nil {
		return err
	}
	if err := h.crowd.hold(ctx, time.Second); err != nil {
		return err
	}
	empty, err := usageOf(h.pid)
	if err != nil {
		return err
	}
	if err := h.crowd.join(ctx, o.Sessions); err != nil {
		return fmt.Errorf("%s: %w", h, err)
	}
	if err := h.crowd.hold(ctx, o.Settle/2); err != nil {
		return fmt.Errorf("%s: %w", h, err)
	}
	half, err := usageOf(h.pid)
	if err != nil {
		return err
	}
	if err := h.crowd.hold(ctx, o.Settle-o.Settle/2); err != nil {
		return fmt.Errorf("%s: %w", h, err)
	}
	full, err := usageOf(h.pid)
	if err != nil {
		return err
	}
	row.empty = append(row.empty, mib(empty.RSS))
	row.full = append(row.full, mib(full.RSS))
	row.each = append(row.each, float64(full.RSS-empty.RSS)/float64(o.Sessions)/1000)
	row.cpu = append(row.cpu, 100*(full.CPU-half.CPU).Seconds()/(o.Settle-o.Settle/2).Seconds())
	return nil
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

func (r *idleReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s\n\n", r.Command, r.Machine)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "server\tparser\tsessions\tempty MiB\tfull MiB\tkB a session\tCPU % while idle")
	for _, row := range r.Rows {
		row.Empty, row.Full, row.Each, row.CPU = rangeOf(row.empty), rangeOf(row.full), rangeOf(row.each), rangeOf(row.cpu)
		if len(row.each) == 0 {
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", row.Server, row.Parser, row.Sessions,
			row.Empty.format(0), row.Full.format(0), row.Each.format(1), row.CPU.format(1))
	}
	_ = t.Flush()
}
