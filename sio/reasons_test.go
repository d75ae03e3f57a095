package sio

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

// Every disconnect reason of the reference, by its exact text. The rooms are
// intact in OnDisconnect and gone in OnDisconnected.
func TestDisconnectReasonTexts(t *testing.T) {
	ends := map[string]func(p *peer, s *Socket){
		"transport error":             func(p *peer, _ *Socket) { p.link.Close(engine.ReasonTransportError) },
		"transport close":             func(p *peer, _ *Socket) { p.link.Close(engine.ReasonTransportClose) },
		"forced close":                func(p *peer, _ *Socket) { p.link.Close(engine.ReasonForced) },
		"ping timeout":                func(p *peer, _ *Socket) { p.link.Close(engine.ReasonNoPong) },
		"parse error":                 func(p *peer, _ *Socket) { p.sends("9") },
		"server shutting down":        func(p *peer, _ *Socket) { p.link.Close(engine.ReasonServerShutdown) },
		"forced server close":         func(p *peer, _ *Socket) { p.sends("0") },
		"client namespace disconnect": func(p *peer, _ *Socket) { p.sends("1") },
		"server namespace disconnect": func(_ *peer, s *Socket) { s.Disconnect(false) },
	}
	for want, end := range ends {
		t.Run(want, func(t *testing.T) {
			bubble(t, Config{}, func(t bubbleT, s *Server) {
				var log notes
				var sock *Socket
				s.Of("/").OnConnection(func(s *Socket) {
					sock = s
					require.NoError(t, s.Join("a"))
					s.OnDisconnect(func(reason string) { log.add("%s %d", reason, len(s.Rooms())) })
					s.OnDisconnected(func(reason string) { log.add("%s %d", reason, len(s.Rooms())) })
				})
				p := joined(t, s)
				end(p, sock)
				synctest.Wait()
				require.Equal(t, []string{want + " 2", want + " 0"}, log.take())
				p.leaves()
				require.Empty(t, log.take(), "once")
			})
		})
	}
}

// Pitfall 16: a middleware that finishes after the client has left puts nothing
// into a room, and its socket stays out for good.
func TestPitfall16MiddlewareOutlivesClient(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		block := make(chan struct{})
		var late *Socket
		n := s.Of("/")
		n.Use(func(s *Socket) error {
			late = s
			<-block
			return s.Join("a")
		})
		n.OnConnection(func(*Socket) { log.add("connected") })
		p := dial(t, s)
		p.sends("0")
		p.leaves()
		close(block)
		synctest.Wait()
		require.Empty(t, log.take())
		require.NoError(t, late.Join("b"))
		require.ErrorIs(t, late.Emit("x"), ErrNotConnected)
		require.Empty(t, n.byName)
		require.Empty(t, n.byID)
		require.Zero(t, s.Stats().Sockets)
	})
}

// Pitfall 17: the connect timeout that fires while a middleware decides closes
// the connection, and the decision comes too late.
func TestPitfall17ConnectTimeoutDuringConnect(t *testing.T) {
	bubble(t, Config{ConnectTimeout: time.Second}, func(t bubbleT, s *Server) {
		var log notes
		block := make(chan struct{})
		s.Of("/").Use(func(*Socket) error { <-block; return nil })
		s.Of("/").OnConnection(func(*Socket) { log.add("connected") })
		p := dial(t, s)
		p.conn.OnMessage([]byte("0"), false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		p.closedWith(engine.ReasonAuthTimeout)
		close(block)
		synctest.Wait()
		require.Empty(t, log.take())
		require.Zero(t, s.Stats().Sockets)
	})
}

// Pitfall 18: a header and its attachments leave in one piece, however many
// goroutines send.
func TestPitfall18AttachmentsStayTogether(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var sock *Socket
		s.Of("/").OnConnection(func(s *Socket) { sock = s })
		p := joined(t, s)
		const each = 50
		for i := range 8 {
			go func() {
				for range each {
					_ = sock.Emit("bin", []byte{byte(i)}, []byte{byte(i)})
					_ = s.Of("/").Emit("text")
				}
			}()
		}
		synctest.Wait()
		got := p.takes()
		require.Len(t, got, 8*each*4)
		for len(got) > 0 {
			if got[0] == `2["text"]` {
				got = got[1:]
				continue
			}
			require.Equal(t, `52-["bin",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, got[0])
			require.Equal(t, got[1], got[2])
			got = got[3:]
		}
		p.leaves()
	})
}

// Pitfall 19: a socket that disconnects inside OnConnection stays out: Join does
// nothing, and what the client had sent is not handled.
func TestPitfall19DisconnectDuringConnection(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		n := s.Of("/")
		n.OnConnection(func(s *Socket) {
			On(s, "early", func(int) { log.add("handled") })
			s.OnDisconnect(func(reason string) { log.add("%s", reason) })
			s.Disconnect(false)
			log.add("%v", s.Join("a"))
		})
		p := dial(t, s)
		p.conn.OnMessage([]byte("0"), false)
		synctest.Wait()
		p.sends(`2["early"]`)
		p.wants(`0{"sid":"SID"}`, "1")
		require.Equal(t, []string{"<nil>", "server namespace disconnect"}, log.take())
		require.Empty(t, n.byName)
		require.Empty(t, n.byID)
		p.open()
		p.leaves()
	})
}
