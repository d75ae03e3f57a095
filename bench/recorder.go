package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// recorderCmd measures what the flight recorder costs.
type recorderCmd struct {
	Bots   int           `default:"100" help:"How many bots play (${default}), ten in a match."`
	Time   time.Duration `default:"10s" help:"How long each run is measured (${default})."`
	Rounds int           `default:"2" help:"Rounds of off, on, on, off (${default})."`
}

// recorderRun is one run of a server.
type recorderRun struct {
	on  bool
	cpu float64 // µs a tick
	r   *report
}

// Run plays on servers that differ in nothing but the recorder, in an order that
// a machine which becomes busier or idler does not favour.
func (o *recorderCmd) Run(ctx context.Context) error {
	if o.Rounds < 1 || o.Rounds > recorderRoundsMax {
		return fmt.Errorf("--rounds must be 1 to %d", recorderRoundsMax)
	}
	dir, err := os.MkdirTemp("", "bench-recorder")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var runs []recorderRun
	for range o.Rounds {
		for _, on := range []bool{false, true, true, false} {
			if ctx.Err() != nil {
				break // what there is is shown
			}
			folder := ""
			if on {
				folder = filepath.Join(dir, "traces")
			}
			run, err := o.play(ctx, folder)
			if err != nil {
				return err
			}
			runs = append(runs, run)
		}
	}
	o.print(os.Stdout, runs)
	return nil
}

// play measures one server, with a recorder if there is a folder for it.
func (o *recorderCmd) play(ctx context.Context, folder string) (recorderRun, error) {
	p := playCmd{
		Bots: o.Bots, Time: o.Time, Warmup: 4 * time.Second, Parser: "msgpack", Tick: 60, Size: 10, Game: "arena",
	}
	if err := p.check(); err != nil {
		return recorderRun{}, err
	}
	cpu := -1
	if runtime.NumCPU() > 1 {
		cpu = 0
	}
	length := p.Warmup + p.Time + time.Minute
	// No tick is so late that one is saved: that is not what it costs all the time.
	srv, err := startServer(ctx, cpu, "gameserver/cmd/gameserver", "--round", length.String(), "--players", "10",
		"--queue-fill", "2s", "--trace-dir="+folder, "--trace-over", "1h")
	if err != nil {
		return recorderRun{}, err
	}
	defer srv.stop()
	if cpu >= 0 {
		pinSelf(cpu)
	}
	r, err := measure(ctx, p, srv)
	if err != nil {
		return recorderRun{}, err
	}
	return recorderRun{on: folder != "", cpu: 1e6 * r.ServerCPU / float64(max(r.Ticks, 1)), r: r}, nil
}

func (o *recorderCmd) print(w io.Writer, runs []recorderRun) {
	fmt.Fprintf(w, "%s\n%d bots in matches of 10 at 60 Hz, %v each, server on one core\n\n", commandLine(), o.Bots, o.Time)
	fmt.Fprintln(w, "recorder   cpu a tick  cpu a snapshot  tick p50    p99  late p99     RSS")
	for _, r := range runs {
		state := "off"
		if r.on {
			state = "on"
		}
		fmt.Fprintf(w, "%-8s  %8.1f µs  %11.2f µs  %5.0f µs  %5.0f  %5.0f µs  %3d MB\n", state, r.cpu, r.r.CPUPerSnapshot,
			float64(r.r.Duration.P50), float64(r.r.Duration.P99), float64(r.r.Lateness.P99), r.r.RSS>>20)
	}
	off, on := medianOf(runs, false, cpuOf), medianOf(runs, true, cpuOf)
	rssOff, rssOn := medianOf(runs, false, rssOf), medianOf(runs, true, rssOf)
	if off > 0 && on > 0 {
		fmt.Fprintf(w, "\nmedians: %.1f µs of processor time a tick off, %.1f on: %+.1f %%; %.0f MB off, %.0f on\n",
			off, on, 100*(on/off-1), rssOff, rssOn)
	}
}

func cpuOf(r recorderRun) float64 { return r.cpu }
func rssOf(r recorderRun) float64 { return float64(r.r.RSS) / (1 << 20) }

// medianOf is the middle of a figure over the runs that have the recorder on, or
// off; 0 without any.
func medianOf(runs []recorderRun, on bool, figure func(recorderRun) float64) float64 {
	var all []float64
	for _, r := range runs {
		if r.on == on {
			all = append(all, figure(r))
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}
