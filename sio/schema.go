package sio

import (
	"cmp"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

// EventInfo is one declared event of a namespace.
type EventInfo struct {
	Name       string
	FromServer bool   // the server emits it; else clients do
	Arg        *Shape // of its one argument; nil without
	Answer     *Shape // of the ack; nil when the sender asks for none
}

// declaration is an EventInfo as it was declared.
type declaration struct {
	arg, answer reflect.Type // nil for none
}

// ShapeKind is what a Go type is on the wire.
type ShapeKind uint8

// The kinds.
const (
	ShapeNone    ShapeKind = iota // cannot travel: channels, functions, complex numbers
	ShapeAny                      // anything: interfaces, types that encode themselves
	ShapeBool                     // true or false
	ShapeInt                      // a whole number
	ShapeUint                     // a whole number, not negative
	ShapeFloat                    // a finite number
	ShapeString                   // text, and types that marshal themselves to text
	ShapeTime                     // a time, as an RFC 3339 string
	ShapeBytes                    // binary
	ShapePointer                  // null or Elem
	ShapeList                     // null or any number of Elem
	ShapeArray                    // Len of Elem
	ShapeMap                      // null or an object of Elem under any keys
	ShapeObject                   // an object of Fields
)

// Shape says how values of a Go type travel. Shapes of recursive types are
// cyclic: a Type has one Shape within what one call of [ShapeOf] or
// [Namespace.Events] returns.
type Shape struct {
	Kind   ShapeKind
	Type   reflect.Type
	Elem   *Shape
	Len    int
	Fields []ShapeField // in order of declaration, embedded structs flattened
}

// ShapeField is a member of an object. Range, Enum and Required are what its
// check tag says; they are asked of what clients send.
type ShapeField struct {
	Name     string // on the wire
	Shape    *Shape
	Omitted  bool // Emit may leave it out
	Null     bool // Emit may send null: a nil that is not left out, nor required
	Required bool
	Range    string   // as "1..24", empty without
	Enum     []string // nil without
}

// Accepts declares that clients of the namespace may send an event: with an
// argument of arg's type, nil for none, and answered with answer's type, nil
// when there is no ack. A reflect.Type stands for itself. Handlers set with
// [On] and [OnAck] must then be of these types, or they panic, and Events tells
// the declaration to who wants to describe the namespace. Declaring sets no
// handler. Declare before clients come; a type that cannot travel, or whose
// check tags make no sense, panics.
func (n *Namespace) Accepts(event string, arg, answer any) {
	d := declaration{typeOf(arg), typeOf(answer)}
	n.declare(event, false, d)
	if d.arg != nil {
		mustVet(event, d.arg)
	}
}

// Emits declares that the server sends an event to clients of the namespace:
// see Accepts. An answer other than nil is what it expects for EmitWithAck.
func (n *Namespace) Emits(event string, arg, answer any) {
	n.declare(event, true, declaration{typeOf(arg), typeOf(answer)})
}

// Events returns what was declared: what clients send first, each by name.
func (n *Namespace) Events() []EventInfo {
	n.mu.RLock()
	defer n.mu.RUnlock()
	s := shaper{}
	list := make([]EventInfo, 0, len(n.takes)+len(n.sends))
	add := func(from map[string]declaration, fromServer bool) {
		for name, d := range from {
			list = append(list, EventInfo{Name: name, FromServer: fromServer, Arg: s.maybe(d.arg), Answer: s.maybe(d.answer)})
		}
	}
	add(n.takes, false)
	add(n.sends, true)
	slices.SortFunc(list, func(a, b EventInfo) int {
		if a.FromServer != b.FromServer {
			if b.FromServer {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return list
}

// ShapeOf returns how values of a type travel.
func ShapeOf(t reflect.Type) *Shape { return shaper{}.of(t) }

// typeOf is the type that a sample stands for.
func typeOf(sample any) reflect.Type {
	if t, ok := sample.(reflect.Type); ok {
		return t
	}
	return reflect.TypeOf(sample)
}

func (n *Namespace) declare(event string, fromServer bool, d declaration) {
	if reserved(event) || event == "" {
		panic(fmt.Sprintf("sio: event %q: the name is reserved", event))
	}
	s := shaper{}
	for _, t := range []reflect.Type{d.arg, d.answer} {
		if t == nil {
			continue
		}
		s.of(t)
		for at, shape := range s {
			if shape.Kind == ShapeNone {
				panic(fmt.Sprintf("sio: event %q: %s in %s cannot travel", event, at, t))
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	table := &n.takes
	if fromServer {
		table = &n.sends
	}
	if old, twice := (*table)[event]; twice && old != d {
		panic(fmt.Sprintf("sio: event %q is declared twice", event))
	}
	if *table == nil {
		*table = make(map[string]declaration)
	}
	(*table)[event] = d
}

// mustMatch panics when a handler is not of the types that were declared.
// answer is nil for one that gives none.
func (n *Namespace) mustMatch(event string, arg, answer reflect.Type) {
	for ; n != nil; n = n.parent {
		n.mu.RLock()
		d, declared := n.takes[event]
		n.mu.RUnlock()
		if declared && (d.arg != nil && d.arg != arg || d.answer != answer) {
			panic(fmt.Sprintf("sio: event %q takes %v and gives %v, but is declared to take %v and to give %v",
				event, arg, answer, d.arg, d.answer))
		}
	}
}

// shaper makes shapes, one for each type.
type shaper map[reflect.Type]*Shape

func (m shaper) maybe(t reflect.Type) *Shape {
	if t == nil {
		return nil
	}
	return m.of(t)
}

func (m shaper) of(t reflect.Type) *Shape {
	if s := m[t]; s != nil {
		return s
	}
	s := &Shape{Type: t, Kind: specialShape(t)}
	m[t] = s
	if s.Kind != ShapeNone {
		return s
	}
	switch t.Kind() {
	case reflect.Interface:
		s.Kind = ShapeAny
	case reflect.Bool:
		s.Kind = ShapeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		s.Kind = ShapeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.Kind = ShapeUint
	case reflect.Float32, reflect.Float64:
		s.Kind = ShapeFloat
	case reflect.String:
		s.Kind = ShapeString
	case reflect.Pointer:
		s.Kind, s.Elem = ShapePointer, m.of(t.Elem())
	case reflect.Slice, reflect.Array:
		m.list(s)
	case reflect.Map:
		if isKey(t.Key()) {
			s.Kind, s.Elem = ShapeMap, m.of(t.Elem())
		}
	case reflect.Struct:
		s.Kind = ShapeObject
		m.fields(s)
	default: // ShapeNone
	}
	return s
}

func (m shaper) list(s *Shape) {
	if s.Type.Elem().Kind() == reflect.Uint8 {
		s.Kind = ShapeBytes
		return
	}
	s.Kind, s.Elem = ShapeList, m.of(s.Type.Elem())
	if s.Type.Kind() == reflect.Array {
		s.Kind, s.Len = ShapeArray, s.Type.Len()
	}
}

func (m shaper) fields(s *Shape) {
	for _, f := range planOf(s.Type).fields {
		at := s.Type.FieldByIndex(f.index)
		out := ShapeField{Name: f.name, Shape: m.of(at.Type), Omitted: f.omitEmpty || f.omitZero}
		for i := 1; i < len(f.index); i++ {
			out.Omitted = out.Omitted || s.Type.FieldByIndex(f.index[:i]).Type.Kind() == reflect.Pointer
		}
		if r := f.rule; r != nil {
			out.Required, out.Range, out.Enum = r.required, r.text, slices.Clone(r.enum)
		}
		switch at.Type.Kind() {
		case reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
			out.Null = !out.Required && !f.omitEmpty && !f.omitZero
		default:
		}
		s.Fields = append(s.Fields, out)
	}
}

// isKey reports whether maps with such keys travel, as [keyText] has it.
func isKey(t reflect.Type) bool {
	return t.Kind() == reflect.String || isInteger(t.Kind()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// specialShape is the shape of types that the encoder and the decoder treat by
// their methods, ShapeNone for all others.
func specialShape(t reflect.Type) ShapeKind {
	if t.Kind() == reflect.Interface || t.PkgPath() == "" {
		return ShapeNone
	}
	has := func(want reflect.Type) bool { return t.Implements(want) || reflect.PointerTo(t).Implements(want) }
	switch {
	case t == reflect.TypeFor[time.Time]():
		return ShapeTime
	case t == reflect.TypeFor[json.Number]():
		return ShapeFloat
	case has(reflect.TypeFor[msgpack.CustomEncoder]()), has(reflect.TypeFor[msgpack.CustomDecoder]()),
		has(reflect.TypeFor[json.Marshaler]()), has(reflect.TypeFor[json.Unmarshaler]()):
		return ShapeAny
	case has(reflect.TypeFor[encoding.TextMarshaler]()):
		return ShapeString
	case has(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return ShapeAny
	}
	return ShapeNone
}
