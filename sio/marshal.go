package sio

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
)

// Values given to Emit are encoded once, into msgpack; JSON is made from that
// when a receiver needs it. So the two encodings cannot differ in names, in
// what is omitted or in which values are refused.
//
// The rules are those of encoding/json, json tags included, with these
// differences: []byte and [n]byte are binary; times are RFC 3339 strings in both
// encodings; types that implement msgpack.CustomEncoder encode themselves.

var (
	errNotFinite = errors.New("sio: number is not finite")
	errCycle     = errors.New("sio: value nested too deep to encode")
	errNotText   = errors.New("sio: string is not UTF-8")
)

// appendValue appends v to buf as msgpack.
func appendValue(buf *bytes.Buffer, v any) error {
	e := msgpack.GetEncoder()
	defer msgpack.PutEncoder(e)
	e.Reset(buf)
	e.SetCustomStructTag("json") // for what a CustomEncoder passes to Encode
	e.UseCompactInts(true)
	e.SetSortMapKeys(true)
	m := marshaler{e: e}
	return m.value(reflect.ValueOf(v), 0)
}

type marshaler struct {
	e *msgpack.Encoder
}

func (m *marshaler) value(v reflect.Value, depth int) error {
	if depth > maxMarshal {
		return errCycle
	}
	if !v.IsValid() {
		return m.e.EncodeNil()
	}
	if done, err := m.special(v); done {
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		return m.e.EncodeBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return m.e.EncodeInt(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return m.e.EncodeUint(v.Uint())
	case reflect.Float32, reflect.Float64:
		return m.float(v)
	case reflect.String:
		return m.text(v.String())
	case reflect.Interface, reflect.Pointer:
		return m.value(v.Elem(), depth+1)
	case reflect.Slice:
		if v.IsNil() {
			return m.e.EncodeNil()
		}
		return m.list(v, depth)
	case reflect.Array:
		return m.list(v, depth)
	case reflect.Map:
		return m.mapping(v, depth)
	case reflect.Struct:
		return m.structure(v, depth)
	default:
		return fmt.Errorf("sio: cannot encode %s", v.Type())
	}
}

// special encodes values that know how to.
func (m *marshaler) special(v reflect.Value) (done bool, err error) {
	t := v.Type()
	if t.Kind() == reflect.Interface || t.PkgPath() == "" && t.Kind() != reflect.Pointer || !v.CanInterface() {
		return false, nil
	}
	if t.Kind() == reflect.Pointer && v.IsNil() {
		return true, m.e.EncodeNil()
	}
	if v.CanAddr() && t.Kind() != reflect.Pointer {
		v = v.Addr()
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return true, m.text(x.Format(time.RFC3339Nano))
	case *time.Time:
		return true, m.text(x.Format(time.RFC3339Nano))
	case *json.Number:
		return true, m.number(*x)
	case json.Number:
		return true, m.number(x)
	case msgpack.CustomEncoder:
		return true, x.EncodeMsgpack(m.e)
	case json.Marshaler:
		return true, m.json(x)
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return true, fmt.Errorf("sio: encode %s: %w", t, err)
		}
		return true, m.text(string(text))
	}
	return false, nil
}

func (m *marshaler) json(x json.Marshaler) error {
	text, err := x.MarshalJSON()
	if err != nil {
		return fmt.Errorf("sio: encode %T: %w", x, err)
	}
	c := jsonCheck{b: text, depth: maxDepth, items: math.MaxInt}
	if err = c.run(); err == nil {
		text, err = transcode(nil, text, nil)
	}
	if err != nil {
		return fmt.Errorf("sio: encode %T: %w", x, err)
	}
	_, err = m.e.Writer().Write(text)
	return err
}

func (m *marshaler) number(x json.Number) error {
	n, ok := readNumber([]byte(x))
	if !ok || scanNumber([]byte(x)) != len(x) {
		return fmt.Errorf("sio: cannot encode number %q", string(x))
	}
	_, err := m.e.Writer().Write(n.appendMsgpack(nil))
	return err
}

func (m *marshaler) float(v reflect.Value) error {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return errNotFinite
	}
	if n := numberOf(f); n.kind == kindUint {
		return m.e.EncodeUint(n.uint)
	} else if n.kind == kindInt {
		return m.e.EncodeInt(n.int)
	}
	if v.Kind() == reflect.Float32 {
		return m.e.EncodeFloat32(float32(f))
	}
	return m.e.EncodeFloat64(f)
}

func (m *marshaler) text(s string) error {
	if !utf8.ValidString(s) {
		return errNotText
	}
	return m.e.EncodeString(s)
}

func (m *marshaler) list(v reflect.Value, depth int) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if v.Kind() == reflect.Array && !v.CanAddr() {
			c := reflect.New(v.Type()).Elem()
			c.Set(v)
			v = c
		}
		return m.e.EncodeBytes(v.Bytes())
	}
	if err := m.e.EncodeArrayLen(v.Len()); err != nil {
		return err
	}
	for i := range v.Len() {
		if err := m.value(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (m *marshaler) mapping(v reflect.Value, depth int) error {
	if v.IsNil() {
		return m.e.EncodeNil()
	}
	type entry struct {
		key   string
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, err := keyText(it.Key())
		if err != nil {
			return err
		}
		entries = append(entries, entry{key, it.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
	if err := m.e.EncodeMapLen(len(entries)); err != nil {
		return err
	}
	for _, en := range entries {
		if err := m.text(en.key); err != nil {
			return err
		}
		if err := m.value(en.value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// keyText is a map key as the string it becomes.
func keyText(k reflect.Value) (string, error) {
	if k.Kind() == reflect.String {
		return k.String(), nil
	}
	if x, ok := k.Interface().(encoding.TextMarshaler); ok {
		text, err := x.MarshalText()
		return string(text), err
	}
	switch {
	case k.CanInt():
		return strconv.FormatInt(k.Int(), 10), nil
	case k.CanUint():
		return strconv.FormatUint(k.Uint(), 10), nil
	}
	return "", fmt.Errorf("sio: cannot encode map key %s", k.Type())
}

func (m *marshaler) structure(v reflect.Value, depth int) error {
	p := planOf(v.Type())
	n := 0
	for i := range p.fields {
		if f, ok := p.fields[i].in(v); ok && !p.fields[i].omitted(f) {
			n++
		}
	}
	if err := m.e.EncodeMapLen(n); err != nil {
		return err
	}
	for i := range p.fields {
		f, ok := p.fields[i].in(v)
		if !ok || p.fields[i].omitted(f) {
			continue
		}
		if err := m.e.EncodeString(p.fields[i].name); err != nil {
			return err
		}
		if err := m.value(f, depth+1); err != nil {
			return err
		}
	}
	return nil
}
