package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gameserver/engine"

	"github.com/stretchr/testify/require"
)

const (
	testPatience = 10 * time.Second
	testPause    = time.Millisecond
)

func TestPollingEcho(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	a := p.post(t, "4hello\x1ebAQIDBA==\x1e4\x1eb")
	require.Equal(t, 200, a.status)
	require.Equal(t, "text/html", a.ctype)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, "ok", a.body)
	a = p.get(t)
	require.Equal(t, "text/plain; charset=UTF-8", a.ctype)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Equal(t, "4hello\x1ebAQIDBA==\x1e4\x1eb", a.body)
	require.Equal(t, []string{"t:hello", "b:\x01\x02\x03\x04", "t:", "b:"}, p.messages())
}

func TestBase64ThatStartsWithAFour(t *testing.T) { // a v3 client would mean a text packet
	f := serve(t, engine.Config{})
	p := f.poll(t)
	require.Equal(t, 200, p.post(t, "b4AAA").status)
	require.Equal(t, []string{"b:\xe0\x00\x00"}, p.messages())
}

func TestOpenMaySend(t *testing.T) {
	f := serve(t, engine.Config{Open: func(c *engine.Conn) engine.Handler {
		_ = c.Send([]byte("welcome"), false)
		return newSession(c)
	}})
	require.Equal(t, "4welcome", f.poll(t).rest)
	w, err := dialOpen(t, f)
	require.NoError(t, err)
	m, err := w.ReadText()
	require.NoError(t, err)
	require.Equal(t, "4welcome", m)
}

func TestPollingIgnoresServerPackets(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	require.Equal(t, 200, p.post(t, "0\x1e5\x1e6\x1e3\x1e4x").status)
	require.Equal(t, []string{"t:x"}, p.messages())
}

func TestPollingViolations(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want engine.Reason
		got  []string
	}{
		"unknown packet":     {"abc", engine.ReasonProtocol, nil},
		"client ping":        {"2", engine.ReasonProtocol, nil},
		"packet 7":           {"7", engine.ReasonProtocol, nil},
		"empty body":         {"", engine.ReasonProtocol, nil},
		"empty packet":       {"4a\x1e\x1e4b", engine.ReasonProtocol, []string{"t:a"}},
		"trailing separator": {"4a\x1e", engine.ReasonProtocol, []string{"t:a"}},
		"bad base64":         {"4a\x1ebA", engine.ReasonProtocol, []string{"t:a"}},
		"bad UTF-8":          {"4a\xff", engine.ReasonBadUTF8, nil},
		"1025 packets":       {strings.Repeat("4\x1e", 1024) + "4", engine.ReasonFlood, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, engine.Config{})
			p := f.poll(t)
			require.Equal(t, 400, p.post(t, tc.body).status)
			require.Equal(t, tc.want, p.ended(t))
			require.Equal(t, tc.got, p.messages())
			require.Equal(t, errBody("1", "Session ID unknown"), p.get(t).body)
			require.Equal(t, 1, f.refusals("poll", tc.want.String()))
		})
	}
}

func TestPollingPacketsAtTheBound(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	require.Equal(t, 200, p.post(t, strings.Repeat("4\x1e", 1023)+"4").status)
	require.Len(t, p.messages(), 1024)
}

func TestPollingAnswersInPayloadsOf64(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	for i := range 70 {
		require.NoError(t, p.conn.Send(fmt.Append(nil, i), false))
	}
	require.Equal(t, 63, strings.Count(p.get(t).body, "\x1e"))
	require.Equal(t, "464\x1e465\x1e466\x1e467\x1e468\x1e469", p.get(t).body)
}

func TestPollingBodyLimits(t *testing.T) {
	f := serve(t, engine.Config{MaxPayload: 10_000, EarlyPayload: 100})
	p := f.poll(t)
	require.Equal(t, 200, p.post(t, "4"+strings.Repeat("x", 99)).status)
	a := p.post(t, "4"+strings.Repeat("x", 100))
	require.Equal(t, 413, a.status)
	require.Empty(t, a.body)
	require.Empty(t, a.ctype)
	p.conn.Admit()
	require.Equal(t, 200, p.post(t, "4"+strings.Repeat("x", 9_999)).status)
	require.Equal(t, 413, p.post(t, "4"+strings.Repeat("x", 10_000)).status)
	require.Len(t, p.messages(), 2)
}

func TestPollingOctetStream(t *testing.T) {
	f := serve(t, engine.Config{})
	for _, ct := range []string{"application/octet-stream", "Application/Octet-Stream; a=b"} {
		p := f.poll(t)
		a := p.post(t, "4x", "Content-Type", ct)
		require.Equal(t, 400, a.status)
		require.Empty(t, a.body)
		require.Equal(t, engine.ReasonProtocol, p.ended(t))
	}
}

func TestPollingNeedsALength(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+f.addr+"/?"+p.query(), io.MultiReader(strings.NewReader("4x")))
	require.NoError(t, err)
	resp, err := f.http.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 400, resp.StatusCode)
	require.Empty(t, p.messages())
	require.Equal(t, 200, p.post(t, "4x").status)
}

func TestGetWaitsForSend(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ch := p.pending(t)
	require.NoError(t, p.conn.SendAll([]engine.Message{{Data: []byte("head")}, {Data: []byte{1}, Binary: true}}))
	require.Equal(t, "4head\x1ebAQ==", (<-ch).body)
}

func TestOverlappingGets(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ch := p.pending(t)
	a := p.get(t)
	require.Equal(t, 400, a.status)
	require.Empty(t, a.body)
	first := <-ch
	require.Equal(t, 200, first.status)
	require.Equal(t, "1", first.body)
	require.Equal(t, engine.ReasonTransportError, p.ended(t))
	require.Equal(t, 400, p.get(t).status)
}

func TestOverlappingGetFromElsewhereDoesNotKill(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ch := p.pending(t)
	elsewhere := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		return d.DialContext(ctx, network, addr)
	}}
	defer elsewhere.CloseIdleConnections()
	mine := f.http
	f.http = &http.Client{Transport: elsewhere}
	require.Equal(t, 400, p.get(t).status)
	f.http = mine
	require.NoError(t, p.conn.Send([]byte("still here"), false))
	require.Equal(t, "4still here", (<-ch).body)
}

// rawPost sends the head of a POST and only part of its body.
func rawPost(t *testing.T, f *fixture, p *poller, part string, length int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = fmt.Fprintf(c, "POST /engine.io/?%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", p.query(), f.addr, length, part)
	require.NoError(t, err)
	return c
}

func TestOverlappingPosts(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ch := p.pending(t)
	first := rawPost(t, f, p, "4ab", 8)
	require.Eventually(t, func() bool {
		a, err := f.try(t.Context(), "POST", p.query(), "4x")
		return err == nil && a.status == 400
	}, testPatience, testPause)
	require.Equal(t, engine.ReasonTransportError, p.ended(t))
	before := len(p.messages())
	_, err := io.WriteString(first, "cdefg")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(first), nil)
	require.NoError(t, err)
	resp.Body.Close()
	require.Len(t, p.messages(), before, "delivered after the end")
	a := <-ch
	require.True(t, strings.HasSuffix(a.body, "1") || strings.HasPrefix(a.body, "4x"), a.body)
}

func TestAbortedGetEndsTheSession(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = f.try(ctx, "GET", p.query(), "")
	}()
	require.Eventually(t, p.conn.Writable, testPatience, testPause)
	cancel()
	<-done
	require.Equal(t, engine.ReasonTransportError, p.ended(t))
	require.Equal(t, 400, p.get(t).status)
}

func TestClientCloseReleasesTheGet(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ch := p.pending(t)
	require.Equal(t, "ok", p.post(t, "1").body)
	require.Equal(t, "6", (<-ch).body)
	require.Equal(t, engine.ReasonClientClose, p.ended(t))
	require.Equal(t, 400, p.get(t).status)
}

func TestNothingIsDeliveredBehindAClose(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	p.post(t, "4a\x1e1\x1e4b")
	require.Equal(t, engine.ReasonClientClose, p.ended(t))
	require.Equal(t, []string{"t:a"}, p.messages())
}

func TestServerCloseWithPendingGet(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	ch := p.pending(t)
	p.conn.Close(engine.ReasonForced)
	require.Equal(t, "1", (<-ch).body)
	require.Equal(t, engine.ReasonForced, p.ended(t))
	require.Equal(t, 400, p.get(t).status)
	require.ErrorIs(t, p.conn.Send(nil, false), engine.ErrClosed)
	require.False(t, p.conn.SendLatest(nil, false))
}

func TestServerCloseDeliversWhatWasSent(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	for i := range 65 {
		require.NoError(t, p.conn.Send(fmt.Append(nil, i), false))
	}
	p.conn.Close(engine.ReasonAuthFailed)
	require.Equal(t, engine.ReasonAuthFailed, p.ended(t))
	require.Equal(t, 400, p.post(t, "4late").status)
	require.Equal(t, 63, strings.Count(p.get(t).body, "\x1e"))
	require.Equal(t, "464", p.get(t).body)
	require.Equal(t, "1", p.get(t).body, "alone, so that the messages are acted upon first")
	require.Equal(t, 400, p.get(t).status)
	require.Empty(t, p.messages())
	require.Zero(t, f.Stats().OutboxBytes)
}

func TestPollingLatest(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	require.False(t, p.conn.Writable())
	require.False(t, p.conn.SendLatest([]byte("nobody waits"), false))
	ch := p.pending(t)
	require.True(t, p.conn.SendLatest([]byte("taken"), false))
	require.Equal(t, "4taken", (<-ch).body)
	require.NoError(t, p.conn.Send([]byte("queued"), false))
	require.False(t, p.conn.SendLatest([]byte("behind"), false))
	require.Equal(t, "4queued", p.get(t).body)
}

func TestPollingOutboxBound(t *testing.T) {
	f := serve(t, engine.Config{OutboxBytes: 1000})
	p := f.poll(t)
	big := make([]byte, 1000-48)
	require.ErrorIs(t, p.conn.Send(big, false), engine.ErrTooLarge)
	require.NoError(t, p.conn.Send(big[1:], false))
	require.Equal(t, 1000, p.conn.Buffered())
	require.EqualValues(t, 1000, f.Stats().OutboxBytes)
	require.ErrorIs(t, p.conn.Send(nil, false), engine.ErrSlow)
	require.Equal(t, engine.ReasonSlowConsumer, p.ended(t))
	require.EqualValues(t, 1, f.Stats().SlowConsumers)
	require.Zero(t, f.Stats().OutboxBytes)
}

func TestPollingPanicEndsOneSession(t *testing.T) {
	f := serve(t, engine.Config{})
	p, other := f.poll(t), f.poll(t)
	p.panics = "boom"
	require.Equal(t, 500, p.post(t, "4boom").status)
	require.Equal(t, engine.ReasonInternal, p.ended(t))
	require.Equal(t, 200, other.post(t, "4x").status)
	require.EqualValues(t, 1, f.Stats().Panics)
}

func TestPanicInOpen(t *testing.T) {
	f := serve(t, engine.Config{Open: func(*engine.Conn) engine.Handler { panic("boom") }})
	require.True(t, strings.HasSuffix(f.do(t, "GET", pollQuery, "").body, "\x1e1"))
	w, err := dialOpen(t, f)
	require.NoError(t, err)
	require.Equal(t, 1011, closeCode(t, w).Code)
	require.EqualValues(t, 2, f.Stats().Panics)
}

func TestShutdownRefusesNewSessions(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	w, ws := f.ws(t)
	ch := p.pending(t)
	done := make(chan error, 1)
	go func() { done <- f.Shutdown(t.Context()) }()
	require.Equal(t, "1", (<-ch).body)
	require.Equal(t, 1012, closeCode(t, w).Code)
	w.Close()
	require.NoError(t, <-done)
	require.Equal(t, engine.ReasonServerShutdown, p.ended(t))
	require.Equal(t, engine.ReasonServerShutdown, ws.ended(t))
	require.Equal(t, 503, f.do(t, "GET", pollQuery, "").status)
	st := f.Stats()
	require.Zero(t, st.Polling+st.WebSocket)
	require.EqualValues(t, 2, st.Closed)
}
