package client

import (
	"encoding/base64"
	"encoding/binary"
)

// Engine.IO packet types.
const (
	packetOpen    = '0'
	packetClose   = '1'
	packetPing    = '2'
	packetPong    = '3'
	packetMessage = '4'
	packetUpgrade = '5'
	packetNoop    = '6'
)

// separator stands between the packets of a polling payload.
const separator = 0x1e

// recordHead is the cost of one message in an outbox, besides its bytes.
const recordHead = 6

// outbox holds messages in order, in one buffer, until a transport takes them.
type outbox struct {
	buf []byte // records: type, 1 if binary, uint32 length, data
}

func (o *outbox) empty() bool { return len(o.buf) == 0 }

// fits reports whether size more bytes stay within limit.
func (o *outbox) fits(size, limit int) bool { return size <= limit-len(o.buf) }

func (o *outbox) add(typ byte, data []byte, bin bool) {
	flag := byte(0)
	if bin {
		flag = 1
	}
	o.buf = append(o.buf, typ, flag)
	o.buf = binary.BigEndian.AppendUint32(o.buf, uint32(len(data))) //nolint:gosec // bounded by MaxBuffered
	o.buf = append(o.buf, data...)
}

// reset empties the outbox and keeps a small buffer.
func (o *outbox) reset() {
	if cap(o.buf) > keepMax {
		o.buf = nil
		return
	}
	o.buf = o.buf[:0]
}

// next splits the first record off buf.
func next(buf []byte) (typ byte, data []byte, bin bool, rest []byte) {
	n := recordHead + int(binary.BigEndian.Uint32(buf[2:]))
	return buf[0], buf[recordHead:n], buf[1] == 1, buf[n:]
}

// appendPayload appends packets from records to a polling payload until the
// next one would make it longer than limit, or one too many. It takes at least
// one. A limit of 0 is none.
func appendPayload(dst, records []byte, limit int) (payload, rest []byte) {
	for n := 0; len(records) > 0 && n < payloadPackets; n++ {
		typ, data, bin, after := next(records)
		size := 1 + len(data)
		if bin {
			size = 1 + base64.StdEncoding.EncodedLen(len(data))
		}
		if n > 0 {
			if limit > 0 && len(dst)+1+size > limit {
				break
			}
			dst = append(dst, separator)
		}
		if bin {
			dst = append(dst, 'b')
			dst = base64.StdEncoding.AppendEncode(dst, data)
		} else {
			dst = append(dst, typ)
			dst = append(dst, data...)
		}
		records = after
	}
	return dst, records
}
