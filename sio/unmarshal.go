package sio

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"

	"gameserver/internal/mpcheck"
)

// decodeInto decodes the one value in b, which mpcheck or jsonCheck accepted,
// into what into points to. It is stricter than both libraries: names match
// exactly, a key may come once, integers must be whole and in range, numbers
// finite, arrays of fixed length exact; nothing is converted silently. nil and
// undefined leave the target as it is, or set it to nil where it can be.
func decodeInto(into any, b []byte) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("sio: decode into %T, want a pointer", into)
	}
	_, err := decodeValue(v.Elem(), b)
	return err
}

func decodeValue(v reflect.Value, b []byte) (rest []byte, err error) {
	if rest, err = mpcheck.Skip(b); err != nil {
		return nil, badPayload("malformed")
	}
	b = b[:len(b)-len(rest)]
	if isNone(b) {
		switch v.Kind() {
		case reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
			v.SetZero()
		default: // as encoding/json: null changes nothing
		}
		return rest, nil
	}
	if v.Kind() == reflect.Pointer {
		p := reflect.New(v.Type().Elem())
		if _, err := decodeValue(p.Elem(), b); err != nil {
			return nil, err
		}
		v.Set(p)
		return rest, nil
	}
	done, err := decodeSpecial(v, b)
	if !done {
		err = decodeKind(v, b)
	}
	return rest, err
}

// decodeSpecial decodes into types that know how to.
func decodeSpecial(v reflect.Value, b []byte) (done bool, err error) {
	if v.Type().PkgPath() == "" || !v.CanAddr() || !v.Addr().CanInterface() {
		return false, nil
	}
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		return true, decodeTime(x, b)
	case *json.Number:
		n, ok := readMsgpackNumber(b)
		if !ok || !isFinite(n.toFloat()) {
			return true, badPayload("want a number")
		}
		*x = json.Number(n.appendJSON(nil))
		return true, nil
	case msgpack.CustomDecoder:
		d := msgpack.NewDecoder(bytes.NewReader(b))
		d.SetCustomStructTag("json")
		err = x.DecodeMsgpack(d)
	case json.Unmarshaler:
		w := jsonWriter{base64: true}
		if _, err = w.value(b, 0); err != nil {
			return true, err
		}
		err = x.UnmarshalJSON(w.dst)
	case encoding.TextUnmarshaler:
		if msgp.NextType(b) != msgp.StrType {
			return true, badPayload("want a string")
		}
		s, _, _ := msgp.ReadStringZC(b)
		err = x.UnmarshalText(s)
	default:
		return false, nil
	}
	if err != nil {
		err = badPayload("not a valid " + v.Type().String())
	}
	return true, err
}

// decodeTime accepts the Date of notepack and an RFC 3339 string.
func decodeTime(t *time.Time, b []byte) error {
	if b[0] == 0xd7 {
		_, at, _, err := readBinaryOrDate(b)
		*t = at
		return err
	}
	s, _, err := msgp.ReadStringZC(b)
	if err == nil {
		*t, err = time.Parse(time.RFC3339Nano, string(s))
	}
	if err != nil {
		return badPayload("want a time")
	}
	return nil
}

func decodeKind(v reflect.Value, b []byte) error {
	switch v.Kind() {
	case reflect.Bool:
		if b[0] != 0xc2 && b[0] != 0xc3 {
			return badPayload("want a boolean")
		}
		v.SetBool(b[0] == 0xc3)
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt(v, b)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return decodeUint(v, b)
	case reflect.Float32, reflect.Float64:
		return decodeFloat(v, b)
	case reflect.String:
		if msgp.NextType(b) != msgp.StrType {
			return badPayload("want a string")
		}
		s, _, err := msgp.ReadStringZC(b)
		v.SetString(string(s))
		return err
	case reflect.Interface:
		return decodeInterface(v, b)
	case reflect.Slice, reflect.Array:
		return decodeList(v, b)
	case reflect.Map:
		return decodeMap(v, b)
	case reflect.Struct:
		return decodeStruct(v, b)
	default:
		return fmt.Errorf("sio: cannot decode into %s", v.Type())
	}
}

func decodeInt(v reflect.Value, b []byte) error {
	n, ok := readMsgpackNumber(b)
	switch {
	case !ok:
		return badPayload("want a number")
	case n.kind == kindFloat && n.float != 0: // -0 is 0
		return badPayload("want an integer")
	case n.kind == kindUint && n.uint > math.MaxInt64:
		return badPayload("number out of range")
	case n.kind == kindUint:
		n.int = int64(n.uint)
	}
	if v.OverflowInt(n.int) {
		return badPayload("number out of range")
	}
	v.SetInt(n.int)
	return nil
}

func decodeUint(v reflect.Value, b []byte) error {
	n, ok := readMsgpackNumber(b)
	switch {
	case !ok:
		return badPayload("want a number")
	case n.kind == kindFloat && n.float != 0:
		return badPayload("want an integer")
	case n.kind == kindInt || v.OverflowUint(n.uint):
		return badPayload("number out of range")
	}
	v.SetUint(n.uint)
	return nil
}

func decodeFloat(v reflect.Value, b []byte) error {
	n, ok := readMsgpackNumber(b)
	if !ok {
		return badPayload("want a number")
	}
	f := n.toFloat()
	if !isFinite(f) {
		return badPayload("number is not finite")
	}
	if v.OverflowFloat(f) {
		return badPayload("number out of range")
	}
	v.SetFloat(f)
	return nil
}

func (n number) toFloat() float64 {
	switch n.kind {
	case kindUint:
		return float64(n.uint)
	case kindInt:
		return float64(n.int)
	default:
		return n.float
	}
}

func decodeInterface(v reflect.Value, b []byte) error {
	if v.NumMethod() != 0 {
		return fmt.Errorf("sio: cannot decode into %s", v.Type())
	}
	x, _, err := decodeAny(b)
	if err == nil && x != nil {
		v.Set(reflect.ValueOf(x))
	}
	return err
}

func decodeList(v reflect.Value, b []byte) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return decodeBytes(v, b)
	}
	if msgp.NextType(b) != msgp.ArrayType {
		return badPayload("want an array")
	}
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return badPayload("malformed")
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), int(n), int(n))) // the check bounds n
	} else if int(n) != v.Len() {
		return badPayload("want an array of " + strconv.Itoa(v.Len()))
	}
	for i := range int(n) {
		if b, err = decodeValue(v.Index(i), b); err != nil {
			return under(err, "["+strconv.Itoa(i)+"]")
		}
	}
	return nil
}

func decodeBytes(v reflect.Value, b []byte) error {
	if b[0] < 0xc4 || b[0] > 0xc9 {
		return badPayload("want binary")
	}
	bin, _, _, err := readBinaryOrDate(b)
	if err != nil {
		return err
	}
	if v.Kind() == reflect.Slice {
		v.SetBytes(bytes.Clone(bin))
		return nil
	}
	if len(bin) != v.Len() {
		return badPayload("want " + strconv.Itoa(v.Len()) + " bytes")
	}
	reflect.Copy(v, reflect.ValueOf(bin).Convert(reflect.SliceOf(v.Type().Elem())))
	return nil
}
