package tsgen

import (
	"bytes"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"gameserver/sio"
)

// direction is who sends a value.
type direction uint8

const (
	fromServer direction = iota
	fromClient
)

func (d direction) other() direction { return fromClient - d }

// tupleMax is the longest array that becomes a tuple.
const tupleMax = 16

// named is a Go type that gets a declaration of its own.
type named struct {
	t   reflect.Type
	dir direction
}

type generator struct {
	taken    map[string]bool
	order    []named // as declared
	shapes   map[reflect.Type]*sio.Shape
	names    map[named]string
	usesGame bool
}

func newGenerator() *generator {
	g := &generator{taken: map[string]bool{}, shapes: map[reflect.Type]*sio.Shape{}, names: map[named]string{}}
	for _, name := range own {
		g.taken[name] = true
	}
	// The one error shape has a name of its own.
	failure := named{reflect.TypeFor[sio.Error](), fromServer}
	g.names[failure] = g.take("ErrorReply")
	return g
}

// assign finds the types that are declared, and their names.
func (g *generator) assign(roots []root) {
	seen := map[named]bool{}
	for _, r := range roots {
		g.usesGame = g.usesGame || generic(r.shape)
		g.visit(r.shape, r.dir, seen)
	}
	for _, n := range g.order {
		if g.names[n] != "" {
			continue
		}
		name := typeName(n.t)
		if seen[named{n.t, n.dir.other()}] && n.dir == fromClient {
			name += "In"
		}
		if g.taken[name] {
			name = camel(path.Base(n.t.PkgPath()), "") + name
		}
		g.names[n] = g.take(name)
	}
}

// visit walks a shape, noting the types that are declared in order of appearance.
func (g *generator) visit(s *sio.Shape, dir direction, seen map[named]bool) {
	n := named{s.Type, dir}
	if seen[n] {
		return
	}
	seen[n] = true
	if declared(s) {
		g.order = append(g.order, n)
		g.shapes[s.Type] = s
	}
	if s.Elem != nil {
		g.visit(s.Elem, dir, seen)
	}
	for _, f := range s.Fields {
		g.visit(f.Shape, dir, seen)
	}
}

// declared reports whether a type has a declaration: structs with a name, and
// what else can hold itself.
func declared(s *sio.Shape) bool {
	if s.Type.Name() == "" {
		return false
	}
	switch s.Kind {
	case sio.ShapeObject, sio.ShapeList, sio.ShapeArray, sio.ShapeMap, sio.ShapePointer:
		return true
	default:
		return false
	}
}

// generic reports whether values of a shape hold values of a game.
func generic(s *sio.Shape) bool {
	seen := map[*sio.Shape]bool{}
	var holds func(s *sio.Shape) bool
	holds = func(s *sio.Shape) bool {
		if s == nil || seen[s] {
			return false
		}
		seen[s] = true
		if text, is := marked[s.Type]; is && strings.Contains(text[0], "G") {
			return true
		}
		return holds(s.Elem) || slices.ContainsFunc(s.Fields, func(f sio.ShapeField) bool { return holds(f.Shape) })
	}
	return holds(s)
}

// declare writes the declarations of all named types.
func (g *generator) declare(w *bytes.Buffer) {
	for _, n := range g.order {
		s, param := g.shapes[n.t], ""
		if generic(s) {
			param = anyGame
		}
		if s.Kind == sio.ShapeObject {
			fmt.Fprintf(w, "\nexport interface %s%s %s\n", g.names[n], param, g.object(s, n.dir, ""))
			continue
		}
		fmt.Fprintf(w, "\nexport type %s%s = %s;\n", g.names[n], param, g.structure(s, n.dir, ""))
	}
}

// union is a type: one of these.
type union []string

func (u union) or(text string) union {
	if slices.Contains(u, text) || slices.Equal(u, union{"unknown"}) {
		return u
	}
	return append(slices.Clip(u), text)
}

func (u union) String() string { return strings.Join(u, " | ") }

// element is the type where an operator follows.
func (u union) element() string {
	if len(u) > 1 {
		return "(" + u.String() + ")"
	}
	return u.String()
}

// expr is the type of a value. present says that it is not null.
func (g *generator) expr(s *sio.Shape, dir direction, present bool, indent string) union {
	null := false
	for s.Kind == sio.ShapePointer && !declared(s) {
		s, null = s.Elem, true
	}
	out := g.value(s, dir, indent)
	if dir == fromServer && (s.Kind == sio.ShapeList || s.Kind == sio.ShapeMap) {
		null = true
	}
	if null && !present {
		out = out.or("null")
	}
	return out
}

// value is the type of a value that is not null, by its name if it has one.
func (g *generator) value(s *sio.Shape, dir direction, indent string) union {
	if name := g.names[named{s.Type, dir}]; name != "" && declared(s) {
		if generic(s) {
			name += "<G>"
		}
		return union{name}
	}
	return g.structure(s, dir, indent)
}

// structure is the type of a value that is not null, written out.
func (g *generator) structure(s *sio.Shape, dir direction, indent string) union {
	switch s.Kind {
	case sio.ShapeAny:
		if text, is := marked[s.Type]; is {
			return slices.Clone(text)
		}
		return union{"unknown"}
	case sio.ShapeBool:
		return union{"boolean"}
	case sio.ShapeInt, sio.ShapeUint, sio.ShapeFloat:
		return union{"number"}
	case sio.ShapeString, sio.ShapeTime:
		return union{"string"}
	case sio.ShapeBytes:
		return union{"Uint8Array", "ArrayBuffer"}
	case sio.ShapeList:
		return union{g.expr(s.Elem, dir, false, indent).element() + "[]"}
	case sio.ShapeArray:
		elem := g.expr(s.Elem, dir, false, indent)
		if s.Len > tupleMax {
			return union{elem.element() + "[]"}
		}
		return union{"[" + strings.Join(slices.Repeat([]string{elem.String()}, s.Len), ", ") + "]"}
	case sio.ShapeMap:
		return union{"{ [key: string]: " + g.expr(s.Elem, dir, false, indent).String() + " }"}
	case sio.ShapeObject:
		return union{g.object(s, dir, indent)}
	case sio.ShapePointer: // with a name
		if target(s) == nil {
			return union{"unknown"}
		}
		return g.expr(s.Elem, dir, false, indent).or("null")
	case sio.ShapeNone:
	}
	return union{"never"}
}

// target is what a shape is behind its pointers, or nil for type P *P.
func target(s *sio.Shape) *sio.Shape {
	for i := 0; s.Kind == sio.ShapePointer; i++ {
		if i == tupleMax {
			return nil
		}
		s = s.Elem
	}
	return s
}

// object is the type of an object, braces and all.
func (g *generator) object(s *sio.Shape, dir direction, indent string) string {
	if len(s.Fields) == 0 {
		return "{}"
	}
	var out strings.Builder
	out.WriteString("{\n")
	for _, f := range s.Fields {
		if note := note(f, dir); note != "" {
			fmt.Fprintf(&out, "%s  /** %s */\n", indent, note)
		}
		mark := ""
		if dir == fromServer && f.Omitted || dir == fromClient && !f.Required {
			mark = "?"
		}
		fmt.Fprintf(&out, "%s  %s%s: %s;\n", indent, property(f.Name), mark, g.member(f, dir, indent+"  "))
	}
	out.WriteString(indent + "}")
	return out.String()
}

// member is the type of a field.
func (g *generator) member(f sio.ShapeField, dir direction, indent string) union {
	present := f.Required
	if dir == fromServer {
		present = !f.Null
	}
	full := g.expr(f.Shape, dir, present, indent)
	if f.Enum == nil {
		return full
	}
	base := target(f.Shape)
	var out union
	for _, one := range f.Enum {
		if base != nil && base.Kind == sio.ShapeString {
			out = out.or(quote(one))
		} else if integer.MatchString(one) { // no number is any other one
			out = out.or(one)
		}
	}
	if slices.Contains(full, "null") {
		out = out.or("null")
	}
	if len(out) == 0 {
		return union{"never"}
	}
	return out
}

// note is what a comment says about a field.
func note(f sio.ShapeField, dir direction) string {
	s := target(f.Shape)
	if s == nil {
		return ""
	}
	var parts []string
	if dir == fromClient && f.Enum == nil {
		switch {
		case s.Kind == sio.ShapeInt, s.Kind == sio.ShapeUint && f.Range != "":
			parts = append(parts, "integer")
		case s.Kind == sio.ShapeUint:
			parts = append(parts, "integer, not negative")
		}
	}
	if f.Range != "" {
		parts = append(parts, f.Range+unit(s.Kind))
	}
	return comment(strings.Join(parts, ", "))
}

func unit(k sio.ShapeKind) string {
	switch k {
	case sio.ShapeString:
		return " characters"
	case sio.ShapeBytes:
		return " bytes"
	case sio.ShapeList, sio.ShapeMap:
		return " elements"
	default:
		return ""
	}
}
