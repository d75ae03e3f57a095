package e2e

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Values of the differential test: nil, bool, int, float64, string, []byte,
// []any and object. They are encoded here, by code that shares nothing with
// the server.

type member struct {
	key   string
	value any
}

type object []member

// appendJSON appends v; binaries become placeholders and are added to parts.
func appendJSON(b []byte, v any, parts *[][]byte) []byte {
	switch v := v.(type) {
	case []byte:
		*parts = append(*parts, v)
		return fmt.Appendf(b, `{"_placeholder":true,"num":%d}`, len(*parts)-1)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e, parts)
		}
		return append(b, ']')
	case object:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSON(b, m.key, parts), ':')
			b = appendJSON(b, m.value, parts)
		}
		return append(b, '}')
	default:
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // the generator makes no such values
		}
		return append(b, text...)
	}
}

// packer appends msgpack in any of the forms a value may have.
type packer struct {
	r *rand.Rand // nil: the shortest forms
}

func (p packer) wide() bool { return p.r != nil && p.r.IntN(4) == 0 }

func (p packer) length(b []byte, n, fix int, most int, wider ...byte) []byte {
	switch {
	case n < most && !p.wide():
		return append(b, byte(fix|n))
	case len(wider) == 3 && n < 256 && !p.wide():
		return append(b, wider[0], byte(n))
	case n < 1<<16 && !p.wide():
		return binary.BigEndian.AppendUint16(append(b, wider[len(wider)-2]), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(b, wider[len(wider)-1]), uint32(n))
	}
}

func (p packer) append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 0xc0)
	case bool:
		if v {
			return append(b, 0xc3)
		}
		return append(b, 0xc2)
	case int:
		return p.integer(b, v)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0xcb), math.Float64bits(v))
	case string:
		return append(p.length(b, len(v), 0xa0, 32, 0xd9, 0xda, 0xdb), v...)
	case []byte:
		return append(p.length(b, len(v), 0, 0, 0xc4, 0xc5, 0xc6), v...)
	case []any:
		b = p.length(b, len(v), 0x90, 16, 0xdc, 0xdd)
		for _, e := range v {
			b = p.append(b, e)
		}
		return b
	case object:
		b = p.length(b, len(v), 0x80, 16, 0xde, 0xdf)
		for _, m := range v {
			b = p.append(p.append(b, m.key), m.value)
		}
		return b
	case raw:
		return append(b, v...)
	default:
		panic(fmt.Sprintf("%T", v))
	}
}

// raw is msgpack as it is.
type raw string

func (p packer) integer(b []byte, v int) []byte {
	switch {
	case p.wide():
		return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(v))
	case v >= 0 && v < 128, v < 0 && v >= -32:
		return append(b, byte(v))
	case v >= math.MinInt16 && v <= math.MaxInt16:
		return binary.BigEndian.AppendUint16(append(b, 0xd1), uint16(v))
	case v >= math.MinInt32 && v <= math.MaxInt32:
		return binary.BigEndian.AppendUint32(append(b, 0xd2), uint32(v))
	default:
		return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(v))
	}
}

// undefined is notepack's; an object drops it, an array shows null.
type undefined struct{}

var errShort = errors.New("msgpack ends early")

// unpacker reads msgpack as notepack means it, and notes what is odd.
type unpacker struct {
	b     []byte
	odd   map[string]bool
	items int
	open  int
	depth int // most containers open at once
}

func (u *unpacker) note(what string) {
	if u.odd == nil {
		u.odd = map[string]bool{}
	}
	u.odd[what] = true
}

func (u *unpacker) enter() func() {
	u.open++
	u.depth = max(u.depth, u.open)
	return func() { u.open-- }
}

func (u *unpacker) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.b) {
		return nil, errShort
	}
	out := u.b[:n]
	u.b = u.b[n:]
	return out, nil
}

func (u *unpacker) number(n int) (uint64, error) {
	p, err := u.take(n)
	var v uint64
	for _, c := range p {
		v = v<<8 | uint64(c)
	}
	return v, err
}

func (u *unpacker) value() (any, error) {
	head, err := u.take(1)
	if err != nil {
		return nil, err
	}
	u.items++
	switch c := head[0]; {
	case c < 0x80:
		return float64(c), nil
	case c < 0x90:
		return u.object(int(c & 15))
	case c < 0xa0:
		return u.list(int(c & 15))
	case c < 0xc0:
		return u.text(int(c & 31))
	case c >= 0xe0:
		return float64(int8(c)), nil
	default:
		return u.tagged(c)
	}
}

func (u *unpacker) tagged(c byte) (any, error) {
	switch c {
	case 0xc0:
		return nil, nil
	case 0xc2, 0xc3:
		return c == 0xc3, nil
	case 0xca:
		n, err := u.number(4)
		return float64(math.Float32frombits(uint32(n))), err
	case 0xcb:
		n, err := u.number(8)
		return math.Float64frombits(n), err
	case 0xcc, 0xcd, 0xce, 0xcf:
		n, err := u.number(1 << (c - 0xcc))
		return float64(n), err
	case 0xd0, 0xd1, 0xd2, 0xd3:
		bytes := 1 << (c - 0xd0)
		n, err := u.number(bytes)
		return float64(int64(n<<(64-8*bytes)) >> (64 - 8*bytes)), err
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return u.fixext(c)
	}
	return u.sized(c)
}

func (u *unpacker) fixext(c byte) (any, error) {
	p, err := u.take(1 + 1<<(c-0xd4))
	if err != nil {
		return nil, err
	}
	switch {
	case c == 0xd4 && p[0] == 0:
		if p[1] != 0 {
			u.note("extension")
		}
		return undefined{}, nil
	case c == 0xd7 && p[0] == 0:
		return map[string]any{"$date": float64(int64(binary.BigEndian.Uint64(p[1:])))}, nil
	}
	u.note("extension")
	return []any{float64(int8(p[0])), binaryValue(p[1:])}, nil
}

// sized reads what has its length behind the first byte.
func (u *unpacker) sized(c byte) (any, error) {
	width := map[byte]int{
		0xc4: 1, 0xc5: 2, 0xc6: 4, 0xc7: 1, 0xc8: 2, 0xc9: 4,
		0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4,
	}[c]
	if width == 0 {
		return nil, fmt.Errorf("msgpack %#x", c)
	}
	n, err := u.number(width)
	if err != nil {
		return nil, err
	}
	switch {
	case c <= 0xc9:
		if c >= 0xc7 {
			if kind, err := u.take(1); err != nil || kind[0] != 0 {
				u.note("extension")
			}
		}
		p, err := u.take(int(n))
		return binaryValue(p), err
	case c <= 0xdb:
		return u.text(int(n))
	case c <= 0xdd:
		return u.list(int(n))
	default:
		return u.object(int(n))
	}
}

func binaryValue(p []byte) any { return map[string]any{"$binary": hex.EncodeToString(p)} }

func (u *unpacker) text(n int) (any, error) {
	p, err := u.take(n)
	if !utf8.Valid(p) {
		u.note("utf8")
	}
	return strings.ToValidUTF8(string(p), "\ufffd"), err
}

func (u *unpacker) list(n int) (any, error) {
	out := []any{}
	defer u.enter()()
	for range n {
		v, err := u.value()
		if err != nil {
			return nil, err
		}
		if _, none := v.(undefined); none {
			v = nil
		}
		out = append(out, v)
	}
	return out, nil
}

func (u *unpacker) object(n int) (any, error) {
	out := map[string]any{}
	defer u.enter()()
	for range n {
		k, err := u.value()
		if err != nil {
			return nil, err
		}
		if u.open == 1 && (k == "type" || k == "id") && len(u.b) > 0 && (u.b[0] == 0xca || u.b[0] == 0xcb) {
			u.note("float")
		}
		v, err := u.value()
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			u.note("key")
			key = canonical(k)
		}
		if _, twice := out[key]; twice {
			u.note("twice")
		}
		if key == "__proto__" {
			u.note("proto")
		}
		if _, none := v.(undefined); !none {
			out[key] = v
		}
	}
	return out, nil
}

// canonical is a value as text, equal for equal values.
func canonical(v any) string {
	switch v := v.(type) {
	case float64:
		switch {
		case math.IsNaN(v), math.IsInf(v, 0):
			return strconv.FormatFloat(v, 'g', -1, 64)
		case v == 0:
			return "0" // -0 too
		}
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = canonical(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		var b strings.Builder
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Quote(k) + ":" + canonical(v[k]))
		}
		return "{" + b.String() + "}"
	case undefined:
		return "undefined"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
