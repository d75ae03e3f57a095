package server

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
	"gameserver/server/client"
)

// raw is a WebSocket spoken byte by byte.
type raw struct {
	*enginetest.WS
	t *testing.T
}

// raw opens a session that has joined nothing.
func (h *harbour) raw(t *testing.T) *raw {
	t.Helper()
	ws, err := enginetest.DialWS(strings.TrimPrefix(h.url, "http://"), "/socket.io/?EIO=4&transport=websocket")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ws.Close() })
	require.NoError(t, ws.SetDeadline(time.Now().Add(patience)))
	_, err = ws.ReadOpen()
	require.NoError(t, err)
	return &raw{WS: ws, t: t}
}

// text sends a text frame; the server may have closed already.
func (r *raw) text(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	_ = r.Send(format)
}

// pack sends a value as a msgpack message.
func (r *raw) pack(v any) { _ = r.SendBinary(pack(r.t, v)) }

// join enters a namespace and waits for the answer, whose text or bytes it
// returns.
func (r *raw) join(nsp string, msgpack bool, auth m) string {
	r.t.Helper()
	if msgpack {
		r.pack(m{"type": 0, "nsp": nsp, "data": auth})
	} else {
		r.text("40%s,%s", nsp, toJSON(r.t, auth))
	}
	for {
		answer, err := r.ReadText()
		require.NoError(r.t, err)
		if strings.Contains(answer, nsp) && strings.Contains(answer, "sid") {
			return answer
		}
	}
}

// closeCode reads up to the close frame. What the server says before it is
// returned too.
func (r *raw) closeCode() (code int, before []string) {
	r.t.Helper()
	for {
		msg, err := r.ReadText()
		var closed *enginetest.CloseError
		if errors.As(err, &closed) {
			return closed.Code, before
		}
		require.NoError(r.t, err, "the connection ended without a close code")
		before = append(before, msg)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

// header is a client frame's header without the mask key and the payload.
func header(first byte, length byte, extended ...byte) []byte {
	return append([]byte{first, 0x80 | length}, extended...)
}

func be64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// hostile is one thing that no client should do, and the code it is answered
// with.
type hostile struct {
	code int
	do   func(r *raw)
}

// bytes are sent as they are.
func bytesOf(parts ...[]byte) func(*raw) {
	return func(r *raw) { _, _ = r.Write(bytes.Join(parts, nil)) }
}

// frames break the rules of WebSocket; they are sent before joining anything.
func frames() map[string]hostile {
	const text, bin, fin = enginetest.OpText, enginetest.OpBinary, enginetest.Fin
	key := []byte{1, 2, 3, 4}
	many := func(n int, frame []byte) func(*raw) { return bytesOf(bytes.Repeat(frame, n)) }
	return map[string]hostile{
		"negative length":             {1002, bytesOf(header(fin|bin, 127, be64(1<<63)...), key)},
		"length of all ones":          {1002, bytesOf(header(fin|bin, 127, be64(^uint64(0))...), key)},
		"2^62 bytes":                  {1009, bytesOf(header(fin|bin, 127, be64(1<<62)...), key)},
		"2^40 bytes":                  {1009, bytesOf(header(fin|bin, 127, be64(1<<40)...), key)},
		"one byte over the early one": {1009, bytesOf(header(fin|bin, 126, 0x20, 0x01), key)},
		"length not minimal, 16":      {1002, bytesOf(header(fin|bin, 126, 0, 5), key)},
		"length not minimal, 64":      {1002, bytesOf(header(fin|bin, 127, be64(200)...), key)},
		"unmasked":                    {1002, bytesOf([]byte{fin | text, 1, '2'})},
		"RSV1":                        {1002, bytesOf(enginetest.Frame(fin|0x40|text, []byte("40")))},
		"RSV2":                        {1002, bytesOf(enginetest.Frame(fin|0x20|text, []byte("40")))},
		"RSV3":                        {1002, bytesOf(enginetest.Frame(fin|0x10|text, []byte("40")))},
		"opcode 3":                    {1002, bytesOf(enginetest.Frame(fin|3, []byte("40")))},
		"opcode 11":                   {1002, bytesOf(enginetest.Frame(fin|11, nil))},
		"fragmented ping":             {1002, bytesOf(enginetest.Frame(enginetest.OpPing, nil))},
		"long ping":                   {1002, bytesOf(header(fin|enginetest.OpPing, 126, 0, 126), key, make([]byte, 126))},
		"close of one byte":           {1002, bytesOf(enginetest.Frame(fin|enginetest.OpClose, []byte{3}))},
		"continuation of nothing":     {1002, bytesOf(enginetest.Frame(fin|enginetest.OpContinuation, nil))},
		"message inside a message": {1002, bytesOf(
			enginetest.Frame(text, []byte("4")), enginetest.Frame(fin|text, []byte("40")))},
		"endless fragments": {1009, func(r *raw) {
			_, _ = r.Write(enginetest.Frame(text, nil))
			many(100, enginetest.Frame(enginetest.OpContinuation, nil))(r)
		}},
		"fragments of too much": {1009, func(r *raw) {
			_, _ = r.Write(enginetest.Frame(bin, make([]byte, 4096)))
			many(3, enginetest.Frame(enginetest.OpContinuation, make([]byte, 4096)))(r)
		}},
		"ping flood":  {1008, many(20, enginetest.Frame(fin|enginetest.OpPing, []byte("x")))},
		"bad UTF-8":   {1007, bytesOf(enginetest.Frame(fin|text, []byte("4\xff\xfe")))},
		"overlong":    {1007, bytesOf(enginetest.Frame(fin|text, []byte("4\xc0\x80")))},
		"half a rune": {1007, bytesOf(enginetest.Frame(text, []byte("4\xe2\x82")), enginetest.Frame(fin|enginetest.OpContinuation, []byte("x")))},
	}
}

// texts break the rules of Engine.IO and Socket.IO on a session with JSON that
// has joined /lobby.
func texts() map[string]hostile {
	text := func(s string) func(*raw) { return func(r *raw) { r.text(s) } }
	return map[string]hostile{
		"no engine packet":       {1002, text("9")},
		"empty engine packet":    {1002, text("")},
		"ping from a client":     {1002, text("2")},
		"no packet type":         {1002, text("4x")},
		"connect error":          {1002, text(`44/lobby,{"message":"no"}`)},
		"second connect":         {1002, text(`40/lobby,{}`)},
		"not joined":             {1002, text(`42/match,["input",{}]`)},
		"no payload":             {1002, text(`42/lobby,`)},
		"payload is no array":    {1002, text(`42/lobby,{"a":1}`)},
		"no event name":          {1002, text(`42/lobby,[]`)},
		"event name is a list":   {1002, text(`42/lobby,[["a"],1]`)},
		"reserved event":         {1002, text(`42/lobby,["connect",1]`)},
		"reserved disconnecting": {1002, text(`42/lobby,["disconnecting"]`)},
		"long event name":        {1002, text(`42/lobby,["` + strings.Repeat("n", 1000) + `"]`)},
		"half an array":          {1002, text(`42/lobby,["hello",{"v":1}`)},
		"bytes behind it":        {1002, text(`42/lobby,["hello"]]`)},
		"deep":                   {1002, text(`42/lobby,["hello",` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `]`)},
		"wide":                   {1002, text(`42/lobby,["hello",[` + strings.Repeat("1,", 5000) + `1]]`)},
		"huge ack id":            {1002, text(`42/lobby,99999999999999999999["hello"]`)},
		"many attachments":       {1002, text(`4599999-/lobby,["hello",{"_placeholder":true,"num":0}]`)},
		"attachment not owed":    {1002, func(r *raw) { _ = r.SendBinary([]byte{1, 2, 3}) }},
		"text while binary owed": {1002, func(r *raw) {
			r.text(`451-/lobby,["hello",{"_placeholder":true,"num":0}]`)
			r.text(`42/lobby,["hello"]`)
		}},
		"placeholder out of range": {1002, func(r *raw) {
			r.text(`451-/lobby,["hello",{"_placeholder":true,"num":7}]`)
			_ = r.SendBinary([]byte{1})
		}},
		"too large": {1009, func(r *raw) {
			_, _ = r.Write(enginetest.AppendHeader(nil, enginetest.Fin|enginetest.OpText, MaxPayload+1))
		}},
		"strikes": {4002, func(r *raw) {
			for range MaxStrikes {
				r.text(`42/lobby,["no such event",{"a":[1,2,3]}]`)
			}
		}},
		"flood": {4008, func(r *raw) {
			one := enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte(`42/lobby,["queue:leave",{}]`))
			_, _ = r.Write(bytes.Repeat(one, 2000))
		}},
		"refused connects": {4008, func(r *raw) {
			one := enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte(`40/nowhere,`))
			_, _ = r.Write(bytes.Repeat(one, 500))
		}},
	}
}

// packed break the rules on a session with msgpack that has joined /lobby. The
// bombs stand where the argument of an event is expected.
func packed(t *testing.T) map[string]hostile {
	t.Helper()
	cases := map[string]hostile{
		"text":            {1002, func(r *raw) { r.text(`42/lobby,["hello"]`) }},
		"empty":           {1002, func(r *raw) { _ = r.SendBinary(nil) }},
		"not a map":       {1002, func(r *raw) { r.pack([]any{2, "/lobby"}) }},
		"two packets":     {1002, func(r *raw) { _ = r.SendBinary(append(event(r.t, "hello", m{}), event(r.t, "hello", m{})...)) }},
		"map of 2^32":     {1002, func(r *raw) { _ = r.SendBinary(unhex(r.t, "dfffffffff")) }},
		"array of 2^32":   {1002, func(r *raw) { _ = r.SendBinary(unhex(r.t, "ddffffffff")) }},
		"no type":         {1002, func(r *raw) { r.pack(m{"nsp": "/lobby", "data": []any{"hello"}}) }},
		"type 9":          {1002, func(r *raw) { r.pack(m{"type": 9, "nsp": "/lobby"}) }},
		"reserved event":  {1002, func(r *raw) { _ = r.SendBinary(event(r.t, "disconnect", 1)) }},
		"event is a list": {1002, func(r *raw) { r.pack(m{"type": 2, "nsp": "/lobby", "data": []any{[]any{"hello"}, 1}}) }},
		"not joined":      {1002, func(r *raw) { r.pack(m{"type": 2, "nsp": "/match", "data": []any{"input", 1}}) }},
		"second connect":  {1002, func(r *raw) { r.pack(m{"type": 0, "nsp": "/lobby"}) }},
		"strikes": {4002, func(r *raw) {
			for range MaxStrikes {
				_ = r.SendBinary(event(r.t, "queue:join", m{"queue": []any{1, 2}}))
			}
		}},
		"flood": {4008, func(r *raw) {
			one := enginetest.Frame(enginetest.Fin|enginetest.OpBinary, event(r.t, "hello", m{}))
			_, _ = r.Write(bytes.Repeat(one, 2000))
		}},
	}
	for name, bomb := range map[string][]byte{
		"array32 bomb":       unhex(t, "ddffffffff"),
		"map32 bomb":         unhex(t, "df01312d00"),
		"str32 bomb":         unhex(t, "dbffffffff"),
		"bin32 bomb":         unhex(t, "c6ffffffff"),
		"ext32 bomb":         unhex(t, "c9ffffffff05"),
		"ext of a type":      append(unhex(t, "d805"), make([]byte, 16)...),
		"timestamp ext":      unhex(t, "d6ff00000000"),
		"nested bombs":       bytes.Repeat(unhex(t, "dd000f4240"), 100),
		"deep arrays":        append(bytes.Repeat([]byte{0x91}, 5000), 0xc0),
		"deep maps":          append(bytes.Repeat(unhex(t, "81a161"), 2000), 0xc0),
		"never used":         {0xc1},
		"bad UTF-8":          unhex(t, "a2fffe"),
		"half a number":      unhex(t, "cb0000"),
		"too many values":    append(unhex(t, "dc1388"), make([]byte, 5000)...),
		"map key is missing": unhex(t, "8101"),
		"number for a key":   unhex(t, "810102"),
	} {
		cases[name] = hostile{1002, func(r *raw) {
			packet := event(r.t, "hello", nil) // ends with the nil of the argument
			_ = r.SendBinary(append(packet[:len(packet)-1], bomb...))
		}}
	}
	return cases
}

// event is a msgpack packet of an event in /lobby, its argument last.
func event(t *testing.T, name string, arg any) []byte {
	t.Helper()
	b := unhex(t, "83 a474797065 02 a36e7370 a62f6c6f626279 a464617461 92")
	return append(append(b, pack(t, name)...), pack(t, arg)...)
}

// hostileAlloc bounds what the whole process, players included, allocates while
// one hostile client is dealt with.
const hostileAlloc = 24 << 20

// TestHostileBytesLeaveABystanderAlone attacks the real listener in every way of
// the tables while a match is played.
func TestHostileBytesLeaveABystanderAlone(t *testing.T) {
	h := openShoal(t)
	ann, bob := h.witness("ann", client.Options{Msgpack: true}), h.witness("bob", client.Options{})
	seat(t, ann, bob)
	ann.sees(3)
	runtime.GC()
	var start, before, after runtime.MemStats
	runtime.ReadMemStats(&start)
	attack := func(t *testing.T, r *raw, c hostile) {
		t.Helper()
		runtime.ReadMemStats(&before)
		c.do(r)
		code, _ := r.closeCode()
		require.Equal(t, c.code, code)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(hostileAlloc))
		ann.sees(1)
		ann.unharmed()
	}
	for name, c := range frames() {
		t.Run("frame/"+name, func(t *testing.T) { attack(t, h.raw(t), c) })
	}
	for name, c := range texts() {
		t.Run("json/"+name, func(t *testing.T) {
			r := h.raw(t)
			r.join(lobbyNamespace, false, m{"name": "mallory"})
			attack(t, r, c)
		})
	}
	for name, c := range packed(t) {
		t.Run("msgpack/"+name, func(t *testing.T) {
			r := h.raw(t)
			r.join(lobbyNamespace, true, m{"name": "mallory"})
			attack(t, r, c)
		})
	}
	t.Run("many at once", func(t *testing.T) {
		list := make([]*raw, 200)
		for i := range list {
			list[i] = h.raw(t)
			_, _ = list[i].Write(header(0x82, 127, be64(1<<40)...))
		}
		for _, r := range list {
			_, _ = r.Write([]byte{1, 2, 3, 4})
			code, _ := r.closeCode()
			require.Equal(t, 1009, code)
			_ = r.Close()
		}
	})
	ann.sees(5)
	bob.sees(1)
	ann.unharmed()
	bob.unharmed()
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(start.HeapAlloc), int64(8<<20), "the heap has grown") //nolint:gosec // sizes
	require.Zero(t, h.io.Engine().Stats().Panics)
	require.Zero(t, h.io.Stats().Panics)
}

// TestGarbageInsteadOfHTTP is refused by net/http, and nobody else notices.
func TestGarbageInsteadOfHTTP(t *testing.T) {
	h := openShoal(t)
	ann, bob := h.witness("ann", client.Options{}), h.witness("bob", client.Options{Msgpack: true})
	seat(t, ann, bob)
	for _, garbage := range []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", // TLS
		"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"GET /" + strings.Repeat("x", 2*MaxHeaderBytes) + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 4*MaxHeaderBytes) + "\r\n",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
		_, _ = c.Write([]byte(garbage))
		answer := make([]byte, 12)
		_, err = c.Read(answer)
		if err == nil {
			require.Contains(t, string(answer), "HTTP/1.1 4")
		}
		_ = c.Close()
		ann.sees(1)
	}
	ann.unharmed()
	bob.unharmed()
}
