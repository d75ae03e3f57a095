package sio

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzForeignPayload: what another server sends is an event that reads to its
// end in both encodings, or refused.
func FuzzForeignPayload(f *testing.F) {
	for _, args := range [][]any{{"a"}, {"a", 1, "x", nil}, {"a", []byte{1}, map[string]any{"k": []int{1}}}, {5}, {"connect"}, {}} {
		b, err := encodePayload(Header{Type: PacketEvent}, args)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x92, 0xa1, 'x', 0xc1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := payloadEvent(b)
		if err != nil {
			return
		}
		require.False(t, reserved(e.Name()))
		c := e.clone()
		for i := range e.NArgs() {
			arg, err := e.AppendArg(nil, i)
			require.NoError(t, err)
			again, err := c.AppendArg(nil, i)
			require.NoError(t, err)
			require.Equal(t, arg, again)
			_, err = answerArgs(arg)
			require.NoError(t, err)
		}
		msgs, err := assemble(ParserJSON, Header{Type: PacketEvent}, b)
		if err != nil {
			return // a number that JSON has not
		}
		require.NotEmpty(t, msgs)
	})
}

// FuzzV2Namespace: a v2 client's namespace yields a name without its query, and
// an auth payload that is JSON or nothing.
func FuzzV2Namespace(f *testing.F) {
	for _, s := range []string{"/a", "/a?b=c", "?x", "/a?%zz&b", "/a?b=1&b=2", "/a?\xff=\xfe", "/a??"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, nsp []byte) {
		e := &Event{nsp: nsp}
		auth := v2Auth(e)
		require.NotContains(t, string(e.nsp), "?")
		if auth == nil {
			return
		}
		require.True(t, json.Valid(auth))
		var into map[string]string
		require.NoError(t, decodeAuth(ParserJSON, auth, &into))
	})
}
