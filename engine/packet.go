package engine

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// Engine.IO packet types, as they are on the wire.
const (
	packetOpen    = '0'
	packetClose   = '1'
	packetPing    = '2'
	packetPong    = '3'
	packetMessage = '4'
	packetUpgrade = '5'
	packetNoop    = '6'
	// packetBinary marks a base64 message of the polling transport.
	packetBinary = 'b'
	// separator stands between the packets of a payload. It is not escaped.
	separator = 0x1e

	probe = "probe"
)

// packet is one outgoing packet of the polling transport.
type packet struct {
	typ  byte // packetBinary for a binary message
	data []byte
}

// encodedLen is the length of the packet in a payload.
func (p packet) encodedLen() int {
	if p.typ == packetBinary {
		return 1 + base64.StdEncoding.EncodedLen(len(p.data))
	}
	return 1 + len(p.data)
}

// cost is what the packet counts for while it waits.
func (p packet) cost() int { return p.encodedLen() + packetOverhead }

func (p packet) message() bool { return p.typ == packetMessage || p.typ == packetBinary }

// appendTo appends the packet as it stands in a payload.
func (p packet) appendTo(dst []byte) []byte {
	dst = append(dst, p.typ)
	if p.typ == packetBinary {
		return base64.StdEncoding.AppendEncode(dst, p.data)
	}
	return append(dst, p.data...)
}

// joinPayload joins as many packets from the front as one payload may hold, at
// least one, and returns how many those are. A close packet does not share one
// with a message before it: the official client obeys it before it has acted on
// that message, which may tell it to stay away.
func joinPayload(packets []packet, maxBytes int) (payload []byte, taken int) {
	for i, p := range packets {
		if i == maxPayloadPackets || i > 0 && (p.typ == packetClose && packets[i-1].message() || len(payload)+1+p.encodedLen() > maxBytes) {
			return payload, i
		}
		if i > 0 {
			payload = append(payload, separator)
		}
		payload = p.appendTo(payload)
	}
	return payload, len(packets)
}

// nextPacket cuts the first packet off a payload. It copies nothing.
func nextPacket(payload []byte) (first, rest []byte, more bool) {
	return bytes.Cut(payload, []byte{separator})
}

// decodeBinary decodes a base64 message over its own text, so that nothing is
// allocated.
func decodeBinary(text []byte) ([]byte, bool) {
	// The decoder skips line breaks; here they would be a second spelling.
	if bytes.ContainsAny(text, "\r\n") {
		return nil, false
	}
	n, err := base64.StdEncoding.Strict().Decode(text, text)
	return text[:n], err == nil
}

// checkPayload judges what can be judged before the first packet is delivered.
func checkPayload(body []byte) Reason {
	if !utf8.Valid(body) {
		return ReasonBadUTF8
	}
	if bytes.Count(body, []byte{separator}) >= maxPostPackets {
		return ReasonFlood
	}
	return 0
}
