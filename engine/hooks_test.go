package engine_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// answerHead upgrades by hand and returns the headers of the 101.
func answerHead(t *testing.T, f *fixture, uri string) http.Header {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(testPatience)))
	h, _, err := enginetest.UpgradeHeader(c, uri)
	require.NoError(t, err)
	return h
}

func TestCookie(t *testing.T) {
	for name, tc := range map[string]struct {
		cookie *http.Cookie
		want   string
	}{
		"off":      {nil, ""},
		"defaults": {&http.Cookie{}, "io=SID; Path=/; HttpOnly; SameSite=Lax"},
		"own": {
			&http.Cookie{Name: "sticky", Path: "/game", Domain: "game.example", MaxAge: 60, Secure: true, SameSite: http.SameSiteStrictMode, Value: "ignored"},
			"sticky=SID; Path=/game; Domain=game.example; Max-Age=60; HttpOnly; Secure; SameSite=Strict",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, engine.Config{Cookie: tc.cookie})
			a := f.do(t, "GET", pollQuery, "")
			s := <-f.open
			require.Equal(t, strings.ReplaceAll(tc.want, "SID", s.conn.ID()), a.header.Get("Set-Cookie"))
			// It is told once.
			require.NoError(t, s.conn.Send([]byte("x"), false))
			require.Empty(t, f.do(t, "GET", pollQuery+"&sid="+s.conn.ID(), "").header.Get("Set-Cookie"))
			require.Empty(t, f.do(t, "POST", pollQuery+"&sid="+s.conn.ID(), "4x").header.Get("Set-Cookie"))
			require.Empty(t, answerHead(t, f, wsURI+"&sid="+s.conn.ID()).Get("Set-Cookie"))
			// A session that starts on a WebSocket is told in the 101.
			h := answerHead(t, f, wsURI)
			require.Equal(t, strings.ReplaceAll(tc.want, "SID", (<-f.open).conn.ID()), h.Get("Set-Cookie"))
		})
	}
	require.ErrorContains(t, engine.Config{Cookie: &http.Cookie{Name: "a b"}}.Validate(), "Cookie")
}

// The cookie is for proxies: it opens nothing here.
func TestCookieIsNoCredential(t *testing.T) {
	f := serve(t, engine.Config{Cookie: &http.Cookie{}})
	p := f.poll(t)
	a := f.do(t, "POST", pollQuery, "4x", "Cookie", "io="+p.sid)
	require.Equal(t, errBody("2", "Bad handshake method"), a.body)
	a = f.do(t, "GET", pollQuery, "", "Cookie", "io="+p.sid)
	require.NotContains(t, a.body, p.sid)
}

func TestHeaderHooks(t *testing.T) {
	f := serve(t, engine.Config{
		InitialHeaders: func(h http.Header, r *http.Request) { h.Set("X-First", r.URL.Query().Get("who")) },
		Headers: func(h http.Header, r *http.Request) {
			h.Set("X-Every", r.Method)
			h.Set("X-Split", "a\r\nX-Evil: 1")
		},
	})
	a := f.do(t, "GET", pollQuery+"&who=me", "")
	require.Equal(t, "me", a.header.Get("X-First"))
	require.Equal(t, "GET", a.header.Get("X-Every"))
	s := <-f.open
	sid := "&sid=" + s.conn.ID()
	a = f.do(t, "POST", pollQuery+sid, "4x")
	require.Equal(t, "POST", a.header.Get("X-Every"))
	require.Empty(t, a.header.Get("X-First"))
	a = f.do(t, "GET", pollQuery+sid, "")
	require.Equal(t, "4x", a.body)
	require.Equal(t, "GET", a.header.Get("X-Every"))
	require.Empty(t, a.header.Get("X-First"))
	h := answerHead(t, f, wsURI+sid)
	require.Equal(t, "GET", h.Get("X-Every"))
	require.Empty(t, h.Get("X-First"))
	h = answerHead(t, f, wsURI+"&who=you")
	require.Equal(t, "you", h.Get("X-First"))
	require.Empty(t, h.Get("X-Evil"))
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", h.Get("Sec-Websocket-Accept"))
	// Refusals are not answers of a session.
	require.Empty(t, f.do(t, "GET", "EIO=4&transport=x", "").header.Get("X-Every"))
}

func TestHeaderHookPanics(t *testing.T) {
	f := serve(t, engine.Config{Headers: func(http.Header, *http.Request) { panic("asked for") }})
	p := f.poll(t)
	require.Equal(t, "ok", p.post(t, "4x").body)
	require.Equal(t, "4x", p.get(t).body)
	w := upgrade(t, p)
	say(t, w, "4y", "4y")
	w, _ = f.ws(t)
	say(t, w, "4z", "4z")
	require.EqualValues(t, 5, f.Stats().Panics)
}

func TestConnectionErrorHook(t *testing.T) {
	var mu sync.Mutex
	var got []string
	f := serve(t, engine.Config{ConnectionError: func(code int, message string, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprintf("%d %s %s", code, message, r.URL.Query().Get("n")))
	}})
	f.do(t, "GET", "EIO=4&transport=x&n=1", "")
	f.do(t, "GET", pollQuery+"&sid=x&n=2", "")
	f.do(t, "POST", pollQuery+"&n=3", "")
	f.do(t, "GET", "EIO=4&transport=websocket&n=4", "")
	f.do(t, "GET", pollQuery+"&n=5", "", "Origin", "null")
	f.do(t, "GET", "EIO=3&transport=polling&n=6", "")
	_, err := enginetest.DialWS(f.addr, wsURI+"&sid=x&n=7")
	require.Error(t, err)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{
		"0 Transport unknown 1", "1 Session ID unknown 2", "2 Bad handshake method 3", "3 Bad request 4",
		"4 Forbidden 5", "5 Unsupported protocol version 6", "1 Session ID unknown 7",
	}, got)
}

func TestNewID(t *testing.T) {
	next := ""
	f := serve(t, engine.Config{MaxConns: 3, NewID: func() string { return next }})
	for _, bad := range []string{"", strings.Repeat("x", 15), strings.Repeat("x", 65), `quote"in-the-middle`, "a space in the middle", "ümlaut-in-the-middle", "new\r\nline-in-the-middle"} {
		next = bad
		a := f.do(t, "GET", pollQuery, "")
		require.Equal(t, errBody("3", "Bad request"), a.body, bad)
		_, err := enginetest.DialWS(f.addr, wsURI)
		require.ErrorContains(t, err, "Bad request")
	}
	for _, good := range []string{strings.Repeat("x", 16), strings.Repeat("-", 64), "node1_AZaz09-0000000"} {
		next = good
		p := f.poll(t)
		require.Equal(t, good, p.sid)
		if good == strings.Repeat("x", 16) {
			require.Equal(t, errBody("3", "Bad request"), f.do(t, "GET", pollQuery, "").body, "twice")
			require.Equal(t, 200, p.post(t, "4still there").status)
		}
	}
	require.EqualValues(t, 3, f.Stats().Opened) // and the refused ones took no place
}

func TestHookPanicsTakeNoPlace(t *testing.T) {
	var calm atomic.Bool
	f := serve(t, engine.Config{MaxConns: 1, Abuse: engine.Abuse{Loopback: true, Sessions: 1, SessionRate: -1}, NewID: func() string {
		if !calm.Load() {
			panic(http.ErrAbortHandler)
		}
		return "0123456789abcdef"
	}})
	for range 3 {
		_, err := f.try(t.Context(), "GET", pollQuery, "")
		require.Error(t, err)
	}
	calm.Store(true)
	f.poll(t)
}

func TestInitialPacket(t *testing.T) {
	cfg := engine.Config{InitialPacket: &engine.Message{Data: []byte("hello")}, Open: func(c *engine.Conn) engine.Handler {
		_ = c.Send([]byte("second"), false)
		return newSession(c)
	}}
	f := serve(t, cfg)
	require.Equal(t, "4hello\x1e4second", f.poll(t).rest)
	w, err := dialOpen(t, f)
	require.NoError(t, err)
	for _, want := range []string{"4hello", "4second"} {
		m, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, want, m)
	}
	cfg.InitialPacket = &engine.Message{Data: []byte{1, 2}, Binary: true}
	f = serve(t, cfg)
	require.Equal(t, "bAQI=\x1e4second", f.poll(t).rest)
	cfg.InitialPacket = &engine.Message{} // empty is a message too
	require.Equal(t, "4\x1e4second", serve(t, cfg).poll(t).rest)
}
