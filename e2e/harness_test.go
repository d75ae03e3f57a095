package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds every wait: generous, because the machine may be busy, and
// never a measure of success.
const (
	patience = 100 * time.Second
	tenth    = 100 * time.Millisecond
)

// binaries is the folder of the commands that tests have built.
var binaries struct {
	dir   string
	mu    sync.Mutex
	built map[string]error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gameserver-e2e")
	if err != nil {
		panic(err)
	}
	binaries.dir, binaries.built = dir, map[string]error{}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// command builds a command of this module, once, and returns its path.
func command(t *testing.T, name string) string {
	t.Helper()
	binaries.mu.Lock()
	defer binaries.mu.Unlock()
	path := filepath.Join(binaries.dir, name)
	err, built := binaries.built[name]
	if !built {
		var out []byte
		if out, err = exec.Command("go", "build", "-o", path, "../cmd/"+name).CombinedOutput(); err != nil {
			err = fmt.Errorf("build: %w\n%s", err, out)
		}
		binaries.built[name] = err
	}
	require.NoError(t, err)
	return path
}

// server is a running gameserver process.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	log  lockedBuffer
	exit chan error
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

var listening = regexp.MustCompile(`https?://[0-9a-z.\[\]:]*:(\d+)`)

// start runs the server on a free port and waits until it is ready.
func start(t *testing.T, args ...string) *server {
	t.Helper()
	return startBinary(t, command(t, "gameserver"), args...)
}

// startBinary does it with another game's binary.
func startBinary(t *testing.T, binary string, args ...string) *server {
	t.Helper()
	return launch(t, binary, "/readyz", append([]string{"--listen", "127.0.0.1:0", "--admin", "", "--log-format", "text"}, args...)...)
}

// launch runs a server that says where it listens and is ready once it answers
// on a path.
func launch(t *testing.T, binary, ready string, args ...string) *server {
	t.Helper()
	s := &server{t: t, exit: make(chan error, 1)}
	s.cmd = exec.Command(binary, args...)
	s.cmd.Stdout = &s.log
	s.cmd.Stderr = &s.log
	require.NoError(t, s.cmd.Start())
	go func() { s.exit <- s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("server log:\n%s", s.log.String())
		}
	})
	require.Eventually(t, func() bool {
		m := listening.FindStringSubmatch(s.log.String())
		if m == nil {
			return false
		}
		s.url = "http://127.0.0.1:" + m[1]
		resp, err := http.Get(s.url + ready)
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, patience, tenth, "the server never got ready")
	return s
}

// line is one JSON object that a player process said.
type line map[string]any

func (l line) str(key string) string { s, _ := l[key].(string); return s }
func (l line) num(key string) float64 {
	n, _ := l[key].(float64)
	return n
}

// player is a client process that speaks one JSON object a line.
type player struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	lines chan line
	heard []string
	done  chan error
}

// options of js/player.mjs.
type options map[string]any

// join starts a Node process with the official client.
func (s *server) join(o options) *player {
	o["url"] = s.url
	arg, err := json.Marshal(o)
	require.NoError(s.t, err)
	return run(s.t, fmt.Sprint(o["name"]), "node", "player.mjs", string(arg))
}

// run starts a client process in js/.
func run(t *testing.T, name, program string, args ...string) *player {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	p := &player{t: t, name: name, cmd: exec.CommandContext(ctx, program, args...), lines: make(chan line, 4096), done: make(chan error, 1)}
	p.cmd.Dir = "js"
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr lockedBuffer
	p.cmd.Stderr = &stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		in := bufio.NewScanner(out)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			var l line
			if json.Unmarshal(in.Bytes(), &l) == nil {
				p.lines <- l
			}
		}
		close(p.lines)
		p.done <- p.cmd.Wait()
	}()
	t.Cleanup(func() {
		cancel()
		if t.Failed() {
			t.Logf("%s heard:\n%s\n%s", name, strings.Join(p.heard, "\n"), stderr.String())
		}
	})
	return p
}

// until reads what the player says until it says ev and ok accepts it.
func (p *player) until(ev string, ok func(line) bool) line {
	p.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case l, more := <-p.lines:
			if !more {
				require.FailNowf(p.t, "process ended", "%s ended before it said %q; heard:\n%s", p.name, ev, strings.Join(p.heard, "\n"))
			}
			p.heard = append(p.heard, fmt.Sprint(map[string]any(l)))
			require.NotEqual(p.t, "broken", l.str("ev"), "a snapshot was based on a tick the client does not have: %v", l)
			if l.str("ev") == ev && (ok == nil || ok(l)) {
				return l
			}
		case <-limit:
			require.FailNowf(p.t, "timeout", "%s never said %q; heard:\n%s", p.name, ev, strings.Join(p.heard, "\n"))
		}
	}
}

func own(l line) bool { return l["own"] == true }
