package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/sio"
)

// What is said is the same in both encodings, and a frame of it is cut off the
// stream wherever that is torn.
func TestHallPackets(t *testing.T) {
	var said [2]any
	for i, parser := range []string{"json", "msgpack"} {
		packet := sayPacket[parser]
		if parser == "json" {
			packet = packet[1:] // the Engine.IO packet type
		}
		e, err := sio.NewDecoder(sio.ParserAuto, sio.Limits{}).Decode([]byte(packet), parser == "msgpack")
		require.NoError(t, err, parser)
		require.Equal(t, "say", e.Name())
		require.NoError(t, e.Args(nil).Decode(0, &said[i]))
	}
	require.Equal(t, said[0], said[1])

	for _, n := range []int{0, 125, 126, 65535} {
		frame := []byte{0x81, byte(n)}
		if n > 125 {
			frame = []byte{0x81, 126, byte(n >> 8), byte(n)}
		}
		frame = append(append(frame, make([]byte, n)...), "next"...)
		for cut := range len(frame) - len("next") {
			_, _, rest, ok := cutFrame(frame[:cut])
			require.False(t, ok)
			require.Len(t, rest, cut)
		}
		op, data, rest, ok := cutFrame(frame)
		require.True(t, ok)
		require.Equal(t, byte(1), op)
		require.Len(t, data, n)
		require.Equal(t, "next", string(rest))
	}
}

// Both commands on our own server, small: every message is counted, pings are
// answered, and the sessions are there when memory is read.
func TestIdleAndBroadcast(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out.json")
	read := func(into any) {
		b, err := os.ReadFile(out)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, into))
	}
	ours := hallOptions{Makes: []string{"ours"}, Parsers: []string{"json", "msgpack"}, JSON: out}
	b := broadcastCmd{hallOptions: ours, Sockets: 20, Window: 2, Time: 200 * time.Millisecond, Warm: 50 * time.Millisecond, Rounds: 2}
	require.NoError(t, b.Run(t.Context()))
	var broadcasts broadcastReport
	read(&broadcasts)
	require.Len(t, broadcasts.Rows, 2)
	for _, row := range broadcasts.Rows {
		require.GreaterOrEqual(t, row.Messages, 20*2)
		require.Positive(t, row.PerSecond.Min)
	}
	i := idleCmd{hallOptions: ours, Sessions: 50, Ping: 20 * time.Millisecond, Settle: 200 * time.Millisecond, Rounds: 1}
	require.NoError(t, i.Run(t.Context()))
	var idle idleReport
	read(&idle)
	require.Len(t, idle.Rows, 2)
	for _, row := range idle.Rows {
		require.Greater(t, row.Full.Min, row.Empty.Min)
	}
}
