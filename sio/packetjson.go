package sio

import (
	"bytes"
	"strconv"
)

// A packet of the default parser is a text:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<payload>]
//
// The namespace is left out for "/"; its comma may be missing when nothing
// follows. Verdicts follow socket.io-parser 4.2.7, and are stricter where that
// accepts packets no client sends: an event without payload, an ack without id,
// an id on other packets.

// attachmentsOf returns the number of attachments that the header announces.
func attachmentsOf(b []byte, most int) (int, error) {
	if len(b) == 0 || b[0] != '0'+packetBinaryEvent && b[0] != '0'+packetBinaryAck {
		return 0, nil
	}
	digits := scanDigits(b[1:])
	if digits == 0 || digits > 2 || len(b) <= 1+digits || b[1+digits] != '-' {
		return 0, protocolError("illegal attachments")
	}
	n, err := strconv.Atoi(string(b[1 : 1+digits]))
	if err != nil || n < 1 || b[1] == '0' {
		return 0, protocolError("illegal attachments")
	}
	if n > most {
		return 0, protocolError("too many attachments")
	}
	return n, nil
}

// parseJSON fills e from a text packet that announces n attachments. Names that
// do not stand in b as they are get written to scratch.
func parseJSON(e *Event, b []byte, n int, l Limits, scratch []byte) error {
	*e = Event{parser: ParserJSON}
	if len(b) == 0 || b[0] < '0' || b[0] > '0'+packetBinaryAck {
		return protocolError("unknown packet type")
	}
	e.typ = PacketType(b[0] - '0')
	b = b[1:]
	if n > 0 {
		e.typ -= packetBinaryEvent - PacketEvent
		b = b[bytes.IndexByte(b, '-')+1:]
	}
	b, err := cutNamespace(e, b)
	if err != nil {
		return err
	}
	if b, err = cutID(e, b); err != nil {
		return err
	}
	if len(b) == 0 {
		return emptyPayload(e)
	}
	c := jsonCheck{b: b, depth: l.Depth, items: l.Items, attach: n}
	if err := c.run(); err != nil {
		return err
	}
	e.data, e.nargs = wellFormed(b), c.top
	return jsonPayload(e, scratch)
}

func cutNamespace(e *Event, b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != '/' {
		return b, nil // no name means "/"
	}
	name, rest, _ := bytes.Cut(b, []byte{','})
	if len(name) > maxNamespace {
		return nil, protocolError("namespace too long")
	}
	e.nsp = name
	return rest, nil
}

func cutID(e *Event, b []byte) ([]byte, error) {
	n := scanDigits(b)
	if n == 0 {
		return b, nil
	}
	id, err := strconv.ParseUint(string(b[:min(n, 11)]), 10, 64)
	if err != nil || n > 10 || id > maxAckID || n > 1 && b[0] == '0' {
		return nil, protocolError("illegal ack id")
	}
	e.id, e.hasID = uint32(id), true
	return b[n:], nil
}

func emptyPayload(e *Event) error {
	if e.hasID || e.typ != PacketConnect && e.typ != PacketDisconnect {
		return protocolError("invalid payload")
	}
	return nil
}

// jsonPayload judges the payload of e, which is valid JSON.
func jsonPayload(e *Event, scratch []byte) error {
	first := trimSeparators(e.data)[0]
	switch e.typ {
	case PacketConnect:
		return valid(first == '{' && !e.hasID)
	case PacketConnectError:
		return valid((first == '{' || first == '"') && !e.hasID)
	case PacketAck:
		e.args = trimSeparators(e.data)[1:]
		return valid(first == '[' && e.hasID)
	case PacketEvent:
		if first != '[' || e.nargs == 0 {
			return protocolError("invalid payload")
		}
		return cutJSONName(e, scratch)
	default:
		return protocolError("invalid payload")
	}
}

func valid(ok bool) error {
	if !ok {
		return protocolError("invalid payload")
	}
	return nil
}

// cutJSONName takes the event's name off the front of its payload.
func cutJSONName(e *Event, scratch []byte) error {
	b := trimSeparators(trimSeparators(e.data)[1:])
	rest := skipJSON(b)
	lit := b[:len(b)-len(rest)]
	switch {
	case lit[0] != '"' && lit[0] != '-' && (lit[0] < '0' || lit[0] > '9'):
		return protocolError("invalid event name")
	case lit[0] != '"':
		num, ok := readNumber(lit)
		if !ok {
			return protocolError("invalid event name")
		}
		e.name = num.appendJSON(scratch)
	case bytes.IndexByte(lit, '\\') >= 0:
		e.name = appendUnescaped(nil, lit[1:len(lit)-1])
	default:
		e.name = lit[1 : len(lit)-1]
	}
	e.args = rest
	e.nargs--
	return checkName(e.name)
}

func checkName(name []byte) error {
	if len(name) == 0 || len(name) > maxEventName || reserved(string(name)) {
		return protocolError("invalid event name")
	}
	return nil
}
