package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gameserver/bench/timing"
)

// latenessCmd compares ways of keeping time, each in a process of its own.
type latenessCmd struct {
	Matches []int         `default:"1,500" help:"How many matches of eight bots (${default})."`
	Time    time.Duration `default:"10s" help:"How long to measure each (${default}), after a second of warming up."`
	Reps    int           `default:"1" help:"How often, in turns (${default}); ticks of all turns are put together."`
	Hz      int           `default:"60" help:"Tick rate (${default})."`
	Idle    bool          `default:"true" negatable:"" help:"Measure on the machine as it is."`
	Loaded  bool          `default:"true" negatable:"" help:"Measure beside a busy process on each core, too."`

	Only string `hidden:"" help:"Run one method and print its result as JSON."`
}

//go:embed lateness.mjs
var nodeScript string

// nodeMethods are Node's ways of keeping time, and what the script calls them.
var nodeMethods = map[string]string{"Node setInterval": "interval", "Node setTimeout": "timeout"}

func (o *latenessCmd) check() error {
	total := o.Time * time.Duration(o.Reps*len(o.Matches)*(len(timing.Methods)+len(nodeMethods))*2)
	switch {
	case o.Reps < 1 || o.Reps > repsMax:
		return fmt.Errorf("--reps must be 1 to %d", repsMax)
	case o.Time <= 0 || total > 10*playMax:
		return fmt.Errorf("--time must be positive, and all of it at most %v", 10*playMax)
	case o.Hz < 1 || o.Hz > 240:
		return errors.New("--hz must be 1 to 240")
	case slices.ContainsFunc(o.Matches, func(n int) bool { return n < 1 || n > timing.MaxMatches }):
		return fmt.Errorf("--matches must be 1 to %d", timing.MaxMatches)
	}
	return nil
}

// Run measures and prints.
func (o *latenessCmd) Run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.Only != "" {
		r, err := timing.Run(ctx, o.Only, o.Matches[0], o.Hz, o.Time)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	fmt.Printf("%s\n%s\n%d Hz, %v each, %d times; lateness in ms, of ticks on an absolute schedule\n\n",
		commandLine(), machine(), o.Hz, o.Time, o.Reps)
	methods := slices.Clone(timing.Methods)
	if _, err := exec.LookPath("node"); err == nil {
		methods = append(methods, "Node setInterval", "Node setTimeout")
	}
	for _, loaded := range []bool{false, true} {
		if loaded && !o.Loaded || !loaded && !o.Idle {
			continue
		}
		for _, n := range o.Matches {
			if err := o.table(ctx, os.Stdout, methods, n, loaded, o.child); err != nil {
				return err
			}
		}
	}
	return nil
}

// table measures all methods in turns and prints a line for each.
func (o *latenessCmd) table(ctx context.Context, w io.Writer, methods []string, n int, loaded bool,
	run func(ctx context.Context, method string, n int) (timing.Result, error),
) error {
	state := "idle"
	if loaded {
		stop, err := busy(runtime.NumCPU())
		if err != nil {
			return err
		}
		defer stop()
		state = "a busy process on each core"
	}
	sums := make([]timing.Result, len(methods))
	for range o.Reps {
		for i, method := range methods {
			r, err := run(ctx, method, n)
			if err != nil {
				return fmt.Errorf("%s: %w", method, err)
			}
			merge(&sums[i], &r)
		}
	}
	fmt.Fprintf(w, "%d × 8 bots, %s\n  %-24s %8s %8s %8s %8s %9s %7s\n", n, state, "", "p50", "p99", "p99.9", "max", "on time", "CPU")
	for i, method := range methods {
		r := &sums[i]
		if r.Note != "" {
			fmt.Fprintf(w, "  %-24s %s\n", method, r.Note)
			continue
		}
		q := func(q float64) string { return fmt.Sprintf("%.3f", timing.Quantile(r.Late, q).Seconds()*1e3) }
		fmt.Fprintf(w, "  %-24s %8s %8s %8s %8s %8.3f%% %6.1f%%\n", method, q(0.5), q(0.99), q(0.999), q(1),
			100*float64(r.OnTime)/float64(max(r.Expected, 1)), 100*r.CPU/o.Time.Seconds()/float64(o.Reps))
	}
	fmt.Fprintln(w)
	return nil
}

// merge adds r to sum.
func merge(sum, r *timing.Result) {
	all := map[int64]int64{}
	for _, b := range append(sum.Late, r.Late...) {
		all[b[0]] += b[1]
	}
	sum.Late = sum.Late[:0:0]
	for at, n := range all {
		sum.Late = append(sum.Late, [2]int64{at, n})
	}
	slices.SortFunc(sum.Late, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	sum.Expected += r.Expected
	sum.OnTime += r.OnTime
	sum.CPU += r.CPU
	sum.Note = r.Note
}

// child runs one method in a process of its own.
func (o *latenessCmd) child(ctx context.Context, method string, n int) (r timing.Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.Time+time.Minute)
	defer cancel()
	var cmd *exec.Cmd
	if mode, ok := nodeMethods[method]; ok {
		cmd = exec.CommandContext(ctx, "node", "--input-type=module", "-", mode,
			strconv.Itoa(n), strconv.Itoa(o.Hz), strconv.FormatFloat(o.Time.Seconds(), 'f', -1, 64))
		cmd.Stdin = strings.NewReader(nodeScript)
	} else {
		self, err := os.Executable()
		if err != nil {
			return r, err
		}
		cmd = exec.CommandContext(ctx, self, "lateness", "--only", method,
			"--matches", strconv.Itoa(n), "--hz", strconv.Itoa(o.Hz), "--time", o.Time.String())
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(out, &r)
}

// busy keeps n processors busy with ordinary processes until stop is called.
func busy(n int) (stop func(), err error) {
	var all []*exec.Cmd
	stop = func() {
		for _, c := range all {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	for range n {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			stop()
			return nil, err
		}
		all = append(all, c)
	}
	return stop, nil
}
