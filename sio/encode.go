package sio

import (
	"bytes"
	"strconv"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"gameserver/engine"
)

// Header is the part of a packet that is not its payload.
type Header struct {
	Type      PacketType
	Namespace string // "" means "/"
	ID        uint32 // meaningful when HasID
	HasID     bool
}

// Encode returns a packet as engine messages, to be sent with
// [engine.Conn.SendAll] so that nothing gets between a header and its
// attachments. For an EVENT the first argument is the name; a CONNECT or
// CONNECT_ERROR has one argument or none; a DISCONNECT none.
//
// The error says that an argument cannot be encoded.
func Encode(p Parser, h Header, args ...any) ([]engine.Message, error) {
	payload, err := encodePayload(h, args)
	if err != nil {
		return nil, err
	}
	return assemble(p, h, payload)
}

// encodePayload returns the payload of a packet in msgpack, nil for none.
func encodePayload(h Header, args []any) ([]byte, error) {
	var buf bytes.Buffer
	switch h.Type {
	case PacketEvent, PacketAck:
		buf.Write(msgp.AppendArrayHeader(nil, uint32(len(args))))
	default:
		args = args[:min(len(args), 1)]
	}
	for _, a := range args {
		if err := appendValue(&buf, a); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), nil
}

// encodeEvent is encodePayload for an event.
func encodeEvent(event string, args []any) ([]byte, error) {
	if reserved(event) {
		return nil, ErrReserved
	}
	var buf bytes.Buffer
	buf.Write(msgp.AppendString(msgp.AppendArrayHeader(nil, uint32(1+len(args))), event))
	for _, a := range args {
		if err := appendValue(&buf, a); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), nil
}

// assemble puts the header in front of a payload in msgpack.
func assemble(p Parser, h Header, payload []byte) ([]engine.Message, error) {
	if h.Namespace == "" {
		h.Namespace = "/"
	}
	if p == ParserMsgpack {
		b := appendEnvelope(make([]byte, 0, 64+len(payload)), h, payload != nil)
		return []engine.Message{{Data: append(b, payload...), Binary: true}}, nil
	}
	var w jsonWriter
	if payload != nil {
		if _, err := w.value(payload, 0); err != nil {
			return nil, err
		}
	}
	typ := h.Type
	if len(w.parts) > 0 && (typ == PacketEvent || typ == PacketAck) {
		typ += packetBinaryEvent - PacketEvent
	}
	b := append(make([]byte, 0, 32+len(h.Namespace)+len(w.dst)), '0'+byte(typ))
	if typ >= packetBinaryEvent {
		b = append(strconv.AppendInt(b, int64(len(w.parts)), 10), '-')
	}
	if h.Namespace != "/" {
		b = append(append(b, h.Namespace...), ',')
	}
	if h.HasID {
		b = strconv.AppendUint(b, uint64(h.ID), 10)
	}
	msgs := append(make([]engine.Message, 0, 1+len(w.parts)), engine.Message{Data: append(b, w.dst...)})
	for _, part := range w.parts {
		msgs = append(msgs, engine.Message{Data: part, Binary: true})
	}
	return msgs, nil
}

// appendEnvelope appends a msgpack packet up to its payload, which comes last
// so that it can be appended without knowing its length.
func appendEnvelope(dst []byte, h Header, payload bool) []byte {
	n := byte(2)
	if h.HasID {
		n++
	}
	if payload {
		n++
	}
	dst = append(dst, 0x80|n, 0xa4, 't', 'y', 'p', 'e', byte(h.Type))
	if h.HasID {
		dst = msgp.AppendUint64(append(dst, 0xa2, 'i', 'd'), uint64(h.ID))
	}
	dst = msgp.AppendString(append(dst, 0xa3, 'n', 's', 'p'), h.Namespace)
	if payload {
		dst = append(dst, 0xa4, 'd', 'a', 't', 'a')
	}
	return dst
}

// frames is one packet, encoded for each parser at most once.
type frames struct {
	h       Header
	payload []byte
	once    [numParsers]sync.Once
	msgs    [numParsers][]engine.Message
	err     [numParsers]error
	seen    sync.Once
	own     *Event // the event for catch-alls
}

func (f *frames) of(p Parser) ([]engine.Message, error) {
	f.once[p].Do(func() { f.msgs[p], f.err[p] = assemble(p, f.h, f.payload) })
	return f.msgs[p], f.err[p]
}

// AppendHead appends everything that precedes the single argument of an EVENT
// packet of this socket. The argument follows in the encoding of
// [Socket.Parser], then what [Socket.AppendTail] appends.
func (s *Socket) AppendHead(dst []byte, event string) []byte {
	if s.conn.parser == ParserMsgpack {
		dst = appendEnvelope(dst, Header{Type: PacketEvent, Namespace: s.nsp.name}, true)
		return msgp.AppendString(append(dst, 0x92), event)
	}
	dst = append(dst, '0'+byte(PacketEvent))
	if s.nsp.name != "/" {
		dst = append(append(dst, s.nsp.name...), ',')
	}
	dst = appendQuotedString(append(dst, '['), event)
	return append(dst, ',')
}

// AppendTail appends everything that follows the argument.
func (s *Socket) AppendTail(dst []byte) []byte {
	if s.conn.parser == ParserMsgpack {
		return dst
	}
	return append(dst, ']')
}

// appendQuotedString is appendQuoted for event names, which rarely need it.
func appendQuotedString(dst []byte, s string) []byte {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x80 || s[i] == '"' || s[i] == '\\' {
			return appendQuoted(dst, []byte(s))
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

// SendPacket sends one whole packet built with AppendHead and AppendTail. It
// copies packet and allocates nothing.
func (s *Socket) SendPacket(packet []byte) error {
	if !s.connected() {
		return ErrNotConnected
	}
	s.unnumbered()
	if s.out.busy.Load() {
		msg := engine.Message{Data: bytes.Clone(packet), Binary: s.conn.parser == ParserMsgpack}
		outcome, err := s.put([]engine.Message{msg}, Offer{})
		if err == nil && outcome == Dropped {
			err = ErrDropped
		}
		return err
	}
	return s.conn.link.Send(packet, s.conn.parser == ParserMsgpack)
}

// SendPacketLatest sends packet only if nothing waits ahead of it, and reports
// whether it did.
func (s *Socket) SendPacketLatest(packet []byte) bool {
	s.unnumbered()
	return s.connected() && !s.out.busy.Load() && s.conn.link.SendLatest(packet, s.conn.parser == ParserMsgpack)
}
