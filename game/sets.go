package game

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gameserver/game/snap"
)

// setPlan is one Set field of a game.
type setPlan struct {
	index  []int // where it is in the game's struct
	name   string
	limit  int
	layout snap.Layout
	view   viewPlan
}

// findSets lists the sets of a game in the order of its fields.
func findSets(t reflect.Type) ([]setPlan, error) {
	f := setFinder{names: map[string]string{}, inside: map[reflect.Type]bool{}}
	f.enter(t)
	if err := f.walk(t, nil, "", true); err != nil {
		return nil, err
	}
	total := 0
	for _, s := range f.sets {
		total += s.limit
	}
	switch {
	case len(f.sets) > SetsMax:
		return nil, fmt.Errorf("it has %d sets, more than %d", len(f.sets), SetsMax)
	case total > EntitiesMax:
		return nil, fmt.Errorf("its sets hold up to %d entities together, more than %d", total, EntitiesMax)
	}
	return f.sets, nil
}

type setFinder struct {
	sets   []setPlan
	names  map[string]string     // wire name to field
	inside map[reflect.Type]bool // structs that the game consists of
}

// enter notes a struct and all that are part of it. A pointer to one of those,
// back to the game itself for example, leads nowhere new.
func (f *setFinder) enter(t reflect.Type) {
	f.inside[t] = true
	for field := range t.Fields() {
		if field := field.Type; field.Kind() == reflect.Struct && !isSet(field) {
			f.enter(field)
		}
	}
}

// walk visits the fields of a struct. visible says that every field on the way
// here is exported.
func (f *setFinder) walk(t reflect.Type, at []int, path string, visible bool) error {
	for i := range t.NumField() {
		field := t.Field(i)
		index := append(append([]int(nil), at...), i)
		name := path + field.Name
		exported := visible && (field.IsExported() || field.Anonymous && field.Type.Kind() == reflect.Struct)
		switch {
		case isSet(field.Type) && !exported:
			return fmt.Errorf("field %s is a set but is not exported, so it cannot be replicated", name)
		case isSet(field.Type) && len(at) >= SetDepthMax:
			return fmt.Errorf("field %s is a set more than %d structs deep", name, SetDepthMax)
		case isSet(field.Type):
			if err := f.add(field, index, name); err != nil {
				return err
			}
		case f.leads(field.Type, map[reflect.Type]bool{}):
			return fmt.Errorf("field %s: a set must be a field of its own, not %v", name, field.Type)
		case field.Type.Kind() == reflect.Struct:
			if err := f.walk(field.Type, index, name+".", exported); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *setFinder) add(field reflect.StructField, index []int, name string) error {
	zero, ok := reflect.New(field.Type).Interface().(replicated)
	if !ok {
		return fmt.Errorf("field %s is not a set", name)
	}
	s := setPlan{index: index, name: wireName(field), limit: CapDefault, view: viewPlan{axes: noAxes}}
	if other, taken := f.names[s.name]; taken {
		return fmt.Errorf("fields %s and %s have the same wire name %q", other, name, s.name)
	}
	f.names[s.name] = name
	tag := field.Tag.Get("snap")
	for _, part := range tagParts(tag) {
		if s.view.set(part) {
			continue
		}
		text, ok := strings.CutPrefix(part, "cap=")
		n, err := strconv.Atoi(text)
		if !ok || err != nil || n < 1 || n > CapMax {
			return fmt.Errorf("field %s: tag snap:%q is not cap=1 to cap=%d, own, team, all or lag", name, part, CapMax)
		}
		s.limit = n
	}
	rows, err := rowLayout(zero.rowType(), name, &s.view.axes)
	if err != nil {
		return err
	}
	if err := s.view.check(name, tag); err != nil {
		return err
	}
	s.layout = rows
	f.sets = append(f.sets, s)
	return nil
}

// rowLayout works out the replicated columns of a row type.
func rowLayout(t reflect.Type, set string, at *axes) (snap.Layout, error) {
	l := snap.Layout{Stride: t.Size()}
	if t.Kind() != reflect.Struct {
		return l, fmt.Errorf("field %s: its rows are %v, not structs", set, t)
	}
	if err := addColumns(&l, t, 0, set, map[string]string{}, at); err != nil {
		return l, err
	}
	if n := max(len(l.Columns), len(l.Own)); n > snap.FieldsMax {
		return l, fmt.Errorf("field %s: its rows have %d replicated fields, more than %d", set, n, snap.FieldsMax)
	}
	return l, nil
}

// addColumns adds the tagged fields of a struct, those of embedded structs as if
// they were its own. names holds the wire names so far and their fields, at the
// columns of the position.
func addColumns(l *snap.Layout, t reflect.Type, base uintptr, path string, names map[string]string, at *axes) error {
	for field := range t.Fields() {
		name := path + "." + field.Name
		tag, tagged := field.Tag.Lookup("snap")
		switch {
		case !tagged && field.Anonymous && field.Type.Kind() == reflect.Struct:
			if err := addColumns(l, field.Type, base+field.Offset, name, names, at); err != nil {
				return err
			}
			continue
		case !tagged && hasTags(field.Type):
			return fmt.Errorf("field %s has fields with snap tags inside, which count in the row itself or in an embedded struct only", name)
		case !tagged:
			continue
		case !field.IsExported():
			return fmt.Errorf("field %s has a snap tag but is not exported", name)
		}
		column := snap.Column{Name: wireName(field), Offset: base + field.Offset, Type: field.Type.Kind()}
		if other, taken := names[column.Name]; taken {
			return fmt.Errorf("fields %s and %s have the same wire name %q", other, name, column.Name)
		}
		names[column.Name] = name
		tag, own, err := at.take(tag, name, len(l.Columns), column.Type)
		if err != nil {
			return err
		}
		if err := column.Parse(tag); err != nil {
			return fmt.Errorf("field %s: %w", name, err)
		}
		if own {
			l.Own = append(l.Own, column)
		} else {
			l.Columns = append(l.Columns, column)
		}
	}
	return nil
}

// cutOwn takes the part own out of a tag: the field is for the player whose id
// the entity has, and for nobody else.
func cutOwn(tag string) (rest string, own bool) {
	parts := tagParts(tag)
	i := slices.Index(parts, "own")
	if i < 0 {
		return tag, false
	}
	return strings.Join(slices.Delete(parts, i, i+1), ","), true
}

// hasTags reports whether a struct, or one in it, has a field with a snap tag.
func hasTags(t reflect.Type) bool {
	if t.Kind() != reflect.Struct || isSet(t) {
		return false
	}
	for field := range t.Fields() {
		if _, tagged := field.Tag.Lookup("snap"); tagged || hasTags(field.Type) {
			return true
		}
	}
	return false
}

func schemaOf(sets []setPlan) snap.Schema {
	out := snap.Schema{Sets: make([]snap.Set, len(sets))}
	for i, s := range sets {
		out.Sets[i] = s.layout.Set(s.name, s.limit)
	}
	return out
}

func isSet(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && reflect.PointerTo(t).Implements(reflect.TypeFor[replicated]())
}

// leads reports whether a field that is not a set leads to one through a
// pointer, a slice, an array or a map, where it cannot be replicated.
func (f *setFinder) leads(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
	default:
		return false
	}
	return f.holds(t.Elem(), seen)
}

func (f *setFinder) holds(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch {
	case isSet(t):
		return true
	case t.Kind() != reflect.Struct:
		return f.leads(t, seen)
	case seen[t] || f.inside[t]:
		return false
	}
	seen[t] = true
	for field := range t.Fields() {
		if f.holds(field.Type, seen) {
			return true
		}
	}
	return false
}

// tagParts splits a tag at its commas. An empty tag has no parts.
func tagParts(tag string) []string {
	if tag == "" {
		return nil
	}
	return strings.Split(tag, ",")
}

// wireName is a field's json tag, else its name in lower camel case.
func wireName(f reflect.StructField) string {
	if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
		return name
	}
	return lowerCamel(f.Name)
}

// lowerCamel lowers the first word of an exported Go name: HP is hp, EndsAt is
// endsAt, URLPath is urlPath.
func lowerCamel(name string) string {
	r := []rune(name)
	for i := range r {
		if !unicode.IsUpper(r[i]) || i > 0 && i+1 < len(r) && unicode.IsLower(r[i+1]) {
			break
		}
		r[i] = unicode.ToLower(r[i])
	}
	return string(r)
}
