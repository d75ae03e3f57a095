package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/bits"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// What has gone wrong in other servers of this protocol and of WebSocket, one
// test for each advisory.

// raw sends bytes to the listener and returns all that comes back.
func raw(t *testing.T, f *fixture, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(testPatience)))
	_, err = io.WriteString(c, request)
	require.NoError(t, err)
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	return string(b)
}

func wsRequest(headers ...string) string {
	return "GET " + wsURI + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
}

// alive requires the server to serve others.
func alive(t *testing.T, f *fixture) {
	t.Helper()
	w, err := dialOpen(t, f)
	require.NoError(t, err)
	say(t, w, "4alive", "4alive")
}

// Session ids could be guessed.
func TestAdvisoryCVE2017_16031PredictableIDs(t *testing.T) {
	f := serve(t, engine.Config{})
	const n = 200
	seen := make(map[string]bool)
	var last string
	near := 0
	for range n {
		a := f.do(t, "GET", pollQuery, "")
		o, err := enginetest.ParseOpen(a.body)
		require.NoError(t, err)
		require.Len(t, o.SID, 20) // 120 bits
		require.False(t, seen[o.SID])
		seen[o.SID] = true
		// Neighbours differ in about half of their bits.
		diff := 0
		for i := range min(len(last), len(o.SID)) {
			diff += bits.OnesCount8(last[i] ^ o.SID[i])
		}
		if last != "" && diff < 20 {
			near++
		}
		last = o.SID
	}
	require.Zero(t, near)
}

// Any origin was allowed by default.
func TestAdvisoryCVE2020_28481CORS(t *testing.T) {
	f := serve(t, engine.Config{})
	a := f.do(t, "GET", pollQuery, "", "Origin", "https://evil.example")
	require.Equal(t, 403, a.status)
	require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, a.header.Get("Access-Control-Allow-Credentials"))
	_, err := enginetest.DialWS(f.addr, wsURI, "Origin: https://evil.example") // which others allow to this day
	require.ErrorContains(t, err, "Forbidden")
}

// Large bodies were put together by quadratic work, up to 100 MB of them.
func TestAdvisoryCVE2020_36048LargeBodies(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	p.conn.Admit()
	got := raw(t, f, "POST /engine.io/?"+p.query()+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
	require.True(t, strings.HasPrefix(got, "HTTP/1.1 413 "), got)
	require.Equal(t, 400, p.post(t, "").status)
	w, s := f.ws(t)
	s.conn.Admit()
	_, err := w.Write(enginetest.AppendHeader(nil, enginetest.Fin|enginetest.OpText, 100_000_000))
	require.NoError(t, err)
	require.Equal(t, 1009, closeCode(t, w).Code)
}

// A frame with reserved bits, sent at once with the handshake, crashed the
// process.
func TestAdvisoryCVE2022_21676InvalidFrameAtTheUpgrade(t *testing.T) {
	f := serve(t, engine.Config{})
	got := raw(t, f, wsRequest()+"\xf1\x80\x00\x00\x00\x00")
	require.True(t, strings.HasPrefix(got, "HTTP/1.1 400 "), got)
	p := f.poll(t)
	w := candidate(t, p)
	_, err := w.Write([]byte{0xf1, 0x80, 0, 0, 0, 0})
	require.NoError(t, err)
	require.Equal(t, 1002, closeCode(t, w).Code)
	require.Equal(t, "ok", p.post(t, "4still polling").body)
	alive(t, f)
}

// A reset during the upgrade crashed the process.
func TestAdvisoryCVE2022_41940ResetDuringTheUpgrade(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	handshake := strings.ReplaceAll(wsRequest(), wsURI, wsURI+"&sid="+p.sid)
	probe := string(enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("2probe")))
	for _, step := range []int{0, 10, len(handshake) - 1, len(handshake), len(handshake) + 3, len(handshake) + len(probe) - 1, len(handshake) + len(probe)} {
		for _, wait := range []bool{false, true} {
			c, err := net.Dial("tcp", f.addr)
			require.NoError(t, err)
			tcp, ok := c.(*net.TCPConn)
			require.True(t, ok)
			require.NoError(t, tcp.SetLinger(0)) // close with a reset
			_, err = io.WriteString(c, handshake[:min(step, len(handshake))])
			require.NoError(t, err)
			if step >= len(handshake) && wait {
				_, err = http.ReadResponse(newReader(c), nil)
				require.NoError(t, err)
				_, err = io.WriteString(c, probe[:step-len(handshake)])
				require.NoError(t, err)
			}
			require.NoError(t, c.Close())
			require.Equal(t, "ok", p.post(t, "4still polling").body)
		}
	}
	require.Eventually(t, func() bool { // the last candidate is noticed to be gone
		w, err := enginetest.DialWS(f.addr, wsURI+"&sid="+p.sid)
		if err != nil {
			return false
		}
		defer w.Close()
		_ = w.SetDeadline(time.Now().Add(testPatience))
		_ = w.Send("2probe")
		m, err := w.ReadText()
		return err == nil && m == "3probe"
	}, testPatience, testPause)
	alive(t, f)
}

// A crafted query crashed the process.
func TestAdvisoryCVE2023_31125CraftedQuery(t *testing.T) {
	f := serve(t, engine.Config{AllowEIO3: true})
	for _, q := range []string{
		"EIO[a]=4&transport=polling", "EIO=4&EIO=4&transport=polling&transport=x", "transport[toString]=1", "EIO=4&transport=polling&sid[]=x",
		"EIO=4&transport=polling&sid=__proto__", "EIO=4&transport=polling&sid=constructor", "EIO=4&transport=constructor", "EIO=4&transport=polling&j=[]",
		"EIO=4&transport=polling&b64[]=1&t[]=1", "EIO=4&transport=polling&sid=%ff%fe", "EIO=4&transport=polling;", "%", "&&==&",
	} {
		got := raw(t, f, "GET /engine.io/?"+q+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		require.Regexp(t, `^HTTP/1\.1 (200|400) `, got, q)
	}
	alive(t, f)
	require.Zero(t, f.Stats().Panics)
}

// A POST of octets was never answered, and its connection stayed.
func TestAdvisoryGHSAr635OctetStream(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	got := raw(t, f, "POST /engine.io/?"+p.query()+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\n4ab")
	require.True(t, strings.HasPrefix(got, "HTTP/1.1 400 "), got)
	require.Equal(t, engine.ReasonProtocol, p.ended(t))
}

// Goroutines and timers were made for each packet: pongs that nobody asked for,
// and requests.
func TestAdvisoryCVE2026_48802Pongs(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		w, s := b.dial(b.t, enginetest.PipeBuffer)
		p := b.poll(b.t)
		synctest.Wait()
		before := runtime.NumGoroutine()
		pongs := bytes.Repeat(enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("3")), 1000)
		for range 100 {
			_, err := w.Write(pongs)
			require.NoError(b.t, err)
			synctest.Wait()
		}
		for range 20 {
			require.Equal(b.t, 200, p.post(b.t, strings.Repeat("3\x1e", 63)+"3").status)
		}
		synctest.Wait()
		require.LessOrEqual(b.t, runtime.NumGoroutine(), before+2) // the two ends of one kept-alive connection
		s.goesOn(b.t)
		say(b.t, w, "4x", "4x")
	})
}

// A thread was made for each request, and stayed.
func TestAdvisoryCVE2026_48809Requests(t *testing.T) {
	f := serve(t, engine.Config{})
	for range 20 {
		f.do(t, "GET", pollQuery+"&sid=nobody", "")
	}
	f.http.CloseIdleConnections()
	settle := func() int {
		n := 0
		for range 100 {
			if m := runtime.NumGoroutine(); m == n {
				return n
			} else {
				n = m
			}
			<-time.After(testPause)
		}
		return n
	}
	before := settle()
	for range 50 {
		p := f.poll(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = f.try(ctx, "GET", p.query(), "")
		}()
		for !p.conn.Writable() {
			<-time.After(testPause)
		}
		cancel()
		<-done
		p.ended(t)
	}
	f.http.CloseIdleConnections()
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+2 }, testPatience, testPause)
}

// ws: no bound on the size of a message.
func TestAdvisoryCVE2016_10542MessageSize(t *testing.T) {
	f := serve(t, engine.Config{})
	w, s := f.ws(t)
	s.conn.Admit()
	_, err := w.Write(enginetest.AppendHeader(nil, enginetest.Fin|enginetest.OpBinary, 1_000_001))
	require.NoError(t, err)
	require.Equal(t, 1009, closeCode(t, w).Code)
}

// ws: a ping with a number for a payload was answered with memory.
func TestAdvisoryCVE2016_10518PingPayload(t *testing.T) {
	f := serve(t, engine.Config{})
	w, _ := f.ws(t)
	for n := range 8 {
		_, err := w.Write(enginetest.Frame(enginetest.Fin|enginetest.OpPing, bytes.Repeat([]byte{'p'}, n)))
		require.NoError(t, err)
		op, p, err := w.ReadFrame()
		require.NoError(t, err)
		require.EqualValues(t, enginetest.OpPong, op)
		require.Equal(t, strings.Repeat("p", n), string(p))
	}
}

// hostileHandshake times one handshake with a large header and requires it to be
// of no more than linear cost: it is answered at once, one way or the other.
func hostileHandshake(t *testing.T, name string, value func(n int) string) {
	t.Helper()
	f := serve(t, engine.Config{})
	for _, n := range []int{10, 1000, 100_000} {
		start := time.Now()
		c, err := net.Dial("tcp", f.addr)
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(start.Add(testPatience)))
		_, err = io.WriteString(c, wsRequest(name+": "+value(n)))
		require.NoError(t, err)
		resp, err := http.ReadResponse(newReader(c), nil)
		require.NoError(t, err)
		require.Contains(t, []int{101, 400, 431}, resp.StatusCode)
		require.Empty(t, resp.Header.Get(name))
		c.Close()
	}
	alive(t, f)
}

// ws: the parser of extensions could be crashed (2017).
func TestAdvisoryGHSA5v72Extensions(t *testing.T) {
	for _, v := range []string{"constructor", "__proto__; __proto__", "permessage-deflate; server_max_window_bits=99", `x; y="`, ";;;,,,=", "permessage-deflate" + strings.Repeat("; a=1", 50)} {
		hostileHandshake(t, "Sec-WebSocket-Extensions", func(int) string { return v })
	}
}

// ws: a subprotocol header took quadratic time.
func TestAdvisoryCVE2021_32640Subprotocol(t *testing.T) {
	hostileHandshake(t, "Sec-WebSocket-Protocol", func(n int) string { return "b" + strings.Repeat(" ", n) + "x" })
	hostileHandshake(t, "Sec-WebSocket-Protocol", func(n int) string { return strings.Repeat("a,", n/2) + "a" })
}

// ws: many headers crashed the process.
func TestAdvisoryCVE2024_37890ManyHeaders(t *testing.T) {
	f := serve(t, engine.Config{})
	var headers []string
	for i := range 3000 {
		headers = append(headers, fmt.Sprintf("X-%d: %d", i, i))
	}
	c, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(testPatience)))
	_, err = io.WriteString(c, wsRequest(headers...))
	require.NoError(t, err)
	resp, err := http.ReadResponse(newReader(c), nil)
	require.NoError(t, err)
	require.Contains(t, []int{101, 431}, resp.StatusCode)
	alive(t, f)
}

// ws: memory that was never written was sent. Here a frame has its own bytes.
func TestAdvisoryCVE2026_45736UnwrittenMemory(t *testing.T) {
	f := serve(t, engine.Config{})
	for r, code := range map[engine.Reason]uint16{engine.ReasonForced: 1000, engine.ReasonInternal: 1011, engine.ReasonAuthFailed: 4004} {
		w, s := f.ws(t)
		s.conn.Close(r)
		op, p, err := w.ReadFrame()
		require.NoError(t, err)
		require.EqualValues(t, enginetest.OpClose, op)
		want := []byte{byte(code >> 8), byte(code)}
		if code >= 4000 {
			want = append(want, r.String()...)
		}
		require.Equal(t, want, p)
	}
}

// fragmentBomb sends a message in far too many pieces.
func fragmentBomb(t *testing.T, piece []byte) {
	t.Helper()
	f := serve(t, engine.Config{})
	w, s := f.ws(t)
	s.conn.Admit()
	before := heap()
	_, err := w.Write(enginetest.Frame(enginetest.OpText, []byte("4")))
	require.NoError(t, err)
	many := bytes.Repeat(piece, 10_000)
	for range 100 {
		if _, err := w.Write(many); err != nil {
			break // refused long ago
		}
	}
	require.Less(t, heap()-before, int64(1<<20))
	require.Equal(t, engine.ReasonTooLarge, s.ended(t))
	require.Empty(t, s.messages())
	alive(t, f)
}

// ws: tiny fragments filled the memory.
func TestAdvisoryCVE2026_48779TinyFragments(t *testing.T) {
	fragmentBomb(t, enginetest.Frame(enginetest.OpContinuation, []byte("x")))
}

// Bandit: fragments without end.
func TestAdvisoryCVE2026_42786EndlessFragments(t *testing.T) {
	fragmentBomb(t, enginetest.Frame(enginetest.OpContinuation, nil))
}

// nats-server: a compressed message before authentication filled the memory.
func TestAdvisoryCVE2026_27571DeflateBomb(t *testing.T) {
	f := serve(t, engine.Config{})
	c, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.SetDeadline(time.Now().Add(testPatience)))
	_, w, err := enginetest.UpgradeHeader(c, wsURI, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits") // fails if it is granted
	require.NoError(t, err)
	_, err = w.ReadOpen()
	require.NoError(t, err)
	_, err = w.Write(enginetest.Frame(enginetest.Fin|0x40|enginetest.OpText, []byte{0xec, 0xc1, 0x01, 0x01, 0, 0}))
	require.NoError(t, err)
	require.Equal(t, 1002, closeCode(t, w).Code)
}

// signedLength sends lengths with the top bit set, which a signed reader takes
// for negative.
func signedLength(t *testing.T, first byte, before ...byte) {
	t.Helper()
	f := serve(t, engine.Config{})
	for _, high := range []byte{0x80, 0xc0, 0xff} {
		w, _ := f.ws(t)
		_, err := w.Write(append(before, first, 0xff, high, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4))
		require.NoError(t, err)
		require.Equal(t, 1002, closeCode(t, w).Code)
	}
	alive(t, f)
	require.Zero(t, f.Stats().Panics)
}

// nats-server: a negative length.
func TestAdvisoryCVE2026_27889LengthSign(t *testing.T) {
	signedLength(t, enginetest.Fin|enginetest.OpBinary)
}

// swift-nio: a negative length.
func TestAdvisoryCVE2026_43678LengthSign(t *testing.T) {
	signedLength(t, enginetest.Fin|enginetest.OpText)
}

// gorilla: a negative length in a later fragment.
func TestAdvisoryCVE2020_27813LengthSign(t *testing.T) {
	signedLength(t, enginetest.Fin|enginetest.OpContinuation, enginetest.Frame(enginetest.OpText, []byte("4"))...)
}

// Control frames inside a message escape neither their own bounds nor its.
func TestControlFramesInAMessage(t *testing.T) {
	f := serve(t, engine.Config{})
	w, _ := f.ws(t)
	msg := enginetest.Frame(enginetest.OpText, []byte("4a"))
	for range 9 {
		msg = append(msg, enginetest.Frame(enginetest.Fin|enginetest.OpPing, bytes.Repeat([]byte("p"), 125))...)
	}
	_, err := w.Write(msg)
	require.NoError(t, err)
	require.Equal(t, 1008, closeCode(t, w).Code)
	w, s := f.ws(t)
	_, err = w.Write(join(enginetest.Frame(enginetest.OpText, make([]byte, 8<<10)), enginetest.Frame(enginetest.Fin|enginetest.OpPing, nil), enginetest.Frame(enginetest.Fin|enginetest.OpContinuation, []byte("x"))))
	require.NoError(t, err)
	require.Equal(t, 1009, closeCode(t, w).Code)
	require.Equal(t, engine.ReasonTooLarge, s.ended(t))
}

// Phoenix: a payload of separators became as many strings.
func TestAdvisoryCVE2026_32689SeparatorBomb(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	p.conn.Admit()
	before := f.Stats().PacketsIn
	require.Equal(t, 400, p.post(t, strings.Repeat("\x1e", 1_000_000)).status)
	require.Equal(t, engine.ReasonFlood, p.ended(t))
	require.Equal(t, before, f.Stats().PacketsIn)
}

// Daphne: limits were configured but not handed down to each transport.
func TestAdvisoryCVE2026_44545LimitsOfEachTransport(t *testing.T) {
	f := serve(t, engine.Config{MaxPayload: 100, AllowEIO3: true})
	big := strings.Repeat("x", 100)
	require.Equal(t, 413, f.poll(t).post(t, "4"+big).status)
	p3 := f.poll3(t, "")
	require.Equal(t, 413, p3.do3(t, "POST", "101:4"+big).status)
	require.Equal(t, 413, p3.do3(t, "POST", "\x00\x01\x00\x01\xff4"+big, "Content-Type", "application/octet-stream").status)
	require.Equal(t, 413, f.do(t, "POST", pollQuery+"&j=0&sid="+f.poll(t).sid, "d=4"+big).status)
	w, _ := f.ws(t)
	require.NoError(t, w.Send("4"+big))
	require.Equal(t, 1009, closeCode(t, w).Code)
	p := f.poll(t)
	w = upgrade(t, p)
	require.NoError(t, w.Send("4"+big))
	require.Equal(t, 1009, closeCode(t, w).Code)
	w = candidate(t, f.poll(t)) // before it is anybody's transport
	require.NoError(t, w.Send("4"+big))
	require.Equal(t, 1009, closeCode(t, w).Code)
}

// Line ends in what a client sent do not come back as headers.
func TestNoHeaderInjection(t *testing.T) {
	f := serve(t, engine.Config{Headers: func(h http.Header, r *http.Request) { h.Set("X-Echo", r.URL.Query().Get("e")) }})
	for _, req := range []string{
		"GET /engine.io/?" + pollQuery + "&e=a%0d%0aX-Evil:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /engine.io/?" + pollQuery + "&e=a&j=1%0d%0aX-Evil:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /engine.io/?" + pollQuery + "&sid=a%0d%0aX-Evil:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	} {
		require.NotContains(t, raw(t, f, req), "\r\nX-Evil")
	}
	require.NotContains(t, answerHead(t, f, wsURI+"&e=a%0d%0aX-Evil:1"), "X-Evil")
}
