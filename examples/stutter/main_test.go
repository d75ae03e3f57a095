package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"gameserver/server/client"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "stutter")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "stutter")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// running is a game with one player in it.
type running struct {
	admin string // address of its listener for operators
	cmd   *exec.Cmd
	done  chan struct{} // closed when its log has ended
}

// start runs the game with a fault and one player.
func start(t *testing.T, f fault, args ...string) *running {
	t.Helper()
	args = append([]string{
		"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json", "--trace-dir", t.TempDir(),
		"--trace-every", "500ms", "--player", "", "--fault", string(f),
	}, args...)
	r := &running{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	stderr, err := r.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, r.cmd.Start())
	t.Cleanup(r.stop)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, URL, Admin string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "ready" {
			continue
		}
		go func() {
			defer close(r.done)
			for lines.Scan() { // or it would block
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c, err := client.Dial(ctx, line.URL, client.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = c.Queue(ctx, "meadow")
		require.NoError(t, err)
		r.admin = line.Admin
		return r
	}
	close(r.done)
	t.Fatal("the game did not get ready")
	return nil
}

// stop ends the game in order. Once is enough.
func (r *running) stop() {
	if r.cmd.ProcessState != nil {
		return
	}
	_ = r.cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(time.Minute, func() { _ = r.cmd.Process.Kill() })
	defer kill.Stop()
	<-r.done
	_ = r.cmd.Wait()
}

// tool runs a command of the binary against a running game.
func tool(t *testing.T, admin string, args ...string) string {
	t.Helper()
	out, err := try(t, admin, args...)
	require.NoError(t, err, out)
	return out
}

// try is tool for what may fail.
func try(t *testing.T, admin string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append(args, "--url", admin)...)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Each tool leads from the stutter to the line: the blame to the phase, the saved
// trace of a wait and the profile of slow ticks to the function.
func TestToolsNameTheGuiltyLine(t *testing.T) {
	for _, c := range []struct {
		fault fault
		names []string // what the profile of slow ticks says
		waits bool     // a saved trace knows it without CPU samples
	}{
		{faultStall, []string{"waiting: sleep", "main.(*sheep).askOracle stutter/fault.go:"}, true},
		{faultLock, []string{"waiting: sync", "main.(*archive).note stutter/fault.go:", "woken by main.(*archive).writeDown stutter/fault.go:"}, true},
		{faultLoop, []string{"running", "main.(*sheep).findPath stutter/fault.go:"}, false},
		{faultStorm, []string{"running", "main.(*sheep).describe stutter/fault.go:"}, false},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			admin := start(t, c.fault).admin
			file := filepath.Join(t.TempDir(), "slow.pb.gz")
			text := tool(t, admin, "trace", "--for", "9s", "--only-ticks-over", "8ms", "--out", file)
			for _, name := range c.names {
				require.Contains(t, text, name)
			}
			f, err := os.Open(file)
			require.NoError(t, err)
			defer f.Close()
			p, err := profile.Parse(f)
			require.NoError(t, err)
			require.NotEmpty(t, p.Sample)
			require.Equal(t, "step", p.Sample[0].Label["phase"][0], "the longest time first")

			seen := tool(t, admin, "ticks", "--once")
			require.Contains(t, seen, "step ", seen)
			require.Contains(t, seen, "took ", seen)

			// The recorder saves traces by itself; the newest may be of a tick that was
			// late for a reason of the machine's.
			if c.waits {
				saved := ""
				for range 300 {
					if saved, _ = try(t, admin, "trace", "--saved", "last", "--only-ticks-over", "8ms"); strings.Contains(saved, c.names[1]) {
						break
					}
					time.Sleep(100 * time.Millisecond)
				}
				require.Contains(t, saved, c.names[1])
			}
			raw := filepath.Join(t.TempDir(), "now.trace")
			require.Contains(t, tool(t, admin, "trace", "--out", raw), "go tool trace")
			b, err := os.ReadFile(raw)
			require.NoError(t, err)
			require.True(t, bytes.HasPrefix(b, []byte("go 1.")))
		})
	}
}

// namedIn returns the labels of the samples of a profile that have a function on
// their stack.
func namedIn(t *testing.T, r io.Reader, fn string) (found bool, labels map[string][]string) {
	t.Helper()
	p, err := profile.Parse(r)
	require.NoError(t, err)
	for _, s := range p.Sample {
		for _, l := range s.Location {
			for _, line := range l.Line {
				if line.Function.Name == fn {
					return true, s.Label
				}
			}
		}
	}
	return false, nil
}

// Each kind of --profile names the line of the fault that it is there for.
func TestProfilesNameTheGuiltyLine(t *testing.T) {
	for kind, c := range map[string]struct {
		fault fault
		fn    string
	}{
		"cpu":   {faultLoop, "main.(*sheep).findPath"},
		"mem":   {faultStorm, "main.(*sheep).describe"},
		"block": {faultLock, "main.(*archive).note"},
		"mutex": {faultLock, "main.(*archive).writeDown"},
		"trace": {faultLock, "main.(*archive).note"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			r := start(t, c.fault, "--profile", kind, "--profile-dir", dir)
			time.Sleep(7 * time.Second) // three faults or so
			r.stop()
			if kind == "trace" {
				out := tool(t, r.admin, "trace", "--in", filepath.Join(dir, "trace.out"), "--only-ticks-over", "8ms")
				require.Contains(t, out, c.fn)
				return
			}
			f, err := os.Open(filepath.Join(dir, kind+".pprof"))
			require.NoError(t, err)
			defer f.Close()
			found, labels := namedIn(t, f, c.fn)
			require.True(t, found)
			if kind == "cpu" {
				require.Equal(t, []string{"step"}, labels["phase"])
				require.Contains(t, labels["match"][0], "meadow/")
			}
		})
	}
}

// A profile over HTTP speaks of matches and phases, too, with the flight recorder
// off.
func TestLiveProfileHasLabels(t *testing.T) {
	t.Parallel()
	r := start(t, faultLoop, "--trace-dir=")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.admin+"/debug/pprof/profile?seconds=7", http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	found, labels := namedIn(t, resp.Body, "main.(*sheep).findPath")
	require.True(t, found)
	require.Equal(t, []string{"step"}, labels["phase"])
}
