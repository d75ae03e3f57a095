package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is the server under test and what the kernel says of it.
type process struct {
	url, admin string
	via        string // address for all players but the first, "": the url's
	pid        int    // 0: not ours, nothing to read
	cmd        *exec.Cmd
	dir        string
}

// The server's first log line says both addresses.
var listens, listensAdmin = regexp.MustCompile(`\burl=(\S+)`), regexp.MustCompile(`\badmin=(\S+)`)

// startServer builds the program of a game server, runs it on free ports, pinned to
// cpu when cpu >= 0, and waits until it says where it listens.
func startServer(ctx context.Context, cpu int, pkg string, args ...string) (*process, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	p := &process{dir: dir}
	bin := filepath.Join(dir, "gameserver")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, pkg).CombinedOutput(); err != nil {
		p.stop()
		return nil, fmt.Errorf("building the server: %w\n%s", err, out)
	}
	argv := append([]string{bin, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "text", "--log-level", "info"}, args...)
	if taskset, err := exec.LookPath("taskset"); err == nil && cpu >= 0 {
		argv = append([]string{taskset, "-c", strconv.Itoa(cpu)}, argv...)
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	logs, err := p.cmd.StderrPipe()
	if err != nil {
		p.stop()
		return nil, err
	}
	p.cmd.Stdout = p.cmd.Stderr
	if err := p.cmd.Start(); err != nil {
		p.stop()
		return nil, err
	}
	p.pid = p.cmd.Process.Pid
	if err := p.readAddresses(logs); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// readAddresses takes the public and the admin address from the first log
// lines, and then keeps the pipe empty.
func (p *process) readAddresses(logs io.Reader) error {
	in := bufio.NewScanner(logs)
	var said []string
	for (p.url == "" || p.admin == "") && in.Scan() {
		said = append(said, in.Text())
		if m := listens.FindStringSubmatch(in.Text()); m != nil {
			p.url = m[1]
		}
		if m := listensAdmin.FindStringSubmatch(in.Text()); m != nil {
			p.admin = m[1]
		}
	}
	if p.url == "" || p.admin == "" {
		return fmt.Errorf("the server did not say where it listens:\n%s", strings.Join(said, "\n"))
	}
	go func() { _, _ = io.Copy(io.Discard, logs) }()
	return nil
}

// stop ends the server as an operator would and removes its folder.
func (p *process) stop() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(10*time.Second, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait()
		kill.Stop()
	}
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// usage is what a process has used so far.
type usage struct {
	CPU time.Duration
	RSS int64 // bytes
}

// clockTick is the kernel's USER_HZ, 100 on every Linux that Go supports.
const clockTick = 10 * time.Millisecond

// usageOf reads /proc; on other systems it has nothing to say.
func usageOf(pid int) (usage, error) {
	if pid == 0 {
		return usage{}, errors.ErrUnsupported
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	// Fields are counted from behind the command name, which may hold spaces.
	_, rest, ok := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	if !ok || len(f) < 22 {
		return usage{}, fmt.Errorf("unreadable stat of process %d", pid)
	}
	user, err1 := strconv.ParseInt(f[11], 10, 64)
	system, err2 := strconv.ParseInt(f[12], 10, 64)
	pages, err3 := strconv.ParseInt(f[21], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil {
		return usage{}, err
	}
	return usage{CPU: time.Duration(user+system) * clockTick, RSS: pages * int64(os.Getpagesize())}, nil
}

// pinSelf keeps this process off the server's core.
func pinSelf(server int) {
	var set unix.CPUSet
	for cpu := range runtime.NumCPU() {
		if cpu != server {
			set.Set(cpu)
		}
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetaffinity(tid, &set)
		}
	}
	runtime.GOMAXPROCS(max(1, set.Count()))
}
