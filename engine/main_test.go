package engine_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// session is a Handler that records, and echoes if asked to.
type session struct {
	conn   *engine.Conn
	echo   bool
	panics string // message that panics

	mu     sync.Mutex
	got    []string
	ends   []engine.Reason
	closed chan struct{}
	news   chan struct{} // one signal per change
}

func (s *session) OnMessage(data []byte, binary bool) {
	s.mu.Lock()
	if len(s.ends) > 0 {
		panic("message after the end")
	}
	kind := "t:"
	if binary {
		kind = "b:"
	}
	s.got = append(s.got, kind+string(data))
	s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
	if s.panics != "" && string(data) == s.panics {
		panic("asked for")
	}
	if s.echo {
		_ = s.conn.Send(data, binary)
	}
}

func (s *session) OnClose(r engine.Reason) {
	s.mu.Lock()
	s.ends = append(s.ends, r)
	first := len(s.ends) == 1
	s.mu.Unlock()
	if first {
		close(s.closed)
	}
}

func (s *session) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// ended waits for OnClose and returns its reason; twice is a failure.
func (s *session) ended(t *testing.T) engine.Reason {
	t.Helper()
	select {
	case <-s.closed:
	case <-t.Context().Done():
		t.Fatal("never closed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.ends, 1)
	return s.ends[0]
}

// goesOn requires that OnClose has not come.
func (s *session) goesOn(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Empty(t, s.ends)
}

// waitFor waits until n messages have come.
func (s *session) waitFor(t *testing.T, n int) []string {
	t.Helper()
	for {
		if m := s.messages(); len(m) >= n {
			return m
		}
		select {
		case <-s.news:
		case <-time.After(10 * time.Second):
			t.Fatalf("%d messages, not %d", len(s.messages()), n)
		}
	}
}

// fixture is a Server on a real listener.
type fixture struct {
	*engine.Server
	addr string
	http *http.Client
	open chan *session

	mu      sync.Mutex
	refused map[string]int
}

func (f *fixture) refusals(layer, reason string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refused[layer+"/"+reason]
}

// configure fills cfg with what the fixture watches.
func (f *fixture) configure(cfg engine.Config) engine.Config {
	f.refused = make(map[string]int)
	f.open = make(chan *session, 1024)
	if cfg.Open == nil {
		cfg.Open = func(c *engine.Conn) engine.Handler {
			s := newSession(c)
			s.echo = true
			f.open <- s
			return s
		}
	}
	cfg.Refused = func(layer, reason string) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.refused[layer+"/"+reason]++
	}
	return cfg
}

func newSession(c *engine.Conn) *session {
	return &session{conn: c, closed: make(chan struct{}), news: make(chan struct{}, 1)}
}

func serve(t *testing.T, cfg engine.Config) *fixture {
	t.Helper()
	f := &fixture{http: &http.Client{Transport: &http.Transport{}}}
	f.Server = engine.New(f.configure(cfg))
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f.addr = ln.Addr().String()
	hs := &http.Server{Handler: f.Server, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- hs.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, f.Shutdown(ctx))
		require.NoError(t, hs.Close())
		<-done
		f.http.CloseIdleConnections()
	})
	return f
}

type answer struct {
	status int
	ctype  string
	body   string
	header http.Header
}

func (f *fixture) do(t *testing.T, method, query, body string, headers ...string) answer {
	t.Helper()
	a, err := f.try(t.Context(), method, query, body, headers...)
	require.NoError(t, err)
	return a
}

func (f *fixture) try(ctx context.Context, method, query, body string, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+f.addr+"/engine.io/?"+query, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body == "" && method == http.MethodGet {
		req.Body = nil
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := f.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header.Get("Content-Type"), string(b), resp.Header}, err
}

const (
	pollQuery = "EIO=4&transport=polling"
	wsURI     = "/engine.io/?EIO=4&transport=websocket"
)

// poller is a polling session.
type poller struct {
	f    *fixture
	sid  string
	open enginetest.Open
	rest string // what came behind the open packet
	*session
}

func (f *fixture) poll(t *testing.T) *poller {
	t.Helper()
	a := f.do(t, "GET", pollQuery, "")
	require.Equal(t, 200, a.status, a.body)
	first, rest, _ := strings.Cut(a.body, "\x1e")
	o, err := enginetest.ParseOpen(first)
	require.NoError(t, err)
	p := &poller{f: f, sid: o.SID, open: o, rest: rest}
	select {
	case p.session = <-f.open:
	default:
	}
	return p
}

func (p *poller) query() string { return pollQuery + "&sid=" + p.sid }

func (p *poller) get(t *testing.T) answer {
	t.Helper()
	return p.f.do(t, "GET", p.query(), "")
}

func (p *poller) post(t *testing.T, body string, headers ...string) answer {
	t.Helper()
	return p.f.do(t, "POST", p.query(), body, headers...)
}

// pending starts a GET and returns once the server holds it.
func (p *poller) pending(t *testing.T) chan answer {
	t.Helper()
	ch := make(chan answer, 1)
	ctx := t.Context()
	go func() {
		a, err := p.f.try(ctx, "GET", p.query(), "")
		if err != nil {
			a.body = err.Error()
		}
		ch <- a
	}()
	for !p.conn.Writable() { // accepted by SendLatest: a GET is waiting
		select {
		case <-time.After(time.Millisecond):
		case a := <-ch:
			t.Fatalf("the GET did not wait: %v", a)
		}
	}
	return ch
}

func (f *fixture) ws(t *testing.T) (*enginetest.WS, *session) {
	t.Helper()
	w, _, err := enginetest.OpenWS(f.addr)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	require.NoError(t, w.SetDeadline(time.Now().Add(20*time.Second)))
	return w, <-f.open
}

// closeCode reads up to the close frame.
func closeCode(t *testing.T, w *enginetest.WS) *enginetest.CloseError {
	t.Helper()
	for {
		_, err := w.ReadText()
		if err == nil {
			continue
		}
		var ce *enginetest.CloseError
		require.ErrorAs(t, err, &ce)
		return ce
	}
}

func newReader(r io.Reader) *bufio.Reader { return bufio.NewReader(r) }
