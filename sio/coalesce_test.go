package sio

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

// stall makes the transport of a peer hold n bytes, or none.
func (p *peer) stall(n int) {
	p.link.mu.Lock()
	defer p.link.mu.Unlock()
	p.link.full, p.link.buffered = n > 0, n
}

// outboxed runs a test with one connected socket.
func outboxed(t *testing.T, cfg Config, f func(t bubbleT, s *Server, sock *Socket, p *peer)) {
	t.Helper()
	bubble(t, cfg, func(t bubbleT, s *Server) {
		var sock *Socket
		s.Of("/").OnConnection(func(s *Socket) { sock = s })
		p := joined(t, s)
		f(t, s, sock, p)
		p.leaves()
		require.Zero(t, s.Stats().Waiting)
		require.Zero(t, s.Stats().WaitingBytes)
	})
}

func (p *peer) pumped() {
	time.Sleep(pumpEvery)
	synctest.Wait()
}

func TestCoalesceReplacesInPlace(t *testing.T) {
	outboxed(t, Config{}, func(t bubbleT, s *Server, sock *Socket, p *peer) {
		offer := func(key string, v any) Outcome {
			o, err := sock.Offer(Offer{Key: key}, "e", key, v)
			require.NoError(t, err)
			return o
		}
		require.Equal(t, Sent, offer("42", 0))
		p.stall(1)
		require.Equal(t, Queued, offer("42", 1))
		require.NoError(t, sock.Emit("plain"))
		require.Equal(t, Queued, offer("43", 1))
		require.Equal(t, Coalesced, offer("42", 2))
		require.NoError(t, s.Of("/").To().Key("42").Emit("e", "42", 3))
		require.NoError(t, sock.SendPacket([]byte(`2["raw"]`)))
		require.False(t, sock.SendPacketLatest([]byte(`2["latest"]`)), "never ahead of what waits")
		require.Equal(t, 4, sock.Waiting().Packets)
		require.EqualValues(t, 4, s.Stats().Waiting)
		require.EqualValues(t, sock.Waiting().Bytes, s.Stats().WaitingBytes)
		require.EqualValues(t, 2, s.Stats().Coalesced)
		p.pumped()
		p.wants(`2["e","42",0]`, `2["e","42",3]`, `2["plain"]`, `2["e","43",1]`, `2["raw"]`)
	})
}

func TestOutboxDrainsInOrder(t *testing.T) {
	outboxed(t, Config{}, func(t bubbleT, _ *Server, sock *Socket, p *peer) {
		p.stall(lowWater)
		drained := sock.Waiting().Drained
		for _, key := range []string{"a", "b", "a", ""} {
			_, err := sock.Offer(Offer{Key: key}, "e", key)
			require.NoError(t, err)
		}
		p.pumped()
		p.wants()
		select {
		case <-drained:
			t.Error("not drained yet")
		default:
		}
		p.stall(0)
		p.pumped()
		<-drained
		p.wants(`2["e","a"]`, `2["e","b"]`, `2["e",""]`)
		<-sock.Waiting().Drained
		require.NoError(t, sock.Emit("direct"))
		p.wants(`2["direct"]`)
	})
}

func TestOutboxOutcomes(t *testing.T) {
	outboxed(t, Config{}, func(t bubbleT, s *Server, sock *Socket, p *peer) {
		tells := func(want Outcome, o Offer) {
			got, err := sock.Offer(o, "e")
			require.NoError(t, err)
			require.Equal(t, want.String(), got.String())
		}
		tells(Sent, Offer{})
		tells(Sent, Offer{Volatile: true})
		p.stall(1)
		tells(Queued, Offer{})
		tells(Dropped, Offer{Volatile: true})
		require.EqualValues(t, 1, s.Stats().Dropped)
		p.leaves()
		got, err := sock.Offer(Offer{}, "e")
		require.ErrorIs(t, err, ErrNotConnected)
		require.Equal(t, Closed, got)
		<-sock.Waiting().Drained
	})
}

func TestOutboxBounds(t *testing.T) {
	for name, c := range map[string]Outbox{
		"packets": {Packets: 3},
		"bytes":   {Bytes: 3 * (len(`2["m",""]`) + 100)},
	} {
		for _, full := range []Overflow{OverflowClose, OverflowDrop} {
			c.Full = full
			outboxed(t, Config{Outbox: c}, func(t bubbleT, s *Server, sock *Socket, p *peer) {
				p.stall(lowWater)
				for range 3 {
					require.NoError(t, sock.Emit("m", strings.Repeat("x", 100)), name)
				}
				p.open()
				err := sock.Emit("m", strings.Repeat("x", 100))
				if full == OverflowDrop {
					require.ErrorIs(t, err, ErrDropped, name)
					p.open()
					p.stall(0)
					p.pumped()
					require.Len(t, p.takes(), 3)
					return
				}
				require.ErrorIs(t, err, engine.ErrSlow, name)
				p.closedWith(engine.ReasonSlowConsumer)
			})
		}
	}
}

// What was emitted before a disconnect by the server comes before it.
func TestOutboxIsFlushedBeforeDisconnect(t *testing.T) {
	outboxed(t, Config{}, func(t bubbleT, _ *Server, sock *Socket, p *peer) {
		p.stall(lowWater)
		_, err := sock.Offer(Offer{Key: "k"}, "last")
		require.NoError(t, err)
		sock.Disconnect(false)
		p.wants(`2["last"]`, "1")
	})
}

// With recovery a replaced packet goes to the end, so that offsets only grow.
func TestCoalesceKeepsOffsetsInOrder(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		c := arrive(t, s)
		c.peer.stall(1)
		for _, key := range []string{"a", "b", "a"} {
			require.NoError(t, s.Of("/").To().Key(key).Emit(key))
		}
		c.peer.stall(0)
		c.peer.pumped()
		require.Equal(t, []string{"b", "a"}, c.all())
		c.back().all()
		require.True(t, c.recovered)
		require.Empty(t, c.got)
		c.drop()
	})
}

// A client that does not read while two keys are replaced without end costs
// those two packets, though each goes to the end.
func TestCoalesceDoesNotGrow(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		c := arrive(t, s)
		c.peer.stall(lowWater)
		emit := func(key string, n int) { require.NoError(t, s.Of("/").To().Key(key).Emit(key, n)) }
		emit("first", 0)
		for i := range 10_000 {
			emit("a", i)
			emit("b", i)
		}
		for sock := range s.Of("/").Sockets() {
			require.Equal(t, 3, sock.Waiting().Packets)
			require.LessOrEqual(t, len(sock.out.items), 2*3+minGaps)
		}
		emit("a", -1)
		emit("first", -1)
		c.peer.stall(0)
		c.peer.pumped()
		require.Equal(t, []string{"b 9999", "a -1", "first -1"}, c.all())
		c.drop()
	})
}
