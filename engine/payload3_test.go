package engine

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// decode3 decodes a whole payload; ok is false at the first fault.
func decode3(payload []byte, isBinary bool) (out []packet, ok bool) {
	next := next3
	if isBinary {
		next = nextBinary3
	}
	for len(payload) > 0 {
		var p packet3
		if p, payload, ok = next(payload); !ok {
			return nil, false
		}
		switch {
		case p.binary:
			out = append(out, packet{typ: packetBinary, data: p.data})
		case len(p.data) == 0 || p.data[0] < packetOpen || p.data[0] > packetNoop: // as consume3 has it
			return nil, false
		default:
			out = append(out, packet{typ: p.data[0], data: p.data[1:]})
		}
	}
	return out, true
}

// The examples are those of the protocol text.
func TestPayload3(t *testing.T) {
	mixed := []packet{text("€"), bin("\x01\x02\x03\x04")}
	for name, tc := range map[string]struct {
		packets  []packet
		binaryOK bool
		want     string
		isBinary bool
	}{
		"text":                 {[]packet{text("hello"), text("€")}, true, "6:4hello2:4€", false},
		"binary":               {mixed, true, "\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04", true},
		"base64":               {mixed, false, "2:4€10:b4AQIDBA==", false},
		"astral":               {[]packet{text("😀")}, true, "3:4😀", false},
		"astral and more":      {[]packet{text("a😀€é"), {typ: packetPong}}, true, "6:4a😀€é1:3", false},
		"empty":                {[]packet{text(""), bin("")}, false, "1:42:b4", false},
		"empty, binary":        {[]packet{text(""), bin("")}, true, "\x00\x01\xff4\x01\x01\xff\x04", true},
		"two digits":           {[]packet{bin("0123456789")}, true, "\x01\x01\x01\xff\x040123456789", true},
		"noop":                 {[]packet{{typ: packetNoop}}, true, "1:6", false},
		"text with separators": {[]packet{text("a\x1e:1:")}, true, "6:4a\x1e:1:", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, isBinary, n := joinPayload3(tc.packets, 1000, tc.binaryOK)
			require.Equal(t, tc.want, string(got))
			require.Equal(t, tc.isBinary, isBinary)
			require.Len(t, tc.packets, n)
			back, ok := decode3(got, isBinary)
			require.True(t, ok)
			require.Len(t, back, n)
			for i := range back {
				require.Equal(t, tc.packets[i].typ, back[i].typ)
				require.Equal(t, string(tc.packets[i].data), string(back[i].data))
			}
		})
	}
}

func TestPayload3Malformed(t *testing.T) {
	for _, bad := range []string{
		"a", "4hello", ":", ":4a", "0:", "00:", "1", "1:", "01:4", "2:4", "3:4a", "-1:4", "+1:4", " 1:4", "1 :4", "1.0:4", "1e0:4",
		"100000000:4", "99999999:4", "999999999999999999999999:4", "2:4😀", "3:4a😀", "1:€:", "2:b4x", "4:b4AQ", "6:b4AQJ=", "2:b3", "1:b",
		"6:b5AQI=", "7:b4AQI\n=", "2:4a2:4", "6:4hello6:", "1:4x", "\xd9\xa1:4", "²:4a", "1\x00:4",
	} {
		_, ok := decode3([]byte(bad), false)
		require.False(t, ok, "%q", bad)
	}
	for _, bad := range []string{
		"\x00", "\x01", "\x02\x01\xff4", "\x00\x01\xff", "\x00\xff4", "\x00\x00\xff", "\x00\x00\x01\xff4", "\x00\x01", "\x00\x0a\xff4",
		"\x0001\xff4", "\x00\x02\xff4", "\x01\x01\xff4", "\x01\x01\xff\x03", "\x00\x02\xff4\xff", "\x00\x01\x01\x01\x01\x01\x01\x01\x01\x01\xff4",
		"\x00" + strings.Repeat("\x09", 310) + "\xff4", "\x00\x01\xff4x",
	} {
		_, ok := decode3([]byte(bad), true)
		require.False(t, ok, "%q", bad)
	}
}

func TestPayload3LengthAtTheBound(t *testing.T) {
	n, rest, ok := length3([]byte("99999999:x"), '0', ':')
	require.True(t, ok)
	require.Equal(t, 99999999, n)
	require.Equal(t, "x", string(rest))
	_, _, ok = length3([]byte("999999999:x"), '0', ':')
	require.False(t, ok)
}

func TestPayload3Bounds(t *testing.T) {
	many := make([]packet, maxPayloadPackets+1)
	for i := range many {
		many[i] = text("x")
	}
	_, _, n := joinPayload3(many, 1e6, true)
	require.Equal(t, maxPayloadPackets, n)
	_, _, n = joinPayload3(many, 1, true) // one is always taken
	require.Equal(t, 1, n)
	for _, limit := range []int{50, 100, 333} {
		for _, binaryOK := range []bool{true, false} {
			ps := []packet{text("€€€€€€"), bin("0123456789"), text("aaa"), bin(""), text("😀"), bin("x")}
			got, _, _ := joinPayload3(ps, limit, binaryOK)
			require.LessOrEqual(t, len(got), limit)
		}
	}
	// A binary packet that did not fit leaves the payload text.
	_, isBinary, n := joinPayload3([]packet{text("x"), bin(strings.Repeat("x", 100))}, 50, true)
	require.False(t, isBinary)
	require.Equal(t, 1, n)
}

func FuzzPayload3(f *testing.F) {
	for _, s := range []string{"6:4hello2:4€", "2:4€10:b4AQIDBA==", "3:4😀", "1:2", "6:4hello6:", "0:", "2:b4", "99999999:4", "1:€"} {
		f.Add([]byte(s), false)
	}
	for _, s := range []string{"\x00\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04", "\x01\x01\xff\x04", "\x00\x00\xff", "\x00\x09\x09\x09"} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, isBinary bool) {
		if !isBinary && !utf8.Valid(in) {
			return // refused before
		}
		packets, ok := decode3(bytes.Clone(in), isBinary)
		if !ok || len(packets) == 0 {
			return
		}
		// The oracle counts in the obvious way.
		if !isBinary {
			for _, p := range packets {
				if len(utf16.Encode([]rune(string(p.data)))) != utf16Len(p.data) && p.typ != packetBinary {
					t.Fatalf("length of %q", p.data)
				}
			}
		}
		// Decode what is there, encode it again: same bytes.
		var out []byte
		for _, p := range packets {
			if isBinary {
				out = p.appendBinary3(out)
			} else {
				out = p.append3(out)
			}
		}
		if !bytes.Equal(out, in) {
			t.Fatalf("%q became %q", in, out)
		}
	})
}
