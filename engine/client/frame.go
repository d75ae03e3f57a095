package client

import "encoding/binary"

// WebSocket opcodes that the client writes.
const (
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPong   = 10
)

// noPrefix means that a frame carries no Engine.IO packet type.
const noPrefix = 0

// appendFrame appends one final, masked WebSocket frame. A prefix other than
// noPrefix becomes the first byte of the payload.
func appendFrame(dst []byte, op, prefix byte, data []byte, key uint32) []byte {
	n := len(data)
	if prefix != noPrefix {
		n++
	}
	dst = append(dst, 0x80|op)
	switch {
	case n <= 125:
		dst = append(dst, 0x80|byte(n))
	case n <= 0xffff:
		dst = append(dst, 0x80|126, byte(n>>8), byte(n))
	default:
		dst = append(dst, 0x80|127)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n))
	}
	dst = binary.LittleEndian.AppendUint32(dst, key)
	start := len(dst)
	if prefix != noPrefix {
		dst = append(dst, prefix)
	}
	dst = append(dst, data...)
	mask(dst[start:], key)
	return dst
}

// mask applies a masking key, in the byte order appendFrame writes it, to b.
func mask(b []byte, key uint32) {
	k := uint64(key) | uint64(key)<<32
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^k)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(k >> (8 * i))
	}
}
