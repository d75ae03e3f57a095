package sio

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// jsonWriter turns msgpack into JSON. Binary becomes a placeholder and an entry
// of parts, or base64 when nobody can take attachments.
type jsonWriter struct {
	dst    []byte
	parts  [][]byte
	base64 bool
}

// value appends the first value of b and returns what follows it. b is either
// checked or of our own making.
func (w *jsonWriter) value(b []byte, depth int) (rest []byte, err error) {
	if depth > 2*maxMarshal {
		return nil, errCycle
	}
	switch msgp.NextType(b) {
	case msgp.NilType:
		w.dst = append(w.dst, "null"...)
		return b[1:], nil
	case msgp.BoolType:
		w.dst = strconv.AppendBool(w.dst, b[0] == 0xc3)
		return b[1:], nil
	case msgp.StrType:
		s, rest, err := msgp.ReadStringZC(b)
		w.dst = appendQuoted(w.dst, s)
		return rest, err
	case msgp.ArrayType:
		return w.array(b, depth)
	case msgp.MapType:
		return w.object(b, depth)
	case msgp.IntType, msgp.UintType, msgp.Float32Type, msgp.Float64Type:
		return w.number(b)
	default:
		bin, at, rest, err := readBinaryOrDate(b)
		if err != nil {
			return nil, err
		}
		w.opaque(bin, at)
		return rest, nil
	}
}

func (w *jsonWriter) number(b []byte) ([]byte, error) {
	if msgp.NextType(b) == msgp.Float32Type {
		f, rest, err := msgp.ReadFloat32Bytes(b)
		if err == nil && isFinite(float64(f)) {
			w.dst = appendFloat(w.dst, float64(f), 32)
			return rest, nil
		}
		return nil, badPayload("number is not finite")
	}
	n, ok := readMsgpackNumber(b)
	if !ok || n.kind == kindFloat && !isFinite(n.float) {
		return nil, badPayload("number is not finite")
	}
	w.dst = n.appendJSON(w.dst)
	return msgp.Skip(b)
}

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

func (w *jsonWriter) array(b []byte, depth int) ([]byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, err
	}
	w.dst = append(w.dst, '[')
	for i := range n {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		if b, err = w.value(b, depth+1); err != nil {
			return nil, err
		}
	}
	w.dst = append(w.dst, ']')
	return b, nil
}

func (w *jsonWriter) object(b []byte, depth int) ([]byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, err
	}
	w.dst = append(w.dst, '{')
	for i := range n {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		var key []byte
		if key, b, err = msgp.ReadStringZC(b); err != nil {
			return nil, err
		}
		w.dst = append(appendQuoted(w.dst, key), ':')
		if b, err = w.value(b, depth+1); err != nil {
			return nil, err
		}
	}
	w.dst = append(w.dst, '}')
	return b, nil
}

// opaque appends a value that JSON has no type for.
func (w *jsonWriter) opaque(bin []byte, at time.Time) {
	switch {
	case bin == nil && at.IsZero():
		w.dst = append(w.dst, "null"...)
	case bin == nil:
		w.dst = append(w.dst, '"')
		w.dst = at.AppendFormat(w.dst, jsDate)
		w.dst = append(w.dst, '"')
	case w.base64:
		w.dst = append(w.dst, '"')
		w.dst = base64.StdEncoding.AppendEncode(w.dst, bin)
		w.dst = append(w.dst, '"')
	default:
		w.dst = append(w.dst, `{"_placeholder":true,"num":`...)
		w.dst = strconv.AppendInt(w.dst, int64(len(w.parts)), 10)
		w.dst = append(w.dst, '}')
		w.parts = append(w.parts, bin)
	}
}

// jsDate is how JavaScript writes a Date in JSON.
const jsDate = "2006-01-02T15:04:05.000Z"

// readBinaryOrDate reads what JSON lacks: bin and ext-0 binary as bytes that are
// never nil, a Date of notepack as a time, undefined as neither.
func readBinaryOrDate(b []byte) (bin []byte, at time.Time, rest []byte, err error) {
	switch c := b[0]; {
	case c >= 0xc4 && c <= 0xc6:
		bin, rest, err = msgp.ReadBytesZC(b)
		if bin == nil {
			bin = []byte{}
		}
		return bin, at, rest, err
	case c == 0xd4 && len(b) >= 3 && b[1] == 0:
		return nil, at, b[3:], nil
	case c == 0xd7 && len(b) >= 10 && b[1] == 0:
		ms := int64(binary.BigEndian.Uint64(b[2:]))
		return nil, time.UnixMilli(ms).UTC(), b[10:], nil
	case c >= 0xc7 && c <= 0xc9:
		bin, rest, err = readExtBinary(b)
		return bin, at, rest, err
	}
	return nil, at, nil, badPayload("unexpected extension")
}

// readExtBinary reads ext 8, 16 or 32 of type 0.
func readExtBinary(b []byte) (bin, rest []byte, err error) {
	width := 1 << (b[0] - 0xc7)
	if len(b) < 2+width || b[1+width] != 0 {
		return nil, nil, badPayload("unexpected extension")
	}
	n := 0
	for _, x := range b[1 : 1+width] {
		n = n<<8 | int(x)
	}
	b = b[2+width:]
	if n > len(b) {
		return nil, nil, badPayload("unexpected extension")
	}
	return b[:n:n], b[n:], nil
}

// appendQuoted appends s as a JSON string, escaping only what JSON requires and
// the two line separators that break JSONP.
func appendQuoted(dst, s []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r == '\u2028' || r == '\u2029' {
				dst = append(append(dst, s[from:i]...), `\u202`...)
				dst = append(dst, hex[r&0xf])
				from = i + n
			}
			i += n
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
