package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"gameserver/sio"
	"gameserver/sio/client"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gameserver")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "gameserver")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// run runs the program to its end.
func run(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// process is a server that runs.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string // of the players
	admin string
	log   bytes.Buffer // complete once end has returned
	read  chan struct{}
}

// start runs the program on free ports until it says that it is ready.
func start(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, read: make(chan struct{})}
	args = append([]string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-format", "json"}, args...)
	p.cmd = exec.CommandContext(t.Context(), binary, args...)
	p.cmd.Env = append(os.Environ(), env...)
	stderr, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	ready := make(chan map[string]any, 1)
	go func() {
		defer close(p.read)
		defer close(ready)
		lines := bufio.NewScanner(io.TeeReader(stderr, &p.log))
		for lines.Scan() {
			var line map[string]any
			if json.Unmarshal(lines.Bytes(), &line) == nil && line["msg"] == "ready" {
				ready <- line
			}
		}
	}()
	line, ok := <-ready
	if !ok {
		_ = p.cmd.Wait()
		t.Fatalf("the server did not get ready:\n%s", p.log.String())
	}
	p.url, _ = line["url"].(string)
	p.admin, _ = line["admin"].(string)
	return p
}

// end sends a signal and returns the exit code.
func (p *process) end(sig os.Signal) int {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(sig))
	<-p.read
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// get returns the status and body of a page.
func get(t *testing.T, client *http.Client, url string) (int, string, http.Header) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body), resp.Header
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"-h"}} {
		code, out, errs := run(t, nil, args...)
		require.Zero(t, code)
		require.Empty(t, errs)
		for _, want := range []string{
			"Examples:", "Network", "Matches", "Arena", "Operation", "Profiling",
			"--listen=ADDR", "$GAMESERVER_LISTEN", "--admin=ADDR", "127.0.0.1:9090", "--tls-cert=FILE",
			"--origin=URL", "--log-level=LEVEL", "--log-format=FORMAT", "--tick=HZ", "--round=TIME",
			"--profile=KIND", "--profile-dir=DIR", "--trace-dir=DIR", "--trace-over=TIME", "--queue-fill=TIME", "--drain-timeout=TIME", "--version",
		} {
			require.Contains(t, out, want)
		}
		for line := range strings.Lines(out) {
			require.LessOrEqual(t, len(line), 121, line)
		}
	}
}

func TestVersion(t *testing.T) {
	code, out, _ := run(t, nil, "--version")
	require.Zero(t, code)
	require.Contains(t, out, "go1.")
}

// TestCannotStart holds every way to ask for the impossible to one clear line
// and exit code 2.
func TestCannotStart(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	require.NoError(t, os.WriteFile(garbage, []byte("not a certificate"), 0o600))

	for name, c := range map[string]struct {
		env  []string
		args []string
		says []string
	}{
		"busy port":          {nil, []string{"--listen", busy.Addr().String()}, []string{"--listen " + busy.Addr().String(), "in use"}},
		"busy admin port":    {nil, []string{"--admin", busy.Addr().String()}, []string{"--admin " + busy.Addr().String(), "in use"}},
		"no such address":    {nil, []string{"--listen", "256.0.0.1:1"}, []string{"--listen 256.0.0.1:1"}},
		"no such flag":       {nil, []string{"--nonsense"}, []string{"--nonsense", "--help"}},
		"no such command":    {nil, []string{"dance"}, []string{"dance"}},
		"bad duration":       {nil, []string{"--queue-fill", "soon"}, []string{"queue-fill", "soon"}},
		"negative duration":  {nil, []string{"--queue-fill=-1s"}, []string{"queue-fill"}},
		"bad level":          {nil, []string{"--log-level", "loud"}, []string{"log-level", "loud"}},
		"bad tick":           {nil, []string{"--tick", "1000"}, []string{"Tick", "1000"}},
		"bad environment":    {[]string{"GAMESERVER_TICK=many"}, nil, []string{"tick", "many"}},
		"certificate alone":  {nil, []string{"--tls-cert", garbage}, []string{"--tls-key"}},
		"no certificate":     {nil, []string{"--tls-cert", "/nowhere.pem", "--tls-key", garbage}, []string{"/nowhere.pem"}},
		"bad certificate":    {nil, []string{"--tls-cert", garbage, "--tls-key", garbage}, []string{garbage}},
		"public admin":       {nil, []string{"--admin", ":0"}, []string{"--admin-token"}},
		"public admin ipv6":  {nil, []string{"--admin", "[::]:0"}, []string{"--admin-token"}},
		"bad origin":         {nil, []string{"--origin", "example.com"}, []string{"example.com"}},
		"short secret":       {[]string{"GAMESERVER_SECRET=short"}, nil, []string{"secret"}},
		"no such profile":    {nil, []string{"--profile", "everything"}, []string{"profile", "everything"}},
		"trace-dir a file":   {nil, []string{"--trace-dir", garbage}, []string{"--trace-dir"}},
		"negative over":      {nil, []string{"--trace-over=-1s"}, []string{"--trace-over"}},
		"no every":           {nil, []string{"--trace-every=0s"}, []string{"--trace-every"}},
		"profile-dir a file": {nil, []string{"--profile", "cpu", "--profile-dir", garbage}, []string{"--profile-dir"}},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"--listen=127.0.0.1:0", "--admin=127.0.0.1:0"}, c.args...)
			code, out, errs := run(t, c.env, args...)
			require.Equal(t, 2, code, errs)
			require.Empty(t, out)
			require.Equal(t, 1, strings.Count(errs, "\n"), errs)
			require.True(t, strings.HasPrefix(errs, "gameserver: "), errs)
			for _, s := range c.says {
				require.Contains(t, errs, s)
			}
		})
	}
}

func TestServesAndStops(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := start(t, nil)
			code, body, header := get(t, http.DefaultClient, p.url+"/")
			require.Equal(t, http.StatusOK, code)
			require.Contains(t, body, "<html")
			require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'self'")
			for _, base := range []string{p.url, p.admin} {
				code, body, _ = get(t, http.DefaultClient, base+"/readyz")
				require.Equal(t, http.StatusOK, code)
				require.Equal(t, "ready\n", body)
			}
			code, body, _ = get(t, http.DefaultClient, p.admin+"/metrics")
			require.Equal(t, http.StatusOK, code)
			require.Contains(t, body, "gs_ready 1\n")
			require.Contains(t, body, `gs_queue_tickets{queue="arena"} 0`)
			code, _, _ = get(t, http.DefaultClient, p.url+"/metrics")
			require.Equal(t, http.StatusNotFound, code, "metrics are not for players")
			require.Zero(t, p.end(sig), p.log.String())
		})
	}
}

func TestEnvironment(t *testing.T) {
	p := start(t, []string{"GAMESERVER_ADMIN_TOKEN=letmein", "GAMESERVER_LOG_LEVEL=debug", "GAMESERVER_TICK=30"})
	code, _, _ := get(t, http.DefaultClient, p.admin+"/metrics")
	require.Equal(t, http.StatusUnauthorized, code)
	require.Zero(t, p.end(os.Interrupt))
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool := selfSigned(t, cert, key)
	p := start(t, nil, "--tls-cert", cert, "--tls-key", key)
	require.True(t, strings.HasPrefix(p.url, "https://"), p.url)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	code, body, _ := get(t, client, p.url+"/readyz")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "ready\n", body)
	code, body, _ = get(t, client, p.url+"/socket.io/?EIO=4&transport=polling")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `"sid"`)
	require.Zero(t, p.end(os.Interrupt), p.log.String())
}

func TestProfile(t *testing.T) {
	for kind, file := range map[string]string{
		"cpu": "cpu.pprof", "mem": "mem.pprof", "block": "block.pprof",
		"mutex": "mutex.pprof", "goroutine": "goroutine.pprof", "trace": "trace.out",
	} {
		t.Run(kind, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			p := start(t, nil, "--profile", kind, "--profile-dir", dir)
			require.Zero(t, p.end(os.Interrupt))
			info, err := os.Stat(filepath.Join(dir, file))
			require.NoError(t, err)
			require.Positive(t, info.Size())
			if kind != "trace" {
				f, err := os.Open(filepath.Join(dir, file))
				require.NoError(t, err)
				defer f.Close()
				p, err := profile.Parse(f)
				require.NoError(t, err)
				require.NoError(t, p.CheckValid())
			}
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1, "nothing else is left behind")
		})
	}
}

// selfSigned writes a certificate for 127.0.0.1 and returns who trusts it.
func selfSigned(t *testing.T, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

// TestInterruptInAMatch ends a match with a result before the process ends.
func TestInterruptInAMatch(t *testing.T) {
	p := start(t, nil, "--queue-fill", "1ms")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seat string
	c := client.New(p.url, client.Options{Msgpack: true, Auth: func(nsp string) any {
		if nsp == "/match" {
			return map[string]any{"seat": seat}
		}
		return map[string]any{"name": "ann"}
	}})
	defer func() { _ = c.Close(); <-c.Done() }()
	lobby, match := c.Socket("/lobby"), c.Socket("/match")
	type found struct {
		Seat struct {
			Token string `json:"token"`
		} `json:"seat"`
	}
	type result struct {
		Reason string `json:"reason"`
		Result struct {
			Players []struct {
				Name string `json:"name"`
				Bot  bool   `json:"bot"`
			} `json:"players"`
		} `json:"result"`
	}
	seats, results := make(chan found, 8), make(chan result, 8)
	running, drained := make(chan struct{}), make(chan struct{}, 8)
	lobby.On("match:found", func(a sio.Args) { seats <- decode[found](t, a) })
	lobby.On("server:drain", func(sio.Args) { drained <- struct{}{} })
	match.On("event", func(a sio.Args) {
		if e := decode[[]any](t, a); len(e) == 3 && e[1] == "match:state" {
			if data, ok := e[2].(map[string]any); ok && data["state"] == "running" {
				close(running)
			}
		}
	})
	match.On("result", func(a sio.Args) { results <- decode[result](t, a) })
	require.NoError(t, lobby.Connect(ctx))
	require.NoError(t, lobby.Call(ctx, "queue:join", map[string]any{"queue": "arena"}, nil))
	seat = await(ctx, t, seats).Seat.Token
	require.NoError(t, match.Connect(ctx))
	await(ctx, t, running)

	require.Zero(t, p.end(os.Interrupt), p.log.String())
	await(ctx, t, drained)
	r := await(ctx, t, results)
	require.Equal(t, "server_drain", r.Reason)
	require.Len(t, r.Result.Players, 8)
	require.NotContains(t, p.log.String(), "cut short")
	require.NotContains(t, p.log.String(), `"level":"ERROR"`)
}

func decode[T any](t *testing.T, a sio.Args) (v T) {
	t.Helper()
	if err := a.Decode(0, &v); err != nil {
		t.Error(err)
	}
	return v
}

func await[T any](ctx context.Context, t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-ctx.Done():
		t.Fatal("it never came")
	}
	return v
}
