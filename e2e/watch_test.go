package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/server/client"
)

// terminal is a real one, by tmux, with a server of its own.
type terminal struct {
	t      *testing.T
	socket string
}

// openTerminal runs a shell command in a terminal of that size.
func openTerminal(t *testing.T, width, height int, shell string) *terminal {
	t.Helper()
	_, err := exec.LookPath("tmux")
	require.NoError(t, err, "no tmux: run scripts/need tmux")
	term := &terminal{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	term.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), shell)
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", term.socket, "kill-server").Run() })
	return term
}

func (m *terminal) tmux(args ...string) string {
	m.t.Helper()
	out, err := exec.CommandContext(m.t.Context(), "tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	require.NoError(m.t, err, string(out))
	return string(out)
}

// screen is what is on it.
func (m *terminal) screen() string { return m.tmux("capture-pane", "-p") }

// shows waits until the screen fulfils a condition, and returns it.
func (m *terminal) shows(what string, ok func(screen string) bool) string {
	m.t.Helper()
	last := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if last = m.screen(); ok(last) {
			return last
		}
	}
	m.t.Fatalf("the terminal never showed %s:\n%s", what, last)
	return ""
}

// gameserver ticks in a real terminal: it refreshes in place, follows the size,
// survives the server, and leaves the terminal as it was.
func TestTicksInATerminal(t *testing.T) {
	t.Parallel()
	s := startBinary(t, command(t, "gameserver"), "--admin", "127.0.0.1:0", "--queue-fill", "100ms")
	admin := ""
	for field := range strings.FieldsSeq(s.log.String()) {
		if v, ok := strings.CutPrefix(field, "admin="); ok {
			admin = v
		}
	}
	require.NotEmpty(t, admin, s.log.String())
	c, err := client.Dial(t.Context(), s.url, client.Options{Name: "ada"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	_, err = c.Queue(t.Context(), "arena")
	require.NoError(t, err)

	m := openTerminal(t, 120, 30, "echo before; "+command(t, "gameserver")+" ticks --every 200ms --url "+admin+"; echo it ended with $?; sleep 60")
	first := m.shows("a match", func(s string) bool { return strings.Contains(s, "arena/") && strings.Contains(s, "in the last") })
	require.NotContains(t, first, "before", "it has a screen of its own")
	require.Contains(t, first, "1 matches")
	require.Contains(t, first, "saved traces in")
	require.LessOrEqual(t, strings.Count(strings.TrimRight(first, "\n"), "\n"), 29)
	m.shows("the next frame in the same place", func(s string) bool {
		return s != first && strings.Count(s, "on time ") == strings.Count(first, "on time ") && strings.HasPrefix(s, "ticks ")
	})

	m.tmux("resize-window", "-x", "70", "-y", "14")
	small := m.shows("the smaller size", func(s string) bool {
		lines := strings.Split(s, "\n")
		return len(lines) <= 15 && strings.HasPrefix(s, "ticks ") && strings.Contains(s, "arena/")
	})
	for line := range strings.Lines(small) {
		require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), 70)
	}
	require.NoError(t, os.MkdirAll("../out", 0o755))
	require.NoError(t, os.WriteFile("../out/ticks.txt", []byte(first), 0o644))

	require.NoError(t, s.cmd.Process.Kill())
	m.shows("that the server is gone", func(s string) bool { return strings.Contains(s, "no answer") })
	m.tmux("send-keys", "C-c")
	after := m.shows("the shell again", func(s string) bool { return strings.Contains(s, "it ended with 0") })
	require.Contains(t, after, "before", "the screen is as it was")
	require.NotContains(t, after, "arena/")
	require.Equal(t, "1\n", m.tmux("display-message", "-p", "#{cursor_flag}"), "the cursor is back")
}
