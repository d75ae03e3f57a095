package sio

import (
	"math"

	"github.com/tinylib/msgp/msgp"

	"gameserver/internal/mpcheck"
)

// A packet of the msgpack parser is a map with the keys type, nsp, and where
// they apply data and id. Clients add options; unknown keys are skipped. Absent,
// undefined (d4 00 00) and nil mean the same. The rules for the payload are
// those of the default parser: the reference checks less here and lets clients
// spoof its own events.

type packetKeys uint8

const (
	keyType packetKeys = 1 << iota
	keyNamespace
	keyData
	keyID
)

// parseMsgpack fills e from a packet that mpcheck accepted.
func parseMsgpack(e *Event, b []byte, scratch []byte) error {
	*e = Event{parser: ParserMsgpack}
	if t := msgp.NextType(b); t != msgp.MapType {
		return protocolError("packet is not a map")
	}
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return protocolError("malformed msgpack")
	}
	var seen packetKeys
	for range n {
		key, rest, err := msgp.ReadStringZC(b)
		if err != nil {
			return protocolError("malformed msgpack")
		}
		after, err := mpcheck.Skip(rest)
		if err != nil {
			return protocolError("malformed msgpack")
		}
		k, err := packetField(e, key, rest[:len(rest)-len(after)])
		if err != nil {
			return err
		}
		if seen&k != 0 {
			return protocolError("duplicate key")
		}
		seen |= k
		b = after
	}
	if seen&keyType == 0 || seen&keyNamespace == 0 {
		return protocolError("missing key")
	}
	return msgpackPayload(e, scratch)
}

func packetField(e *Event, key, value []byte) (packetKeys, error) {
	switch string(key) {
	case "type":
		n, ok := readUint(value, uint64(PacketConnectError))
		if !ok {
			return 0, protocolError("unknown packet type")
		}
		e.typ = PacketType(n)
		return keyType, nil
	case "nsp":
		nsp, _, err := msgp.ReadStringZC(value)
		if err != nil || len(nsp) == 0 || len(nsp) > maxNamespace {
			return 0, protocolError("invalid namespace")
		}
		e.nsp = nsp
		return keyNamespace, nil
	case "data":
		if !isNone(value) {
			e.data = value
		}
		return keyData, nil
	case "id":
		if !isNone(value) {
			n, ok := readUint(value, maxAckID)
			if !ok {
				return 0, protocolError("illegal ack id")
			}
			e.id, e.hasID = uint32(n), true
		}
		return keyID, nil
	}
	return 0, nil
}

// readUint reads an integer of at most most.
func readUint(b []byte, most uint64) (uint64, bool) {
	if t := msgp.NextType(b); t != msgp.IntType && t != msgp.UintType {
		return 0, false
	}
	n, _, err := msgp.ReadUint64Bytes(b)
	return n, err == nil && n <= most
}

// isNone reports whether the value is nil or undefined.
func isNone(b []byte) bool {
	return b[0] == 0xc0 || b[0] == 0xd4
}

// msgpackPayload judges the payload of e.
func msgpackPayload(e *Event, scratch []byte) error {
	none := len(e.data) == 0
	var t msgp.Type
	if !none {
		t = msgp.NextType(e.data)
	}
	switch e.typ {
	case PacketConnect:
		return valid((none || t == msgp.MapType) && !e.hasID)
	case PacketDisconnect:
		return valid(none && !e.hasID)
	case PacketConnectError:
		return valid((t == msgp.MapType || t == msgp.StrType) && !e.hasID)
	default: // events and acks
	}
	if t != msgp.ArrayType {
		return protocolError("invalid payload")
	}
	n, args, err := msgp.ReadArrayHeaderBytes(e.data)
	if err != nil {
		return protocolError("malformed msgpack")
	}
	e.args, e.nargs = args, int(n)
	if e.typ == PacketAck {
		return valid(e.hasID)
	}
	if n == 0 {
		return protocolError("invalid payload")
	}
	return cutMsgpackName(e, scratch)
}

// cutMsgpackName takes the event's name off the front of its arguments.
func cutMsgpackName(e *Event, scratch []byte) error {
	if msgp.NextType(e.args) == msgp.StrType {
		name, rest, err := msgp.ReadStringZC(e.args)
		if err != nil {
			return protocolError("malformed msgpack")
		}
		e.name, e.args = name, rest
	} else {
		num, ok := readMsgpackNumber(e.args)
		if !ok || math.IsNaN(num.float) || math.IsInf(num.float, 0) {
			return protocolError("invalid event name")
		}
		e.name = num.appendJSON(scratch)
		e.args, _ = mpcheck.Skip(e.args) // checked
	}
	e.nargs--
	return checkName(e.name)
}
