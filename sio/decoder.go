package sio

import (
	"bytes"

	"gameserver/internal/mpcheck"
)

// Decoder turns the engine messages of one connection into packets. It decides
// the parser from the first message unless it was given one, and from then on
// refuses messages of the other kind. It is used by the connection's reader
// alone, keeps no clock and starts nothing.
//
// Every error it returns wraps [ErrProtocol], or [ErrTooLarge] for attachments
// beyond their bound, and ends the connection: the decoder must not be used
// again.
type Decoder struct {
	lim    *Limits // of all connections
	ev     Event
	parser Parser
	owed   int // attachments still missing
	bytes  int // bytes of those that came
	name   [40]byte
}

// NewDecoder returns a decoder for a connection. With ParserAuto the first
// message decides.
func NewDecoder(p Parser, l Limits) *Decoder {
	l = l.withDefaults()
	return newDecoder(p, &l)
}

func newDecoder(p Parser, l *Limits) *Decoder { return &Decoder{parser: p, lim: l} }

// Owed returns the number of attachments that must come before anything else.
func (d *Decoder) Owed() int { return d.owed }

// Decode takes the next engine message. It returns nil without an error when
// the packet is not complete yet. The packet is valid until the next call.
func (d *Decoder) Decode(data []byte, binary bool) (*Event, error) {
	if d.parser == ParserAuto {
		p, ok := detect(data, binary)
		if !ok {
			return nil, protocolError("unknown parser")
		}
		d.parser = p
	}
	if d.parser == ParserMsgpack {
		return d.msgpack(data, binary)
	}
	return d.json(data, binary)
}

func (d *Decoder) json(data []byte, binary bool) (*Event, error) {
	switch {
	case binary && d.owed == 0:
		return nil, protocolError("binary without header")
	case binary:
		return d.attach(data)
	case d.owed > 0:
		return nil, protocolError("text instead of attachment")
	}
	n, err := attachmentsOf(data, d.lim.Attachments)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		data = bytes.Clone(data) // it has to outlive this message
	}
	if err := parseJSON(&d.ev, data, n, *d.lim, d.name[:0]); err != nil {
		return nil, err
	}
	if n > 0 {
		d.ev.parts = make([][]byte, 0, n)
		d.owed, d.bytes = n, 0
		return nil, nil //nolint:nilnil // the packet is not complete yet
	}
	return &d.ev, nil
}

func (d *Decoder) attach(data []byte) (*Event, error) {
	if d.bytes += len(data); d.bytes > d.lim.AttachmentBytes {
		return nil, ErrTooLarge
	}
	d.ev.parts = append(d.ev.parts, bytes.Clone(data))
	if d.owed--; d.owed > 0 {
		return nil, nil //nolint:nilnil // the packet is not complete yet
	}
	return &d.ev, nil
}

func (d *Decoder) msgpack(data []byte, binary bool) (*Event, error) {
	if !binary {
		return nil, protocolError("text on a msgpack connection")
	}
	if err := mpcheck.Check(data, d.lim.packet()); err != nil {
		return nil, protocolError("malformed msgpack")
	}
	if err := parseMsgpack(&d.ev, data, d.name[:0]); err != nil {
		return nil, err
	}
	return &d.ev, nil
}
