// Package ot is operational transformation of plain text, as the server of the
// text example does it; its twin in JavaScript is ../ot.mjs.
//
// An operation walks over the whole text, from the first character to the last,
// and says what becomes of it: so many are kept, these are inserted, so many are
// removed. Two operations made at the same time from the same text cannot simply
// be done one after the other, because the first one moves what the second one
// talks about. [Transform] rewrites them so that it works:
//
//	text · a · b'  ==  text · b · a'      where a', b' = Transform(a, b)
//
// That equation is all that convergence needs, and what the tests hold. Positions
// count code points, so that no side can cut a character in two.
package ot

import (
	"errors"
	"unicode/utf8"
)

// MaxParts bounds the parts of an operation.
const MaxParts = 1000

// Errors that Check, Apply and Transform return.
var (
	// ErrPart is a part that does not say exactly one thing, or too many parts.
	ErrPart = errors.New("ot: bad part")
	// ErrBase is an operation on a text of another length.
	ErrBase = errors.New("ot: operation is for another text")
)

// Part is one step of an operation; exactly one field is set.
type Part struct {
	Keep   int    `json:"keep,omitempty"`
	Insert string `json:"insert,omitempty"`
	Remove int    `json:"remove,omitempty"`
}

// Op is an operation.
type Op []Part

// Check reports whether an operation from outside may be applied to a text of n
// characters. What it passes, Apply and Transform take.
func (o Op) Check(n int) error {
	if len(o) > MaxParts {
		return ErrPart
	}
	for _, p := range o {
		set := 0
		for _, is := range [...]bool{p.Keep != 0, p.Insert != "", p.Remove != 0} {
			if is {
				set++
			}
		}
		if set != 1 || p.Keep < 0 || p.Remove < 0 {
			return ErrPart
		}
		if n -= p.Keep; n < 0 { // step by step, so that no sum overflows
			return ErrBase
		}
		if n -= p.Remove; n < 0 {
			return ErrBase
		}
	}
	if n != 0 {
		return ErrBase
	}
	return nil
}

// Inserted is the number of characters that come into the text.
func (o Op) Inserted() int {
	n := 0
	for _, p := range o {
		n += utf8.RuneCountInString(p.Insert)
	}
	return n
}

// Apply returns the text after the operation.
func (o Op) Apply(text []rune) ([]rune, error) {
	if err := o.Check(len(text)); err != nil {
		return nil, err
	}
	next := make([]rune, 0, len(text)+o.Inserted())
	for _, p := range o {
		next = append(next, []rune(p.Insert)...)
		next = append(next, text[:p.Keep]...)
		text = text[p.Keep+p.Remove:]
	}
	return next, nil
}

// Move returns where a position is after the operation. What is inserted right
// at the position goes behind it.
func (o Op) Move(pos int) int {
	at, moved := 0, pos
	for _, p := range o {
		if at < pos {
			moved += utf8.RuneCountInString(p.Insert)
		}
		moved -= min(p.Remove, max(0, pos-at))
		at += p.Keep + p.Remove
	}
	return moved
}

// Transform rewrites two operations on the same text so that each can follow the
// other. Where both insert at one place, what a inserts comes first.
func Transform(a, b Op) (a2, b2 Op, err error) {
	if a.base() != b.base() {
		return nil, nil, ErrBase
	}
	x, y := reader{op: a}, reader{op: b}
	for !x.done() || !y.done() {
		switch {
		case x.inserts():
			s := x.next().Insert
			a2, b2 = a2.insert(s), b2.keep(utf8.RuneCountInString(s))
		case y.inserts():
			s := y.next().Insert
			a2, b2 = a2.keep(utf8.RuneCountInString(s)), b2.insert(s)
		default: // both stand before the same characters
			n := min(x.left(), y.left())
			switch xr, yr := x.take(n), y.take(n); {
			case xr && yr: // gone already
			case xr:
				a2 = a2.remove(n)
			case yr:
				b2 = b2.remove(n)
			default:
				a2, b2 = a2.keep(n), b2.keep(n)
			}
		}
	}
	return a2, b2, nil
}

func (o Op) base() int {
	n := 0
	for _, p := range o {
		n += p.Keep + p.Remove
	}
	return n
}

// last returns the last part, for the next one to melt into.
func (o Op) last() *Part {
	if len(o) == 0 {
		return &Part{}
	}
	return &o[len(o)-1]
}

func (o Op) keep(n int) Op {
	if l := o.last(); l.Keep > 0 {
		l.Keep += n
		return o
	}
	return append(o, Part{Keep: n})
}

func (o Op) remove(n int) Op {
	if l := o.last(); l.Remove > 0 {
		l.Remove += n
		return o
	}
	return append(o, Part{Remove: n})
}

func (o Op) insert(s string) Op {
	if l := o.last(); l.Insert != "" {
		l.Insert += s
		return o
	}
	return append(o, Part{Insert: s})
}

// reader walks over an operation, stopping inside parts.
type reader struct {
	op   Op
	used int // of the first part
}

func (r *reader) done() bool    { return len(r.op) == 0 }
func (r *reader) inserts() bool { return !r.done() && r.op[0].Insert != "" }
func (r *reader) left() int     { return r.op[0].Keep + r.op[0].Remove - r.used }

func (r *reader) next() Part {
	p := r.op[0]
	r.op, r.used = r.op[1:], 0
	return p
}

// take passes n characters and reports whether they are removed.
func (r *reader) take(n int) bool {
	removes := r.op[0].Remove > 0
	if r.used += n; r.left() == 0 {
		r.next()
	}
	return removes
}
