package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hall is a Socket.IO server of one make and parser, and the sessions that are
// held on it.
type hall struct {
	process
	maker, parser string
	crowd         *crowd
}

func (h *hall) String() string { return h.maker + " " + h.parser }

// hallOptions are what `idle` and `broadcast` have in common.
type hallOptions struct {
	Makes   []string `default:"ours,node" enum:"ours,node" help:"Servers to measure: ours, node (${default})."`
	Parsers []string `default:"json,msgpack" enum:"json,msgpack" help:"Parsers (${default})."`
	JSON    string   `name:"json" placeholder:"FILE" help:"Write the table as JSON, too."`
}

// makeHalls returns how to start each server that was asked for.
func (o *hallOptions) makeHalls(ctx context.Context, dir string, ping time.Duration) ([]*hall, map[*hall][]string, error) {
	var halls []*hall
	argv := map[*hall][]string{}
	for _, m := range o.Makes {
		program, err := hallProgram(ctx, m, dir)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range o.Parsers {
			h := &hall{maker: m, parser: p}
			halls = append(halls, h)
			argv[h] = append(append([]string{}, program...), p, strconv.FormatInt(ping.Milliseconds(), 10))
		}
	}
	return halls, argv, nil
}

// hallProgram builds or installs the server of one make.
func hallProgram(ctx context.Context, maker, dir string) ([]string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return nil, err
	}
	if maker == "ours" {
		bin := filepath.Join(dir, "serve-sio")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "gameserver/bench/serve-sio").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building the server: %w\n%s", err, out)
		}
		return []string{bin}, nil
	}
	rival := filepath.Join(root, "bench", "rivals-sio")
	if out, err := exec.CommandContext(ctx, filepath.Join(root, "scripts", "npm-ci"), rival).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("scripts/npm-ci: %w: %s", err, out)
	}
	return []string{"node", filepath.Join(rival, "server.mjs")}, nil
}

// start runs the server, pinned to cpu when cpu >= 0, and waits until it says
// where it listens.
func (h *hall) start(argv []string, cpu int) error {
	if taskset, err := exec.LookPath("taskset"); err == nil && cpu >= 0 {
		argv = append([]string{taskset, "-c", strconv.Itoa(cpu)}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	h.cmd, h.pid = cmd, cmd.Process.Pid
	line, err := bufio.NewReader(out).ReadString('\n')
	m := listens.FindStringSubmatch(line)
	if err != nil || m == nil {
		h.end()
		return errors.Join(fmt.Errorf("the %s server did not say where it listens: %q", h, line), err)
	}
	h.url = strings.TrimPrefix(m[1], "http://")
	return nil
}

// end lets go of the sessions and stops the server.
func (h *hall) end() {
	if h.crowd != nil {
		h.crowd.close()
		h.crowd = nil
	}
	h.stop()
	h.process = process{}
}

func endAll(halls []*hall) {
	for _, h := range halls {
		h.end()
	}
}

// cores is where the server and this process run; -1 when there is one core.
func cores() (server int) {
	if runtime.NumCPU() < 2 {
		return -1
	}
	pinSelf(0)
	return 0
}

// readings is what a few came to: the least, the middle and the largest.
type readings struct {
	Min    float64 `json:"min"`
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
}

func (s readings) format(digits int) string {
	f := func(v float64) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	return fmt.Sprintf("%s (%s–%s)", f(s.Median), f(s.Min), f(s.Max))
}

func rangeOf(all []float64) readings {
	if len(all) == 0 {
		return readings{}
	}
	s := slices.Sorted(slices.Values(all))
	return readings{Min: s[0], Median: s[len(s)/2], Max: s[len(s)-1]}
}
