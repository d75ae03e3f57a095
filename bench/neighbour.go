package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"gameserver/bench/timing"
)

// neighbourCmd puts a bad match among good ones.
type neighbourCmd struct {
	Matches int           `default:"50" help:"How many good matches of eight bots (${default})."`
	Time    time.Duration `default:"10s" help:"How long without and how long with the bad one (${default} each)."`
}

// Run measures and prints.
func (o *neighbourCmd) Run(ctx context.Context) error {
	if o.Matches < 1 || o.Matches > timing.MaxMatches || o.Time <= 0 || o.Time > playMax {
		return fmt.Errorf("--matches must be 1 to %d, --time at most %v", timing.MaxMatches, playMax)
	}
	fmt.Printf("%s\n%s\n", commandLine(), machine())
	return o.table(ctx, os.Stdout)
}

func (o *neighbourCmd) table(ctx context.Context, w io.Writer) error {
	fmt.Fprintf(w, "%d matches of 8 bots at 60 Hz, %v before and %v beside a bad one; lateness in ms\n\n  %-34s %10s %8s %8s %8s\n",
		o.Matches, o.Time, o.Time, "", "on time", "p50", "p99", "max")
	row := func(name string, s timing.Share) {
		fmt.Fprintf(w, "  %-34s %9.3f%% %8.3f %8.3f %8.3f\n", name, 100*s.OnTime,
			s.P50.Seconds()*1e3, s.P99.Seconds()*1e3, s.Worst.Seconds()*1e3)
	}
	for _, bad := range timing.Bad {
		for _, realtime := range []bool{false, true} {
			r, err := timing.Beside(ctx, bad, o.Matches, o.Time, realtime)
			if err != nil {
				return err
			}
			how := ""
			if realtime {
				how = ", --realtime"
			}
			if r.Note != "" {
				fmt.Fprintf(w, "  %-34s %s\n", bad+how, r.Note)
				continue
			}
			row("before"+how, r.Before)
			row(bad+how, r.During)
		}
	}
	return nil
}
