package engine

import (
	"encoding/binary"
	"math"
)

// WebSocket opcodes.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA

	bitFin  = 0x80
	bitsRSV = 0x70
	bitMask = 0x80

	// lengths up to maxControlPayload are in the second byte; these two say
	// that 2 or 8 bytes follow.
	len16 = 126
	len64 = 127
)

// appendHeader appends the header of one whole server frame, which is unmasked.
func appendHeader(dst []byte, op byte, n int) []byte {
	dst = append(dst, bitFin|op)
	switch {
	case n <= maxControlPayload:
		return append(dst, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, len16), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, len64), uint64(n))
	}
}

// appendMessage appends an Engine.IO message as a WebSocket frame: text carries
// its packet type, binary is bare.
func appendMessage(dst, data []byte, isBinary bool) []byte {
	if isBinary {
		return append(appendHeader(dst, opBinary, len(data)), data...)
	}
	dst = appendHeader(dst, opText, len(data)+1)
	return append(append(dst, packetMessage), data...)
}

// appendControl appends a text frame with a packet that is no message.
func appendControl(dst []byte, typ byte, data string) []byte {
	dst = appendHeader(dst, opText, len(data)+1)
	return append(append(dst, typ), data...)
}

// appendClose appends a close frame; a code of 0 sends none. The text is always
// one of ours.
func appendClose(dst []byte, code uint16, text string) []byte {
	if code == 0 {
		return appendHeader(dst, opClose, 0)
	}
	text = text[:min(len(text), maxCloseReason)]
	dst = appendHeader(dst, opClose, 2+len(text))
	return append(binary.BigEndian.AppendUint16(dst, code), text...)
}
