package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// block returns the README's first code block of a language.
func block(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```"+language+"\n")
	require.True(t, found)
	code, _, found := strings.Cut(rest, "```")
	require.True(t, found)
	return code
}

var moduleLine = regexp.MustCompile(`(?m)^module .*$`)

// The README's game is built as somebody else's module, and a stock client gets
// matched into it.
func TestReadmeGameIsAWholeServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	mod, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	sum, err := os.ReadFile("../go.sum")
	require.NoError(t, err)
	lines := moduleLine.ReplaceAllString(string(mod), "module race") +
		"\nrequire gameserver v0.0.0\n\nreplace gameserver => " + root + "\n"
	for name, content := range map[string]string{"main.go": block(t, "go"), "go.mod": lines, "go.sum": string(sum)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	game := filepath.Join(dir, "race")
	build := exec.Command("go", "build", "-mod=mod", "-o", game, ".")
	build.Dir = dir
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	s := startBinary(t, game)
	resp, err := http.Get(s.url + "/healthz")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	p := s.join(options{"name": "reader", "parser": "msgpack", "queue": "race", "extra": options{}})
	p.until("found", nil)
	require.Equal(t, []any{"runners"}, p.until("schema", nil)["sets"])
	p.until("moved", own)
}

// The README's client plays as it stands, but for the address.
func TestReadmeClientJoins(t *testing.T) {
	t.Parallel()
	s := start(t, "--queue-fill", "1s")
	code := strings.ReplaceAll(block(t, "js"), "http://localhost:3000", s.url)
	require.LessOrEqual(t, len(strings.Split(strings.TrimSpace(code), "\n")), 10, "a client in ten lines")
	file := filepath.Join("js", ".readme.mjs")
	require.NoError(t, os.WriteFile(file, []byte(code), 0o600))
	t.Cleanup(func() { _ = os.Remove(file) })
	cmd := exec.Command("node", filepath.Base(file))
	cmd.Dir = "js"
	var said lockedBuffer
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "I am ") }, patience, tenth, said.String())
	require.Contains(t, said.String(), "queued true")
}
