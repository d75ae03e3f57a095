package sio

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type shapedInner struct {
	Deep *int `json:"deep,omitempty"`
}

type ShapedTree struct {
	Name string        `json:"name" check:"required,1..8"`
	Kids []*ShapedTree `json:"kids"`
}

type shapedEvent struct {
	shapedInner
	*ShapedTree

	On     bool              `json:"on"`
	I      int8              `json:"i" check:"-1..4"`
	U      uint64            `json:"u"`
	F      float32           `json:"f,omitzero"`
	Colour string            `json:"colour" check:"enum=red|blue"`
	At     time.Time         `json:"at"`
	Raw    []byte            `json:"raw"`
	Key    [4]byte           `json:"key"`
	Pos    [2]float64        `json:"pos"`
	Map    map[int]string    `json:"map"`
	Any    any               `json:"any"`
	Num    json.Number       `json:"num"`
	JSON   json.RawMessage   `json:"json"`
	Text   shapedText        `json:"text"`
	Texts  map[shapedText]ID `json:"texts"`
	Hidden chan int          `json:"-"`

	secret chan int
}

type (
	ID         uint32
	shapedText struct{}
)

func (shapedText) MarshalText() ([]byte, error) { return []byte("x"), nil }

func TestShapeOf(t *testing.T) {
	s := ShapeOf(reflect.TypeFor[shapedEvent]())
	require.Nil(t, shapedEvent{}.secret, "it is there, but not on the wire")
	require.Equal(t, ShapeObject, s.Kind)
	got := map[string]ShapeField{}
	for _, f := range s.Fields {
		got[f.Name] = f
	}
	for name, kind := range map[string]ShapeKind{
		"deep": ShapePointer, "name": ShapeString, "kids": ShapeList, "on": ShapeBool, "i": ShapeInt, "u": ShapeUint,
		"f": ShapeFloat, "colour": ShapeString, "at": ShapeTime, "raw": ShapeBytes, "key": ShapeBytes, "pos": ShapeArray,
		"map": ShapeMap, "any": ShapeAny, "num": ShapeFloat, "json": ShapeAny, "text": ShapeString, "texts": ShapeMap,
	} {
		require.Contains(t, got, name)
		require.Equal(t, kind, got[name].Shape.Kind, name)
		delete(got, name)
	}
	require.Empty(t, got, "neither Hidden nor secret")

	byName := func(name string) ShapeField {
		for _, f := range s.Fields {
			if f.Name == name {
				return f
			}
		}
		return ShapeField{}
	}
	require.True(t, byName("deep").Omitted, "omitempty")
	require.True(t, byName("f").Omitted, "omitzero")
	require.True(t, byName("name").Omitted, "behind an embedded pointer")
	require.False(t, byName("on").Omitted)
	require.True(t, byName("kids").Null)
	require.True(t, byName("any").Null)
	require.False(t, byName("deep").Null, "left out instead")
	require.False(t, byName("on").Null)
	require.True(t, byName("name").Required)
	require.Equal(t, "1..8", byName("name").Range)
	require.Equal(t, "-1..4", byName("i").Range)
	require.Equal(t, []string{"red", "blue"}, byName("colour").Enum)
	require.Equal(t, 2, byName("pos").Shape.Len)

	tree := byName("kids").Shape.Elem.Elem
	require.Same(t, byName("kids").Shape, tree.Fields[1].Shape, "a type has one shape")
}

func TestDeclaredEvents(t *testing.T) {
	ns := New(Config{}).Of("/x")
	ns.Accepts("b", ShapedTree{}, nil)
	ns.Accepts("a", nil, reflect.TypeFor[any]())
	ns.Emits("a", ShapedTree{}, nil)
	ns.Accepts("a", nil, reflect.TypeFor[any]()) // the same again
	list := ns.Events()
	require.Len(t, list, 3)
	require.Equal(t, []any{"a", "b", "a"}, []any{list[0].Name, list[1].Name, list[2].Name})
	require.True(t, list[2].FromServer)
	require.Nil(t, list[0].Arg)
	require.Equal(t, ShapeAny, list[0].Answer.Kind)
	require.Same(t, list[1].Arg, list[2].Arg)

	type wrong struct {
		A int `check:"many"`
	}
	type channels struct{ C []chan int }
	for name, declare := range map[string]func(){
		"reserved":      func() { ns.Emits("connect", nil, nil) },
		"no name":       func() { ns.Accepts("", nil, nil) },
		"another type":  func() { ns.Accepts("b", 1, nil) },
		"bad check tag": func() { ns.Accepts("c", wrong{}, nil) },
		"a channel":     func() { ns.Accepts("d", channels{}, nil) },
		"a func back":   func() { ns.Emits("e", nil, func() {}) },
		"a struct key":  func() { ns.Emits("f", map[struct{ A int }]int{}, nil) },
	} {
		require.Panics(t, declare, name)
	}
}

// TestHandlersMatchDeclarations sets handlers of other types than declared.
func TestHandlersMatchDeclarations(t *testing.T) {
	srv := New(Config{})
	ns := srv.Of("/x")
	ns.Accepts("tell", ShapedTree{}, nil)
	ns.Accepts("ask", ShapedTree{}, 0)
	ns.Accepts("bare", nil, 0)
	child := newNamespace(srv, "/y")
	child.parent = ns
	for _, n := range []*Namespace{ns, child} {
		s := &Socket{nsp: n}
		require.NotPanics(t, func() {
			On(s, "tell", func(ShapedTree) {})
			OnAck(s, "ask", func(ShapedTree) (int, error) { return 0, nil })
			OnAck(s, "bare", func(any) (int, error) { return 0, nil })
			On(s, "other", func(string) {})
		})
		require.Panics(t, func() { On(s, "tell", func(string) {}) })
		require.Panics(t, func() { OnAck(s, "tell", func(ShapedTree) (int, error) { return 0, nil }) })
		require.Panics(t, func() { On(s, "ask", func(ShapedTree) {}) })
		require.Panics(t, func() { OnAck(s, "ask", func(ShapedTree) (string, error) { return "", nil }) })
	}
}
