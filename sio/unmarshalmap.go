package sio

import (
	"bytes"
	"encoding"
	"reflect"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"gameserver/internal/mpcheck"
)

func decodeStruct(v reflect.Value, b []byte) error {
	if msgp.NextType(b) != msgp.MapType {
		return badPayload("want an object")
	}
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return badPayload("malformed")
	}
	p := planOf(v.Type())
	seen, present := make([]bool, len(p.fields)), make([]bool, len(p.fields))
	var others map[string]struct{}
	for range n {
		key, value, err := msgp.ReadStringZC(b)
		if err != nil {
			return badPayload("malformed")
		}
		i, known := p.byName[string(key)]
		if !known {
			if _, twice := others[string(key)]; twice {
				return under(badPayload("repeated"), string(key))
			}
			if others == nil {
				others = make(map[string]struct{})
			}
			others[string(key)] = struct{}{}
			if b, err = mpcheck.Skip(value); err != nil {
				return badPayload("malformed")
			}
			continue
		}
		if seen[i] {
			return under(badPayload("repeated"), p.fields[i].name)
		}
		seen[i] = true
		if b, err = decodeValue(p.fields[i].settle(v), value); err != nil {
			return under(err, p.fields[i].name)
		}
		present[i] = !isNone(value[:len(value)-len(b)])
	}
	return p.verifyFields(v, present)
}

func decodeMap(v reflect.Value, b []byte) error {
	if msgp.NextType(b) != msgp.MapType {
		return badPayload("want an object")
	}
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return badPayload("malformed")
	}
	t := v.Type()
	m := reflect.MakeMapWithSize(t, int(n)) // the check bounds n
	for range n {
		name, value, err := msgp.ReadStringZC(b)
		if err != nil {
			return badPayload("malformed")
		}
		key, err := decodeKey(t.Key(), string(name))
		if err != nil {
			return under(err, string(name))
		}
		if m.MapIndex(key).IsValid() {
			return under(badPayload("repeated"), string(name))
		}
		elem := reflect.New(t.Elem()).Elem()
		if b, err = decodeValue(elem, value); err != nil {
			return under(err, string(name))
		}
		m.SetMapIndex(key, elem)
	}
	v.Set(m)
	return nil
}

// decodeKey turns the name of a member into a map key.
func decodeKey(t reflect.Type, name string) (reflect.Value, error) {
	key := reflect.New(t).Elem()
	if x, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok && t.Kind() != reflect.String {
		if x.UnmarshalText([]byte(name)) != nil {
			return key, badPayload("not a valid key")
		}
		return key, nil
	}
	switch {
	case t.Kind() == reflect.String:
		key.SetString(name)
		return key, nil
	case key.CanInt():
		i, err := strconv.ParseInt(name, 10, t.Bits())
		if err != nil {
			return key, badPayload("not a valid key")
		}
		key.SetInt(i)
		return key, nil
	case key.CanUint():
		u, err := strconv.ParseUint(name, 10, t.Bits())
		if err != nil {
			return key, badPayload("not a valid key")
		}
		key.SetUint(u)
		return key, nil
	}
	return key, badPayload("not a valid key")
}

// decodeAny decodes what JSON.parse would: nil, bool, float64, string, []any,
// map[string]any, and for values JSON lacks []byte and time.Time. The check
// bounds depth and size.
func decodeAny(b []byte) (x any, rest []byte, err error) {
	switch msgp.NextType(b) {
	case msgp.NilType:
		return nil, b[1:], nil
	case msgp.BoolType:
		return b[0] == 0xc3, b[1:], nil
	case msgp.StrType:
		s, rest, err := msgp.ReadStringZC(b)
		return string(s), rest, err
	case msgp.IntType, msgp.UintType, msgp.Float32Type, msgp.Float64Type:
		n, ok := readMsgpackNumber(b)
		if f := n.toFloat(); ok && isFinite(f) {
			rest, err = mpcheck.Skip(b)
			return f, rest, err
		}
		return nil, nil, badPayload("number is not finite")
	case msgp.ArrayType:
		return anyArray(b)
	case msgp.MapType:
		return anyMap(b)
	default: // what JSON lacks
	}
	bin, at, rest, err := readBinaryOrDate(b)
	switch {
	case err != nil:
		return nil, nil, err
	case bin != nil:
		return bytes.Clone(bin), rest, nil
	case b[0] == 0xd7:
		return at, rest, nil
	}
	return nil, rest, nil
}

func anyArray(b []byte) (any, []byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, nil, badPayload("malformed")
	}
	list := make([]any, n) // the check bounds n
	for i := range list {
		if list[i], b, err = decodeAny(b); err != nil {
			return nil, nil, under(err, "["+strconv.Itoa(i)+"]")
		}
	}
	return list, b, nil
}

func anyMap(b []byte) (any, []byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, nil, badPayload("malformed")
	}
	m := make(map[string]any, n) // the check bounds n
	for range n {
		var name []byte
		if name, b, err = msgp.ReadStringZC(b); err != nil {
			return nil, nil, badPayload("malformed")
		}
		key := string(name)
		if _, twice := m[key]; twice {
			return nil, nil, under(badPayload("repeated"), key)
		}
		if m[key], b, err = decodeAny(b); err != nil {
			return nil, nil, under(err, key)
		}
	}
	return m, b, nil
}
