package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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

// start runs the game with a fault and one player, and returns where its admin
// listener is.
func start(t *testing.T, f fault) (admin string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json",
		"--trace-dir", t.TempDir(), "--trace-every", "500ms",
		"--player", "", "--fault", string(f))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() })
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, URL, Admin string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			go func() {
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
			return line.Admin
		}
	}
	t.Fatal("the game did not get ready")
	return ""
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
			admin := start(t, c.fault)
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
