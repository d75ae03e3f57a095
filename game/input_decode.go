package game

import (
	"encoding/binary"
	"math"
	"reflect"
	"unsafe"
)

// decode reads a msgpack map into the zeroed struct at p. It trusts nothing
// about the bytes, allocates only to refuse, and goes as deep as the type.
func (c *codec) decode(value []byte, p unsafe.Pointer) error {
	r := reader{b: value}
	if err := r.object(c.fields, p); err != nil {
		return err
	}
	if len(r.b) != 0 {
		return refuse("there is more after the value")
	}
	return nil
}

// reader consumes msgpack from the front of b.
type reader struct{ b []byte }

func refuse(msg string) *Error { return &Error{Code: CodeBadPayload, Msg: msg} }

// within adds a field to the front of a refusal's path.
func (e *Error) within(name string) *Error {
	if e.Path == "" {
		e.Path = name
	} else {
		e.Path = name + "." + e.Path
	}
	return e
}

func (r *reader) object(fields []inputField, p unsafe.Pointer) *Error {
	n, ok := r.mapLen()
	if !ok {
		return refuse("it is not an object")
	}
	if n > len(fields) {
		return refuse("it has more fields than there are")
	}
	var seen uint64
	next := 0 // senders usually keep the order of the last time
	for range n {
		key, ok := r.str()
		if !ok {
			return refuse("a key is not a string")
		}
		i := lookup(fields, key, next)
		if i < 0 {
			return refuse("unknown field").within(printable(key))
		}
		f := &fields[i]
		if seen&(1<<i) != 0 {
			return refuse("it is there twice").within(f.name)
		}
		seen |= 1 << i
		next = i + 1
		if err := r.field(f, p); err != nil {
			return err
		}
	}
	return nil
}

// lookup finds a field by wire name, trying from next on first.
func lookup(fields []inputField, key []byte, next int) int {
	for k := range fields {
		i := next + k
		if i >= len(fields) {
			i -= len(fields)
		}
		if fields[i].name == string(key) {
			return i
		}
	}
	return -1
}

// printable is a key that a client made up, in a form that can be told back.
func printable(key []byte) string {
	out := make([]byte, 0, 32)
	for _, c := range key[:min(len(key), 32)] {
		if c < ' ' || c > '~' {
			c = '?'
		}
		out = append(out, c)
	}
	return string(out)
}

func (r *reader) field(f *inputField, p unsafe.Pointer) *Error {
	var msg string
	at := unsafe.Add(p, f.offset)
	switch f.kind {
	case reflect.Struct:
		if err := r.object(f.fields, p); err != nil {
			return err.within(f.name)
		}
		return nil
	case reflect.Bool:
		msg = r.bool((*bool)(at))
	default:
		if f.edge && r.flag() {
			msg = r.bool((*bool)(at)) // true is 1
			break
		}
		v, ok := r.number()
		if !ok {
			msg = "it is not a number"
		} else if f.kind == reflect.Float32 || f.kind == reflect.Float64 {
			msg = f.setFloat(at, v.float)
		} else {
			msg = f.setInteger(at, v)
		}
	}
	if msg != "" {
		return refuse(msg).within(f.name)
	}
	return nil
}

func (r *reader) bool(at *bool) string {
	c, ok := r.byte()
	if !ok || c != 0xc2 && c != 0xc3 {
		return "it is not true or false"
	}
	*at = c == 0xc3
	return ""
}

// flag reports whether a bool comes next.
func (r *reader) flag() bool { return len(r.b) > 0 && r.b[0]&0xfe == 0xc2 }

// setFloat writes a number into a field, or says why not. A bound in 32 bits may
// lie just beyond the bound of a field with 64: it means the bound.
func (f *inputField) setFloat(at unsafe.Pointer, v float64) string {
	switch {
	case v > f.hi && v == float64(float32(f.hi)):
		v = f.hi
	case v < f.lo && v == float64(float32(f.lo)):
		v = f.lo
	}
	switch {
	case !(v >= f.lo && v <= f.hi): // refuses NaN as well
		return "it is out of range"
	case f.kind == reflect.Float32:
		*(*float32)(at) = float32(v)
	default:
		*(*float64)(at) = v
	}
	return ""
}

// setInteger does the same for an integer.
func (f *inputField) setInteger(at unsafe.Pointer, v number) string {
	switch {
	case !v.whole:
		return "it is not a whole number"
	case v.neg && v.int < f.min || !v.neg && (v.uint > f.max || f.min > 0 && v.uint < uint64(f.min)):
		return "it is out of range"
	}
	switch f.size {
	case 1:
		*(*uint8)(at) = uint8(v.uint)
	case 2:
		*(*uint16)(at) = uint16(v.uint)
	case 4:
		*(*uint32)(at) = uint32(v.uint)
	default:
		*(*uint64)(at) = v.uint
	}
	return ""
}

// number is a msgpack number in every form that fits.
type number struct {
	float float64
	uint  uint64 // two's complement of a negative one
	int   int64
	whole bool
	neg   bool
}

func whole(v int64) number {
	return number{float: float64(v), uint: uint64(v), int: v, whole: true, neg: v < 0}
}

func fraction(v float64) number {
	n := number{float: v}
	// Clients without an integer type may send 3.0 for 3. Beyond 2^53 a float
	// does not say which integer is meant.
	if v == math.Trunc(v) && math.Abs(v) <= 1<<53 {
		n = whole(int64(v))
	}
	return n
}

func (r *reader) number() (number, bool) {
	c, ok := r.byte()
	if !ok {
		return number{}, false
	}
	switch {
	case c <= 0x7f || c >= 0xe0:
		return whole(int64(int8(c))), true
	case c == 0xca:
		v, ok := r.uint(4)
		return fraction(float64(math.Float32frombits(uint32(v)))), ok
	case c == 0xcb:
		v, ok := r.uint(8)
		return fraction(math.Float64frombits(v)), ok
	case c >= 0xcc && c <= 0xcf:
		v, ok := r.uint(1 << (c - 0xcc))
		return number{float: float64(v), uint: v, int: int64(v), whole: true}, ok
	case c >= 0xd0 && c <= 0xd3:
		size := 1 << (c - 0xd0)
		v, ok := r.uint(size)
		shift := 64 - 8*size
		return whole(int64(v<<shift) >> shift), ok
	}
	return number{}, false
}

// mapLen reads the head of a map.
func (r *reader) mapLen() (int, bool) {
	c, ok := r.byte()
	switch {
	case !ok:
		return 0, false
	case c&0xf0 == 0x80:
		return int(c & 0x0f), true
	case c == 0xde:
		n, ok := r.uint(2)
		return int(n), ok
	case c == 0xdf:
		n, ok := r.uint(4)
		return int(n), ok
	}
	return 0, false
}

// str reads a string.
func (r *reader) str() ([]byte, bool) {
	c, ok := r.byte()
	var n uint64
	switch {
	case !ok:
		return nil, false
	case c&0xe0 == 0xa0:
		n = uint64(c & 0x1f)
	case c >= 0xd9 && c <= 0xdb:
		if n, ok = r.uint(1 << (c - 0xd9)); !ok {
			return nil, false
		}
	default:
		return nil, false
	}
	if n > uint64(len(r.b)) {
		return nil, false
	}
	s := r.b[:n]
	r.b = r.b[n:]
	return s, true
}

func (r *reader) byte() (byte, bool) {
	if len(r.b) == 0 {
		return 0, false
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c, true
}

// uint reads a big-endian number of 1, 2, 4 or 8 bytes.
func (r *reader) uint(size int) (uint64, bool) {
	if len(r.b) < size {
		return 0, false
	}
	var v uint64
	switch size {
	case 1:
		v = uint64(r.b[0])
	case 2:
		v = uint64(binary.BigEndian.Uint16(r.b))
	case 4:
		v = uint64(binary.BigEndian.Uint32(r.b))
	default:
		v = binary.BigEndian.Uint64(r.b)
	}
	r.b = r.b[size:]
	return v, true
}
