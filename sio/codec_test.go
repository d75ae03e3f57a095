package sio

import (
	"encoding/json"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

// decodeBoth decodes one argument given in JSON through both parsers and holds
// that they agree.
func decodeBoth[T any](t *testing.T, arg string) (v T, err error) {
	t.Helper()
	e, derr := NewDecoder(ParserJSON, Limits{}).Decode([]byte(`2["e",`+arg+`]`), false)
	require.NoError(t, derr, arg)
	err = e.Args(nil).Decode(0, &v)

	data, terr := TranscodeJSON(nil, []byte(`["e",`+arg+`]`))
	if terr != nil {
		require.ErrorIs(t, err, ErrPayload, arg)
		return v, err
	}
	e, derr = NewDecoder(ParserMsgpack, Limits{}).Decode(eventPacket(data), true)
	require.NoError(t, derr, arg)
	var w T
	werr := e.Args(nil).Decode(0, &w)
	require.Equal(t, err, werr, arg)
	require.Equal(t, v, w, arg)
	return v, err
}

type everything struct {
	B    bool              `json:"b"`
	I    int16             `json:"i"`
	U    uint8             `json:"u"`
	F    float32           `json:"f"`
	S    string            `json:"s"`
	P    *int              `json:"p"`
	L    []string          `json:"l"`
	A    [2]int            `json:"a"`
	M    map[string]int    `json:"m"`
	K    map[int8]bool     `json:"k"`
	Any  any               `json:"any"`
	Raw  json.RawMessage   `json:"raw"`
	At   time.Time         `json:"at"`
	Addr netip.Addr        `json:"addr"`
	In   struct{ X int }   `json:"in"`
	Skip string            `json:"-"`
	None map[string]string `json:"none,omitempty"`
	Num  json.Number       `json:"num"`
	embedded
}

type embedded struct {
	E int `json:"e"`
}

func TestDecodeAcceptsTheSameFromBothParsers(t *testing.T) {
	v, err := decodeBoth[everything](t, `{"b":true,"i":-32768,"u":255,"f":0.5,"s":"\u00e9\"","p":7,"l":["a"],"a":[1,2],
		"m":{"x":1},"k":{"-3":true},"any":[1,{"a":null}],"raw":{"z":1,"a":[2]},"at":"2026-01-02T03:04:05.006Z",
		"addr":"::1","in":{"X":1,"x":2,"other":{}},"num":1.50,"e":9,"Skip":"x","unknown":[1]}`)
	require.NoError(t, err)
	require.Equal(t, int16(-32768), v.I)
	require.Equal(t, `é"`, v.S)
	require.Equal(t, 7, *v.P)
	require.Equal(t, map[int8]bool{-3: true}, v.K)
	require.Equal(t, []any{1.0, map[string]any{"a": nil}}, v.Any)
	require.JSONEq(t, `{"z":1,"a":[2]}`, string(v.Raw))
	require.Equal(t, "2026-01-02 03:04:05.006 +0000 UTC", v.At.String())
	require.Equal(t, netip.IPv6Loopback(), v.Addr)
	require.Equal(t, 1, v.In.X)
	require.Equal(t, 9, v.E)
	require.Equal(t, json.Number("1.5"), v.Num)
	require.Empty(t, v.Skip)
	for _, in := range []string{`{"i":1.0}`, `{"i":1e3}`, `{"i":-0}`, `{"u":0.0}`, `{"p":null,"l":null,"m":null,"any":null}`, `null`, `{}`} {
		_, err := decodeBoth[everything](t, in)
		require.NoError(t, err, in)
	}
}

func TestDecodeRefusesTheSameFromBothParsers(t *testing.T) {
	for in, path := range map[string]string{
		`[]`: "", `1`: "", `"x"`: "", `true`: "",
		`{"b":1}`: "b", `{"b":"true"}`: "b",
		`{"i":32768}`: "i", `{"i":-32769}`: "i", `{"i":1.5}`: "i", `{"i":"1"}`: "i", `{"i":true}`: "i", `{"i":1e30}`: "i", `{"i":18446744073709551615}`: "i",
		`{"u":256}`: "u", `{"u":-1}`: "u", `{"u":0.5}`: "u",
		`{"f":"1"}`: "f", `{"f":1e39}`: "f", `{"f":1e999}`: "",
		`{"any":1e999}`: "", `{"unknown":-1e999}`: "",
		`{"s":1}`: "s", `{"s":{}}`: "s",
		`{"l":{}}`: "l", `{"l":[1]}`: "l[0]", `{"l":["a",2]}`: "l[1]",
		`{"a":[1]}`: "a", `{"a":[1,2,3]}`: "a", `{"a":[1,"2"]}`: "a[1]",
		`{"m":{"x":"1"}}`: "m.x", `{"m":[]}`: "m", `{"m":{"x":1,"x":2}}`: "m.x",
		`{"k":{"300":true}}`: "k.300", `{"k":{"x":true}}`: "k.x",
		`{"any":{"a":1,"a":2}}`: "any.a", `{"any":[[{"a":1,"a":2}]]}`: "any[0][0].a",
		`{"b":true,"b":true}`: "b", `{"zzz":1,"zzz":2}`: "zzz", `{"in":{"X":1,"X":1}}`: "in.X", `{"in":{"X":"1"}}`: "in.X",
		`{"at":"yesterday"}`: "at", `{"at":5}`: "at", `{"addr":"nowhere"}`: "addr", `{"addr":5}`: "addr",
	} {
		_, err := decodeBoth[everything](t, in)
		require.ErrorIs(t, err, ErrPayload, in)
		require.Equal(t, path, public(err).Path, in)
	}
}

// What only msgpack can carry is refused where JSON could not mean it.
func TestDecodeMsgpackOnly(t *testing.T) {
	for h, into := range map[string]any{
		"cb7ff0000000000000": new(float64), "cb7ff8000000000000": new(any), "ca7f800000": new(float32),
		"cb7ff8000000000001": new(float64), "ca7fc00000": new(any), "cbfff0000000000000": new(int),
		"c40101": new(string), "a161": new([]byte),
		"cf8000000000000000": new(int64), "d3ffffffffffffffff": new(uint64), "9101": new(map[string]int), "c403000000": new([4]byte),
	} {
		require.ErrorIs(t, decodeInto(into, unhex(t, h)), ErrPayload, h)
	}
	var arr [3]byte
	require.NoError(t, decodeInto(&arr, unhex(t, "c403010203")))
	require.Equal(t, [3]byte{1, 2, 3}, arr)
	var at time.Time
	require.NoError(t, decodeInto(&at, unhex(t, "d7000000018bcfe56800")))
	require.EqualValues(t, 1700000000000, at.UnixMilli())
	var raw json.RawMessage
	require.NoError(t, decodeInto(&raw, unhex(t, "92 c40101 d7000000018bcfe56800")))
	require.Equal(t, `["AQ==","2023-11-14T22:13:20.000Z"]`, string(raw))
	require.Error(t, decodeInto(everything{}, []byte{0xc0}))
	require.Error(t, decodeInto(new(chan int), []byte{1}))
}

type custom struct{ a, b int }

func (c *custom) EncodeMsgpack(e *msgpack.Encoder) error {
	return e.EncodeMulti(msgpack.RawMessage{0x92}, c.a, struct {
		B int `json:"bee"`
	}{c.b})
}

func (c *custom) DecodeMsgpack(d *msgpack.Decoder) error {
	if _, err := d.DecodeArrayLen(); err != nil {
		return err
	}
	var in struct {
		B int `json:"bee"`
	}
	err := d.DecodeMulti(&c.a, &in)
	c.b = in.B
	return err
}

// Types with codecs of their own work behind both parsers.
func TestCustomCodec(t *testing.T) {
	for p, want := range map[Parser]string{ParserJSON: `2["e",[1,{"bee":2}]]`, ParserMsgpack: ""} {
		msgs, err := Encode(p, Header{Type: PacketEvent}, "e", &custom{1, 2})
		require.NoError(t, err)
		if want != "" {
			require.Equal(t, want, string(msgs[0].Data))
		}
		e, err := NewDecoder(p, Limits{}).Decode(msgs[0].Data, msgs[0].Binary)
		require.NoError(t, err)
		var c custom
		require.NoError(t, e.Args(nil).Decode(0, &c))
		require.Equal(t, custom{1, 2}, c)
	}
	_, err := decodeBoth[custom](t, `["x"]`)
	require.ErrorIs(t, err, ErrPayload)
}

func encodeJSON(t *testing.T, v any) string {
	t.Helper()
	msgs, err := Encode(ParserJSON, Header{Type: PacketAck, HasID: true}, v)
	require.NoError(t, err)
	return strings.TrimSuffix(strings.TrimPrefix(string(msgs[0].Data), "30["), "]")
}

// What we write is what encoding/json writes, except for its HTML escapes.
func TestJSONOutput(t *testing.T) {
	seven := 7
	for _, v := range []any{
		nil, true, 0, -1, 255, math.MaxInt64, uint64(math.MaxUint64), math.MinInt64, 1.5, float32(0.1), 1e21, 1e-7, 1e20, 123456789.25, -0.5, 3.0,
		"", "é\u2028\u2029\"\\\n\r\t\x01\x7f",
		[]int{},
		[]int(nil),
		[]any{1, nil, "x"},
		map[string]int{"b": 1, "a": 2},
		map[int]bool{2: true, 1: false},
		map[string]int(nil), &seven, (*int)(nil),
		[2]int{1, 2},
		struct{}{},
		time.Unix(1700000000, 5e6).UTC(), json.RawMessage(`{"z":1,"a":[ 2 ]}`),
		netip.IPv6Loopback(), json.Number("12"),
		struct {
			A int       `json:"a,omitempty"`
			B *int      `json:"b"`
			C string    `json:",omitempty"`
			D time.Time `json:"d,omitzero"`
			e int
			embedded
			Named embedded `json:"named"`
		}{e: 1},
	} {
		want, err := json.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, string(want), encodeJSON(t, v))
	}
	require.Equal(t, `"<a>&</a>"`, encodeJSON(t, "<a>&</a>"))
	require.Equal(t, `0`, encodeJSON(t, math.Copysign(0, -1)))
	require.Equal(t, `61-0[{"_placeholder":true,"num":0}`, encodeJSON(t, [3]byte{1}))
}

func TestUnencodable(t *testing.T) {
	type cycle struct{ Next *cycle }
	loop := &cycle{}
	loop.Next = loop
	for _, v := range []any{
		math.NaN(), math.Inf(1), float32(math.Inf(-1)), make(chan int), func() {}, 1i, "\xff",
		map[string]any{"a": math.NaN()},
		map[[1]int]int{{1}: 1},
		loop, json.Number("x"), json.Number(""), json.Number("1e999"), json.RawMessage(`{`),
		map[string]int{"\xff": 1},
	} {
		for _, p := range []Parser{ParserJSON, ParserMsgpack} {
			_, err := Encode(p, Header{Type: PacketEvent}, "e", v)
			require.Error(t, err, "%T", v)
		}
	}
}

// The exact bytes of what a msgpack client is sent.
func TestMsgpackOutput(t *testing.T) {
	for want, tc := range map[string]struct {
		h    Header
		args []any
	}{
		"82a47479706501a36e7370a12f":                                   {Header{Type: PacketDisconnect}, nil},
		"83a47479706502a36e7370a12fa46461746192a16101":                 {Header{Type: PacketEvent}, []any{"a", 1}},
		"84a47479706502a2696405a36e7370a22f62a46461746191a161":         {Header{Type: PacketEvent, Namespace: "/b", ID: 5, HasID: true}, []any{"a"}},
		"84a47479706503a26964cd0100a36e7370a12fa46461746190":           {Header{Type: PacketAck, ID: 256, HasID: true}, nil},
		"83a47479706504a36e7370a12fa46461746181a76d657373616765a16e":   {Header{Type: PacketConnectError}, []any{map[string]string{"message": "n"}}},
		"83a47479706502a36e7370a12fa46461746195a161ccc8cdea60e0c40101": {Header{Type: PacketEvent}, []any{"a", 200, 60000, -32, []byte{1}}},
		"83a47479706502a36e7370a12fa46461746194a16102cb3fe0000000000000c2": {
			Header{Type: PacketEvent},
			[]any{"a", 2.0, 0.5, false},
		},
	} {
		msgs, err := Encode(ParserMsgpack, tc.h, tc.args...)
		require.NoError(t, err)
		require.Len(t, msgs, 1)
		require.True(t, msgs[0].Binary)
		require.Equal(t, unhex(t, want), msgs[0].Data)
	}
}

func TestEmbeddedFieldRules(t *testing.T) {
	type Inner struct {
		A int `json:"a"`
		B int
		C int `json:"c"`
	}
	type Other struct {
		C int `json:"c"`
		D int
	}
	type outer struct {
		Inner
		*Other
		B string `json:"B"`
	}
	v := outer{Inner: Inner{A: 1, B: 2, C: 3}, B: "b"}
	want, err := json.Marshal(v)
	require.NoError(t, err)
	require.Equal(t, string(want), encodeJSON(t, v))
	got, err := decodeBoth[outer](t, `{"a":1,"B":"x","c":5,"D":4}`)
	require.NoError(t, err)
	require.Equal(t, outer{Inner: Inner{A: 1}, Other: &Other{D: 4}, B: "x"}, got)
}

func TestTranscodeJSON(t *testing.T) {
	for in, want := range map[string]string{
		`null`: "c0", ` true `: "c3", `false`: "c2", `0`: "00", `127`: "7f", `128`: "cc80", `-1`: "ff", `-33`: "d0df", `65536`: "ce00010000",
		`1.5`: "cb3ff8000000000000", `1e2`: "64", `-0`: "cb8000000000000000", `18446744073709551615`: "cfffffffffffffffff",
		`-9223372036854775808`: "d38000000000000000", `1e300`: "cb7e37e43c8800759c", `[]`: "90", `{}`: "80", `""`: "a0",
		`[1,[2],{"a":"b"}]`: "930191 0281a161a162", `"\u0041\n\ud83d\ude00"`: "a6410af09f9880",
		`[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]`: "dc0010000102030405060708090a0b0c0d0e0f",
		`"` + strings.Repeat(`\n`, 40) + `"`:      "d928" + strings.Repeat("0a", 40),
	} {
		got, err := TranscodeJSON([]byte("x"), []byte(in))
		require.NoError(t, err, in)
		require.Equal(t, append([]byte("x"), unhex(t, want)...), got, in)
	}
	for _, in := range []string{``, ` `, `[`, `[1]]`, `1 2`, `{"a"}`, `1e999`, `[1,-1e400]`, `nul`, "\"\xff\"", "\ufeff1", strings.Repeat("[", 17) + strings.Repeat("]", 17)} {
		dst := []byte("keep")
		got, err := TranscodeJSON(dst, []byte(in))
		require.Error(t, err, in)
		require.Equal(t, "keep", string(got), in)
	}
}
