package sio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/internal/mpcheck"
)

// The decoder verdicts of socket.io-parser 4.2.7, and where we are stricter.
func TestJSONVerdicts(t *testing.T) {
	accepted := []string{
		`0`, `0{}`, `0{"token":"x"}`, `0/admin`, `0/admin,`, `0/admin,{"a":1}`, `0/admin?x=1,{}`,
		`1`, `1/nsp,`, `2["a"]`, `212["x"]`, `2[5,"x"]`, `2/nsp,7["x",null]`, `2 ["a" , 1 ] `,
		`2["a",{"b":[1,2.5e-3,true,false,null,"\u00e9\n\ud83d\ude00"]}]`,
		`31[]`, `30["x"]`, `4{"message":"no"}`, `4"no"`, `2["error"]`, `22147483648["x"]`,
		`2["_placeholder",{"_placeholder":true,"num":7}]`,
	}
	for _, s := range accepted {
		e, err := NewDecoder(ParserAuto, Limits{}).Decode([]byte(s), false)
		require.NoError(t, err, s)
		require.NotNil(t, e, s)
	}
	refused := []string{
		``, `7`, `abc`, `{"type":0}`, ` 0`, "\ufeff0",
		`0[]`, `0null`, `0"x"`, `05{}`, `1{}`, `1[]`, `11`,
		`2`, `20`, `2/nsp`, `2/nsp,`, `3`, `31`, `3[]`, `31{}`, `4`, `4[]`, `42{}`,
		`2[]`, `2[null]`, `2[{}]`, `2[[]]`, `2[true]`, `2[""]`, `2{}`, `2"a"`,
		`2["connect"]`, `2["connect_error"]`, `2["disconnect"]`, `2["disconnecting"]`,
		`2["newListener"]`, `2["removeListener"]`, `2["\u0063onnect"]`,
		`2["a"`, `2abc["x"]`, `2["a"]x`, `2["a"]]`, `2["a",]`, `2["a" 1]`, `2["a",01]`, `2["a",1.]`, `2["a",.5]`,
		`2["a",+1]`, `2["a",1e]`, `2["a",NaN]`, `2["a",tru]`, `2["a","\x"]`, `2["a","\u12"]`, `2["a","\ud8"]`,
		`2["a","\ud800\u"]`, `2["a","\ud800\"]`, "2[\"a\",\"\n\"]", "2[\"a\",\"\xff\"]", "2\ufeff[\"a\"]",
		`2["a",{1:2}]`, `2["a",{"b"}]`, `2["a",{"b":}]`, `2["a",{"b":1,}]`, `2["a",{"b":1]`, `2["a",[1}]`, `2["a",'x']`,
		`22147483649["x"]`, `299999999999999999999["x"]`, `2007["x"]`, `2-1["x"]`,
		`5["a"]`, `50-["a"]`, `5-["a"]`, `501-["a",{"_placeholder":true,"num":0}]`, `511-["a"]`, `599-["a"]`, `5111-["a"]`, `51`, `5`,
	}
	for _, s := range refused {
		_, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(s), false)
		require.ErrorIs(t, err, ErrProtocol, s)
	}
}

func TestJSONPacketParts(t *testing.T) {
	d := NewDecoder(ParserAuto, Limits{})
	e, err := d.Decode([]byte(`2/chat,17["msg", {"a":[1,"],"]} ,"x",-5]`), false)
	require.NoError(t, err)
	require.Equal(t, PacketEvent, e.Type())
	require.Equal(t, "/chat", e.Namespace())
	require.Equal(t, "msg", e.Name())
	require.Equal(t, 3, e.NArgs())
	require.Equal(t, `{"a":[1,"],"]}`, string(e.Arg(0)))
	require.Equal(t, `"x"`, string(e.Arg(1)))
	require.Equal(t, `-5`, string(e.Arg(2)))
	require.Nil(t, e.Arg(3))
	require.Nil(t, e.Arg(-1))
	id, ok := e.AckID()
	require.True(t, ok)
	require.EqualValues(t, 17, id)

	e, err = d.Decode([]byte(`2["\u0061\"b"]`), false)
	require.NoError(t, err)
	require.Equal(t, `a"b`, e.Name())
	require.Equal(t, "/", e.Namespace())

	e, err = d.Decode([]byte(`33[1,"two"]`), false)
	require.NoError(t, err)
	require.Equal(t, "1", string(e.Arg(0)))
	require.Equal(t, `"two"`, string(e.Arg(1)))
}

// Half of a surrogate pair, as JavaScript leaves of a character that a string
// was cut in, is U+FFFD wherever it stands: in the raw bytes too, which may be
// passed on to whom the half would be malformed.
func TestLoneSurrogates(t *testing.T) {
	for in, want := range map[string]string{
		`"\ud83d"`: `"\ufffd"`, `"\uDE00x"`: `"\ufffdx"`, `"a\ud83db"`: `"a\ufffdb"`, `"\ud83d\n"`: `"\ufffd\n"`,
		`"\ud83d\ud83d\ude00"`: `"\ufffd\ud83d\ude00"`, `"\ude00\ud83d"`: `"\ufffd\ufffd"`,
		`"\ud83d\u0041"`: `"\ufffd\u0041"`, `"\\ud83d"`: `"\\ud83d"`, `"\uFFFD\ufffd"`: `"\uFFFD\ufffd"`,
		`{"\udfff":["\ud800"]}`: `{"\ufffd":["\ufffd"]}`,
	} {
		sent := []byte(`2["e",` + in + `]`)
		before := bytes.Clone(sent)
		e, err := NewDecoder(ParserJSON, Limits{}).Decode(sent, false)
		require.NoError(t, err, in)
		require.Equal(t, want, string(e.Arg(0)), in)
		require.Equal(t, before, sent, "the message belongs to its reader")
		// Every reader agrees on what it says, encoding/json too.
		var ours, theirs any
		require.NoError(t, e.Args(nil).Decode(0, &ours))
		require.NoError(t, json.Unmarshal([]byte(in), &theirs))
		require.Equal(t, theirs, ours, in)
		packed, err := e.AppendArg(nil, 0)
		require.NoError(t, err)
		direct, err := TranscodeJSON(nil, []byte(in))
		require.NoError(t, err)
		require.Equal(t, packed, direct)
		require.NoError(t, mpcheck.Check(packed, mpcheck.Limits{}))
	}
	e, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(`2["cut \ud83d"]`), false)
	require.NoError(t, err)
	require.Equal(t, "cut \ufffd", e.Name())
	e, err = NewDecoder(ParserJSON, Limits{}).Decode([]byte(`0{"name":"\ud83d"}`), false)
	require.NoError(t, err)
	require.Equal(t, `{"name":"\ufffd"}`, string(e.Data()))
}

// A number as event name is the name JavaScript would make of it.
func TestNumericEventName(t *testing.T) {
	for lit, want := range map[string]string{"5": "5", "-0": "0", "1.50": "1.5", "1e3": "1000", "1e21": "1e+21", "1e-7": "1e-7"} {
		e, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(`2[`+lit+`]`), false)
		require.NoError(t, err)
		require.Equal(t, want, e.Name(), lit)
		arg, err := TranscodeJSON(nil, []byte(lit))
		require.NoError(t, err)
		e, err = NewDecoder(ParserMsgpack, Limits{}).Decode(eventPacket(append([]byte{0x91}, arg...)), true)
		require.NoError(t, err)
		require.Equal(t, want, e.Name(), lit)
	}
}

// eventPacket is a msgpack EVENT to "/" around an encoded payload.
func eventPacket(data []byte) []byte {
	return append(appendEnvelope(nil, Header{Type: PacketEvent, Namespace: "/"}, true), data...)
}

// The exact bytes that socket.io-client with socket.io-msgpack-parser sends.
func TestMsgpackBytesOfTheReference(t *testing.T) {
	for name, tc := range map[string]struct {
		hex  string
		want func(e *Event) bool
	}{
		"CONNECT, no auth": {"83 a474797065 00 a464617461 d40000 a36e7370 a12f", func(e *Event) bool {
			return e.Type() == PacketConnect && e.Namespace() == "/" && e.Data() == nil
		}},
		"CONNECT, auth": {"83 a474797065 00 a464617461 81a5746f6b656ea178 a36e7370 a12f", func(e *Event) bool {
			return e.Type() == PacketConnect && len(e.Data()) == 9
		}},
		"EVENT": {"84 a474797065 02 a464617461 92a16107 a76f7074696f6e73 81a8636f6d7072657373c3 a36e7370 a12f", func(e *Event) bool {
			_, ack := e.AckID()
			return e.Type() == PacketEvent && e.Name() == "a" && e.NArgs() == 1 && bytes.Equal(e.Arg(0), []byte{7}) && !ack
		}},
		"EVENT + ack": {"85 a474797065 02 a464617461 91a161 a76f7074696f6e73 81a8636f6d7072657373c3 a26964 05 a36e7370 a12f", func(e *Event) bool {
			id, ack := e.AckID()
			return e.Name() == "a" && e.NArgs() == 0 && id == 5 && ack
		}},
		"ACK": {"84 a474797065 03 a26964 07 a464617461 91a26f6b a36e7370 a12f", func(e *Event) bool {
			id, _ := e.AckID()
			return e.Type() == PacketAck && id == 7 && e.NArgs() == 1
		}},
		"DISCONNECT": {"82 a474797065 01 a36e7370 a12f", func(e *Event) bool { return e.Type() == PacketDisconnect }},
		"CONNECT_ERROR": {"83 a474797065 04 a464617461 82a76d657373616765a16ea464617461d40000 a36e7370 a12f", func(e *Event) bool {
			return e.Type() == PacketConnectError
		}},
		"ArrayBuffer and Date from Node": {"83 a474797065 02 a464617461 93a161c7020001ffd7000000018bcfe56800 a36e7370 a12f", func(e *Event) bool {
			var bin []byte
			var at any
			a := e.Args(nil)
			return a.Decode(0, &bin) == nil && a.Decode(1, &at) == nil && bytes.Equal(bin, []byte{1, 0xff}) && fmt.Sprint(at) == "2023-11-14 22:13:20 +0000 UTC"
		}},
	} {
		e, err := NewDecoder(ParserAuto, Limits{}).Decode(unhex(t, tc.hex), true)
		require.NoError(t, err, name)
		require.True(t, tc.want(e), name)
	}
}

// One byte of extension 0 is undefined or an ArrayBuffer, eight are a Date or
// an ArrayBuffer: the code byte tells.
func TestExtensionAmbiguity(t *testing.T) {
	for in, want := range map[string]any{
		"d40000": nil, "c7010000": []byte{0}, "c7010007": []byte{7}, "c8000000": []byte{},
		"c708000000000000000001": []byte{0, 0, 0, 0, 0, 0, 0, 1},
	} {
		var v any
		require.NoError(t, decodeInto(&v, unhex(t, in)), in)
		require.Equal(t, want, v, in)
	}
}

func TestMsgpackVerdicts(t *testing.T) {
	refused := map[string]string{
		"not a map":                  "93 01 02 03",
		"type missing":               "81 a36e7370 a12f",
		"nsp missing":                "81 a474797065 00",
		"type 5":                     "82 a474797065 05 a36e7370 a12f",
		"type -1":                    "82 a474797065 ff a36e7370 a12f",
		"type a float":               "82 a474797065 cb0000000000000000 a36e7370 a12f",
		"type twice":                 "83 a474797065 00 a474797065 00 a36e7370 a12f",
		"nsp not a string":           "82 a474797065 00 a36e7370 01",
		"nsp empty":                  "82 a474797065 00 a36e7370 a0",
		"id -1":                      "84 a474797065 02 a464617461 91a161 a26964 ff a36e7370 a12f",
		"id 2^31+1":                  "84 a474797065 02 a464617461 91a161 a26964 ce80000001 a36e7370 a12f",
		"id a float":                 "84 a474797065 02 a464617461 91a161 a26964 cb3ff0000000000000 a36e7370 a12f",
		"CONNECT array":              "83 a474797065 00 a464617461 90 a36e7370 a12f",
		"CONNECT with id":            "83 a474797065 00 a26964 01 a36e7370 a12f",
		"DISCONNECT data":            "83 a474797065 01 a464617461 80 a36e7370 a12f",
		"EVENT without data":         "82 a474797065 02 a36e7370 a12f",
		"EVENT []":                   "83 a474797065 02 a464617461 90 a36e7370 a12f",
		"EVENT {}":                   "83 a474797065 02 a464617461 80 a36e7370 a12f",
		"EVENT [{}]":                 "83 a474797065 02 a464617461 9180 a36e7370 a12f",
		"EVENT [nil]":                "83 a474797065 02 a464617461 91c0 a36e7370 a12f",
		"EVENT [NaN]":                "83 a474797065 02 a464617461 91cb7ff8000000000000 a36e7370 a12f",
		"EVENT [\"\"]":               "83 a474797065 02 a464617461 91a0 a36e7370 a12f",
		"EVENT [\"disconnect\", ..]": "83 a474797065 02 a464617461 92aa646973636f6e6e65637401 a36e7370 a12f",
		"ACK without id":             "83 a474797065 03 a464617461 90 a36e7370 a12f",
		"CONNECT_ERROR without data": "82 a474797065 04 a36e7370 a12f",
		"trailing byte":              "82 a474797065 01 a36e7370 a12f 00",
		"timestamp extension":        "83 a474797065 02 a464617461 92a161d6ff00000000 a36e7370 a12f",
		"empty":                      "",
	}
	for name, h := range refused {
		_, err := NewDecoder(ParserMsgpack, Limits{}).Decode(unhex(t, h), true)
		require.ErrorIs(t, err, ErrProtocol, name)
	}
	for name, h := range map[string]string{
		"id 2^31":         "84 a474797065 02 a464617461 91a161 a26964 ce80000000 a36e7370 a12f",
		"id nil":          "84 a474797065 02 a464617461 91a161 a26964 c0 a36e7370 a12f",
		"id undefined":    "84 a474797065 02 a464617461 91a161 a26964 d40000 a36e7370 a12f",
		"DISCONNECT nil":  "83 a474797065 01 a464617461 c0 a36e7370 a12f",
		"numeric name":    "83 a474797065 02 a464617461 9105 a36e7370 a12f",
		"unknown key":     "83 a474797065 01 a178 a179 a36e7370 a12f",
		"event error":     "83 a474797065 02 a464617461 91a56572726f72 a36e7370 a12f",
		"wide type uint8": "82 a474797065 cc01 a36e7370 a12f",
	} {
		_, err := NewDecoder(ParserMsgpack, Limits{}).Decode(unhex(t, h), true)
		require.NoError(t, err, name)
	}
}

// The first message decides, and later ones of the other kind are refused.
func TestParserLocks(t *testing.T) {
	connect := unhex(t, "82 a474797065 00 a36e7370 a12f")
	d := NewDecoder(ParserAuto, Limits{})
	require.Equal(t, ParserAuto, d.parser)
	_, err := d.Decode([]byte("0"), false)
	require.NoError(t, err)
	require.Equal(t, ParserJSON, d.parser)
	_, err = d.Decode(connect, true)
	require.ErrorIs(t, err, ErrProtocol)

	d = NewDecoder(ParserAuto, Limits{})
	_, err = d.Decode(connect, true)
	require.NoError(t, err)
	require.Equal(t, ParserMsgpack, d.parser)
	_, err = d.Decode([]byte("0"), false)
	require.ErrorIs(t, err, ErrProtocol)

	for _, first := range [][]byte{nil, {0x00}, {0xc0}, []byte("0")} {
		d = NewDecoder(ParserAuto, Limits{})
		_, err = d.Decode(first, true)
		require.ErrorIs(t, err, ErrProtocol, "%x", first)
		require.Equal(t, ParserAuto, d.parser)
	}
}

func hold(n any) string { return fmt.Sprintf(`{"_placeholder":true,"num":%v}`, n) }

func TestPlaceholders(t *testing.T) {
	accepted := []string{
		`51-["a",` + hold(0) + `]`,
		`51-["a",{"b":[[` + hold(0) + `]]}]`,
		`52-["a",` + hold(1) + `,` + hold(0) + `]`,
		`51-["a",{"num":0,"_placeholder":true}]`,
		`51-["a",{ "_placeholder" : true , "num" : 0 }]`,
		`51-["a",` + hold(0) + `,{"_placeholder":false,"num":7}]`,
		`61-3[` + hold(0) + `]`,
		`510-["a"` + func() (s string) {
			for i := range 10 {
				s += "," + hold(i)
			}
			return s
		}() + `]`,
	}
	for _, s := range accepted {
		d := NewDecoder(ParserJSON, Limits{})
		e, err := d.Decode([]byte(s), false)
		require.NoError(t, err, s)
		require.Nil(t, e, s)
		for d.Owed() > 0 {
			e, err = d.Decode([]byte{byte(d.Owed())}, true)
			require.NoError(t, err, s)
		}
		require.NotNil(t, e, s)
	}
	for _, s := range []string{
		`51-["a"]`, `51-["a",` + hold(1) + `]`, `51-["a",` + hold(-1) + `]`, `51-["a",` + hold(0.5) + `]`, `51-["a",` + hold("0.0") + `]`,
		`51-["a",` + hold(`"0"`) + `]`, `51-["a",` + hold("null") + `]`, `51-["a",` + hold("00") + `]`,
		`51-["a",` + hold(0) + `,` + hold(0) + `]`,
		`52-["a",` + hold(0) + `]`, `52-["a",` + hold(0) + `,` + hold(0) + `]`,
		`51-["a",{"_placeholder":true}]`, `51-["a",` + hold(0) + `,{"_placeholder":true}]`,
		`51-["a",` + hold(0) + `,{"_placeholder":true,"num":0,"x":1}]`, `51-["a",{"_placeholder":true,"num":0,"num":0}]`,
	} {
		_, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(s), false)
		require.ErrorIs(t, err, ErrProtocol, s)
	}
}

func TestAttachmentsAreInPlace(t *testing.T) {
	d := NewDecoder(ParserJSON, Limits{})
	header := []byte(`52-4["a",{"x":` + hold(1) + `},` + hold(0) + `]`)
	_, err := d.Decode(header, false)
	require.NoError(t, err)
	clear(header) // the bytes die when Decode returns
	first := []byte{1, 2}
	_, err = d.Decode(first, true)
	require.NoError(t, err)
	clear(first)
	e, err := d.Decode([]byte{3}, true)
	require.NoError(t, err)
	a := e.Args(nil)
	var x struct{ X []byte }
	var y []byte
	require.Error(t, a.Decode(0, &y))
	require.NoError(t, a.Decode(1, &y))
	require.NoError(t, a.Decode(0, &struct {
		X *[]byte `json:"x"`
	}{&x.X}))
	require.Equal(t, []byte{1, 2}, y)
	arg, err := e.AppendArg(nil, 0)
	require.NoError(t, err)
	require.Equal(t, unhex(t, "81 a178 c40103"), arg)
}

func TestAttachmentOrder(t *testing.T) {
	head := []byte(`51-["a",` + hold(0) + `]`)
	d := NewDecoder(ParserJSON, Limits{})
	_, err := d.Decode([]byte{1}, true)
	require.ErrorIs(t, err, ErrProtocol, "binary without header")
	d = NewDecoder(ParserJSON, Limits{})
	_, err = d.Decode(head, false)
	require.NoError(t, err)
	_, err = d.Decode([]byte(`2["a"]`), false)
	require.ErrorIs(t, err, ErrProtocol, "text while binary is owed")
	d = NewDecoder(ParserJSON, Limits{})
	_, err = d.Decode(head, false)
	require.NoError(t, err)
	_, err = d.Decode(nil, true)
	require.NoError(t, err, "an attachment may be empty")
	_, err = d.Decode(nil, true)
	require.ErrorIs(t, err, ErrProtocol, "one too many")
}

func TestAttachmentBytesBound(t *testing.T) {
	for _, tc := range []struct{ a, b int }{{5, 5}, {5, 6}, {11, 0}} {
		d := NewDecoder(ParserJSON, Limits{AttachmentBytes: 10})
		_, err := d.Decode([]byte(`52-["a",`+hold(0)+`,`+hold(1)+`]`), false)
		require.NoError(t, err)
		_, err = d.Decode(make([]byte, tc.a), true)
		if err == nil {
			_, err = d.Decode(make([]byte, tc.b), true)
		}
		if tc.a+tc.b <= 10 {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, ErrTooLarge)
		}
	}
}

func TestAttachmentCountBound(t *testing.T) {
	for most := 1; most <= maxAttachments+1; most++ {
		for n := 1; n <= maxAttachments+1; n++ {
			var s strings.Builder
			fmt.Fprintf(&s, `5%d-["a"`, n)
			for i := range n {
				s.WriteString("," + hold(i))
			}
			_, err := NewDecoder(ParserJSON, Limits{Attachments: most}).Decode([]byte(s.String()+"]"), false)
			require.Equal(t, n <= min(most, maxAttachments), err == nil, "%d of %d: %v", n, most, err)
		}
	}
}

// Depth and number of values are bounded alike in both parsers.
func TestPayloadBounds(t *testing.T) {
	for name, tc := range map[string]struct {
		arg string
		ok  bool
	}{
		"depth 16":          {strings.Repeat("[", 15) + strings.Repeat("]", 15), true},
		"depth 17":          {strings.Repeat("[", 16) + strings.Repeat("]", 16), false},
		"object depth 16":   {strings.Repeat(`{"a":`, 15) + "1" + strings.Repeat("}", 15), true},
		"object depth 17":   {strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16), false},
		"10000 open arrays": {strings.Repeat("[", 10000), false},
		// The array, the name and the inner array count too.
		"4096 values": {"[1" + strings.Repeat(",1", 4092) + "]", true},
		"4097 values": {"[1" + strings.Repeat(",1", 4093) + "]", false},
	} {
		text := `2["a",` + tc.arg + `]`
		_, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(text), false)
		require.Equal(t, tc.ok, err == nil, "%s: %v", name, err)
	}
	deep := func(n int) []byte { return append(bytes.Repeat([]byte{0x91}, n), 1) }
	wide := func(n int) []byte { return append([]byte{0xdc, byte(n >> 8), byte(n)}, make([]byte, n)...) }
	event := func(arg []byte) []byte { return eventPacket(append([]byte{0x92, 0xa1, 'a'}, arg...)) }
	for name, tc := range map[string]struct {
		b  []byte
		ok bool
	}{
		"depth 16": {event(deep(15)), true}, "depth 17": {event(deep(16)), false},
		"many values": {event(wide(4096)), true}, "too many values": {event(wide(4096 + envelopeItems)), false},
	} {
		_, err := NewDecoder(ParserMsgpack, Limits{}).Decode(tc.b, true)
		require.Equal(t, tc.ok, err == nil, "%s: %v", name, err)
	}
	require.Equal(t, mpcheck.MaxDepth, Limits{Depth: 1000}.withDefaults().packet().Depth)
}

func TestNameBounds(t *testing.T) {
	for _, n := range []int{maxEventName, maxEventName + 1} {
		_, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(`2["`+strings.Repeat("x", n)+`"]`), false)
		require.Equal(t, n <= maxEventName, err == nil, n)
		arg, _ := TranscodeJSON(nil, []byte(`["`+strings.Repeat("x", n)+`"]`))
		_, err = NewDecoder(ParserMsgpack, Limits{}).Decode(eventPacket(arg), true)
		require.Equal(t, n <= maxEventName, err == nil, n)
		nsp := "/" + strings.Repeat("x", n-1)
		_, err = NewDecoder(ParserJSON, Limits{}).Decode([]byte(`0`+nsp+`,`), false)
		require.Equal(t, n <= maxNamespace, err == nil, n)
		msgs, err := Encode(ParserMsgpack, Header{Namespace: nsp})
		require.NoError(t, err)
		_, err = NewDecoder(ParserMsgpack, Limits{}).Decode(msgs[0].Data, true)
		require.Equal(t, n <= maxNamespace, err == nil, n)
	}
}
