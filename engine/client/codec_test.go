package client

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// parseFrame reads a frame back, as a server does.
func parseFrame(t *testing.T, b []byte) (op byte, payload, rest []byte) {
	t.Helper()
	require.Equal(t, byte(0x80), b[0]&0xf0)
	require.Equal(t, byte(0x80), b[1]&0x80)
	op, n := b[0]&0x0f, uint64(b[1]&0x7f)
	b = b[2:]
	switch n {
	case 126:
		n, b = uint64(binary.BigEndian.Uint16(b)), b[2:]
	case 127:
		n, b = binary.BigEndian.Uint64(b), b[8:]
	}
	key := [4]byte(b)
	payload, rest = bytes.Clone(b[4:4+n]), b[4+n:]
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	return op, payload, rest
}

func TestFrameRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 123, 124, 125, 126, 127, 65533, 65534, 65535, 65536} {
		data := bytes.Repeat([]byte{0xa5, 1, 2}, n/3+1)[:n]
		b := appendFrame([]byte("before"), opText, packetMessage, data, 0x12345678)
		b = appendFrame(b, opBinary, noPrefix, data, math.MaxUint32)
		require.Equal(t, "before", string(b[:6]))
		op, payload, rest := parseFrame(t, b[6:])
		require.Equal(t, byte(opText), op)
		require.Equal(t, "4"+string(data), string(payload))
		op, payload, rest = parseFrame(t, rest)
		require.Equal(t, byte(opBinary), op)
		require.Equal(t, string(data), string(payload))
		require.Empty(t, rest)
	}
}

func TestPayloadSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o outbox
		var want []string
		for range rapid.IntRange(1, 60).Draw(t, "packets") {
			data := rapid.SliceOfN(rapid.ByteRange('a', 'z'), 0, 40).Draw(t, "data")
			bin := rapid.Bool().Draw(t, "binary")
			o.add(packetMessage, data, bin)
			want = append(want, map[bool]string{true: "b", false: "t"}[bin]+string(data))
		}
		limit := rapid.IntRange(0, 200).Draw(t, "limit")
		var got []string
		r := &keeper{add: func(s string) { got = append(got, s) }}
		p := &poller{c: newConn(nil, Options{MaxPayload: 1 << 20, Handler: r})}
		for rest := o.buf; len(rest) > 0; {
			var payload []byte
			before := len(got)
			payload, rest = appendPayload(nil, rest, limit)
			if err := p.payload(payload); err != nil {
				t.Fatal(err)
			}
			n := len(got) - before
			if n < 1 || n > payloadPackets || (limit > 0 && n > 1 && len(payload) > limit) {
				t.Fatalf("%d packets in %d bytes, limit %d", n, len(payload), limit)
			}
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// keeper is a Handler that passes messages on.
type keeper struct{ add func(string) }

func (k *keeper) OnMessage(data []byte, binary bool) {
	k.add(map[bool]string{true: "b", false: "t"}[binary] + string(data))
}

func (k *keeper) OnClose(error) {}

func FuzzPollingPayload(f *testing.F) {
	f.Add([]byte("4hello\x1e2\x1ebAQID"))
	f.Add([]byte("\x1e\x1e"))
	f.Add([]byte("b====\x1e6"))
	f.Add([]byte("1"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := newConn(nil, Options{MaxPayload: 64, MaxBuffered: 100, Handler: &keeper{add: func(s string) {
			if len(s) > 65 {
				t.Fatalf("message of %d bytes", len(s)-1)
			}
		}}})
		c.beat = newStoppedTimer()
		_ = (&poller{c: c}).payload(body)
		if len(c.queue.buf) > 100 {
			t.Fatalf("%d bytes queued", len(c.queue.buf))
		}
		c.fail(ReasonTransportError, nil)
		<-c.done
	})
}

// discard is a connection that takes everything.
type discard struct {
	net.Conn
	writes int
}

func (d *discard) Write(p []byte) (int, error) {
	d.writes++
	return len(p), nil
}

func TestSendAllocatesNothing(t *testing.T) {
	d := &discard{}
	c := newConn(nil, Options{})
	s := &socket{c: c, nc: newWire(d, 1000)}
	c.sock.Store(s)
	c.live = true
	data := bytes.Repeat([]byte{'x'}, 60)
	for name, f := range map[string]func() error{
		"text":   func() error { return c.Send(data, false) },
		"binary": func() error { return c.Send(data, true) },
	} {
		require.NoError(t, f())
		before := d.writes
		allocs := testing.AllocsPerRun(100, func() {
			if err := f(); err != nil {
				t.Error(err)
			}
		})
		require.Zero(t, allocs, name)
		require.Equal(t, before+101, d.writes, "%s: one write for each message", name)
	}
}

func BenchmarkSend(b *testing.B) {
	c := newConn(nil, Options{})
	c.sock.Store(&socket{c: c, nc: newWire(&discard{}, 1000)})
	c.live = true
	data := bytes.Repeat([]byte{'x'}, 60)
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Send(data, true)
	}
}
