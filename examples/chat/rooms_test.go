package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoomKeepsTheLastMessages(t *testing.T) {
	rs := rooms{}
	_, ok := rs.say("a", message{Room: "r", Text: "nobody is there"})
	require.False(t, ok)
	_, ok = rs.join("r", "a", "Ada")
	require.True(t, ok)
	for i := range maxHistory + 1 {
		m, ok := rs.say("a", message{Room: "r"})
		require.True(t, ok)
		require.Equal(t, i+1, m.ID)
	}
	v, _ := rs.join("r", "b", "Bob")
	require.Len(t, v.Messages, maxHistory)
	require.Equal(t, 2, v.Messages[0].ID, "the first one has gone")
	require.Equal(t, []string{"Ada", "Bob"}, v.People.Names)
	left, ok := rs.leave("r", "a")
	require.True(t, ok)
	require.Equal(t, []string{"Bob"}, left.Names)
	require.Greater(t, left.Rev, v.People.Rev)
	_, ok = rs.leave("r", "a")
	require.False(t, ok)
}

func TestRoomsAreBoundedAndEmptyOnesMakePlace(t *testing.T) {
	rs := rooms{}
	for i := range maxRooms {
		_, ok := rs.join(fmt.Sprint(i), "a", "Ada")
		require.True(t, ok)
	}
	_, ok := rs.join("more", "a", "Ada")
	require.False(t, ok)
	rs.leave("7", "a")
	_, ok = rs.join("more", "a", "Ada")
	require.True(t, ok)
	require.Len(t, rs, maxRooms)
}

func TestTextAndRoomNames(t *testing.T) {
	got, err := plain("text", " hello ")
	require.NoError(t, err)
	require.Equal(t, "hello", got)
	for _, bad := range []string{"", " \n", "bell\a"} {
		_, err = plain("text", bad)
		require.Error(t, err, bad)
	}
	require.NoError(t, checkRoom("Tee-Küche-7"))
	require.Error(t, checkRoom("no blanks"))
	require.Error(t, checkRoom("room:x"))
}
