package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"gameserver/bench/tape"
)

// floorC is built where there is a C compiler.
//
//go:embed floor/c/floor.c
var floorC []byte

// floors are the built floor programs and where they find what they send.
type floors struct {
	dir      string
	programs []floorProgram
	notes    []string
}

type floorProgram struct{ name, bin string }

// buildFloors builds the Go floor and, with a compiler, the C floor.
func buildFloors(ctx context.Context) (*floors, error) {
	dir, err := os.MkdirTemp("", "floor")
	if err != nil {
		return nil, err
	}
	f := &floors{dir: dir}
	bin := filepath.Join(dir, "floor-go")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "gameserver/bench/floor").CombinedOutput(); err != nil {
		f.remove()
		return nil, fmt.Errorf("building the Go floor: %w\n%s", err, out)
	}
	f.programs = append(f.programs, floorProgram{"floor in Go", bin})
	if err := f.buildC(ctx); err != nil {
		f.notes = append(f.notes, "no floor in C: "+err.Error())
	}
	return f, nil
}

func (f *floors) buildC(ctx context.Context) error {
	cc, err := exec.LookPath("cc")
	if err != nil {
		return errors.New("there is no cc on this machine")
	}
	src, bin := filepath.Join(f.dir, "floor.c"), filepath.Join(f.dir, "floor-c")
	if err := os.WriteFile(src, floorC, 0o600); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, cc, "-O2", "-o", bin, src).CombinedOutput(); err != nil {
		return fmt.Errorf("cc: %w: %s", err, out)
	}
	f.programs = append(f.programs, floorProgram{"floor in C", bin})
	return nil
}

func (f *floors) remove() { _ = os.RemoveAll(f.dir) }

// sizes writes what the programs send.
func (f *floors) sizes(t *tape.Tape) (string, error) {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(t.Sizes)))
	b = le.AppendUint32(b, uint32(len(t.Sizes[0])))
	for _, row := range t.Sizes {
		for _, n := range row {
			b = le.AppendUint32(b, uint32(n))
		}
	}
	name := filepath.Join(f.dir, "sizes")
	return name, os.WriteFile(name, b, 0o600)
}

// floorRun is what is asked of one floor program.
type floorRun struct {
	program floorProgram
	sizes   string
	conns   int
	group   int // players in a match
	send    int // snapshots a second
	tick    int // inputs a second
	message int // bytes of one input
	warmup  time.Duration
	time    time.Duration
	cpu     int // to pin to, -1: none
}

var listening = regexp.MustCompile(`^listening (\S+)`)

// run starts the program, plays on it and returns its CPU per delivered frame.
func (r *floorRun) run(ctx context.Context) (floorResult, error) {
	seconds := int((r.warmup + r.time).Seconds()) + 30
	argv := []string{
		r.program.bin, strconv.Itoa(r.conns), strconv.Itoa(r.group), strconv.Itoa(r.send), strconv.Itoa(seconds), r.sizes,
	}
	if taskset, err := exec.LookPath("taskset"); err == nil && r.cpu >= 0 {
		argv = append([]string{taskset, "-c", strconv.Itoa(r.cpu)}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return floorResult{}, err
	}
	if err := cmd.Start(); err != nil {
		return floorResult{}, err
	}
	defer func() {
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	m := listening.FindStringSubmatch(line)
	if m == nil {
		return floorResult{}, fmt.Errorf("%s did not listen: %q, %w", r.program.name, line, err)
	}
	return r.measure(ctx, m[1], cmd.Process.Pid)
}

// floorResult is one measurement of one server.
type floorResult struct {
	CPUPerSnapshot float64 `json:"cpuUsPerSnapshot"`
	Delivered      float64 `json:"delivered"` // of the snapshots that were due
	GeneratorLate  float64 `json:"generatorLateMsP99"`
}

func (r *floorRun) measure(ctx context.Context, addr string, pid int) (floorResult, error) {
	l, err := dialRaw(ctx, addr, r.conns, r.message)
	if err != nil {
		return floorResult{}, err
	}
	defer l.close()
	playing, stop := context.WithCancel(ctx)
	played := make(chan struct{})
	go func() { l.play(playing, time.Second/time.Duration(r.tick)); close(played) }()
	defer func() { stop(); <-played }()
	pause(ctx, r.warmup)
	before, err := usageOf(pid)
	if err != nil {
		return floorResult{}, err
	}
	start := time.Now()
	l.measuring.Store(true)
	pause(ctx, r.time)
	l.measuring.Store(false)
	took := time.Since(start)
	after, err := usageOf(pid)
	if err != nil {
		return floorResult{}, err
	}
	stop()
	<-played
	if err := ctx.Err(); err != nil {
		return floorResult{}, err
	}
	frames := float64(max(l.frames.Load(), 1))
	return floorResult{
		CPUPerSnapshot: float64((after.CPU - before.CPU).Microseconds()) / frames,
		Delivered:      frames / (took.Seconds() * float64(r.send*r.conns)),
		GeneratorLate:  float64(l.lateness.ValueAtQuantile(99)) / 1000,
	}, nil
}

// pause waits, at most until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
