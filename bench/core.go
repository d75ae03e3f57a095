package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// capacityCmd searches for the most players of which one core is in time.
type capacityCmd struct {
	Workloads []string      `default:"w1@20,w1@60,w2@20,w2@60" placeholder:"NAME@HZ" help:"Workloads and snapshots a second (${default})."`
	OnTime    float64       `default:"99.9" help:"Per cent of the ticks that must have ended before the next was due (${default})."`
	Latency   time.Duration `default:"200ms" help:"What p99 of input to snapshot may be (${default})."`
	Most      int           `default:"2000" help:"How many players to try at most (${default})."`
	Parser    string        `default:"msgpack" enum:"msgpack,json" help:"Parser of the bots: msgpack or json (${default})."`
	Dialect   string        `default:"compact" enum:"compact,plain" help:"Dialect of the bots with msgpack: compact or plain (${default})."`
	Time      time.Duration `default:"10s" help:"How long to measure each time (${default})."`
	Warmup    time.Duration `default:"3s" help:"How long to play before that (${default})."`
	Delivered float64       `default:"99" help:"Per cent of the snapshots that must arrive (${default})."`
	Tries     int           `default:"2" help:"How often a number of players may fail before it is too many (${default})."`
	JSON      string        `name:"json" placeholder:"FILE" help:"Write all measurements as JSON, too."`
}

// capacityTry is one measurement.
type capacityTry struct {
	Players int     `json:"players"`
	Passed  bool    `json:"passed"`
	Why     string  `json:"why"`
	Report  *report `json:"report"`
}

type capacityRow struct {
	Workload string        `json:"workload"`
	Holds    int           `json:"holds"`
	Tries    []capacityTry `json:"tries"`
}

type capacityReport struct {
	Command string        `json:"command"`
	Machine string        `json:"machine"`
	Rows    []capacityRow `json:"rows"`
	Notes   []string      `json:"notes"`
}

func (o *capacityCmd) check() error {
	switch {
	case o.Most < 1 || o.Most > botsMax:
		return fmt.Errorf("--most must be 1 to %d", botsMax)
	case !(o.OnTime > 0 && o.OnTime <= 100):
		return fmt.Errorf("--on-time must be above 0 and at most 100")
	case o.Tries < 1 || o.Tries > repsMax:
		return fmt.Errorf("--tries must be 1 to %d", repsMax)
	case o.Time <= 0 || o.Warmup < 0 || o.Time+o.Warmup > playMax:
		return fmt.Errorf("--time and --warmup must be at most %v", playMax)
	}
	return nil
}

// Run searches in one workload after the other.
func (o *capacityCmd) Run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	r := capacityReport{Command: commandLine(), Machine: machine()}
	for _, name := range o.Workloads {
		row, err := o.search(ctx, name)
		r.Rows = append(r.Rows, row)
		if ctx.Err() != nil {
			r.Notes = append(r.Notes, "interrupted")
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r.print(os.Stdout)
	return saveJSON(o.JSON, r)
}

// search halves the range between what holds and what does not.
func (o *capacityCmd) search(ctx context.Context, name string) (capacityRow, error) {
	row := capacityRow{Workload: name}
	spec, err := (&bytesCmd{}).spec(name)
	if err != nil {
		return row, err
	}
	unit := 10 // players of a room; in one match a number so round
	if spec.Name != "w1" {
		unit = 50
	}
	most := o.Most / unit
	if spec.Name == "w2" {
		most = min(most, 1000/unit)
	}
	units := halve(most, func(n int) bool {
		passes := err == nil && ctx.Err() == nil
		for range o.Tries {
			if !passes {
				return false
			}
			var t capacityTry
			if t, err = o.try(ctx, spec.Name, spec.Send, n*unit); err != nil {
				return false
			}
			row.Tries = append(row.Tries, t)
			if t.Passed {
				return true
			}
		}
		return false
	})
	row.Holds = units * unit
	return row, err
}

// halve returns the largest n of 1 to most that holds, if all below one that holds
// do, too; 0 if none does.
func halve(most int, holds func(n int) bool) int {
	low, high := 0, most+1
	for n := min(8, most); low+1 < high; {
		if holds(n) {
			low = n
		} else {
			high = n
		}
		if high > most { // nothing has failed yet: double
			n = min(2*max(n, 1), most)
			if low == most {
				break
			}
			continue
		}
		n = (low + high) / 2
	}
	return low
}

// try measures with so many players.
func (o *capacityCmd) try(ctx context.Context, game string, send, players int) (capacityTry, error) {
	t := capacityTry{Players: players}
	play := playCmd{
		Bots: players, Game: game, Send: send, Parser: o.Parser, Dialect: o.Dialect, Time: o.Time, Warmup: o.Warmup, Pin: true,
	}
	r, err := play.once(ctx)
	if err != nil {
		return t, err
	}
	t.Report = r
	due := r.Seconds * float64(send*players)
	switch onTime := 100 * r.TicksOnTime; {
	case ctx.Err() != nil:
		t.Why = "interrupted"
	case onTime < o.OnTime:
		t.Why = fmt.Sprintf("%.2f %% of the ticks in time", onTime)
	case r.InputLatency.P99 > o.Latency.Microseconds():
		t.Why = "input to snapshot p99" + ms(r.InputLatency.P99)
	case 100*float64(r.Snapshots) < o.Delivered*due:
		t.Why = fmt.Sprintf("%.1f %% of the snapshots delivered", 100*float64(r.Snapshots)/due)
	case r.Disconnects > 0:
		t.Why = fmt.Sprintf("%d connections lost", r.Disconnects)
	default:
		t.Passed = true
	}
	verdict := "holds"
	if !t.Passed {
		verdict = t.Why
	}
	fmt.Fprintf(os.Stderr, "%s at %d Hz, %d players: %s (generator late p99%s)\n", game, send, players, verdict, ms(r.GeneratorLate.P99))
	return t, nil
}

// print writes one line a workload, about the most players that held.
func (r *capacityReport) print(w io.Writer) {
	fmt.Fprintf(w, "\nserver on one core, load on the others   (%s)\n", r.Machine)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tworkload\tplayers\tticks on time\tinput to snapshot p99\tcore\tµs/snapshot\tmemory/player\tgenerator late p99\tone more step fails with\t")
	for _, row := range r.Rows {
		var best *report
		why := ""
		failed := 0
		for i := range row.Tries {
			try := &row.Tries[i]
			if try.Passed && try.Players == row.Holds {
				best = try.Report
			}
			if !try.Passed && (failed == 0 || try.Players <= failed) {
				failed, why = try.Players, fmt.Sprintf("%d: %s", try.Players, try.Why)
			}
		}
		if best == nil {
			fmt.Fprintf(t, "\t%s\t0\t\t\t\t\t\t\t%s\t\n", row.Workload, why)
			continue
		}
		fmt.Fprintf(t, "\t%s\t%d\t%.3f %%\t%s\t%.2f\t%.1f\t%.1f KiB\t%s\t%s\t\n", row.Workload, row.Holds, 100*best.TicksOnTime,
			ms(best.InputLatency.P99), best.ServerCPU/best.Seconds, best.CPUPerSnapshot,
			float64(best.RSS-best.RSSEmpty)/1024/float64(row.Holds), ms(best.GeneratorLate.P99), why)
	}
	_ = t.Flush()
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
}
