package sio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gameserver/internal/mpcheck"
)

func jsonSeeds() []string {
	return []string{
		`0`, `0{}`, `0/admin,{"token":"x"}`, `1`, `2["a"]`, `2/n,17["a",{"b":[1,2.5e-3,null]}]`, `30[]`, `4{"message":"x"}`,
		`51-["a",{"_placeholder":true,"num":0}]`, `62-3[{"num":1,"_placeholder":true},{"_placeholder":true,"num":0}]`,
		`2[5]`, `2["\ud83d\ude00\u0041"]`, `2[ "a" , [ { } ] ]`, `2["a","\ud800"]`, `2["\udc00",{"\ud83d":"\\ud83d"}]`, `511-[]`, `2["a",1e999]`, strings.Repeat("[", 40), `2["a",-0]`,
	}
}

// FuzzJSONPacket: what the decoder accepts encoding/json accepts too, arguments
// are the elements of the payload, and transcoding them yields msgpack that
// passes its own check. No input panics.
func FuzzJSONPacket(f *testing.F) {
	for _, s := range jsonSeeds() {
		f.Add([]byte(s), []byte{1}, []byte{2, 3})
	}
	f.Fuzz(func(t *testing.T, text, first, second []byte) {
		d := NewDecoder(ParserAuto, Limits{})
		e, err := d.Decode(text, false)
		for _, part := range [][]byte{first, second} {
			if err == nil && e == nil {
				e, err = d.Decode(part, true)
			}
		}
		if err != nil {
			if !errors.Is(err, ErrProtocol) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if e == nil || e.Data() == nil {
			return
		}
		if !json.Valid(e.Data()) {
			t.Fatalf("accepted %q", text)
		}
		sameValue(t, text, e.Data())
		var list []json.RawMessage
		if json.Unmarshal(e.Data(), &list) == nil && e.Type() != PacketConnectError {
			if e.Type() == PacketEvent {
				list = list[1:]
			}
			checkArgs(t, e, list)
		}
	})
}

// sameValue: the payload says what the message said, and has no half of a
// surrogate pair, of which encoding/json makes U+FFFD.
func sameValue(t *testing.T, text, data []byte) {
	t.Helper()
	if halves.Match(pairs.ReplaceAll(data, nil)) {
		t.Fatalf("half a surrogate pair in %q", data)
	}
	var sent, got any
	errSent, errGot := json.Unmarshal(text[len(text)-len(data):], &sent), json.Unmarshal(data, &got)
	if (errSent == nil) != (errGot == nil) || !reflect.DeepEqual(sent, got) {
		t.Fatalf("%q became %q", text, data)
	}
}

var (
	pairs  = regexp.MustCompile(`\\\\|(?i)\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}`)
	halves = regexp.MustCompile(`(?i)\\ud[89a-f]`)
)

func checkArgs(t *testing.T, e *Event, list []json.RawMessage) {
	t.Helper()
	if e.NArgs() != len(list) {
		t.Fatalf("%q has %d arguments, not %d", e.Data(), len(list), e.NArgs())
	}
	for i, want := range list {
		if !bytes.Equal(e.Arg(i), want) {
			t.Fatalf("argument %d of %q is %q", i, e.Data(), e.Arg(i))
		}
		mp, err := e.AppendArg(nil, i)
		if err != nil {
			if !errors.Is(err, ErrPayload) {
				t.Fatal(err)
			}
			continue
		}
		if err := mpcheck.Check(mp, mpcheck.Limits{}); err != nil {
			t.Fatalf("%q became %x: %v", want, mp, err)
		}
	}
}

// FuzzMsgpackPacket: what the decoder accepts has a type it says, arguments that
// tile the payload, and can be written as JSON and read back to the same verdict
// unless a number is not finite. No input panics.
func FuzzMsgpackPacket(f *testing.F) {
	for _, s := range jsonSeeds() {
		if e, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(s), false); err == nil && e != nil && e.Data() != nil {
			if data, err := transcode(nil, e.Data(), nil); err == nil {
				h := Header{Type: e.Type(), Namespace: e.Namespace(), ID: e.id, HasID: e.hasID}
				f.Add(append(appendEnvelope(nil, h, true), data...))
			}
		}
	}
	f.Add(unhex(f, "84 a474797065 02 a464617461 92a16107 a76f7074696f6e73 81a8636f6d7072657373c3 a36e7370 a12f"))
	f.Add(unhex(f, "83 a474797065 02 a464617461 93a161c7020001ffd7000000018bcfe56800 a36e7370 a12f"))
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := NewDecoder(ParserAuto, Limits{}).Decode(b, true)
		if err != nil {
			if !errors.Is(err, ErrProtocol) {
				t.Fatalf("%x: %v", b, err)
			}
			return
		}
		var tiled []byte
		for i := range e.NArgs() {
			tiled = append(tiled, e.Arg(i)...)
		}
		if e.Type() == PacketEvent && !bytes.HasSuffix(e.Data(), tiled) || e.Name() == "" && e.Type() == PacketEvent {
			t.Fatalf("%x: arguments %x of %x", b, tiled, e.Data())
		}
		var v any
		if e.Data() == nil || decodeInto(&v, e.Data()) != nil {
			return
		}
		h := Header{Type: e.Type(), Namespace: e.Namespace(), ID: e.id, HasID: e.hasID}
		msgs, err := assemble(ParserJSON, h, e.Data())
		if err != nil {
			t.Fatalf("%x decodes but cannot be written: %v", b, err)
		}
		if len(msgs) == 1 && h.Namespace[0] == '/' && !strings.Contains(h.Namespace, ",") {
			if _, err := NewDecoder(ParserJSON, Limits{Depth: 32}).Decode(msgs[0].Data, false); err != nil {
				t.Fatalf("%x became %q: %v", b, msgs[0].Data, err)
			}
		}
	})
}

// FuzzCrossParser: one argument, sent as JSON and as msgpack, becomes the same
// value of every type or is refused with the same words.
func FuzzCrossParser(f *testing.F) {
	for _, s := range []string{
		`{"b":true,"i":3,"u":4,"f":0.5,"s":"x","l":["a"],"a":[1,2],"m":{"x":1},"k":{"1":true},"any":[{}],"in":{"X":1}}`,
		`{"i":1.0,"u":-1}`, `{"i":1e400}`, `{"b":true,"b":false}`, `[1,"2",{"3":[true]}]`, `{"raw":[1,{"a":-0}],"at":"2026-01-02T03:04:05Z"}`,
		`1e20`, `9007199254740993`, `-9223372036854775808`, `18446744073709551616`, `"\u2028"`, `{"K":1,"B":true}`, `{"a":[1,2,3]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		e, err := NewDecoder(ParserJSON, Limits{}).Decode([]byte(`2["e",`+arg+`]`), false)
		if err != nil || e.NArgs() != 1 {
			return
		}
		raw := slices.Clone(e.Arg(0))
		mp, err := TranscodeJSON(nil, raw)
		if err != nil {
			if !errors.Is(err, ErrPayload) && !errors.Is(err, ErrProtocol) {
				t.Fatal(err)
			}
			return
		}
		m, err := NewDecoder(ParserMsgpack, Limits{}).Decode(eventPacket(append([]byte{0x92, 0xa1, 'e'}, mp...)), true)
		if err != nil {
			t.Fatalf("%s is refused in msgpack: %v", arg, err)
		}
		ja, ma := e.Args(nil), m.Args(nil)
		for _, into := range []func() any{
			func() any { return new(everything) },
			func() any { return new(any) },
			func() any { return new([]map[string]any) },
			func() any { return new(int32) },
			func() any { return new(json.RawMessage) },
		} {
			a, b := into(), into()
			aerr, berr := ja.Decode(0, a), ma.Decode(0, b)
			if !reflect.DeepEqual(a, b) || fmt.Sprint(aerr) != fmt.Sprint(berr) {
				t.Fatalf("%s: %+v, %v in JSON; %+v, %v in msgpack", arg, a, aerr, b, berr)
			}
		}
		var same any
		var ours any
		if json.Unmarshal(raw, &same) == nil && ja.Decode(0, &ours) == nil && !reflect.DeepEqual(same, ours) {
			t.Fatalf("%s: %v, encoding/json says %v", arg, ours, same)
		}
	})
}
