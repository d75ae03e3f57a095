package engine

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func text(s string) packet { return packet{typ: packetMessage, data: []byte(s)} }
func bin(s string) packet  { return packet{typ: packetBinary, data: []byte(s)} }

func TestJoinPayload(t *testing.T) {
	b, n := joinPayload([]packet{text("hello"), bin("\x01\x02\x03\x04"), bin(""), {typ: packetPing}}, 1000)
	require.Equal(t, "4hello\x1ebAQIDBA==\x1eb\x1e2", string(b))
	require.Equal(t, 4, n)
}

func TestJoinPayloadBounds(t *testing.T) {
	two := []packet{text("1234"), text("5678")}
	b, n := joinPayload(two, 11) // 5 + 1 + 5
	require.Equal(t, "41234\x1e45678", string(b))
	require.Equal(t, 2, n)
	b, n = joinPayload(two, 10)
	require.Equal(t, "41234", string(b))
	require.Equal(t, 1, n)
	b, n = joinPayload(two, 1) // one is always taken
	require.Equal(t, "41234", string(b))
	require.Equal(t, 1, n)

	closed := []packet{text("1234"), {typ: packetClose}}
	b, n = joinPayload(closed, 1e6)
	require.Equal(t, "41234", string(b), "a close waits for the next payload")
	require.Equal(t, 1, n)

	many := make([]packet, maxPayloadPackets+1)
	for i := range many {
		many[i] = text("x")
	}
	b, n = joinPayload(many, 1e6)
	require.Equal(t, maxPayloadPackets, n)
	require.Equal(t, maxPayloadPackets-1, bytes.Count(b, []byte{separator}))
}

func TestEncodedLen(t *testing.T) {
	for _, p := range []packet{text(""), text("abc"), bin(""), bin("a"), bin("ab"), bin("abc"), bin("abcd")} {
		require.Len(t, p.appendTo(nil), p.encodedLen())
	}
}

func TestCheckPayloadBounds(t *testing.T) {
	at := strings.Repeat("4x\x1e", maxPostPackets-1) + "4x"
	require.Zero(t, checkPayload([]byte(at)))
	require.Equal(t, ReasonFlood, checkPayload([]byte(at+"\x1e4x")))
	require.Equal(t, ReasonBadUTF8, checkPayload([]byte("4\xff")))
}

// A megabyte of separators once became a megabyte of strings elsewhere.
func TestSeparatorBombAllocatesNothing(t *testing.T) {
	bomb := bytes.Repeat([]byte{separator}, 1e6)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if checkPayload(bomb) != ReasonFlood {
			t.Fatal("not refused")
		}
	}))
}

func TestDecodeBinary(t *testing.T) {
	for _, bad := range []string{"A", "AQ", "AQI", "AQID=", "AQ=", "AQJ=", "A\nQI=", "AQID\n", "AQID\r\n", "-_==", "AQ==AQ==", "b!"} {
		_, ok := decodeBinary([]byte(bad))
		require.False(t, ok, bad)
	}
	got, ok := decodeBinary([]byte("AQIDBA=="))
	require.True(t, ok)
	require.Equal(t, []byte{1, 2, 3, 4}, got)
	got, ok = decodeBinary(nil)
	require.True(t, ok)
	require.Empty(t, got)
}

func FuzzPayload(f *testing.F) {
	for _, s := range []string{"4hello\x1ebAQIDBA==", "\x1e", "b\x1e4\x1e2", "4", "", "b4AAA", "4\xff\x1e", "6\x1e5\x1e1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in := bytes.Clone(body)
		if checkPayload(body) != 0 {
			return
		}
		// Decode what is there, encode it again: same bytes.
		var packets []packet
		for rest, more := body, true; more; {
			var p []byte
			if p, rest, more = nextPacket(rest); len(p) == 0 {
				return
			}
			if p[0] == packetBinary {
				data, ok := decodeBinary(bytes.Clone(p[1:]))
				if !ok {
					return
				}
				if len(data) > base64.StdEncoding.DecodedLen(len(p)) {
					t.Fatal("grew")
				}
				packets = append(packets, packet{typ: packetBinary, data: data})
				continue
			}
			if p[0] == packetClose && len(packets) > 0 && packets[len(packets)-1].message() {
				return // we never join those
			}
			packets = append(packets, packet{typ: p[0], data: p[1:]})
		}
		if len(packets) > maxPostPackets {
			t.Fatalf("%d packets", len(packets))
		}
		if len(packets) > maxPayloadPackets {
			return // more than we join
		}
		out, n := joinPayload(packets, len(in)+1)
		if n != len(packets) || !bytes.Equal(out, in) {
			t.Fatalf("%q became %q", in, out)
		}
	})
}
