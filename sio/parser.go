package sio

// Parser is the encoding of Socket.IO packets on one connection.
type Parser uint8

// The parsers. ParserAuto is the zero value: decide from the first message.
const (
	ParserAuto    Parser = iota
	ParserJSON           // socket.io-parser, the default of every client: text, and binary attachments
	ParserMsgpack        // socket.io-msgpack-parser: one binary message per packet

	numParsers = iota
)

// String returns "auto", "json" or "msgpack".
func (p Parser) String() string {
	switch p {
	case ParserJSON:
		return "json"
	case ParserMsgpack:
		return "msgpack"
	default:
		return "auto"
	}
}

// detectors are the parsers in the order in which they are asked whether a
// connection that starts with this message is theirs.
func detectors() [2]struct {
	parser Parser
	detect func(first []byte, binary bool) bool
} {
	return [2]struct {
		parser Parser
		detect func(first []byte, binary bool) bool
	}{
		// A client of the default parser cannot start with binary: attachments
		// follow a text. One that starts with text but no digit is refused by
		// the decoder, as is everything but a CONNECT.
		{ParserJSON, func(_ []byte, binary bool) bool { return !binary }},
		{ParserMsgpack, func(first []byte, binary bool) bool {
			return binary && len(first) > 0 && (first[0]&0xf0 == 0x80 || first[0] == 0xde || first[0] == 0xdf)
		}},
	}
}

// detect returns the parser of a connection that starts with this message.
func detect(first []byte, binary bool) (Parser, bool) {
	for _, d := range detectors() {
		if d.detect(first, binary) {
			return d.parser, true
		}
	}
	return ParserAuto, false
}

// PacketType is the type of a Socket.IO packet. Binary events and acks have the
// type of their plain form: attachments are a matter of the encoding.
type PacketType uint8

// The packet types and their numbers on the wire.
const (
	PacketConnect      PacketType = 0
	PacketDisconnect   PacketType = 1
	PacketEvent        PacketType = 2
	PacketAck          PacketType = 3
	PacketConnectError PacketType = 4

	packetBinaryEvent = 5
	packetBinaryAck   = 6
)

// reserved reports whether name must not be used for an event, in either
// direction: clients and servers give it a meaning of its own.
func reserved(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
