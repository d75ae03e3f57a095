package engine_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// Requests whose end two servers could see in different places are refused, and
// their connection is closed, so that nothing behind them is taken for a request.
func TestRequestSmuggling(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	post := "POST /engine.io/?" + p.query() + " HTTP/1.1\r\nHost: x\r\n"
	const hidden = "GET /engine.io/?EIO=4&transport=polling&hidden=1 HTTP/1.1\r\nHost: x\r\n\r\n"
	for name, request := range map[string]string{
		"length and chunked":  post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
		"two lengths":         post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n4xy" + hidden,
		"signed length":       post + "Content-Length: +2\r\n\r\n4x" + hidden,
		"listed length":       post + "Content-Length: 2, 2\r\n\r\n4x" + hidden,
		"strange encoding":    post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
		"encoding twice":      post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden,
		"space before colon":  post + "Content-Length : 2\r\n\r\n4x" + hidden,
		"body on a GET":       "GET /engine.io/?" + pollQuery + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /" + hidden,
		"body on an upgrade":  strings.Replace(wsRequest(), "\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc", 1) + hidden,
		"HTTP/2 preface":      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + hidden,
		"HTTP/2 by upgrade":   "GET " + wsURI + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
		"no host":             "GET /engine.io/?" + pollQuery + " HTTP/1.1\r\n\r\n" + hidden,
		"line end in the URL": "GET /engine.io/?" + pollQuery + "\n&x HTTP/1.1\r\nHost: x\r\n\r\n" + hidden,
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", f.addr)
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(testPatience)))
			_, err = io.WriteString(c, request)
			require.NoError(t, err)
			tcp, ok := c.(*net.TCPConn)
			require.True(t, ok)
			require.NoError(t, tcp.CloseWrite())
			got, _ := io.ReadAll(c) // a reset ends it too
			require.NotContains(t, string(got), " 200 OK")
			require.NotContains(t, string(got), " 101 ")
			require.LessOrEqual(t, strings.Count(string(got), "HTTP/1.1 "), 1)
		})
	}
	for len(f.open) > 0 {
		s := <-f.open
		require.NotContains(t, s.conn.Handshake().URL, "hidden")
	}
	require.Empty(t, p.messages())
}

// Whoever has learned a session id cannot take the session over: it keeps the
// transport it has, and goes on.
func TestStolenSessionID(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	w := upgrade(t, p)
	thief := candidate(t, p)
	require.NoError(t, thief.Send("2probe"))
	require.Equal(t, 1002, closeCode(t, thief).Code)
	require.Equal(t, 400, p.get(t).status)
	require.Equal(t, 400, p.post(t, "1").status)
	say(t, w, "4mine", "4mine")
	p.goesOn(t)
	// It is told to nobody but its owner, and is not kept by caches.
	a := f.do(t, "GET", pollQuery, "")
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Empty(t, a.header.Get("Set-Cookie"))
}

// The server is the same on IPv6, where addresses look different.
func TestServesIPv6(t *testing.T) {
	ln, err := engine.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	f := &fixture{addr: ln.Addr().String(), http: &http.Client{Transport: &http.Transport{}}}
	f.Server = engine.New(f.configure(engine.Config{}))
	hs := &http.Server{Handler: f.Server, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- hs.Serve(ln) }()
	defer func() {
		require.NoError(t, f.Shutdown(context.Background()))
		require.NoError(t, hs.Close())
		<-done
		f.http.CloseIdleConnections()
	}()
	p := f.poll(t)
	require.True(t, strings.HasPrefix(p.conn.Handshake().RemoteAddr, "[::1]:"))
	w := upgrade(t, p)
	say(t, w, "4x", "4x")
	w.Close()
	require.Equal(t, 200, f.do(t, "GET", pollQuery, "", "Origin", "http://"+f.addr).status)
	require.Equal(t, 200, f.do(t, "GET", pollQuery, "", "Origin", "http://localhost:5173").status)
	_, err = enginetest.DialWS(f.addr, wsURI, "Host: [::1]", "Origin: http://[2001:db8::1]")
	require.Error(t, err)
}
