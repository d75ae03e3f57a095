package main

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"gameserver/examples/text/ot"
	"gameserver/sio"
)

func insert(author string, seq, rev, before, after int, s string) edit {
	op := ot.Op{{Insert: s}}
	if before > 0 {
		op = append(ot.Op{{Keep: before}}, op...)
	}
	if after > 0 {
		op = append(op, ot.Part{Keep: after})
	}
	return edit{author, seq, rev, op}
}

func code(err error) string {
	var e *sio.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestEditsOfOneRevisionMeet(t *testing.T) {
	d := newDocument("ac")
	_, ok, err := d.commit(insert("x", 1, 0, 1, 1, "b"))
	require.True(t, ok)
	require.NoError(t, err)
	done, ok, err := d.commit(insert("y", 1, 0, 2, 0, "d"))
	require.True(t, ok)
	require.NoError(t, err)
	require.Equal(t, "abcd", string(d.text))
	require.Equal(t, edit{"y", 1, 2, ot.Op{{Keep: 3}, {Insert: "d"}}}, done, "past what came before")

	_, ok, err = d.commit(insert("y", 1, 0, 2, 0, "d"))
	require.False(t, ok, "sent again after a lost connection")
	require.NoError(t, err)
	require.Equal(t, "abcd", string(d.text))
	_, _, err = d.commit(insert("y", 2, 0, 5, 0, "d"))
	require.Equal(t, "bad_payload", code(err), "for another text")
	_, _, err = d.commit(insert("y", 2, 3, 4, 0, "d"))
	require.Equal(t, "expired", code(err), "from the future")
}

func TestDocumentIsBounded(t *testing.T) {
	d := newDocument(string(make([]byte, maxText-1)))
	_, ok, err := d.commit(insert("x", 1, 0, 0, maxText-1, "é"))
	require.True(t, ok)
	require.NoError(t, err)
	_, ok, err = d.commit(insert("x", 2, 1, 0, maxText, "é"))
	require.False(t, ok)
	require.Equal(t, "overloaded", code(err))
	require.Len(t, d.text, maxText)
	require.Equal(t, 1, d.rev)
}

func TestHistoryIsBounded(t *testing.T) {
	d := newDocument("")
	for i := range maxHistory + 1 {
		_, ok, err := d.commit(insert("x", i+1, i, 0, i, "a"))
		require.True(t, ok)
		require.NoError(t, err)
	}
	require.Len(t, d.history, maxHistory)
	_, known := d.since(0)
	require.False(t, known)
	missed, known := d.since(1)
	require.True(t, known)
	require.Len(t, missed, maxHistory)
	_, _, err := d.commit(insert("y", 1, 0, 0, 0, "late"))
	require.Equal(t, "expired", code(err))

	for i := range 20 { // big ones push out more
		text := string(d.text)
		_, _, err := d.commit(edit{"z", 2*i + 1, d.rev, ot.Op{{Remove: len(text)}}})
		require.NoError(t, err)
		_, _, err = d.commit(edit{"z", 2*i + 2, d.rev, ot.Op{{Insert: string(make([]byte, maxText-1))}}})
		require.NoError(t, err)
	}
	require.LessOrEqual(t, d.weight, maxWeight)
	require.Less(t, len(d.history), 40)
	require.NotEmpty(t, d.history)
}

func TestAuthorsAreBounded(t *testing.T) {
	d := newDocument("")
	for i := range maxAuthors + 1 {
		_, ok, err := d.commit(edit{fmt.Sprint(i), 1, d.rev, ot.Op{}})
		require.True(t, ok)
		require.NoError(t, err)
	}
	require.Len(t, d.last, maxAuthors)
}

// Cursors told at some revision come to the same place, whenever they are told.
func TestCursorsFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDocument("some text")
		early, ok := d.place(cursor{ID: "early", From: 4, To: 9}, 0)
		require.True(t, ok)
		require.Equal(t, 9, early.To)
		for i := range rapid.IntRange(0, 5).Draw(t, "edits") {
			at := rapid.IntRange(0, len(d.text)).Draw(t, "at")
			_, ok, err := d.commit(insert("x", i+1, d.rev, at, len(d.text)-at, "new"))
			require.True(t, ok)
			require.NoError(t, err)
		}
		late, ok := d.place(cursor{ID: "late", From: 4, To: 9}, 0)
		require.True(t, ok)
		late.ID = "early"
		require.Equal(t, d.cursors["early"], late)
		_, ok = d.place(cursor{From: -1}, 0)
		require.False(t, ok)
		_, ok = d.place(cursor{From: maxText + 1}, 0)
		require.False(t, ok)
	})
}
