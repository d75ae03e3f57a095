package engine

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// Engine.IO v3, which Socket.IO v2 clients speak. Its packets are those of v4,
// but the client sends the pings, binary messages carry their type, and payloads
// have three encodings:
//
//	6:4hello                  text: length in UTF-16 units, colon, packet
//	10:b4AQIDBA==             binary in text: base64 behind b4
//	00 06 ff 34 ...           binary payload: 0 text or 1 binary, decimal digits of
//	                          the length in bytes, 255, packet

const (
	protocol3 = 3
	// payload3End ends the digits of a length in a binary payload.
	payload3End = 0xff
	// message3 is the type of a binary message.
	message3 = packetMessage - '0'
	// binary3 is what stands before a base64 message.
	binary3 = "b4"
)

// packet3 is one packet of a payload: a text packet with its type, or the data
// of a binary message.
type packet3 struct {
	data   []byte
	binary bool
}

// next3 cuts the first packet off a payload of text. It copies nothing, but it
// decodes base64 in place. The payload must be valid UTF-8.
func next3(payload []byte) (p packet3, rest []byte, ok bool) {
	units, rest, ok := length3(payload, '0', ':')
	if !ok {
		return packet3{}, nil, false
	}
	n, ok := unitsToBytes(rest, units)
	if !ok {
		return packet3{}, nil, false
	}
	p.data, rest = rest[:n], rest[n:]
	if p.data[0] != packetBinary {
		return p, rest, true
	}
	p.binary = true
	if n < len(binary3) || p.data[1] != packetMessage {
		return packet3{}, nil, false
	}
	p.data, ok = decodeBinary(p.data[len(binary3):])
	return p, rest, ok
}

// nextBinary3 cuts the first packet off a binary payload. It copies nothing.
func nextBinary3(payload []byte) (p packet3, rest []byte, ok bool) {
	if len(payload) == 0 || payload[0] > 1 {
		return packet3{}, nil, false
	}
	p.binary = payload[0] == 1
	n, rest, ok := length3(payload[1:], 0, payload3End)
	if !ok || n > len(rest) {
		return packet3{}, nil, false
	}
	p.data, rest = rest[:n], rest[n:]
	if !p.binary {
		return p, rest, utf8.Valid(p.data)
	}
	if p.data[0] != message3 {
		return packet3{}, nil, false
	}
	p.data = p.data[1:]
	return p, rest, true
}

// length3 reads a length of at least 1 in its one spelling, up to an end byte.
func length3(b []byte, zero, end byte) (n int, rest []byte, ok bool) {
	for i := 0; i < len(b) && i <= maxLengthDigits; i++ {
		if b[i] == end {
			return n, b[i+1:], n > 0
		}
		d := b[i] - zero
		if b[i] < zero || d > 9 || d == 0 && n == 0 {
			return 0, nil, false
		}
		n = n*10 + int(d)
	}
	return 0, nil, false
}

// unitsToBytes returns how many bytes of text make so many UTF-16 units, if
// there are so many and the last character is whole.
func unitsToBytes(text []byte, units int) (n int, ok bool) {
	for units > 0 && n < len(text) {
		if text[n] < utf8.RuneSelf {
			n++
			units--
			continue
		}
		_, size := utf8.DecodeRune(text[n:])
		n += size
		units -= unitsOf(size)
	}
	return n, units == 0
}

// unitsOf is how many UTF-16 units a character has that takes size bytes in
// UTF-8.
func unitsOf(size int) int {
	if size == utf8.UTFMax {
		return 2
	}
	return 1
}

// utf16Len is the length of text in UTF-16 units.
func utf16Len(text []byte) int {
	n := 0
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			n++
			continue
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
		n += unitsOf(size)
	}
	return n
}

// joinPayload3 joins as many packets from the front as one payload may hold, at
// least one. binaryOK says that the client reads binary payloads; there is one
// if a packet in it is binary.
func joinPayload3(packets []packet, maxBytes int, binaryOK bool) (payload []byte, isBinary bool, taken int) {
	size := 0
	for taken < len(packets) && taken < maxPayloadPackets {
		if taken > 0 && packets[taken].typ == packetClose && packets[taken-1].message() {
			break // as in joinPayload
		}
		// No encoding adds more to the packet than a length.
		if size += packets[taken].encodedLen() + maxLengthDigits + 2; taken > 0 && size > maxBytes {
			break
		}
		isBinary = isBinary || binaryOK && packets[taken].typ == packetBinary
		taken++
	}
	for _, p := range packets[:taken] {
		if isBinary {
			payload = p.appendBinary3(payload)
		} else {
			payload = p.append3(payload)
		}
	}
	return payload, isBinary, taken
}

// append3 appends the packet as it stands in a payload of text.
func (p packet) append3(dst []byte) []byte {
	if p.typ == packetBinary {
		dst = strconv.AppendInt(dst, int64(len(binary3)+base64.StdEncoding.EncodedLen(len(p.data))), 10)
		dst = append(append(dst, ':'), binary3...)
		return base64.StdEncoding.AppendEncode(dst, p.data)
	}
	dst = strconv.AppendInt(dst, int64(1+utf16Len(p.data)), 10)
	return append(append(dst, ':', p.typ), p.data...)
}

// appendBinary3 appends the packet as it stands in a binary payload.
func (p packet) appendBinary3(dst []byte) []byte {
	kind, typ := byte(0), p.typ
	if p.typ == packetBinary {
		kind, typ = 1, message3
	}
	dst = append(dst, kind)
	at := len(dst)
	dst = strconv.AppendInt(dst, int64(1+len(p.data)), 10)
	for i := at; i < len(dst); i++ {
		dst[i] -= '0'
	}
	return append(append(dst, payload3End, typ), p.data...)
}

// appendMessage3 appends a message as a WebSocket frame of v3.
func appendMessage3(dst, data []byte, isBinary, asText bool) []byte {
	switch {
	case !isBinary:
		return appendMessage(dst, data, false)
	case asText:
		dst = appendHeader(dst, opText, len(binary3)+base64.StdEncoding.EncodedLen(len(data)))
		return base64.StdEncoding.AppendEncode(append(dst, binary3...), data)
	default:
		dst = appendHeader(dst, opBinary, len(data)+1)
		return append(append(dst, message3), data...)
	}
}
