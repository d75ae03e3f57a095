package sio

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// rule is what a field's check tag asks for, beyond its type:
//
//	check:"1..24"           numbers within, or so many characters, elements, bytes
//	check:"0.."             one end may be open
//	check:"enum=red|blue"   one of these: strings and integers
//	check:"required"        not missing and not null
//
// joined by commas. A field that is missing or null, and not required, is not
// looked at. Behind a pointer the rule holds for what it points to; for the
// elements of a list, the rules are those of their own struct type.
type rule struct {
	required bool
	ranged   bool
	lo, hi   float64
	enum     []string
	text     string // of the range, for messages
}

// vetted remembers the types whose tags are right.
var vetted sync.Map // reflect.Type -> error or nil

// vet reports the first check tag within t that makes no sense.
func vet(t reflect.Type) error {
	if known, ok := vetted.Load(t); ok {
		err, _ := known.(error)
		return err
	}
	err := vetType(t, map[reflect.Type]bool{})
	vetted.Store(t, err)
	return err
}

func vetType(t reflect.Type, open map[reflect.Type]bool) error {
	if open[t] {
		return nil
	}
	open[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return vetType(t.Elem(), open)
	case reflect.Struct:
	default:
		return nil
	}
	for _, f := range planOf(t).fields {
		ft := t.FieldByIndex(f.index).Type
		if f.tagError != "" {
			return fmt.Errorf("field %s of %s: %s", f.name, t, f.tagError)
		}
		if f.rule != nil {
			if err := f.rule.fits(ft); err != nil {
				return fmt.Errorf("field %s of %s: %w", f.name, t, err)
			}
		}
		if err := vetType(ft, open); err != nil {
			return err
		}
	}
	return nil
}

// mustVet panics on a type whose check tags make no sense: an author's mistake,
// seen when the handler is registered.
func mustVet(event string, t reflect.Type) {
	if err := vet(t); err != nil {
		panic(fmt.Sprintf("sio: event %q: %v", event, err))
	}
}

// parseRule reads a check tag.
func parseRule(tag string) (*rule, error) {
	r := &rule{}
	for part := range strings.SplitSeq(tag, ",") {
		lo, hi, isRange := strings.Cut(part, "..")
		list, isEnum := strings.CutPrefix(part, "enum=")
		switch {
		case part == "required":
			r.required = true
		case isEnum && list != "":
			r.enum = strings.Split(list, "|")
		case isRange && !r.ranged:
			var err1, err2 error
			r.lo, err1 = bound(lo, -1)
			r.hi, err2 = bound(hi, +1)
			if err1 != nil || err2 != nil || r.lo > r.hi {
				return nil, fmt.Errorf("check tag %q: %q is not a range", tag, part)
			}
			r.ranged, r.text = true, part
		default:
			return nil, fmt.Errorf("check tag %q: %q is not a rule", tag, part)
		}
	}
	return r, nil
}

// bound reads one end of a range; an empty one is open towards sign.
func bound(s string, sign float64) (float64, error) {
	if s == "" {
		return sign * maxFloat, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && !isFinite(f) {
		err = errors.New("not finite")
	}
	return f, err
}

const maxFloat = 0x1p1023 * (1 + (1 - 0x1p-52))

// fits reports whether the rule can be asked of a type.
func (r *rule) fits(t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if r.enum != nil && t.Kind() != reflect.String && !isInteger(t.Kind()) {
		return fmt.Errorf("an enum of %s cannot be", t)
	}
	if r.ranged && !isInteger(t.Kind()) && !slices.Contains([]reflect.Kind{
		reflect.Float32, reflect.Float64, reflect.String, reflect.Slice, reflect.Map,
	}, t.Kind()) {
		return fmt.Errorf("a range of %s cannot be", t)
	}
	return nil
}

func isInteger(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uintptr }

// verify holds a decoded value against the rule.
func (r *rule) verify(v reflect.Value) error {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if r.enum != nil && !slices.Contains(r.enum, plainText(v)) {
		return badPayload("want one of " + strings.Join(r.enum, ", "))
	}
	if !r.ranged {
		return nil
	}
	x, what := measure(v)
	if x < r.lo || x > r.hi {
		return badPayload("want " + r.text + what)
	}
	return nil
}

func plainText(v reflect.Value) string {
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	return v.String()
}

// measure is the number that a range is about, and its unit.
func measure(v reflect.Value) (x float64, unit string) {
	switch {
	case v.CanInt():
		return float64(v.Int()), ""
	case v.CanUint():
		return float64(v.Uint()), ""
	case v.CanFloat():
		return v.Float(), ""
	case v.Kind() == reflect.String:
		return float64(utf8.RuneCountInString(v.String())), " characters"
	}
	return float64(v.Len()), " elements"
}

// verifyFields holds the fields of a struct against their rules. present says
// which came with a value.
func (p *plan) verifyFields(v reflect.Value, present []bool) error {
	if !p.ruled {
		return nil
	}
	for i := range p.fields {
		f := &p.fields[i]
		if f.rule == nil {
			continue
		}
		if !present[i] {
			if f.rule.required {
				return under(badPayload("missing"), f.name)
			}
			continue
		}
		at, ok := f.in(v)
		if !ok {
			continue
		}
		if err := f.rule.verify(at); err != nil {
			return under(err, f.name)
		}
	}
	return nil
}
