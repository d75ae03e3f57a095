package sio

import (
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// number is a number from the wire. The two encodings disagree about what is an
// integer, so both are read into this form first: an integer when the value is
// one and fits, a float otherwise.
type number struct {
	kind  numberKind
	int   int64   // of kindInt: negative
	uint  uint64  // of kindUint
	float float64 // of kindFloat
}

type numberKind uint8

const (
	kindUint numberKind = iota
	kindInt
	kindFloat
)

// exactInt is the first integer of which floats cannot tell the neighbours.
const exactInt = 1 << 53

// numberOf is f as a number. Whole floats are integers, as in JavaScript; -0
// stays a float.
func numberOf(f float64) number {
	if f != math.Trunc(f) || f <= -exactInt || f >= exactInt || f == 0 && math.Signbit(f) {
		return number{kind: kindFloat, float: f}
	}
	if f < 0 {
		return number{kind: kindInt, int: int64(f)}
	}
	return number{uint: uint64(f)}
}

// readNumber reads a JSON number that the check accepted. It fails when the
// value is beyond the range of a float.
func readNumber(lit []byte) (number, bool) {
	if len(lit) == 0 {
		return number{}, false
	}
	if n := len(lit); n <= 20 && scanDigits(lit[1:]) == n-1 {
		switch {
		case lit[0] != '-':
			if u, err := strconv.ParseUint(string(lit), 10, 64); err == nil {
				return number{uint: u}, true
			}
		case string(lit) != "-0":
			if i, err := strconv.ParseInt(string(lit), 10, 64); err == nil {
				return number{kind: kindInt, int: i}, true
			}
		}
	}
	f, err := strconv.ParseFloat(string(lit), 64)
	return numberOf(f), err == nil
}

// readMsgpackNumber reads the number at the start of b. NaN and infinities are
// floats.
func readMsgpackNumber(b []byte) (number, bool) {
	switch msgp.NextType(b) {
	case msgp.UintType:
		u, _, err := msgp.ReadUint64Bytes(b)
		return number{uint: u}, err == nil
	case msgp.IntType:
		i, _, err := msgp.ReadInt64Bytes(b)
		if i >= 0 {
			return number{uint: uint64(i)}, err == nil
		}
		return number{kind: kindInt, int: i}, err == nil
	case msgp.Float64Type:
		f, _, err := msgp.ReadFloat64Bytes(b)
		return numberOf(f), err == nil
	case msgp.Float32Type:
		f, _, err := msgp.ReadFloat32Bytes(b)
		return numberOf(float64(f)), err == nil
	default:
		return number{}, false
	}
}

// appendMsgpack appends n in its smallest form.
func (n number) appendMsgpack(dst []byte) []byte {
	switch n.kind {
	case kindUint:
		return msgp.AppendUint64(dst, n.uint)
	case kindInt:
		return msgp.AppendInt64(dst, n.int)
	default:
		return msgp.AppendFloat64(dst, n.float)
	}
}

// appendJSON appends n as JavaScript prints it. n is finite.
func (n number) appendJSON(dst []byte) []byte {
	switch n.kind {
	case kindUint:
		return strconv.AppendUint(dst, n.uint, 10)
	case kindInt:
		return strconv.AppendInt(dst, n.int, 10)
	default:
		return appendFloat(dst, n.float, 64)
	}
}

// appendFloat appends a finite f with the fewest digits that read back as f at
// the given width, in the notation of JavaScript.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if f == 0 {
		return append(dst, '0') // -0 too
	}
	if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	// e-07 is written e-7
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
