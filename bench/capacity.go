package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"gameserver/bench/timing"
)

// ticksCmd searches how much one worker on one core can do on time.
type ticksCmd struct {
	Time   time.Duration `default:"3s" help:"How long each number is tried (${default}), after a second of warming up."`
	OnTime float64       `default:"0.999" help:"Share of ticks that must be on time (${default})."`

	Pinned bool `hidden:"" help:"This process is on one core already."`
}

// Run searches and prints, in a process that has one core.
func (o *ticksCmd) Run(ctx context.Context) error {
	if o.Time <= 0 || o.Time > playMax || o.OnTime <= 0 || o.OnTime > 1 {
		return fmt.Errorf("--time must be at most %v, --on-time a share", playMax)
	}
	taskset, err := exec.LookPath("taskset")
	if !o.Pinned && err == nil {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		fmt.Printf("%s\n%s\n", commandLine(), machine())
		cmd := exec.CommandContext(ctx, taskset, "-c", strconv.Itoa(runtime.NumCPU()-1), self, "ticks", "--pinned",
			"--time", o.Time.String(), "--on-time", strconv.FormatFloat(o.OnTime, 'f', -1, 64))
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
		return cmd.Run()
	}
	fmt.Printf("one worker, GOMAXPROCS=%d; most of which %g %% of the ticks were on time\n\n  %-28s %8s %12s %12s %9s\n",
		runtime.GOMAXPROCS(0), 100*o.OnTime, "", "held", "ticks/s", "p99 late ms", "busy")
	for _, l := range timing.Loads {
		h, err := timing.Capacity(ctx, l, o.OnTime, o.Time, timing.Try)
		if err != nil {
			return err
		}
		fmt.Printf("  %-28s %8d %12d %12.3f %8.1f%%\n", l.Name, h.N, h.N*l.Hz, h.Late.Seconds()*1e3, 100*h.Busy)
	}
	return nil
}
