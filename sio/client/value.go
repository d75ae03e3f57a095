package client

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"

	"gameserver/internal/mpcheck"
	"gameserver/sio"
)

// field returns the value of a key of the object in b, nil without one. The
// decoder has checked b.
func field(p sio.Parser, b []byte, key string) []byte {
	if p != sio.ParserMsgpack {
		var m map[string]json.RawMessage
		if json.Unmarshal(b, &m) != nil {
			return nil
		}
		return m[key]
	}
	if len(b) == 0 || msgp.NextType(b) != msgp.MapType {
		return nil
	}
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		var k []byte
		if k, b, err = msgp.ReadStringZC(b); err != nil {
			return nil
		}
		rest, err := mpcheck.Skip(b)
		if err != nil {
			return nil
		}
		if string(k) == key {
			return b[:len(b)-len(rest)]
		}
		b = rest
	}
	return nil
}

// decodeValue decodes a checked value into a Go value, by its json tags.
func decodeValue(p sio.Parser, b []byte, into any) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: no value", errProtocol)
	}
	if p != sio.ParserMsgpack {
		return json.Unmarshal(b, into)
	}
	d := msgpack.NewDecoder(bytes.NewReader(b))
	d.SetCustomStructTag("json")
	return d.Decode(into)
}

// connectError reads the payload of a CONNECT_ERROR.
func connectError(ev *sio.Event) *sio.Error {
	p, e := ev.Parser(), &sio.Error{}
	var text string
	if decodeValue(p, ev.Data(), &text) != nil {
		_ = decodeValue(p, field(p, ev.Data(), "message"), &text)
		if decodeValue(p, field(p, ev.Data(), "data"), e) != nil {
			*e = sio.Error{}
		}
	}
	if e.Code == "" {
		e.Code = codeRefused
	}
	if e.Msg == "" {
		e.Msg = text
	}
	return e
}

// codeRefused stands for a refusal without a code, as the reference server
// gives it.
const codeRefused = "connect_error"
