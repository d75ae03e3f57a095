package sio

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"gameserver/internal/mpcheck"
)

// payloadEvent is the event in a payload that another server sent. It refers to
// the payload.
func payloadEvent(payload []byte) (*Event, error) {
	if err := checkForeign(payload); err != nil {
		return nil, err
	}
	return ownEvent(payload)
}

// ownEvent is the event in a payload that encodeEvent made.
func ownEvent(payload []byte) (*Event, error) {
	e := &Event{parser: ParserMsgpack, typ: PacketEvent, data: payload}
	if msgp.NextType(payload) != msgp.ArrayType {
		return nil, protocolError("invalid payload")
	}
	n, args, err := msgp.ReadArrayHeaderBytes(payload)
	if err != nil || n == 0 {
		return nil, protocolError("invalid payload")
	}
	e.args, e.nargs = args, int(n)
	var scratch [40]byte
	return e, cutMsgpackName(e, scratch[:0])
}

// answerArgs is an ack of one value that another server sent.
func answerArgs(answer []byte) (Args, error) {
	if err := checkForeign(answer); err != nil {
		return Args{}, err
	}
	data := append([]byte{0x91}, answer...)
	return Args{event: &Event{parser: ParserMsgpack, typ: PacketAck, data: data, args: data[1:], nargs: 1}}, nil
}

// checkForeign accepts one whole value. What other servers send is bounded in
// bytes by the adapter.
func checkForeign(b []byte) error {
	l := mpcheck.Limits{Depth: mpcheck.MaxDepth, Items: len(b) + 1, Undefined: true, ExtBinary: true, Date: true}
	if err := mpcheck.Check(b, l); err != nil {
		return fmt.Errorf("sio: payload of another server: %w", err)
	}
	return nil
}
