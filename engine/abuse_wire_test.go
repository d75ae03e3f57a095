package engine_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

func TestAbuseIsOffOnLoopback(t *testing.T) {
	f := serve(t, engine.Config{Abuse: engine.Abuse{Sessions: 1, SessionRate: 1, SessionBurst: 1, UnknownSIDs: 1}})
	f.poll(t)
	f.poll(t)
	for range 3 {
		require.Equal(t, 400, f.do(t, "GET", pollQuery+"&sid=nobody", "").status)
	}
}

func TestTooManySessions(t *testing.T) {
	f := serve(t, engine.Config{Abuse: engine.Abuse{Loopback: true, Sessions: 2, SessionRate: -1}})
	p := f.poll(t)
	w, _ := f.ws(t)
	a := f.do(t, "GET", pollQuery, "")
	require.Equal(t, 429, a.status)
	require.Equal(t, "5", a.header.Get("Retry-After"))
	require.Equal(t, errBody("7", "Too many requests"), a.body)
	_, err := enginetest.DialWS(f.addr, wsURI)
	require.ErrorContains(t, err, "429 Too Many Requests")
	require.Equal(t, 2, f.refusals("http", "rate_limited"))
	// What exists goes on, upgrades too.
	say(t, w, "4x", "4x")
	require.Equal(t, 200, p.post(t, "4x").status)
	upgrade(t, p)
	// A place given back is a place.
	p.conn.Close(engine.ReasonTransportClose)
	p.ended(t)
	require.Eventually(t, func() bool {
		a, err := f.try(t.Context(), "GET", pollQuery, "")
		return err == nil && a.status == 200
	}, testPatience, testPause)
}

func TestSessionRateOnTheWire(t *testing.T) {
	bubbled(t, engine.Config{Abuse: engine.Abuse{Loopback: true, SessionRate: 1, SessionBurst: 2}}, func(b *bubble) {
		b.poll(b.t)
		b.poll(b.t)
		a := b.do(b.t, "GET", pollQuery, "")
		require.Equal(b.t, 429, a.status)
		require.Equal(b.t, "1", a.header.Get("Retry-After"))
		time.Sleep(time.Second)
		b.poll(b.t)
		require.Equal(b.t, 429, b.do(b.t, "GET", pollQuery, "").status)
	})
}

// A refused handshake gives its place back, whoever refused it.
func TestRefusedHandshakeTakesNoPlace(t *testing.T) {
	f := serve(t, engine.Config{MaxConns: 1, Abuse: engine.Abuse{Loopback: true, Sessions: 1, SessionRate: -1}, AllowRequest: func(r *http.Request) error {
		if r.URL.Query().Get("no") != "" {
			return io.EOF
		}
		return nil
	}})
	for range 3 {
		require.Equal(t, 403, f.do(t, "GET", pollQuery+"&no=1", "").status)
		require.Equal(t, 400, f.do(t, "GET", "EIO=9&transport=polling", "").status)
		require.Equal(t, 400, f.do(t, "GET", "EIO=4&transport=websocket", "", "Upgrade", "websocket", "Connection", "Upgrade").status)
	}
	f.poll(t)
}

func TestGuessingSessionIDsIsLimited(t *testing.T) {
	f := serve(t, engine.Config{Abuse: engine.Abuse{Loopback: true}})
	p := f.poll(t)
	for range 10 {
		require.Equal(t, 400, f.do(t, "GET", pollQuery+"&sid=nobody", "").status)
	}
	a := f.do(t, "GET", pollQuery+"&sid=nobody", "")
	require.Equal(t, 429, a.status)
	require.NotEmpty(t, a.header.Get("Retry-After"))
	_, err := enginetest.DialWS(f.addr, wsURI+"&sid=nobody")
	require.ErrorContains(t, err, "429")
	require.Equal(t, 200, p.post(t, "4x").status) // those who know theirs are not harmed
}

// A refusal must not wait for a body that may never come.
func TestRateLimitedBeforeTheBody(t *testing.T) {
	f := serve(t, engine.Config{Abuse: engine.Abuse{Loopback: true, UnknownSIDs: 1}})
	f.do(t, "GET", pollQuery+"&sid=nobody", "")
	c, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(testPatience)))
	_, err = io.WriteString(c, "POST /engine.io/?"+pollQuery+"&sid=nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
	require.NoError(t, err)
	got := make([]byte, 12)
	_, err = io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 429", string(got))
}

// Behind a trusted proxy the limits are those of the clients, each its own.
func TestAbuseBehindAProxy(t *testing.T) {
	s := engine.New(engine.Config{
		TrustedProxies: prefixes("10.0.0.0/8"), Abuse: engine.Abuse{Sessions: 1, SessionRate: -1},
		Open: func(c *engine.Conn) engine.Handler { return newSession(c) },
	})
	ask := func(from string) int {
		r := httptest.NewRequest("GET", "http://x/?"+pollQuery, nil)
		r.RemoteAddr = "10.0.0.1:5"
		r.Header.Set("X-Forwarded-For", from)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		return rec.Code
	}
	require.Equal(t, 200, ask("203.0.113.1"))
	require.Equal(t, 429, ask("203.0.113.1"))
	require.Equal(t, 429, ask("1.2.3.4, 203.0.113.1")) // made up in front
	require.Equal(t, 200, ask("203.0.113.2"))
	require.Equal(t, 200, ask("2001:db8::1"))
	require.Equal(t, 429, ask("2001:db8::2"))
	require.NoError(t, s.Shutdown(t.Context()))
}
