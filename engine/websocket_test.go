package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

func dialOpen(t *testing.T, f *fixture) (*enginetest.WS, error) {
	t.Helper()
	w, _, err := enginetest.OpenWS(f.addr)
	if err == nil {
		t.Cleanup(func() { w.Close() })
		err = w.SetDeadline(time.Now().Add(testPatience))
	}
	return w, err
}

func say(t *testing.T, w *enginetest.WS, text, want string) {
	t.Helper()
	require.NoError(t, w.Send(text))
	got, err := w.ReadText()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestWebSocketEcho(t *testing.T) {
	f := serve(t, engine.Config{})
	w, s := f.ws(t)
	say(t, w, "4hello", "4hello")
	require.NoError(t, w.SendBinary([]byte{1, 2, 3}))
	op, p, err := w.ReadFrame()
	require.NoError(t, err)
	require.EqualValues(t, enginetest.OpBinary, op)
	require.Equal(t, []byte{1, 2, 3}, p)
	require.NoError(t, w.SendBinary(nil)) // empty binary is legal
	op, p, err = w.ReadFrame()
	require.NoError(t, err)
	require.EqualValues(t, enginetest.OpBinary, op)
	require.Empty(t, p)
	require.Equal(t, []string{"t:hello", "b:\x01\x02\x03", "b:"}, s.messages())
	require.Equal(t, "websocket", s.conn.Transport())
	require.Equal(t, 4, s.conn.Protocol())
}

func TestWebSocketFragments(t *testing.T) {
	f := serve(t, engine.Config{})
	w, _ := f.ws(t)
	frames := enginetest.Frame(enginetest.OpText, []byte("4a"))
	frames = append(frames, enginetest.Frame(enginetest.Fin|enginetest.OpPing, []byte("p"))...)
	frames = append(frames, enginetest.Frame(enginetest.OpContinuation, []byte("b"))...)
	frames = append(frames, enginetest.Frame(enginetest.Fin|enginetest.OpContinuation, []byte("c"))...)
	for _, b := range frames { // one byte at a time
		_, err := w.Write([]byte{b})
		require.NoError(t, err)
	}
	op, p, err := w.ReadFrame()
	require.NoError(t, err)
	require.EqualValues(t, enginetest.OpPong, op)
	require.Equal(t, "p", string(p))
	got, err := w.ReadText()
	require.NoError(t, err)
	require.Equal(t, "4abc", got)
}

func TestWebSocketPackets(t *testing.T) {
	for packet, want := range map[string]engine.Reason{
		"":       engine.ReasonProtocol,
		"2":      engine.ReasonProtocol, // only servers ping
		"2probe": engine.ReasonProtocol,
		"abc":    engine.ReasonProtocol,
		"7":      engine.ReasonProtocol,
		"1":      engine.ReasonClientClose,
	} {
		t.Run(packet, func(t *testing.T) {
			f := serve(t, engine.Config{})
			w, s := f.ws(t)
			for _, ignored := range []string{"0", "5", "6", "3", "3probe"} {
				require.NoError(t, w.Send(ignored))
			}
			say(t, w, "4x", "4x")
			require.NoError(t, w.Send(packet))
			require.EqualValues(t, want.CloseCode(), closeCode(t, w).Code)
			require.Equal(t, want, s.ended(t))
		})
	}
}

func TestClientCloseFrames(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		code    int
	}{
		"empty":     {nil, 1005},
		"1000":      {[]byte{0x03, 0xE8}, 1000},
		"1001 text": {[]byte("\x03\xE9bye"), 1000},
		"4321":      {[]byte{0x10, 0xE1}, 4321},
		"1005":      {[]byte{0x03, 0xED}, 1002},
		"999":       {[]byte{0x03, 0xE7}, 1002},
		"bad utf8":  {[]byte("\x03\xE8\xff"), 1007},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, engine.Config{})
			w, s := f.ws(t)
			_, err := w.Write(enginetest.Frame(enginetest.Fin|enginetest.OpClose, tc.payload))
			require.NoError(t, err)
			ce := closeCode(t, w)
			require.Equal(t, tc.code, ce.Code)
			require.Empty(t, ce.Reason, "internal text")
			_, err = w.R.ReadByte()
			require.ErrorIs(t, err, io.EOF)
			require.Equal(t, engine.ReasonClientClose, s.ended(t))
		})
	}
}

func TestVanishingClient(t *testing.T) {
	f := serve(t, engine.Config{})
	w, s := f.ws(t)
	w.Close()
	require.Equal(t, engine.ReasonTransportClose, s.ended(t))
}

func TestServerCloseCodes(t *testing.T) {
	f := serve(t, engine.Config{})
	for r, want := range map[engine.Reason]enginetest.CloseError{
		engine.ReasonForced:       {Code: 1000},
		engine.ReasonReplaced:     {Code: 4009, Reason: "replaced"},
		engine.ReasonRateLimited:  {Code: 4008, Reason: "rate_limited"},
		engine.ReasonAuthTimeout:  {Code: 4003, Reason: "auth_timeout"},
		engine.ReasonSlowConsumer: {Code: 4010, Reason: "slow_consumer"},
		engine.ReasonOverloaded:   {Code: 1013},
		engine.ReasonInternal:     {Code: 1011},
	} {
		t.Run(r.String(), func(t *testing.T) {
			w, s := f.ws(t)
			require.NoError(t, s.conn.Send([]byte("last"), false))
			s.conn.Close(r)
			s.conn.Close(engine.ReasonForced) // only the first counts
			got, err := w.ReadText()
			require.NoError(t, err)
			require.Equal(t, "4last", got)
			require.Equal(t, want, *closeCode(t, w))
			require.Equal(t, r, s.ended(t))
			require.ErrorIs(t, s.conn.Send(nil, false), engine.ErrClosed)
			require.ErrorIs(t, s.conn.SendAll([]engine.Message{{}}), engine.ErrClosed)
			require.False(t, s.conn.SendLatest(nil, false))
			require.False(t, s.conn.Writable())
		})
	}
}

func TestCloseInsideOnMessage(t *testing.T) {
	sessions := make(chan *session, 1)
	f := serve(t, engine.Config{Open: func(c *engine.Conn) engine.Handler {
		s := newSession(c)
		sessions <- s
		return closer{s}
	}})
	w, err := dialOpen(t, f)
	require.NoError(t, err)
	s := <-sessions
	_, err = w.Write(bytes.Repeat(enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("4x")), 10))
	require.NoError(t, err)
	require.Equal(t, 4009, closeCode(t, w).Code)
	require.Equal(t, engine.ReasonReplaced, s.ended(t))
	require.Len(t, s.messages(), 1)
}

type closer struct{ *session }

func (c closer) OnMessage(d []byte, b bool) {
	c.session.OnMessage(d, b)
	c.conn.Close(engine.ReasonReplaced)
	select {
	case <-c.closed:
		panic("OnClose inside OnMessage")
	default:
	}
}

func TestWebSocketPanicEndsOneSession(t *testing.T) {
	f := serve(t, engine.Config{})
	w, s := f.ws(t)
	other, _ := f.ws(t)
	s.panics = "boom"
	require.NoError(t, w.Send("4boom"))
	ce := closeCode(t, w)
	require.Equal(t, enginetest.CloseError{Code: 1011}, *ce)
	require.Equal(t, engine.ReasonInternal, s.ended(t))
	say(t, other, "4x", "4x")
	require.EqualValues(t, 1, f.Stats().Panics)
}

func TestEarlyDataIsRefused(t *testing.T) {
	f := serve(t, engine.Config{})
	c, err := net.Dial("tcp", f.addr)
	require.NoError(t, err)
	defer c.Close()
	_, err = io.WriteString(c, "GET "+wsURI+" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"+
		string(enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("4x"))))
	require.NoError(t, err)
	b, err := io.ReadAll(c)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), "HTTP/1.1 400 "), string(b))
	require.Equal(t, 1, f.refusals("ws", "early_data"))
	require.Eventually(t, func() bool { return f.Stats().WebSocket+f.Stats().Polling == 0 }, testPatience, testPause)
}

// hostile are frames no client sends, with the close code each earns.
func hostile() map[string]struct {
	raw  []byte
	code int
} {
	const fin, txt, bin, ping, cont = enginetest.Fin, enginetest.OpText, enginetest.OpBinary, enginetest.OpPing, enginetest.OpContinuation
	frame := enginetest.Frame
	type row = struct {
		raw  []byte
		code int
	}
	return map[string]row{
		"negative length":        {[]byte{fin | txt, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4}, 1002},
		"smallest negative":      {[]byte{fin | bin, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, 1002},
		"2^40":                   {[]byte{fin | bin, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4}, 1009},
		"limit and one":          {enginetest.AppendHeader(nil, fin|bin, 8<<10+1), 1009},
		"not minimal, 16":        {[]byte{fin | txt, 0xFE, 0, 5, 1, 2, 3, 4}, 1002},
		"not minimal, 64":        {[]byte{fin | txt, 0xFF, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4}, 1002},
		"unmasked":               {[]byte{fin | txt, 2, '4', 'x'}, 1002},
		"rsv1":                   {frame(fin|0x40|txt, []byte("4x")), 1002},
		"rsv2":                   {frame(fin|0x20|txt, []byte("4x")), 1002},
		"rsv3":                   {frame(fin|0x10|txt, []byte("4x")), 1002},
		"opcode 3":               {frame(fin|3, nil), 1002},
		"opcode 15":              {frame(fin|15, nil), 1002},
		"long ping":              {frame(fin|ping, make([]byte, 126)), 1002},
		"fragmented ping":        {frame(ping, nil), 1002},
		"continuation first":     {frame(fin|cont, nil), 1002},
		"text inside text":       {append(frame(txt, []byte("4")), frame(fin|txt, []byte("4"))...), 1002},
		"20 pings":               {bytes.Repeat(frame(fin|ping, nil), 20), 1008},
		"endless fragments":      {append(frame(txt, []byte("4")), bytes.Repeat(frame(cont, nil), 10_000)...), 1009},
		"one-byte fragments":     {append(frame(txt, []byte("4")), bytes.Repeat(frame(cont, []byte("x")), 10_000)...), 1009},
		"fragments over limit":   {bytes.Join([][]byte{frame(txt, make([]byte, 8<<10)), frame(fin|cont, []byte("x"))}, nil), 1009},
		"bad utf8":               {frame(fin|txt, []byte("4\xff\xfe")), 1007},
		"surrogate":              {frame(fin|txt, []byte("4\xed\xa0\x80")), 1007},
		"utf8 cut by fragments":  {append(frame(txt, []byte("4\xce")), frame(fin|cont, []byte("\xce"))...), 1007},
		"close of one byte":      {frame(fin|enginetest.OpClose, []byte{3}), 1002},
		"good, then bad":         {append(frame(fin|txt, []byte("4first")), 0xFF), 1002},
		"http instead of frames": {[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 1002},
	}
}

func TestHostileFrames(t *testing.T) {
	f := serve(t, engine.Config{})
	bystander, _ := f.ws(t)
	for name, tc := range hostile() {
		t.Run(name, func(t *testing.T) {
			w, s := f.ws(t)
			_, err := w.Write(tc.raw)
			require.NoError(t, err)
			ce := closeCode(t, w)
			require.Equal(t, tc.code, ce.Code)
			require.Empty(t, ce.Reason)
			require.EqualValues(t, tc.code, s.ended(t).CloseCode())
			if name == "good, then bad" {
				require.Equal(t, []string{"t:first"}, s.messages())
			} else {
				require.Empty(t, s.messages())
			}
			say(t, bystander, "4"+name, "4"+name)
		})
	}
}

func TestFrameNegativeLength(t *testing.T) {
	f := serve(t, engine.Config{})
	for range 10 {
		w, _ := f.ws(t)
		_, err := w.Write([]byte{0x82, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0})
		require.NoError(t, err)
		require.Equal(t, 1002, closeCode(t, w).Code)
	}
	require.Equal(t, 10, f.refusals("ws", "protocol_error"))
	w, _ := f.ws(t)
	say(t, w, "4x", "4x")
}

func TestMessageLimitRisesWithAdmit(t *testing.T) {
	f := serve(t, engine.Config{EarlyPayload: 100, MaxPayload: 1000})
	w, s := f.ws(t)
	at := "4" + strings.Repeat("x", 99)
	say(t, w, at, at)
	s.conn.Admit()
	at = "4" + strings.Repeat("x", 999)
	say(t, w, at, at)
	require.NoError(t, w.Send(at+"x"))
	require.Equal(t, enginetest.CloseError{Code: 1009}, *closeCode(t, w))

	w, _ = f.ws(t)
	require.NoError(t, w.Send("4"+strings.Repeat("x", 100)))
	require.Equal(t, 1009, closeCode(t, w).Code)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A header that announces much must cost nothing before the payload is there.
func TestHugeHeadersAllocateNothing(t *testing.T) {
	f := serve(t, engine.Config{})
	const n = 100
	var conns []*enginetest.WS
	for range n {
		w, _ := f.ws(t)
		conns = append(conns, w)
	}
	before := heap()
	for _, w := range conns {
		_, err := w.Write([]byte{0x82, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4})
		require.NoError(t, err)
	}
	for _, w := range conns {
		require.Equal(t, 1009, closeCode(t, w).Code)
	}
	require.Less(t, heap()-before, int64(1<<20))
}

func TestNoInternalTextLeaks(t *testing.T) {
	f := serve(t, engine.Config{})
	for _, raw := range [][]byte{
		enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("4\xff")),
		{0x81, 0x02, '4', 'x'},
		enginetest.Frame(enginetest.Fin|enginetest.OpClose, []byte{0, 1}),
	} {
		w, _ := f.ws(t)
		_, err := w.Write(raw)
		require.NoError(t, err)
		all, err := io.ReadAll(io.LimitReader(w.R, 4)) // header and code, nothing more
		require.NoError(t, err)
		require.Len(t, all, 4)
		require.EqualValues(t, 2, all[1])
		require.NoError(t, w.Conn.(*net.TCPConn).CloseWrite())
		rest, err := io.ReadAll(w.R)
		require.NoError(t, err)
		require.Empty(t, rest)
	}
}

func TestConcurrentSendersKeepTheirOrder(t *testing.T) {
	f := serve(t, engine.Config{})
	w, s := f.ws(t)
	const senders, each = 8, 200
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := range each {
				// Header and attachment: nothing may come between them.
				_ = s.conn.SendAll([]engine.Message{
					{Data: fmt.Appendf(nil, "%d %d", i, n)},
					{Data: fmt.Appendf(nil, "%d %d", i, n), Binary: true},
				})
			}
		})
	}
	var last [senders]int
	for range senders * each {
		head, err := w.ReadText()
		require.NoError(t, err)
		tail, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, head, "4"+tail)
		var i, n int
		_, err = fmt.Sscanf(tail, "%d %d", &i, &n)
		require.NoError(t, err)
		require.Equal(t, last[i], n)
		last[i]++
	}
	wg.Wait()
}
