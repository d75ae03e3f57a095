package client

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	engine "gameserver/engine/client"
	"gameserver/sio"
)

// wireless is a Client whose Socket /m believes it is connected, and which is
// fed by hand.
func wireless(t *testing.T, mp bool) (*Client, *Socket, *session) {
	t.Helper()
	c := New("http://x", Options{Msgpack: mp})
	s := c.Socket("/match")
	n := newSession(c)
	c.session = n
	s.active, s.joined, s.connected = true, true, true
	return c, s, n
}

// TestRawAllocatesNothing receives raw events without allocating.
func TestRawAllocatesNothing(t *testing.T) {
	for _, mp := range []bool{false, true} {
		c, s, n := wireless(t, mp)
		count := 0
		s.OnRaw("snapshot", func(e *sio.Event) { count += len(e.Arg(0)) })
		msgs, err := sio.Encode(c.parser(), sio.Header{Type: sio.PacketEvent, Namespace: "/match"},
			"snapshot", map[string]any{"t": 5, "e": [][]int{{1, 2, 3}, {4, 5, 6}}})
		require.NoError(t, err)
		n.OnMessage(msgs[0].Data, mp)
		require.NotZero(t, count)
		allocs := testing.AllocsPerRun(100, func() { n.OnMessage(msgs[0].Data, mp) })
		require.Zero(t, allocs, "msgpack=%v", mp)
	}
}

// TestSendPacketAllocatesNothing builds and sends packets without allocating,
// on a real session in a bubble.
func TestSendPacketAllocatesNothing(t *testing.T) {
	for _, mp := range []bool{false, true} {
		_, s, _ := wireless(t, mp)
		var p []byte
		build := func() {
			p = s.AppendEventHead(p[:0], "input")
			p = s.AppendEventTail(append(p, 5))
		}
		build()
		require.Zero(t, testing.AllocsPerRun(100, build))
	}
	bubble(t, func(t *testing.T, srv *sio.Server, o Options) {
		t.Helper()
		srv.Of("/match")
		o.Transport, o.Msgpack = engine.WebSocket, true
		// Nobody reads: what is measured is this side alone.
		sink := &sink{}
		o.Dial = sink.dial(o.Dial)
		c := New("http://x", o)
		s := c.Socket("/match")
		require.NoError(t, s.Connect(t.Context()))
		synctest.Wait()
		sink.on.Store(true)
		p := append(s.AppendEventHead(nil, "input"), 5)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if s.SendPacket(p) != nil {
				t.Error("not sent")
			}
		}))
		require.GreaterOrEqual(t, sink.writes.Load(), int64(100))
		c.Drop()
		require.NoError(t, c.Close())
		<-c.Done()
	})
}

// sink makes connections that swallow what is written once it is on.
type sink struct {
	on     atomic.Bool
	writes atomic.Int64
}

type dialFunc = func(context.Context, string, string) (net.Conn, error)

func (k *sink) dial(d dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		nc, err := d(ctx, network, addr)
		return &swallow{Conn: nc, sink: k}, err
	}
}

type swallow struct {
	net.Conn
	sink *sink
}

func (w *swallow) Write(p []byte) (int, error) {
	if w.sink.on.Load() {
		w.sink.writes.Add(1)
		return len(p), nil
	}
	return w.Conn.Write(p)
}
