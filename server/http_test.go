package server

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/lobby"
	"gameserver/sio"
)

func get(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	files := fstest.MapFS{
		"index.html":       {Data: []byte("<html>the page")},
		"assets/app-1a.js": {Data: []byte("let a")},
		".gitkeep":         {},
		"icons/a.png":      {Data: []byte("png")},
	}
	h := site{files: files, policy: contentPolicy, missing: notBuilt}
	for target, c := range map[string]struct {
		code  int
		body  string
		cache string
	}{
		"/":                 {200, "<html>the page", "no-cache"},
		"/index.html":       {200, "<html>the page", "no-cache"},
		"/assets/app-1a.js": {200, "let a", "public, max-age=31536000, immutable"},
		"/icons/a.png":      {200, "png", ""},
		"/icons/":           {404, "", ""},
		"/icons":            {404, "", ""},
		"/.gitkeep":         {404, "", ""},
		"/nothing":          {404, "", ""},
		"/../go.mod":        {404, "", ""},
	} {
		w := get(h, http.MethodGet, target)
		require.Equal(t, c.code, w.Code, target)
		if c.code == 200 {
			require.Equal(t, c.body, w.Body.String(), target)
			require.Equal(t, c.cache, w.Header().Get("Cache-Control"), target)
		}
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		require.Contains(t, w.Header().Get("Content-Security-Policy"), "object-src 'none'")
	}
	require.Equal(t, http.StatusMethodNotAllowed, get(h, http.MethodPost, "/").Code)
}

func TestPageNotBuilt(t *testing.T) {
	for _, files := range []fs.FS{nil, fstest.MapFS{".gitkeep": {}}} {
		h := site{files: files, policy: contentPolicy, missing: notBuilt}
		w := get(h, http.MethodGet, "/")
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), "make web")
	}
}

func TestOrigins(t *testing.T) {
	h := open(t, Config{Origins: []string{"https://play.example.com", "https://odd.example.com:8443"}}, duo())
	require.NoError(t, h.start())
	mux := h.publicMux()
	for name, c := range map[string]struct {
		host    string
		origins []string
		ok      bool
	}{
		"no origin":               {"game.example.com", nil, true},
		"this host":               {"game.example.com", []string{"https://game.example.com"}, true},
		"this host, case":         {"game.example.com", []string{"https://GAME.example.com"}, true},
		"this host, another port": {"game.example.com", []string{"https://game.example.com:8443"}, false},
		"listed":                  {"game.example.com", []string{"https://play.example.com"}, true},
		"listed with port":        {"game.example.com", []string{"https://odd.example.com:8443"}, true},
		"listed, another scheme":  {"game.example.com", []string{"http://play.example.com"}, false},
		"listed, without port":    {"game.example.com", []string{"https://odd.example.com"}, false},
		"prefix":                  {"game.example.com", []string{"https://play.example.com.evil.net"}, false},
		"suffix":                  {"game.example.com", []string{"https://evilplay.example.com"}, false},
		"null":                    {"game.example.com", []string{"null"}, false},
		"empty":                   {"game.example.com", []string{""}, false},
		"a file":                  {"game.example.com", []string{"file://"}, false},
		"two":                     {"game.example.com", []string{"https://play.example.com", "https://evil.net"}, false},
		"loopback both":           {"127.0.0.1:3000", []string{"http://localhost:5173"}, true},
		"loopback v6":             {"[::1]:3000", []string{"http://localhost:5173"}, true},
		"loopback page only":      {"game.example.com", []string{"http://localhost:5173"}, false},
		"loopback server only":    {"127.0.0.1:3000", []string{"http://evil.net"}, false},
		"looks like loopback":     {"127.0.0.1:3000", []string{"http://127.0.0.1.evil.net"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/socket.io/?EIO=4&transport=polling", nil)
			r.Host = c.host
			for _, o := range c.origins {
				r.Header.Add("Origin", o)
			}
			if strings.HasPrefix(name, "loopback") {
				local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3000}
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
				r.RemoteAddr = "127.0.0.1:50000"
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, c.ok, w.Code == http.StatusOK, w.Body.String())
			if name == "two" {
				require.Equal(t, http.StatusBadRequest, w.Code)
			} else if !c.ok {
				require.Equal(t, http.StatusForbidden, w.Code)
				require.Contains(t, w.Body.String(), "--origin", "the refusal names the flag")
			}
		})
	}
	for _, bad := range []string{"a", "https://a/", "https://a?b", "//a", ""} {
		_, err := New(Config{Listen: "127.0.0.1:0", Origins: []string{bad}}).listen()
		require.ErrorContains(t, err, "--origin", bad)
	}
}

// A page of a listed origin may read the answers of polling, any other may not.
func TestCrossOriginAnswers(t *testing.T) {
	h := open(t, Config{Origins: []string{"https://play.example.com"}}, duo())
	require.NoError(t, h.start())
	mux := h.publicMux()
	w := get(mux, http.MethodOptions, "/socket.io/", "Origin", "https://play.example.com")
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Equal(t, "https://play.example.com", w.Header().Get("Access-Control-Allow-Origin"))
	w = get(mux, http.MethodGet, "/socket.io/?EIO=4&transport=polling", "Origin", "https://play.example.com")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "https://play.example.com", w.Header().Get("Access-Control-Allow-Origin"))
	require.Contains(t, w.Header().Values("Vary"), "Origin")
	w = get(mux, http.MethodGet, "/socket.io/?EIO=4&transport=polling", "Origin", "https://evil.net")
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
	require.Empty(t, w.Header().Get("Access-Control-Allow-Credentials"))
}

func TestAdmin(t *testing.T) {
	h := open(t, Config{AdminToken: "letmein"}, duo())
	require.NoError(t, h.start())
	mux := h.adminMux()
	require.Equal(t, 200, get(mux, http.MethodGet, "/healthz").Code)
	for _, target := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/cmdline"} {
		require.Equal(t, 401, get(mux, http.MethodGet, target).Code)
		require.Equal(t, 401, get(mux, http.MethodGet, target, "Authorization", "Bearer wrong").Code)
		require.Equal(t, 401, get(mux, http.MethodGet, target, "Authorization", "Bearer ").Code)
		require.Equal(t, 200, get(mux, http.MethodGet, target, "Authorization", "Bearer letmein").Code)
		require.Equal(t, 200, get(mux, http.MethodGet, target, "Authorization", "Basic OmxldG1laW4=").Code)
	}
	for addr, ok := range map[string]bool{
		"": true, "127.0.0.1:9090": true, "localhost:9090": true, "[::1]:9090": true, "[::ffff:127.0.0.1]:9090": true,
		":9090": false, "0.0.0.0:9090": false, "[::]:9090": false, "10.0.0.1:9090": false, "example.com:9090": false,
		"localhost.evil.net:9090": false,
	} {
		require.Equal(t, ok, checkAdmin(addr, "") == nil, addr)
		require.NoError(t, checkAdmin(addr, "token"))
	}
}

func TestMetrics(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", clientOptions()), h.arrive("bob", clientOptions())
	wa := h.pair(a, b)
	at := a.sees(wa.You, func(float64) bool { return true })
	a.row(at+1, 2)
	a.sees(wa.You, func(x float64) bool { return x >= 2 })
	b.lobby.Disconnect()
	require.NoError(t, a.match.Emit("input", "nonsense"))
	require.NoError(t, a.match.Call(a.ctx(), "request", map[string]any{"ev": "echo", "data": "x"}, nil))

	body := get(h.adminMux(), http.MethodGet, "http://localhost/metrics").Body.String()
	for _, want := range []string{
		"gs_ready 1\n", `gs_matches{game="pond"} 1`, `gs_conns{state="websocket"} `, `gs_refused_total{layer="match",reason="bad_input"} 1`,
		"gs_matches_made_total 1\n", `gs_tickets_total{state="seated"} 2`, "gs_tick_seconds_bucket{", "gs_tick_lateness_seconds_count",
		`gs_tick_phase_seconds_sum{phase="step"}`, `gs_seat_transitions_total{from="reserved",to="connected"} 2`,
		"gs_inputs_total 1\n", `gs_snapshots_total{result="sent"}`, "go_goroutines ", "process_resident_memory_bytes",
		"gs_out_queue_bytes ", `gs_lobby_tickets{state="searching"} 0`,
	} {
		require.Contains(t, body, want)
	}
}

func TestRefusalLabelsAreBounded(t *testing.T) {
	m := newMetrics()
	for i := range MaxRefusals {
		m.refuse("test", strings.Repeat("x", i))
	}
	m.refuse("test", "one too many")
	m.refuse("test", "two too many")
	families, err := m.registry.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "gs_refused_total" {
			require.Len(t, f.GetMetric(), MaxRefusals+1)
			return
		}
	}
	t.Fatal("no refusals")
}

func TestListenerLimits(t *testing.T) {
	h := open(t, Config{}, duo())
	send := func(request string) string {
		c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		_, err = io.WriteString(c, request)
		require.NoError(t, err)
		line, err := bufio.NewReader(c).ReadString('\n')
		require.NoError(t, err)
		return line
	}
	// net/http reads 4 KiB more than the bound before it gives up.
	require.Contains(t, send("GET /healthz HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", MaxHeaderBytes-100)+"\r\n\r\n"), " 200 ")
	require.Contains(t, send("GET /healthz HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", MaxHeaderBytes+4096)+"\r\n\r\n"), " 431 ")
	require.Contains(t, send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "HTTP/1.1 4")
}

func TestShutdownOfAServerThatNeverStarted(t *testing.T) {
	s := New(Config{})
	require.NoError(t, s.Shutdown(t.Context()))
	require.NoError(t, s.Shutdown(t.Context()), "again")
}

func TestShutdownIsBounded(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", clientOptions()), h.arrive("bob", clientOptions())
	h.pair(a, b)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, h.Shutdown(over), "there was no time")
	require.NoError(t, <-h.done, "and yet all is closed")
	h.done = nil
	a.leave()
	b.leave()
	// What could not be waited for ends by itself.
	<-h.lobbyEnd
	require.NoError(t, h.ticks.Close(t.Context()))
	require.NoError(t, h.io.Shutdown(t.Context()))
	h.Server = New(Config{}) // for the cleanup
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "guest-abcd",
		" \t\n":                        "guest-abcd",
		"ann":                          "ann",
		"  ann \u00a0 b  ":             "ann b",
		"a\x00b\u202ec\ufffd":          "abc",
		strings.Repeat("é", 24):        strings.Repeat("é", 24),
		strings.Repeat("é", 25):        strings.Repeat("é", 24),
		strings.Repeat("é", 23) + " x": strings.Repeat("é", 23),
	} {
		require.Equal(t, want, cleanName(in, "abcdef"), "%q", in)
	}
	require.Equal(t, "guest-a", cleanName("", "a"))
}

func TestErrorsOfTheWire(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
	}{
		{lobby.ErrDraining, "draining"},
		{lobby.ErrAlreadyInMatch, "already_in_match"},
		{context.DeadlineExceeded, "overloaded"},
		{io.ErrUnexpectedEOF, "internal"},
		{&sio.Error{Code: "x"}, "x"},
	} {
		require.Equal(t, c.code, wireError(c.err).Code)
	}
	require.NotContains(t, wireError(io.ErrUnexpectedEOF).Msg, "EOF")
	require.Positive(t, wireError(lobby.ErrOverloaded).RetryMs)
}
