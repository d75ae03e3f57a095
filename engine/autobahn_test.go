package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// The cases follow sections 1 to 7 of the Autobahn test suite, as data. Text
// carries an Engine.IO type, and where this server is stricter than RFC 6455 the
// case says what it does instead.

const (
	fin  = enginetest.Fin
	cont = enginetest.OpContinuation
	txt  = enginetest.OpText
	bnr  = enginetest.OpBinary
	cls  = enginetest.OpClose
	ping = enginetest.OpPing
	pong = enginetest.OpPong
)

// wsFrame is a frame that the server sends.
type wsFrame struct {
	op   byte
	data string
}

type wsCase struct {
	name string
	in   []byte
	chop int // bytes per write; 0 is all at once
	out  []wsFrame
	code int // of the close that ends it; 0: the connection goes on
}

func fr(first byte, data string) []byte { return enginetest.Frame(first, []byte(data)) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// fragments cuts a message into frames of n bytes.
func fragments(op byte, data string, n int) (out []byte) {
	for first := true; first || data != ""; first = false {
		k := min(n, len(data))
		part := data[:k]
		data = data[k:]
		head := byte(cont)
		if first {
			head = op
		}
		if data == "" {
			head |= fin
		}
		out = append(out, fr(head, part)...)
	}
	return out
}

func echoes(frames ...wsFrame) []wsFrame { return frames }

// framing is section 1: lengths, and the same in pieces.
func framing() (cases []wsCase) {
	for _, op := range []byte{txt, bnr} {
		for _, n := range []int{0, 1, 2, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537, 1_000_000} {
			data := strings.Repeat("*", n)
			c := wsCase{name: fmt.Sprintf("1 op %d, %d bytes", op, n), out: echoes(wsFrame{op, data})}
			if op == txt && n > 0 {
				data = "4" + data[1:]
				c.out[0].data = data
			}
			if op == txt && n == 0 {
				c.out, c.code = nil, 1002 // no packet type
			}
			c.in = fr(fin|op, data)
			cases = append(cases, c)
			if n >= 125 && n <= 65537 {
				c.chop = 997
				c.name += ", chopped"
				cases = append(cases, c)
			}
		}
		cases = append(cases, wsCase{name: fmt.Sprintf("1 op %d, one past the limit", op), in: enginetest.AppendHeader(nil, fin|op, 1_000_001), code: 1009})
	}
	return cases
}

// pings is section 2.
func pings() (cases []wsCase) {
	for _, n := range []int{0, 5, 125} {
		for _, chop := range []int{0, 1} {
			data := strings.Repeat("\xfe", n)
			cases = append(cases, wsCase{fmt.Sprintf("2 ping of %d, chop %d", n, chop), fr(fin|ping, data), chop, echoes(wsFrame{pong, data}), 0})
		}
	}
	eight := wsCase{name: "2 eight pings", in: nil}
	for i := range 8 {
		data := fmt.Sprintf("payload-%d", i)
		eight.in = append(eight.in, fr(fin|ping, data)...)
		eight.out = append(eight.out, wsFrame{pong, data})
	}
	chopped := eight
	chopped.name, chopped.chop = "2 eight pings, chopped", 1
	nine := wsCase{name: "2 nine pings", in: append(bytes.Clone(eight.in), fr(fin|ping, "")...), out: eight.out, code: 1008}
	return append(
		cases, eight, chopped, nine,
		wsCase{name: "2 ping of 126", in: fr(fin|ping, strings.Repeat("x", 126)), code: 1002},
		wsCase{name: "2 pong of 126", in: fr(fin|pong, strings.Repeat("x", 126)), code: 1002},
		wsCase{name: "2 unsolicited pong", in: fr(fin|pong, "")},
		wsCase{name: "2 unsolicited pong with payload", in: fr(fin|pong, "unsolicited")},
		wsCase{"2 pong, ping", join(fr(fin|pong, "u"), fr(fin|ping, "p")), 0, echoes(wsFrame{pong, "p"}), 0},
		wsCase{"2 ping, text", join(fr(fin|ping, "p"), fr(fin|txt, "4t")), 0, echoes(wsFrame{pong, "p"}, wsFrame{txt, "4t"}), 0},
	)
}

// reserved is sections 3 and 4: bits and opcodes that mean nothing.
func reserved() (cases []wsCase) {
	for rsv := byte(1); rsv < 8; rsv++ {
		for _, op := range []byte{txt, bnr, ping, pong, cls} {
			cases = append(cases, wsCase{name: fmt.Sprintf("3 rsv %d, op %d", rsv, op), in: fr(fin|rsv<<4|op, ""), code: 1002})
		}
		cases = append(
			cases,
			wsCase{fmt.Sprintf("3 rsv %d after text", rsv), join(fr(fin|txt, "4a"), fr(fin|rsv<<4|txt, "4b"), fr(fin|ping, "")), 0, echoes(wsFrame{txt, "4a"}), 1002},
			wsCase{fmt.Sprintf("3 rsv %d in a continuation", rsv), join(fr(txt, "4a"), fr(fin|rsv<<4|cont, "b")), 1, nil, 1002},
		)
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		cases = append(
			cases,
			wsCase{name: fmt.Sprintf("4 opcode %d", op), in: fr(fin|op, ""), code: 1002},
			wsCase{name: fmt.Sprintf("4 opcode %d with payload", op), in: fr(fin|op, "reserved opcode payload"), code: 1002},
			wsCase{fmt.Sprintf("4 opcode %d after text", op), join(fr(fin|txt, "4a"), fr(fin|op, ""), fr(fin|ping, "")), 0, echoes(wsFrame{txt, "4a"}), 1002},
			wsCase{fmt.Sprintf("4 opcode %d after text, chopped", op), join(fr(fin|txt, "4a"), fr(fin|op, "payload"), fr(fin|ping, "")), 1, echoes(wsFrame{txt, "4a"}), 1002},
		)
	}
	return cases
}

// fragmentation is section 5.
func fragmentation() []wsCase {
	whole := echoes(wsFrame{txt, "4fragment1fragment2"})
	first, second := fr(txt, "4fragment1"), fr(fin|cont, "fragment2")
	withPong := append(echoes(wsFrame{pong, "ping"}), whole...)
	cases := []wsCase{
		{"5 ping in fragments", join(fr(ping, "a"), fr(fin|cont, "b")), 0, nil, 1002},
		{"5 pong in fragments", join(fr(pong, "a"), fr(fin|cont, "b")), 0, nil, 1002},
		{"5 close in fragments", join(fr(cls, "\x03\xe8"), fr(fin|cont, "b")), 0, nil, 1002},
		{"5 two fragments", join(first, second), 0, whole, 0},
		{"5 two fragments, chopped", join(first, second), 1, whole, 0},
		{"5 two fragments, ping between", join(first, fr(fin|ping, "ping"), second), 0, withPong, 0},
		{"5 two fragments, ping between, chopped", join(first, fr(fin|ping, "ping"), second), 1, withPong, 0},
		{"5 two fragments, pong between", join(first, fr(fin|pong, "pong"), second), 0, whole, 0},
		{"5 continuation of nothing", fr(fin|cont, "x"), 0, nil, 1002},
		{"5 continuation of nothing, unfinished", fr(cont, "x"), 0, nil, 1002},
		{"5 continuation of nothing, then text", join(fr(fin|cont, "x"), fr(fin|txt, "4a")), 0, nil, 1002},
		{"5 continuation of nothing, after text", join(fr(fin|txt, "4a"), fr(fin|cont, "x")), 0, echoes(wsFrame{txt, "4a"}), 1002},
		{"5 continuation of what is finished", join(first, second, fr(fin|cont, "x")), 0, whole, 1002},
		{"5 three continuations of nothing", join(fr(cont, "x"), fr(cont, "x"), fr(fin|cont, "x")), 1, nil, 1002},
		{"5 text in text", join(first, fr(fin|txt, "4x")), 0, nil, 1002},
		{"5 binary in text", join(first, fr(fin|bnr, "x")), 0, nil, 1002},
		{"5 unfinished text in text", join(first, fr(txt, "4x")), 1, nil, 1002},
		{"5 close in a message", join(first, fr(fin|cls, "\x03\xe8")), 0, nil, 1000},
		{"5 pings in a message", join(fr(txt, "4a"), fr(fin|ping, "1"), fr(cont, "b"), fr(fin|ping, "2"), fr(fin|cont, "c")), 0, echoes(wsFrame{pong, "1"}, wsFrame{pong, "2"}, wsFrame{txt, "4abc"}), 0},
		{"5 empty fragments", join(fr(txt, ""), fr(cont, ""), fr(fin|cont, "4")), 0, echoes(wsFrame{txt, "4"}), 0},
		{"5 empty fragments only", join(fr(txt, ""), fr(cont, ""), fr(fin|cont, "")), 0, nil, 1002},
		{"5 empty binary fragments", join(fr(bnr, ""), fr(cont, ""), fr(fin|cont, "")), 0, echoes(wsFrame{bnr, ""}), 0},
	}
	for _, op := range []byte{txt, bnr} {
		data := "4" + strings.Repeat("0123456789", 6) + "xyz"
		cases = append(
			cases,
			wsCase{fmt.Sprintf("5 op %d in 64 fragments", op), fragments(op, data, 1), 0, echoes(wsFrame{op, data}), 0},
			wsCase{fmt.Sprintf("5 op %d in 64 fragments, chopped", op), fragments(op, data, 1), 1, echoes(wsFrame{op, data}), 0},
			wsCase{fmt.Sprintf("5 op %d in 65 fragments", op), fragments(op, data+"!", 1), 0, nil, 1009},
			wsCase{fmt.Sprintf("5 op %d in large fragments", op), fragments(op, "4"+strings.Repeat("*", 64*4096-1), 4096), 0, echoes(wsFrame{op, "4" + strings.Repeat("*", 64*4096-1)}), 0},
			wsCase{fmt.Sprintf("5 op %d, fragments past the limit", op), join(fr(op, strings.Repeat("4", 999_999)), fr(fin|cont, "xy")), 0, nil, 1009},
		)
	}
	return cases
}

func rn(codes ...rune) string { return string(codes) }

// utf8Texts are byte strings and whether they are UTF-8: Autobahn's section 6,
// which is Markus Kuhn's stress test.
func utf8Texts() map[string]string {
	texts := map[string]string{
		"kosme": "κόσμε", "mixed": "Hello-µ@ßöäüàá-UTF-8!!", "BOM": "\ufeffx", "replacement": rn(0xFFFD),
		"lonely 80": "\x80", "lonely bf": "\xbf", "fe": "\xfe", "ff": "\xff", "fe fe ff ff": "\xfe\xfe\xff\xff",
		"surrogate in the middle": "κόσμε\xed\xa0\x80edited", "above 10ffff": "κόσμε\xf4\x90\x80\x80edited",
	}
	for _, r := range []rune{0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff} {
		texts[fmt.Sprintf("U+%04X", r)] = rn(r)
	}
	for plane := rune(0); plane <= 16; plane += 4 {
		texts[fmt.Sprintf("noncharacters of plane %d", plane)] = rn(plane<<16|0xfffe, plane<<16|0xffff)
	}
	for n := 2; n <= 7; n++ {
		texts[fmt.Sprintf("%d lonely continuations", n)] = strings.Repeat("\x80\xbf", n)[:n]
	}
	for _, first := range []string{"\xc0\xdf", "\xe0\xef", "\xf0\xf7", "\xf8\xfb", "\xfc\xfd"} {
		texts[fmt.Sprintf("lonely starts % x", first)] = first[:1] + " " + first[1:] + " "
	}
	for _, cut := range []string{"\xc3", "\xe0\xa0", "\xe2\x82", "\xf0\x90\x80", "\xf8\x88\x80\x80", "\xfc\x84\x80\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xf4\x8f\xbf"} {
		texts[fmt.Sprintf("last byte missing % x", cut)] = cut
	}
	for _, long := range []string{
		"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80",
	} {
		texts[fmt.Sprintf("overlong % x", long)] = long
	}
	for _, many := range []string{"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xf7\xbf\xbf\xbf", "\xf4\x90\x80\x80", "\xfb\xbf\xbf\xbf\xbf"} {
		texts[fmt.Sprintf("beyond % x", many)] = many
	}
	for _, s := range []string{"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf"} {
		texts[fmt.Sprintf("surrogate % x", s)] = s
		texts[fmt.Sprintf("surrogates % x", s)] = s + "\xed\xb0\x80"
	}
	return texts
}

// encoding is section 6: each text whole, cut at every byte, and in chopped
// writes.
func encoding() (cases []wsCase) {
	for name, s := range utf8Texts() {
		c := wsCase{name: "6 " + name, code: 1007}
		if data := "4" + s; utf8.ValidString(s) {
			c.out, c.code = echoes(wsFrame{txt, data}), 0
		}
		c.in = fr(fin|txt, "4"+s)
		cases = append(cases, c)
		c.name, c.in = c.name+", a frame per byte", fragments(txt, "4"+s, 1)
		cases = append(cases, c)
	}
	return append(
		cases,
		wsCase{"6 not UTF-8 in binary", fr(fin|bnr, "\xed\xa0\x80"), 0, echoes(wsFrame{bnr, "\xed\xa0\x80"}), 0},
		wsCase{"6 cut character, chopped", fragments(txt, "4κόσμε", 2), 1, echoes(wsFrame{txt, "4κόσμε"}), 0},
		wsCase{"6 bad in the second fragment", join(fr(txt, "4good"), fr(fin|cont, "\xff")), 0, nil, 1007},
	)
}

func closing(code uint16, reason string) []byte {
	return fr(fin|cls, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

// closes is section 7.
func closes() []wsCase {
	cases := []wsCase{
		{"7 close after text", join(fr(fin|txt, "4a"), closing(1000, "")), 0, echoes(wsFrame{txt, "4a"}), 1000},
		{"7 two closes", join(closing(1000, ""), closing(1001, "")), 0, nil, 1000},
		{"7 ping after close", join(closing(1000, ""), fr(fin|ping, "x")), 0, nil, 1000},
		{"7 text after close", join(closing(1000, ""), fr(fin|txt, "4a")), 0, nil, 1000},
		{"7 text after close, chopped", join(closing(1000, ""), fr(fin|txt, "4a")), 1, nil, 1000},
		{"7 close without a code", fr(fin|cls, ""), 0, nil, 1005},
		{"7 close of one byte", fr(fin|cls, "x"), 0, nil, 1002},
		{"7 reason", closing(1000, "Hello World!"), 0, nil, 1000},
		{"7 reason of 123", closing(1000, strings.Repeat("*", 123)), 0, nil, 1000},
		{"7 reason of 124", closing(1000, strings.Repeat("*", 124)), 0, nil, 1002},
		{"7 reason not UTF-8", closing(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"), 0, nil, 1007},
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013} { // answered, not echoed
		cases = append(cases, wsCase{fmt.Sprintf("7 code %d", code), closing(code, ""), 0, nil, 1000})
	}
	for _, code := range []uint16{3000, 3999, 4000, 4999} {
		cases = append(cases, wsCase{fmt.Sprintf("7 code %d", code), closing(code, ""), 0, nil, int(code)})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(
			cases,
			wsCase{fmt.Sprintf("7 code %d", code), closing(code, ""), 0, nil, 1002},
			wsCase{fmt.Sprintf("7 code %d with a reason", code), closing(code, "why"), 0, nil, 1002},
		)
	}
	return cases
}

func TestFrameConformance(t *testing.T) {
	var cases []wsCase
	for _, section := range [][]wsCase{framing(), pings(), reserved(), fragmentation(), encoding(), closes()} {
		cases = append(cases, section...)
	}
	t.Logf("%d cases", len(cases))
	require.Greater(t, len(cases), 250)
	f := serve(t, engine.Config{Open: func(c *engine.Conn) engine.Handler {
		c.Admit()
		s := newSession(c)
		s.echo = true
		return s
	}})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, f) })
	}
}

func (c wsCase) run(t *testing.T, f *fixture) {
	t.Helper()
	w, _, err := enginetest.OpenWS(f.addr)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.SetDeadline(time.Now().Add(testPatience)))
	chop := c.chop
	if chop == 0 {
		chop = max(len(c.in), 1)
	}
	for rest := c.in; len(rest) > 0; {
		n := min(chop, len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			break // the server has heard enough
		}
		rest = rest[n:]
	}
	for _, want := range c.out {
		op, p, err := w.ReadFrame()
		require.NoError(t, err)
		require.Equal(t, want.op, op)
		require.Equal(t, want.data, string(p))
	}
	if c.code == 0 {
		say(t, w, "4still here", "4still here")
		return
	}
	op, p, err := w.ReadFrame()
	require.NoError(t, err)
	require.EqualValues(t, cls, op, "%q", p)
	if c.code == 1005 {
		require.Empty(t, p)
	} else {
		require.Equal(t, binary.BigEndian.AppendUint16(nil, uint16(c.code)), p)
	}
	// The server reads on for a while, so that its close frame is not lost to a
	// reset; nothing may follow it.
	if tcp, ok := w.Conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	rest, _ := io.ReadAll(w.R)
	require.Empty(t, rest)
}
