package ot

import (
	"math"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var letters = rapid.StringOfN(rapid.RuneFrom([]rune("ab\né😀")), 0, 8, -1)

// drawOp draws an operation on a text of n characters, not always the shortest.
func drawOp(t *rapid.T, n int) Op {
	var o Op
	for {
		switch s := letters.Draw(t, "insert"); {
		case s != "" && rapid.Bool().Draw(t, "inserts"):
			o = append(o, Part{Insert: s})
		case n == 0:
			return o
		default:
			k := rapid.IntRange(1, n).Draw(t, "n")
			n -= k
			if rapid.Bool().Draw(t, "keeps") {
				o = append(o, Part{Keep: k})
			} else {
				o = append(o, Part{Remove: k})
			}
		}
	}
}

func apply(t require.TestingT, text []rune, ops ...Op) []rune {
	for _, o := range ops {
		var err error
		text, err = o.Apply(text)
		require.NoError(t, err)
	}
	return text
}

func TestTransformConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []rune(letters.Draw(t, "text"))
		a, b := drawOp(t, len(text)), drawOp(t, len(text))
		a2, b2, err := Transform(a, b)
		require.NoError(t, err)
		require.Equal(t, string(apply(t, text, a, b2)), string(apply(t, text, b, a2)))
	})
}

// Three at once, in the order of a server and as one client sees them.
func TestTransformOfSeveralConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []rune(letters.Draw(t, "text"))
		theirs, own := drawOp(t, len(text)), drawOp(t, len(text))
		after := apply(t, text, own)
		buffered := drawOp(t, len(after)) // typed while own is on its way
		// The server had theirs first; the client brings it past own and buffered.
		own2, theirs2, err := Transform(own, theirs)
		require.NoError(t, err)
		buffered2, theirs3, err := Transform(buffered, theirs2)
		require.NoError(t, err)
		require.Equal(t, string(apply(t, text, theirs, own2, buffered2)), string(apply(t, after, buffered, theirs3)))
	})
}

func TestTransformPutsTheFirstInsertFirst(t *testing.T) {
	a, b, err := Transform(Op{{Insert: "a"}, {Keep: 1}}, Op{{Insert: "b"}, {Keep: 1}})
	require.NoError(t, err)
	require.Equal(t, Op{{Insert: "a"}, {Keep: 2}}, a)
	require.Equal(t, Op{{Keep: 1}, {Insert: "b"}, {Keep: 1}}, b)
	_, _, err = Transform(Op{{Keep: 1}}, Op{{Keep: 2}})
	require.ErrorIs(t, err, ErrBase)
}

// A position goes where a mark inserted there would go.
func TestMoveFollowsTheText(t *testing.T) {
	require.Equal(t, 1, Op{{Keep: 1}, {Insert: "xx"}, {Keep: 2}}.Move(1), "inserted behind")
	require.Equal(t, 4, Op{{Keep: 1}, {Insert: "xx"}, {Keep: 2}}.Move(2))
	require.Equal(t, 1, Op{{Keep: 1}, {Remove: 2}}.Move(2), "inside what is removed")
	rapid.Check(t, func(t *rapid.T) {
		text := []rune(letters.Draw(t, "text"))
		o := drawOp(t, len(text))
		pos := rapid.IntRange(0, len(text)).Draw(t, "pos")
		marking := Op{{Insert: "|"}}
		if pos > 0 {
			marking = append(Op{{Keep: pos}}, marking...)
		}
		if rest := len(text) - pos; rest > 0 {
			marking = append(marking, Part{Keep: rest})
		}
		_, o2, err := Transform(marking, o)
		require.NoError(t, err)
		require.Equal(t, slices.Index(apply(t, text, marking, o2), '|'), o.Move(pos))
	})
}

func TestCheckRefusesWhatWouldBreak(t *testing.T) {
	for _, o := range []Op{
		{{}},
		{{Keep: 1, Remove: 1}},
		{{Keep: -1}, {Keep: 4}},
		{{Remove: -1}, {Keep: 4}},
		{{Keep: 1, Insert: "x"}, {Keep: 2}},
		make(Op, MaxParts+1),
	} {
		require.ErrorIs(t, o.Check(3), ErrPart, "%v", o)
	}
	for _, o := range []Op{{}, {{Keep: 2}}, {{Keep: 4}}, {{Keep: math.MaxInt}, {Keep: math.MaxInt}, {Keep: 5}}} {
		require.ErrorIs(t, o.Check(3), ErrBase, "%v", o)
	}
	many := Op{{Keep: 3}}
	for len(many) < MaxParts {
		many = append(many, Part{Insert: "x"})
	}
	require.NoError(t, many.Check(3))
	require.Equal(t, MaxParts-1, many.Inserted())
}

// FuzzCheck holds that what Check passes, Apply takes.
func FuzzCheck(f *testing.F) {
	f.Add("text", 1, "x", 2, 1)
	f.Add("😀", 1, "", 0, 0)
	f.Fuzz(func(t *testing.T, text string, keep int, insert string, remove, rest int) {
		o := Op{{Keep: keep}, {Insert: insert}, {Remove: remove}, {Keep: rest}}
		runes := []rune(text)
		next, err := o.Apply(runes)
		require.Equal(t, o.Check(len(runes)), err)
		if err == nil {
			require.Len(t, next, len(runes)-remove+utf8.RuneCountInString(insert))
		}
	})
}
