package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"gameserver/bench/tape"
	"gameserver/bench/workload"
)

// floorCmd compares what a snapshot costs the server with the least it can cost.
type floorCmd struct {
	Workload string        `default:"w1" enum:"w1,w2,w3" help:"What to play: w1, w2 or w3 (${default})."`
	Bots     int           `default:"200" help:"How many players (${default})."`
	Dialect  string        `default:"compact" enum:"compact,plain" help:"Dialect of the players: compact or plain (${default})."`
	Rates    []int         `default:"20,60" placeholder:"HZ" help:"Snapshots a second, one table each (${default})."`
	Reps     int           `default:"3" help:"How often to measure each server, in turns (${default})."`
	Time     time.Duration `default:"5s" help:"How long to measure each time (${default})."`
	Warmup   time.Duration `default:"2s" help:"How long to play before that (${default})."`
	Pin      bool          `default:"true" negatable:"" help:"Pin server and load to different cores."`
	JSON     string        `name:"json" placeholder:"FILE" help:"Write the tables as JSON, too."`
}

// floorReport is the outcome: all measurements, in the order they were taken.
type floorReport struct {
	Command string       `json:"command"`
	Machine string       `json:"machine"`
	Bots    int          `json:"bots"`
	Tables  []floorTable `json:"tables"`
	Notes   []string     `json:"notes"`
}

type floorTable struct {
	Workload string     `json:"workload"`
	Send     int        `json:"send"`
	Rows     []floorRow `json:"rows"` // ours first
}

type floorRow struct {
	Server string        `json:"server"`
	Runs   []floorResult `json:"runs"`
}

func (o *floorCmd) check() error {
	switch {
	case o.Bots < 1 || o.Bots > botsMax:
		return fmt.Errorf("--bots must be 1 to %d", botsMax)
	case o.Reps < 1 || o.Reps > repsMax:
		return fmt.Errorf("--reps must be 1 to %d", repsMax)
	case o.Time <= 0 || o.Warmup < 0 || o.Time+o.Warmup > playMax:
		return fmt.Errorf("--time and --warmup must be at most %v", playMax)
	}
	return nil
}

// Run measures in turns: ours, Go, C, ours, Go, C.
func (o *floorCmd) Run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	f, err := buildFloors(ctx)
	if err != nil {
		return err
	}
	defer f.remove()
	r := floorReport{Command: commandLine(), Machine: machine(), Bots: o.Bots, Notes: f.notes}
	cpu := -1
	if o.Pin && runtime.NumCPU() > 1 {
		cpu = 0
	} else {
		r.Notes = append(r.Notes, "servers and load share their cores: compare with care")
	}
	for _, send := range o.Rates {
		t, err := o.table(ctx, f, send, cpu)
		if t != nil {
			r.Tables = append(r.Tables, *t)
		}
		if ctx.Err() != nil {
			r.Notes = append(r.Notes, "interrupted")
			break
		}
		if err != nil {
			return err
		}
	}
	r.print(os.Stdout)
	return saveJSON(o.JSON, r)
}

// table measures at one rate. What was measured before an error is in the table.
func (o *floorCmd) table(ctx context.Context, f *floors, send, cpu int) (*floorTable, error) {
	play := playCmd{
		Bots: o.Bots, Game: o.Workload, Send: send, Parser: "msgpack", Dialect: o.Dialect, Time: o.Time, Warmup: o.Warmup, Pin: o.Pin,
	}
	if err := play.resolve(); err != nil {
		return nil, err
	}
	players := 0
	if o.Workload == "w2" {
		players = o.Bots
	}
	spec, err := workload.Named(o.Workload, players, send)
	if err != nil {
		return nil, err
	}
	recorded, err := tape.Record(tape.Options{Spec: spec, Dialect: tape.Dialect(o.Dialect), Snapshots: 10 * send})
	if err != nil {
		return nil, err
	}
	sizes, err := f.sizes(recorded)
	if err != nil {
		return nil, err
	}
	t := &floorTable{Workload: o.Workload, Send: send, Rows: []floorRow{{Server: "gameserver, " + o.Dialect}}}
	for _, p := range f.programs {
		t.Rows = append(t.Rows, floorRow{Server: p.name})
	}
	for rep := range o.Reps {
		fmt.Fprintf(os.Stderr, "%s at %d Hz: %d of %d\n", o.Workload, send, rep+1, o.Reps)
		message, err := t.ours(ctx, play)
		if err != nil {
			return t, err
		}
		for i, p := range f.programs {
			run := floorRun{
				program: p, sizes: sizes, conns: o.Bots, group: spec.Players, send: send, tick: spec.Tick,
				message: message, warmup: o.Warmup, time: o.Time, cpu: cpu,
			}
			res, err := run.run(ctx)
			if err != nil {
				return t, err
			}
			t.Rows[i+1].Runs = append(t.Rows[i+1].Runs, res)
		}
	}
	return t, nil
}

// ours measures the game server and returns how long its players' inputs are.
func (t *floorTable) ours(ctx context.Context, play playCmd) (message int, err error) {
	r, err := play.once(ctx)
	if err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	due := r.Seconds * float64(t.Send*play.Bots)
	t.Rows[0].Runs = append(t.Rows[0].Runs, floorResult{
		CPUPerSnapshot: r.CPUPerSnapshot, Delivered: float64(r.Snapshots) / due,
		GeneratorLate: float64(r.GeneratorLate.P99) / 1000,
	})
	return int(r.BytesOut / max(r.Inputs, 1)), nil
}

// print writes a table for each rate.
func (r *floorReport) print(w io.Writer) {
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s, %d players, %d snapshots a second   (%s)\n", t.Workload, r.Bots, t.Send, r.Machine)
		tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
		fmt.Fprintln(tw, "\tserver\truns\tµs/snapshot min\tmedian\tmax\tours is times min\tmedian\tmax\tdelivered\tgenerator late p99\t")
		for _, row := range t.Rows {
			cost, ratio, delivered, late := row.values(t.Rows[0])
			if len(cost) == 0 {
				continue
			}
			fmt.Fprintf(tw, "\t%s\t%d\t%s\t%s\t%.3f\t%.1f ms\t\n", row.Server, len(cost), spread("%.1f", cost),
				spread("%.2f", ratio), delivered/float64(len(cost)), late)
		}
		_ = tw.Flush()
	}
	fmt.Fprintln(w, "\nCPU of the server process, user and system, for each snapshot that its players got, the")
	fmt.Fprintln(w, "receiving of their inputs included. Ratios are of runs taken one after the other.")
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
}

// values are the costs of a row, and how many times as much ours cost in the same
// turns; smallest first.
func (row floorRow) values(ours floorRow) (cost, ratio []float64, delivered, late float64) {
	for i, run := range row.Runs {
		cost = append(cost, run.CPUPerSnapshot)
		ratio = append(ratio, ours.Runs[i].CPUPerSnapshot/max(run.CPUPerSnapshot, 1e-9))
		delivered += run.Delivered
		late = max(late, run.GeneratorLate)
	}
	slices.Sort(cost)
	slices.Sort(ratio)
	return cost, ratio, delivered, late
}

// spread writes the least, the median and the largest of sorted numbers as three
// cells.
func spread(format string, v []float64) string {
	return fmt.Sprintf(format+"\t"+format+"\t"+format, v[0], v[len(v)/2], v[len(v)-1])
}
