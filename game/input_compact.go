package game

import (
	"encoding/binary"
	"math"
	"reflect"
	"unsafe"

	"gameserver/game/snap"
)

// The compact form of an input: a mask with a bit for each leaf field, in order
// of declaration, then the values of those that are set. A bool is its bit; a
// field without its bit is zero. Signed integers are zigzag varints, unsigned
// ones varints, floats 32 bits little-endian, an Edge is one byte.

// leaves lists the leaves of an input type in order of declaration.
func leaves(fields []inputField, path string, out []leaf) []leaf {
	for i := range fields {
		f := &fields[i]
		if f.kind == reflect.Struct {
			out = leaves(f.fields, path+f.name+".", out)
		} else {
			out = append(out, leaf{inputField: f, path: path + f.name})
		}
	}
	return out
}

// leaf is a field of an input that has a value.
type leaf struct {
	*inputField
	path string // the wire names that lead to it, with dots between
}

// kindName is the kind of a leaf as the schema event spells it.
func (l *leaf) kindName() string {
	switch {
	case l.edge && l.kind == reflect.Uint8:
		return "e"
	case l.kind == reflect.Bool:
		return snap.KindBool.String()
	case l.kind == reflect.Float32 || l.kind == reflect.Float64:
		return snap.KindFloat.String()
	case l.signed():
		return snap.KindInt.String()
	}
	return snap.KindUint.String()
}

// wire is the compact form as the schema event tells it: [name, kind] for each
// leaf.
func (c *codec) wire() [][]any {
	list := make([][]any, len(c.leaves))
	for i := range c.leaves {
		l := &c.leaves[i]
		list[i] = []any{l.path, l.kindName()}
	}
	return list
}

// decodeCompact reads a compact input from the front of b into the zeroed struct
// at p, and returns what follows it. Values are held to the same rules as in
// msgpack, and refused in the same words.
func (c *codec) decodeCompact(b []byte, p unsafe.Pointer) (rest []byte, err *Error) {
	mask, n := binary.Uvarint(b)
	if n <= 0 || len(c.leaves) < 64 && mask>>len(c.leaves) != 0 {
		return nil, refuse("it is not an input")
	}
	b = b[n:]
	for i := range c.leaves {
		if mask&(1<<i) == 0 {
			continue
		}
		l := &c.leaves[i]
		var msg string
		if b, msg = l.read(b, unsafe.Add(p, l.offset)); msg != "" {
			return nil, refuse(msg).at(l.path)
		}
	}
	return b, nil
}

const cutShort = "it is cut short"

// read reads the value of a field whose bit is set.
func (l *leaf) read(b []byte, at unsafe.Pointer) (rest []byte, msg string) {
	switch {
	case l.kind == reflect.Bool:
		*(*bool)(at) = true
		return b, ""
	case l.kind == reflect.Float32 || l.kind == reflect.Float64:
		if len(b) < 4 {
			return nil, cutShort
		}
		v := math.Float32frombits(binary.LittleEndian.Uint32(b))
		return b[4:], l.setFloat(at, float64(v))
	case l.edge:
		if len(b) == 0 {
			return nil, cutShort
		}
		*(*Edge)(at) = Edge(b[0])
		return b[1:], ""
	case l.signed():
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, cutShort
		}
		return b[n:], l.setInteger(at, whole(v))
	default:
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, cutShort
		}
		return b[n:], l.setInteger(at, number{uint: v, int: int64(v), whole: true})
	}
}

// at sets the path of a refusal.
func (e *Error) at(path string) *Error {
	e.Path = path
	return e
}
