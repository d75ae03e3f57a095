package server

import (
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	engineclient "gameserver/engine/client"
	"gameserver/game/match"
	"gameserver/lobby"
	"gameserver/server/client"
	"gameserver/sio"
	socket "gameserver/sio/client"
)

// forms are the ways in which stock encoders write bytes.
var forms = map[string]func(b []byte) []byte{
	"bin": func(b []byte) []byte { return msgp.AppendBytes(nil, b) },
	"extension 0": func(b []byte) []byte { // notepack, of an ArrayBuffer
		return append([]byte{0xc7, byte(len(b)), 0}, b...)
	},
	"long extension 0": func(b []byte) []byte {
		return append([]byte{0xc8, byte(len(b) >> 8), byte(len(b)), 0}, b...)
	},
	"map of indexes": func(b []byte) []byte { // notepack, of a Uint8Array in a browser
		out := msgp.AppendMapHeader(nil, uint32(len(b)))
		for i, c := range b {
			out = msgp.AppendUint8(msgp.AppendString(out, strconv.Itoa(i)), c)
		}
		return out
	},
}

func TestReadBlob(t *testing.T) {
	want := make([]byte, 200)
	for i := range want {
		want[i] = byte(i)
	}
	var scratch []byte
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			arg := form(want)
			var blob []byte
			var err error
			blob, scratch, err = readBlob(arg, scratch)
			require.NoError(t, err)
			require.Equal(t, want, blob)
			require.Zero(t, testing.AllocsPerRun(100, func() { _, scratch, _ = readBlob(arg, scratch) }))
			for n := range arg { // cut short
				_, _, err = readBlob(arg[:n], nil)
				require.ErrorIs(t, err, errInput)
			}
			_, _, err = readBlob(append(arg, 0), nil)
			require.ErrorIs(t, err, errInput, "more follows")
		})
	}
	for name, arg := range map[string][]byte{
		"nothing":       nil,
		"text":          pack(t, "input"),
		"an array":      pack(t, []int{1, 2}),
		"extension 1":   {0xc7, 1, 1, 0},
		"a fixed one":   {0xd4, 0, 1},
		"out of order":  append(msgp.AppendUint8(msgp.AppendString([]byte{0x82}, "1"), 5), msgp.AppendUint8(msgp.AppendString(nil, "0"), 5)...),
		"other keys":    pack(t, m{"00": 1}),
		"no byte":       pack(t, m{"0": 256}),
		"a long map":    forms["map of indexes"](make([]byte, MaxIndexes+1)),
		"a map bomb":    {0xdf, 0xff, 0xff, 0xff, 0xff},
		"a bin bomb":    {0xc6, 0xff, 0xff, 0xff, 0xff},
		"an extensions": {0xc9, 0xff, 0xff, 0xff, 0xff, 0},
	} {
		_, _, err := readBlob(arg, nil)
		require.ErrorIs(t, err, errInput, name)
	}
	blob, _, err := readBlob(forms["map of indexes"](make([]byte, MaxIndexes)), nil)
	require.NoError(t, err)
	require.Len(t, blob, MaxIndexes)
}

// rowCompact is a compact message for the tick after t: row to the right.
func rowCompact(tick uint32) []byte {
	b := []byte{match.CompactVersion<<6 | 1}
	b = binary.LittleEndian.AppendUint16(b, uint16(tick+1))
	b = binary.LittleEndian.AppendUint16(b, uint16(tick))
	return append(b, 0, 1, 2*8) // the field row, zigzag
}

// TestCompactInputs sends them in every form: the boat moves.
func TestCompactInputs(t *testing.T) {
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			h := openShoal(t)
			r, mate, hello := h.rawSeat(t, true)
			for range 3 {
				var s snapshot
				r.await(lobby.MatchNamespace, "snapshot").into(t, &s)
				packet := append([]byte("\x83\xa4type\x02\xa3nsp\xa6/match\xa4data\x92\xa1i"), form(rowCompact(s.T))...)
				_ = r.SendBinary(packet)
			}
			mate.until("the boat to move", func() (moved bool) {
				mate.m.View(func(w *client.World) {
					_, values, ok := w.Entity(hello.You)
					moved = ok && values[0] >= 8
				})
				return moved
			})
			_, sum := h.matches.census()
			require.Zero(t, sum.Bad)
			require.NotZero(t, sum.Inputs)
			mate.unharmed()
		})
	}
}

// TestCompactInputsThatAreNone end the connection as any malformed input does.
func TestCompactInputsThatAreNone(t *testing.T) {
	h := openShoal(t)
	r, mate, _ := h.rawSeat(t, true)
	for i := range MaxStrikes {
		arg := []any{"text", 7, nil, m{"x": 1}, make([]byte, match.InputBytesMax+1)}[i%5]
		r.emit(lobby.MatchNamespace, "i", true, arg)
	}
	code, _ := r.closeCode()
	require.Equal(t, 4002, code)
	mate.sees(2)
	mate.unharmed()

	// Text has no bytes: the form is not for it.
	r, mate, _ = h.rawSeat(t, false)
	for range MaxStrikes {
		r.emit(lobby.MatchNamespace, "i", false, m{"0": 1})
	}
	code, _ = r.closeCode()
	require.Equal(t, 4002, code)
	mate.sees(2)
	mate.unharmed()
}

func TestClock(t *testing.T) {
	for _, packed := range []bool{false, true} {
		h := open(t, Config{}, duo())
		o := socket.Options{Transport: engineclient.WebSocket, Msgpack: packed}
		a, b := h.arrive("ann", o), h.arrive("bob", o)
		w := h.pair(a, b)
		var last uint64
		for i := range 5 {
			var r clockReply
			require.NoError(t, a.match.Call(a.ctx(), "clock", m{"c": 1.5 + float64(i)}, &r))
			require.Equal(t, 1.5+float64(i), r.C) //nolint:testifylint // it comes back as it was
			require.GreaterOrEqual(t, r.Q, 256*uint64(w.Tick))
			require.GreaterOrEqual(t, r.Q, last)
			last = r.Q
		}
		var snap snapshot
		for snap.T < uint32(last/256) {
			snap = <-a.state
		}
		var bad *sio.Error
		require.ErrorAs(t, a.match.Call(a.ctx(), "clock", m{"c": "now"}, nil), &bad)
		require.Equal(t, "bad_payload", bad.Code)
	}
}
