package sio

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOnUnknown tells of events without a handler, early ones included.
func TestOnUnknown(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		hold := make(chan struct{})
		s.Of("/").OnConnection(func(s *Socket) {
			<-hold
			On(s, "known", func(int) { log.add("known") })
			s.OnUnknown(func(e *Event) {
				log.add("%s/%d", e.Name(), e.NArgs())
				if e.Name() == "panic" {
					panic("oops")
				}
			})
		})
		p := joined(t, s)
		p.sends(`2["early",1]`)
		close(hold)
		p.sends(`2["known",1]`, `2["late"]`, `2["panic"]`, `27["asked",1,2]`)
		require.ElementsMatch(t, []string{"early/1", "known", "late/0", "panic/0", "asked/2"}, log.take())
		p.wants()
		require.EqualValues(t, 4, s.Stats().Unknown)
		require.EqualValues(t, 1, s.Stats().Panics)
		p.leaves()
	})
}

// TestPayloadErrorIsShownAsBadPayload is what errors.As makes of a refusal.
func TestPayloadErrorIsShownAsBadPayload(t *testing.T) {
	err := decodeInto(new(struct {
		A []int8 `json:"a"`
	}), unhex(t, "81 a161 92 01 cd0100"))
	require.ErrorIs(t, err, ErrPayload)
	var shown *Error
	require.ErrorAs(t, err, &shown)
	require.Equal(t, "bad_payload", shown.Code)
	require.Equal(t, "a[1]", shown.Path)
	var other *payloadError
	require.ErrorAs(t, err, &other)
	require.False(t, errors.As(ErrPayload, &shown))
}
