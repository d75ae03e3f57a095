package client

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a Handler that keeps what it is told.
type recorder struct {
	msgs   chan string // "t:…" or "b:…"
	closed chan error
}

func newRecorder() *recorder {
	return &recorder{msgs: make(chan string, 4096), closed: make(chan error, 2)}
}

func (r *recorder) OnMessage(data []byte, binary bool) {
	if binary {
		r.msgs <- "b:" + string(data)
		return
	}
	r.msgs <- "t:" + string(data)
}

func (r *recorder) OnClose(err error) { r.closed <- err }

func (r *recorder) next(t *testing.T) string {
	t.Helper()
	select {
	case m := <-r.msgs:
		return m
	case err := <-r.closed:
		t.Fatalf("closed instead of a message: %v", err)
	case <-t.Context().Done():
		t.Fatal("no message")
	}
	return ""
}

// echo is a server's side that sends every message back.
type echo struct{ c *engine.Conn }

func (e echo) OnMessage(data []byte, binary bool) {
	if string(data) == "close" {
		e.c.Close(engine.ReasonReplaced)
		return
	}
	_ = e.c.Send(data, binary)
}

func (e echo) OnClose(engine.Reason) {}

// serve runs an echo server and returns its address.
func serve(t *testing.T, cfg engine.Config) (url string, s *engine.Server) {
	t.Helper()
	cfg.Open = func(c *engine.Conn) engine.Handler {
		c.Admit()
		return echo{c}
	}
	cfg.Refused = func(layer, reason string) { t.Log("server refused", layer, reason) }
	s = engine.New(cfg)
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return start(t, s, s.ServeHTTP, ln), s
}

// start serves h on ln until the test ends.
func start(t *testing.T, s *engine.Server, h http.HandlerFunc, ln net.Listener) string {
	t.Helper()
	hs := &http.Server{Handler: h} //nolint:gosec // a test
	done := make(chan struct{})
	go func() { defer close(done); _ = hs.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, s.Shutdown(context.WithoutCancel(t.Context())))
		_ = hs.Close()
		<-done
	})
	return "http://" + ln.Addr().String()
}

func dial(t *testing.T, url string, o Options) (*Conn, *recorder) {
	t.Helper()
	r := newRecorder()
	o.Handler = r
	c, err := Dial(t.Context(), url, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = c.Close()
		<-c.Done()
	})
	return c, r
}

// counted is a Dial that counts connections and can break them.
type counted struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (d *counted) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("counted: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.conns = append(d.conns, nc)
	return nc, nil
}

func (d *counted) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, nc := range d.conns {
		_ = nc.Close()
	}
}
