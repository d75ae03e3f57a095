package sio

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// plans memoises planOf: a pure function of the type.
var plans sync.Map // reflect.Type -> *plan

// plan is how a struct type looks on the wire, in both encodings: the exported
// fields under the names of their json tags, embedded structs flattened by the
// rules of encoding/json. Of the options, omitempty and omitzero are honoured,
// string is not.
type plan struct {
	ruled  bool    // some field has a check tag
	fields []field // in order of declaration
	byName map[string]int
}

type field struct {
	name      string
	index     []int
	tagged    bool
	omitEmpty bool
	omitZero  bool
	rule      *rule  // of the check tag, nil without
	tagError  string // why the check tag cannot be read
}

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan) //nolint:forcetypeassert,errcheck // nothing else is stored
	}
	var all []field
	collect(t, nil, map[reflect.Type]bool{}, &all)
	p := &plan{byName: make(map[string]int)}
	for _, f := range all {
		if dominant(all, f) {
			p.byName[f.name] = len(p.fields)
			p.ruled = p.ruled || f.rule != nil
			p.fields = append(p.fields, f)
		}
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan) //nolint:forcetypeassert,errcheck // nothing else is stored
}

// collect appends the fields of t and of the structs it embeds.
func collect(t reflect.Type, index []int, open map[reflect.Type]bool, all *[]field) {
	if open[t] {
		return
	}
	open[t] = true
	defer delete(open, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, has := sf.Tag.Lookup("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		at := append(slices.Clip(index), i)
		if inner, ok := embeds(sf); ok && name == "" {
			if sf.IsExported() || sf.Type.Kind() != reflect.Pointer {
				collect(inner, at, open, all)
			}
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := field{name: name, index: at, tagged: has && name != ""}
		if name == "" {
			f.name = sf.Name
		}
		opts := strings.Split(options, ",")
		f.omitEmpty = slices.Contains(opts, "omitempty")
		f.omitZero = slices.Contains(opts, "omitzero")
		f.readCheck(sf.Tag)
		*all = append(*all, f)
	}
}

// readCheck reads the check tag, if there is one.
func (f *field) readCheck(tag reflect.StructTag) {
	check, ok := tag.Lookup("check")
	if !ok {
		return
	}
	var err error
	if f.rule, err = parseRule(check); err != nil {
		f.tagError = err.Error()
	}
}

// embeds returns the struct that an embedded field promotes the fields of.
func embeds(sf reflect.StructField) (reflect.Type, bool) {
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, sf.Anonymous && t.Kind() == reflect.Struct
}

// dominant reports whether f is the one field that its name means: the
// shallowest, and among those the only tagged one or the only one.
func dominant(all []field, f field) bool {
	for _, g := range all {
		if g.name != f.name || slices.Equal(g.index, f.index) {
			continue
		}
		if len(g.index) < len(f.index) || len(g.index) == len(f.index) && (g.tagged || !f.tagged) {
			return false
		}
	}
	return true
}

// in returns the field's value within v, or false behind a nil pointer.
func (f *field) in(v reflect.Value) (reflect.Value, bool) {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v, true
}

// settle is in for writing: it allocates the embedded pointers on the way.
func (f *field) settle(v reflect.Value) reflect.Value {
	for i, x := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}

func (f *field) omitted(v reflect.Value) bool {
	if f.omitZero {
		if z, ok := v.Interface().(interface{ IsZero() bool }); ok && z.IsZero() || v.IsZero() {
			return true
		}
	}
	if !f.omitEmpty {
		return false
	}
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}
