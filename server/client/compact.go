package client

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// compactInput turns inputs from msgpack into the compact form, by the names and
// kinds that the schema event tells.
type compactInput struct {
	fields []compactField // in the order of the wire
	root   []compactName
	values [compactFields]uint64 // scratch: of the fields that are set
	last   []byte                // scratch
}

// compactField is a field that has a value.
type compactField struct{ kind byte }

// compactName finds a field, or those of a nested object.
type compactName struct {
	name   string
	field  int // -1: of an object
	inside []compactName
}

const (
	compactInputs  = 4  // in a message
	compactFields  = 64 // of an input
	compactDepth   = 8  // of nested objects
	compactVersion = 1
)

// newCompactInput returns nil for what it does not understand.
func newCompactInput(form [][]any) *compactInput {
	if len(form) == 0 || len(form) > compactFields {
		return nil
	}
	c := &compactInput{}
	for i, f := range form {
		if len(f) != 2 {
			return nil
		}
		path, _ := f[0].(string)
		kind, _ := f[1].(string)
		names := strings.Split(path, ".")
		if path == "" || len(kind) != 1 || !strings.Contains("beiuf", kind) || len(names) > compactDepth {
			return nil
		}
		c.fields = append(c.fields, compactField{kind[0]})
		at := &c.root
		for _, name := range names[:len(names)-1] {
			if n := len(*at); n == 0 || (*at)[n-1].name != name {
				*at = append(*at, compactName{name: name, field: -1})
			}
			at = &(*at)[len(*at)-1].inside
		}
		*at = append(*at, compactName{name: names[len(names)-1], field: i})
	}
	return c
}

// appendMessage appends a message of inputs, newest first. It says no to what the
// compact form cannot say.
func (c *compactInput) appendMessage(dst []byte, s, k uint32, view uint8, values [][]byte) (_ []byte, ok bool) {
	from := len(dst)
	dst = append(dst, compactVersion<<6|byte(len(values)))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(s)) //nolint:gosec // the low bits
	dst = binary.LittleEndian.AppendUint16(dst, uint16(k)) //nolint:gosec // the low bits
	dst = append(dst, view)
	for i, v := range values {
		begin := len(dst)
		if dst, ok = c.appendInput(dst, v); !ok {
			return dst, false
		}
		if i > 0 && bytes.Equal(dst[begin:], c.last) {
			dst[from] |= 1 << (3 + i - 1)
			dst = dst[:begin]
			continue
		}
		c.last = append(c.last[:0], dst[begin:]...)
	}
	return dst, true
}

// appendInput appends one input.
func (c *compactInput) appendInput(dst, v []byte) (_ []byte, ok bool) {
	mask, rest, ok := c.read(v, c.root, 0)
	if !ok || len(rest) > 0 {
		return dst, false
	}
	dst = binary.AppendUvarint(dst, mask)
	for i, f := range c.fields {
		if mask&(1<<i) == 0 {
			continue
		}
		switch x := c.values[i]; f.kind {
		case 'e':
			dst = append(dst, byte(x))
		case 'i':
			dst = binary.AppendVarint(dst, int64(x)) //nolint:gosec // as it was
		case 'u':
			dst = binary.AppendUvarint(dst, x)
		case 'f':
			dst = binary.LittleEndian.AppendUint32(dst, uint32(x)) //nolint:gosec // 32 bits
		}
	}
	return dst, true
}

// read reads an object into values and returns which of them are set.
func (c *compactInput) read(b []byte, names []compactName, mask uint64) (_ uint64, rest []byte, ok bool) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return 0, nil, false
	}
	for i := range n {
		var key []byte
		if key, b, err = msgp.ReadStringZC(b); err != nil {
			return 0, nil, false
		}
		at := find(names, key, int(i))
		switch {
		case at == nil:
			return 0, nil, false
		case at.field < 0:
			if mask, b, ok = c.read(b, at.inside, mask); !ok {
				return 0, nil, false
			}
			continue
		}
		var v uint64
		if v, b, ok = readCompact(b, c.fields[at.field].kind); !ok {
			return 0, nil, false
		}
		if c.values[at.field] = v; v != 0 {
			mask |= 1 << at.field
		}
	}
	return mask, b, true
}

// find looks for a name, first where senders that keep to the order have it.
func find(names []compactName, key []byte, hint int) *compactName {
	if hint < len(names) && names[hint].name == string(key) {
		return &names[hint]
	}
	for i := range names {
		if names[i].name == string(key) {
			return &names[i]
		}
	}
	return nil
}

// readCompact reads a value of a kind: bits that are 0 when it is.
func readCompact(b []byte, kind byte) (v uint64, rest []byte, ok bool) {
	switch typ := msgp.NextType(b); {
	case typ == msgp.BoolType:
		x, rest, err := msgp.ReadBoolBytes(b)
		if x {
			v = 1
		}
		return v, rest, err == nil && (kind == 'b' || kind == 'e')
	case typ == msgp.Float64Type || typ == msgp.Float32Type:
		x, rest, err := readFloat(b, typ)
		return floatBits(x, kind, rest, err)
	case typ == msgp.UintType || typ == msgp.IntType && kind != 'i' && kind != 'f':
		x, rest, err := msgp.ReadUint64Bytes(b)
		switch {
		case err != nil || kind == 'b' || kind == 'e' && x > math.MaxUint8 || kind == 'i' && x > math.MaxInt64:
			return 0, nil, false
		case kind == 'f':
			return floatBits(float64(x), kind, rest, nil)
		}
		return x, rest, true
	case typ == msgp.IntType:
		x, rest, err := msgp.ReadInt64Bytes(b)
		if kind == 'f' {
			return floatBits(float64(x), kind, rest, err)
		}
		return uint64(x), rest, err == nil && kind == 'i' //nolint:gosec // its bits
	default:
		return 0, nil, false
	}
}

func readFloat(b []byte, typ msgp.Type) (float64, []byte, error) {
	if typ == msgp.Float32Type {
		x, rest, err := msgp.ReadFloat32Bytes(b)
		return float64(x), rest, err
	}
	return msgp.ReadFloat64Bytes(b)
}

// floatBits is a number as a field of a kind has it, which may be a whole one.
func floatBits(x float64, kind byte, rest []byte, err error) (uint64, []byte, bool) {
	whole := x == math.Trunc(x) && math.Abs(x) <= 1<<53
	switch {
	case err != nil:
	case kind == 'f' && x == 0: //nolint:gocritic // minus zero too
		return 0, rest, true
	case kind == 'f' && (math.Abs(x) <= math.MaxFloat32 || math.IsInf(x, 0) || math.IsNaN(x)):
		return uint64(math.Float32bits(float32(x))), rest, true
	case kind == 'i' && whole:
		return uint64(int64(x)), rest, true //nolint:gosec // its bits
	case (kind == 'u' || kind == 'e' && x <= math.MaxUint8) && whole && x >= 0:
		return uint64(x), rest, true
	}
	return 0, nil, false
}
