package game

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unsafe"
)

// codec reads inputs of one type: a msgpack map by wire name, straight into the
// memory of the struct, without reflection.
type codec struct {
	fields []inputField
	leaves []leaf    // of fields, in the order of the compact form
	edges  []uintptr // offsets of the edge fields, each of one byte
}

// inputField is one field of an input or of a struct nested in it.
type inputField struct {
	name   string
	kind   reflect.Kind
	size   uintptr
	offset uintptr // from the start of the outermost struct
	lo, hi float64 // of a float
	min    int64   // of an int
	max    uint64  // of an int or uint
	edge   bool
	fields []inputField
}

// newCodec works out how to read an input type.
func newCodec(t reflect.Type) (*codec, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the input is %v, not a struct", t)
	}
	c := &codec{}
	n := 0
	fields, err := c.compile(t, 0, "", 1, &n)
	if err != nil {
		return nil, err
	}
	c.fields = fields
	c.leaves = leaves(fields, "", nil)
	return c, nil
}

func (c *codec) compile(t reflect.Type, base uintptr, path string, depth int, n *int) ([]inputField, error) {
	if depth > InputDepthMax {
		return nil, fmt.Errorf("input field %s is nested more than %d deep", strings.TrimSuffix(path, "."), InputDepthMax)
	}
	var out []inputField
	names := map[string]string{}
	for field := range t.Fields() {
		name := path + field.Name
		if !field.IsExported() {
			return nil, fmt.Errorf("input field %s is not exported, so no player can send it", name)
		}
		if *n++; *n > InputFieldsMax {
			return nil, fmt.Errorf("the input has more than %d fields", InputFieldsMax)
		}
		f := inputField{name: wireName(field), kind: field.Type.Kind(), size: field.Type.Size(), offset: base + field.Offset}
		if other, taken := names[f.name]; taken {
			return nil, fmt.Errorf("input fields %s and %s have the same wire name %q", other, name, f.name)
		}
		if strings.Contains(f.name, ".") {
			return nil, fmt.Errorf("input field %s has a dot in its wire name %q", name, f.name)
		}
		names[f.name] = name
		var err error
		if f.kind == reflect.Struct {
			f.fields, err = c.compile(field.Type, f.offset, name+".", depth+1, n)
			if err != nil {
				return nil, err
			}
		}
		f.edge = field.Type == reflect.TypeFor[Edge]()
		if err := c.parse(&f, field.Tag.Get("in")); err != nil {
			return nil, fmt.Errorf("input field %s: %w", name, err)
		}
		out = append(out, f)
	}
	return out, nil
}

// parse completes a field from its type and its in tag.
func (c *codec) parse(f *inputField, tag string) error {
	bits := uint(f.size * 8)
	if f.edge && tag != "" {
		return fmt.Errorf("tag in:%q on an Edge", tag)
	}
	switch f.kind {
	case reflect.Bool:
		if f.edge = tag == "edge"; f.edge {
			c.edges = append(c.edges, f.offset)
		} else if tag != "" {
			return fmt.Errorf("tag in:%q on a bool is not edge", tag)
		}
		return nil
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		f.min, f.max = -1<<(bits-1), 1<<(bits-1)-1
		return f.parseInts(tag)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		f.min, f.max = 0, ^uint64(0)>>(64-bits)
		if f.edge {
			c.edges = append(c.edges, f.offset)
		}
		return f.parseInts(tag)
	case reflect.Float32, reflect.Float64:
		f.lo, f.hi = -maxFloat(bits), maxFloat(bits)
		return f.parseFloats(tag)
	case reflect.Struct:
		if tag != "" {
			return fmt.Errorf("tag in:%q on a struct", tag)
		}
		return nil
	default:
		return fmt.Errorf("a %v cannot be sent as input", f.kind)
	}
}

func (f *inputField) parseInts(tag string) error {
	if tag == "" {
		return nil
	}
	lo, hi, ok := strings.Cut(tag, "..")
	low, err1 := strconv.ParseInt(lo, 10, 64)
	high, err2 := strconv.ParseInt(hi, 10, 64)
	if !ok || err1 != nil || err2 != nil || low > high || low < f.min || high > 0 && uint64(high) > f.max {
		return fmt.Errorf("tag in:%q is not LO..HI within a %v", tag, f.kind)
	}
	if high < 0 {
		return fmt.Errorf("tag in:%q does not allow 0, the value of a missing field", tag)
	}
	f.min, f.max = low, uint64(high)
	return f.allowZero(tag, low > 0)
}

func (f *inputField) parseFloats(tag string) error {
	if tag == "" {
		return nil
	}
	lo, hi, ok := strings.Cut(tag, "..")
	low, err1 := strconv.ParseFloat(lo, 64)
	high, err2 := strconv.ParseFloat(hi, 64)
	if !ok || err1 != nil || err2 != nil || !(low <= high) || !(low >= f.lo) || !(high <= f.hi) {
		return fmt.Errorf("tag in:%q is not LO..HI within a %v", tag, f.kind)
	}
	f.lo, f.hi = low, high
	if f.kind == reflect.Float32 { // a bound sent as float32 is within it
		f.lo, f.hi = float64(float32(low)), float64(float32(high))
	}
	return f.allowZero(tag, low > 0 || high < 0)
}

func (f *inputField) allowZero(tag string, forbidden bool) error {
	if forbidden {
		return fmt.Errorf("tag in:%q does not allow 0, the value of a missing field", tag)
	}
	return nil
}

// merge sets in dst each edge that is set in src, an Edge at the beginning of its
// tick.
func (c *codec) merge(dst, src unsafe.Pointer) {
	for _, at := range c.edges {
		if *(*uint8)(unsafe.Add(src, at)) != 0 {
			*(*uint8)(unsafe.Add(dst, at)) = 1 // true, for a bool
		}
	}
}

// dropEdges clears the edges of an input.
func (c *codec) dropEdges(at unsafe.Pointer) {
	for _, offset := range c.edges {
		*(*uint8)(unsafe.Add(at, offset)) = 0
	}
}

// signed reports whether a field is a signed integer.
func (f *inputField) signed() bool { return f.kind >= reflect.Int && f.kind <= reflect.Int64 }

func maxFloat(bits uint) float64 {
	if bits == 32 {
		return math.MaxFloat32
	}
	return math.MaxFloat64
}
