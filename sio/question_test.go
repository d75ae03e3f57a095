package sio

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

// gather ranges over the acks of a broadcast in a goroutine of its own, and
// notes each as index=value, by the index of the socket.
func gather(t bubbleT, log *notes, socks []*Socket, b Broadcast, ctx context.Context) { //nolint:revive // the context is the subject
	go func() {
		for a, err := range b.EmitWithAck(ctx, "q", 1) {
			i := slices.IndexFunc(socks, func(s *Socket) bool { return s.ID() == a.From })
			if err != nil {
				log.add("%d! %v", i, err)
				continue
			}
			var v int
			require.NoError(t, a.Decode(0, &v))
			log.add("%d=%d", i, v)
		}
		log.add("end")
	}()
	synctest.Wait()
}

// asked returns the ack id under which a peer was asked.
func (p *peer) asked() string {
	p.t.Helper()
	got := p.takes()
	require.Len(p.t, got, 1)
	id, ok := strings.CutSuffix(strings.TrimPrefix(got[0], "2"), `["q",1]`)
	require.True(p.t, ok, got[0])
	return id
}

// Acks come as they arrive, and the loop ends with the last of them.
func TestBroadcastAcksArrive(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		peers, socks := crowd(t, s, 3)
		gather(t, &log, socks, s.Of("/").To(), t.Context())
		require.Empty(t, log.take())
		id := peers[0].asked()
		require.Equal(t, id, peers[1].asked(), "one id for all")
		peers[2].asked()
		peers[1].sends("3" + id + "[11]")
		require.Equal(t, []string{"1=11"}, log.take())
		peers[1].sends("3"+id+"[12]", "3999[1]")
		require.Empty(t, log.take(), "an ack counts once")
		peers[0].sends("3" + id + "[10]")
		peers[2].sends("3" + id + "[22]")
		require.Equal(t, []string{"0=10", "2=22", "end"}, log.take())
		require.EqualValues(t, 2, s.Stats().UnknownAcks)
		for _, p := range peers {
			p.leaves()
		}
	})
}

// Pitfall 20: without targets the loop ends at once; targets that go end it; a
// timeout keeps what came.
func TestPitfall20BroadcastAckEnds(t *testing.T) {
	bubble(t, Config{Limits: Limits{AckTimeout: time.Minute, PendingAcks: 1}}, func(t bubbleT, s *Server) {
		var log notes
		n := s.Of("/")
		peers, socks := crowd(t, s, 4)
		start := time.Now()
		gather(t, &log, socks, n.To("nobody"), t.Context())
		require.Equal(t, []string{"end"}, log.take())

		gather(t, &log, socks, n.Except(socks[3].ID()), t.Context())
		id := peers[0].asked()
		peers[0].sends("3" + id + "[0]")
		peers[1].asked()
		peers[2].asked()
		socks[1].Disconnect(false)
		synctest.Wait()
		require.Equal(t, []string{"0=0"}, log.take())
		peers[2].leaves()
		require.Equal(t, []string{"end"}, log.take())
		require.Equal(t, start, time.Now())

		// The default of the server, and a shorter one of the caller.
		gather(t, &log, socks, n.To(), t.Context())
		id = peers[0].asked()
		peers[0].sends("3" + id + "[5]")
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"0=5", "-1! sio: ack timeout", "end"}, log.take())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		peers[3].takes()
		gather(t, &log, socks, socks[0].Broadcast(), ctx)
		peers[3].asked()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, []string{"-1! context deadline exceeded", "end"}, log.take())
		require.Empty(t, socks[3].acks, "nothing is left behind")

		// A socket with too many questions is named; one that is not writable is
		// not waited for.
		gather(t, &log, socks, n.To(socks[3].ID()), t.Context())
		gather(t, &log, socks, n.To(socks[3].ID()), t.Context())
		require.Equal(t, []string{"3! sio: too many pending acks", "end"}, log.take())
		peers[0].link.full = true
		gather(t, &log, socks, n.To(socks[0].ID()).Volatile(), t.Context())
		require.Equal(t, []string{"end"}, log.take())
		for _, p := range peers {
			p.leaves()
		}
		require.Equal(t, []string{"end"}, log.take())
	})
}

// Leaving the loop, or an event that cannot be sent, leaves nothing behind.
func TestBroadcastAckGivenUp(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		peers, socks := crowd(t, s, 3)
		go func() {
			for a, err := range s.Of("/").To().EmitWithAck(t.Context(), "q", 1) {
				log.add("%v %v", a.From == socks[0].ID(), err)
				break
			}
		}()
		synctest.Wait()
		peers[0].sends("3" + peers[0].asked() + "[]")
		require.Equal(t, []string{"true <nil>"}, log.take())
		for _, sock := range socks {
			require.Empty(t, sock.acks)
		}
		for _, err := range s.Of("/").To().EmitWithAck(t.Context(), "connect") {
			require.ErrorIs(t, err, ErrReserved)
			log.add("reserved")
		}
		for _, err := range s.Of("/").To().EmitWithAck(t.Context(), "q", func() {}) {
			log.add("%v", err != nil)
		}
		require.Equal(t, []string{"reserved", "true"}, log.take())
		_ = s.Of("/").To().EmitWithAck(t.Context(), "never ranged over")
		require.Empty(t, peers[0].takes())
		for _, p := range peers {
			p.leaves()
		}
	})
}

// Pitfall 25: a client that reconnects between question and answer is another
// socket: its ack is not one of those that are waited for.
func TestPitfall25AckAfterReconnect(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		peers, socks := crowd(t, s, 2)
		gather(t, &log, socks, s.Of("/").To(), t.Context())
		id := peers[0].asked()
		peers[0].leaves()
		again := joined(t, s)
		again.sends("3" + id + "[7]")
		require.Empty(t, log.take())
		peers[1].sends("3" + peers[1].asked() + "[8]")
		require.Equal(t, []string{"1=8", "end"}, log.take())
		again.leaves()
		peers[1].leaves()
	})
}

// An operator is a value: deriving from it changes nothing in it.
func TestBroadcastIsImmutable(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		peers, socks := crowd(t, s, 3)
		for i, sock := range socks {
			require.NoError(t, sock.Join(fmt.Sprint(i)))
		}
		base := s.Of("/").To("0")
		a, b := base.To("1"), base.To("2")
		for want, op := range map[string]Broadcast{"0": base, "01": a, "02": b, "1": a.Except("0"), "2": b.Except("0").Local()} {
			require.NoError(t, op.Emit("e"))
			require.Equal(t, want, reached(peers))
		}
		for _, p := range peers {
			p.leaves()
		}
	})
}

// Sockets are moved and ended by room.
func TestCommandsByRoom(t *testing.T) {
	bubble(t, Config{Limits: Limits{Rooms: 3}}, func(t bubbleT, s *Server) {
		peers, socks := crowd(t, s, 4)
		n := s.Of("/")
		require.NoError(t, socks[0].Join("a"))
		require.NoError(t, socks[1].Join("a"))
		require.NoError(t, n.To("a").Join("b"))
		require.NoError(t, n.To("b").Emit("e"))
		require.Equal(t, "01", reached(peers))
		require.NoError(t, n.To(socks[0].ID()).Leave("b", "nothing"))
		require.NoError(t, n.To("b").Emit("e"))
		require.Equal(t, "1", reached(peers))
		require.NoError(t, socks[2].Broadcast().Join("c", "d"))
		require.Empty(t, socks[2].Rooms()[1:], "all but this one")
		require.Len(t, socks[3].Rooms(), 3)
		require.Len(t, socks[1].Rooms(), 3, "at its bound")
		require.EqualValues(t, 2, s.Stats().Refused)
		require.NoError(t, n.To("a").Disconnect(false))
		peers[0].wants("1")
		peers[1].wants("1")
		peers[0].open()
		require.NoError(t, n.Except().Disconnect(true))
		synctest.Wait()
		peers[2].closedWith(engine.ReasonForced)
		require.Empty(t, slices.Collect(n.Sockets()))
		for _, p := range peers {
			p.leaves()
		}
	})
}

// Hooks see rooms come and go, with the sockets in them.
func TestRoomHooks(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		s.Observe(Hooks{
			RoomCreated:  func(n *Namespace, room string) { log.add("create %s%s", n.Name(), room) },
			RoomDeleted:  func(n *Namespace, room string) { log.add("delete %s%s", n.Name(), room) },
			Joined:       func(_ *Socket, room string) { log.add("join %s", room) },
			Left:         func(_ *Socket, room string) { log.add("leave %s", room) },
			Connected:    func(*Socket) { log.add("connected") },
			Disconnected: func(s *Socket, reason string) { log.add("disconnected %s %v", reason, s.Rooms()) },
			Shared:       func(_ *Socket, data []byte) { log.add("shared %s", data) },
			Received:     func(_ *Socket, e *Event) { log.add("received %s", e.Name()) },
			Sent:         func(_ *Socket, e *Event) { log.add("sent %s", e.Name()) },
		})
		peers, socks := crowd(t, s, 2)
		require.NoError(t, socks[0].Join("a", "a", socks[0].ID()))
		require.NoError(t, socks[1].Join("a"))
		socks[0].Leave("a")
		socks[0].Leave("a")
		socks[0].Leave("nothing")
		require.NoError(t, socks[1].Share(1))
		require.NoError(t, socks[1].Emit("hi"))
		peers[1].sends(`2["ho"]`)
		peers[1].leaves()
		require.Equal(t, []string{
			"connected", "connected", "create /a", "join a", "join a", "leave a", "shared 1",
			"sent hi", "received ho", "leave a", "delete /a", "disconnected transport close []",
		}, log.take())
		peers[0].leaves()
	})
}
