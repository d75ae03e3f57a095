package sio

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

func TestConnectAnswersSidAlone(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := dial(t, s)
		p.sends("0")
		sent := p.link.sent
		require.Len(t, sent, 1)
		require.Regexp(t, `^0\{"sid":"[A-Za-z0-9_-]{20}"\}$`, string(sent[0].Data))
		require.Equal(t, 1, p.link.admits)
		p.takes()
		s.Of("/b")
		p.sends("0/b,")
		p.wants(`0/b,{"sid":"SID"}`)
		require.Equal(t, 1, p.link.admits, "admitted once")
		p.leaves()
		require.Zero(t, s.Stats().Sockets)
		require.Zero(t, s.Stats().Conns)
	})
}

func TestConnectOverMsgpack(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := dial(t, s)
		p.sendsHex("83 a474797065 00 a464617461 d40000 a36e7370 a12f")
		got := p.takes()
		require.Len(t, got, 1)
		require.Regexp(t, `^b:83a47479706500a36e7370a12fa46461746181a3736964b4[0-9a-f]{40}$`, got[0])
		p.leaves()
	})
}

func TestUnknownNamespace(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := dial(t, s)
		p.sends("0/nope,", "0/nope", "0")
		p.wants(`4/nope,{"message":"Invalid namespace"}`, `4/nope,{"message":"Invalid namespace"}`, `0{"sid":"SID"}`)
		p.open()
		require.Len(t, s.nsps, 1, "what a client asks for never becomes a namespace")
		p.leaves()
	})
}

func TestRefusedConnectsBound(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := dial(t, s)
		for range maxRefused {
			p.sends("0/nope,")
		}
		p.open()
		p.sends("0/nope,")
		p.closedWith(engine.ReasonRateLimited)
	})
}

func TestNamespacesBound(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := dial(t, s)
		for i := range 9 {
			s.Of(fmt.Sprint("/n", i))
			p.sends(fmt.Sprintf("0/n%d,", i))
		}
		got := p.takes()
		require.Len(t, got, 9)
		require.Equal(t, `0/n7,{"sid":"SID"}`, got[7])
		require.Equal(t, `4/n8,{"message":"Too many namespaces","data":{"code":"too_many_namespaces","msg":"Too many namespaces"}}`, got[8])
		p.sends("1/n0,", "0/n8,")
		p.wants(`0/n8,{"sid":"SID"}`)
		p.leaves()
	})
}

// Packets that the state of the connection does not allow end it.
func TestStatefulErrorsClose(t *testing.T) {
	for name, sent := range map[string][]string{
		"duplicate CONNECT":              {"0", "0"},
		"EVENT before CONNECT":           {`2["a"]`},
		"EVENT to a namespace not known": {"0", `2/other,["a"]`},
		"ACK before CONNECT":             {`31["a"]`},
		"EVENT after DISCONNECT":         {"0", "1", `2["a"]`},
		"DISCONNECT before CONNECT":      {"1"},
		"DISCONNECT twice":               {"0", "1", "1"},
		"CONNECT_ERROR from a client":    {"0", `4{"message":"x"}`},
		"empty text":                     {"0", ""},
		"text while binary is owed":      {"0", `51-["a",{"_placeholder":true,"num":0}]`, `2["a"]`},
		"garbage":                        {"hello"},
	} {
		bubble(t, Config{}, func(t bubbleT, s *Server) {
			s.Of("/other")
			p := dial(t, s)
			p.sends(sent...)
			require.Equal(t, engine.ReasonProtocol, p.link.closed(), name)
			p.sends("0") // what still arrives is ignored
			require.Zero(t, s.Stats().Sockets, name)
			require.EqualValues(t, 1, s.Stats().Refused, name)
		})
	}
}

func TestNotFatal(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := joined(t, s)
		p.sends(`399["x"]`, `2["nobody listens"]`, `21["nobody listens"]`)
		p.open()
		p.wants()
		require.EqualValues(t, 1, s.Stats().UnknownAcks)
		require.EqualValues(t, 2, s.Stats().Unknown)
		p.sends("1", "0")
		p.wants(`0{"sid":"SID"}`)
		p.leaves()
	})
}

func TestConnectTimeout(t *testing.T) {
	bubble(t, Config{ConnectTimeout: 10 * time.Second}, func(t bubbleT, s *Server) {
		mute, late, good := dial(t, s), dial(t, s), dial(t, s)
		good.sends("0")
		time.Sleep(10*time.Second - 1)
		synctest.Wait()
		mute.open()
		late.sends("0/nope,") // a refused CONNECT does not count
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		mute.closedWith(engine.ReasonAuthTimeout)
		late.closedWith(engine.ReasonAuthTimeout)
		good.sends("1") // leaving everything does not start it again
		time.Sleep(time.Hour)
		good.open()
		good.leaves()
	})
}

func TestAttachmentDeadline(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		slow, fast := joined(t, s), joined(t, s)
		for _, p := range []*peer{slow, fast} {
			p.sends(`52-["a",` + hold(0) + `,` + hold(1) + `]`)
		}
		time.Sleep(5*time.Second - 1)
		slow.sendsHex("01")
		fast.sendsHex("01")
		fast.sendsHex("02")
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		slow.closedWith(engine.ReasonBadPayload)
		time.Sleep(time.Minute)
		fast.open()
		fast.leaves()
	})
}

func TestMiddleware(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		n := s.Of("/m")
		n.Use(func(s *Socket) error {
			var auth struct {
				Token string `json:"token"`
				Age   uint8  `json:"age"`
			}
			if err := s.Auth(&auth); err != nil {
				return err
			}
			log.add("first %s", auth.Token)
			switch auth.Token {
			case "bad":
				return &Error{Code: "auth_failed", Msg: "Wrong token", RetryMs: 5}
			case "oops":
				return errors.New("dial tcp 10.0.0.1: secret")
			case "panic":
				panic("secret")
			case "emit":
				return s.Emit("too soon") // and yet in time, see Socket.Emit
			}
			return nil
		})
		n.Use(func(*Socket) error { log.add("second"); return nil })
		n.OnConnection(func(s *Socket) { log.add("in"); _ = s.Emit("hi") })
		p := dial(t, s)
		p.sends(`0/m,{"token":"bad"}`)
		p.wants(`4/m,{"message":"Wrong token","data":{"code":"auth_failed","msg":"Wrong token","retryMs":5}}`)
		p.sends(`0/m,{"token":"x","age":300}`)
		p.wants(`4/m,{"message":"number out of range","data":{"code":"bad_payload","msg":"number out of range","path":"age"}}`)
		for _, token := range []string{"oops", "panic"} {
			p.sends(`0/m,{"token":"` + token + `"}`)
			got := p.takes()
			require.Len(t, got, 1)
			require.Regexp(t, `^4/m,\{"message":"internal error","data":\{"code":"internal","msg":"internal error","ref":"[0-9a-f]{12}"\}\}$`, got[0])
		}
		require.EqualValues(t, 1, s.Stats().Panics)
		require.Zero(t, s.Stats().Sockets)
		log.take()
		p.sends(`0/m,{"token":"ok"}`)
		p.wants(`0/m,{"sid":"SID"}`, `2/m,["hi"]`)
		require.Equal(t, []string{"first ok", "second", "in"}, log.take())
		p.sends("1/m,", `0/m,{"token":"emit"}`)
		p.wants(`2/m,["too soon"]`, `0/m,{"sid":"SID"}`, `2/m,["hi"]`)
		p.leaves()
	})
}

// A client that leaves while the middleware decides joins nothing.
func TestMiddlewareOutlivesClient(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		decide := make(chan struct{})
		s.Of("/").Use(func(*Socket) error { <-decide; return nil })
		s.Of("/").OnConnection(func(*Socket) { t.Error("connected") })
		p := dial(t, s)
		p.sends("0")
		p.leaves()
		close(decide)
		synctest.Wait()
		p.wants()
		require.Zero(t, s.Stats().Sockets)
		for range s.Of("/").Sockets() {
			t.Error("a socket is left")
		}
	})
}

// While one namespace decides, the client may not use it, but others work.
func TestMiddlewareBlocksOneConnection(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		decide := make(chan struct{})
		s.Of("/slow").Use(func(*Socket) error { <-decide; return nil })
		p, other := dial(t, s), joined(t, s)
		p.sends("0/slow,")
		p.wants()
		other.sends("1", "0")
		other.wants(`0{"sid":"SID"}`)
		close(decide)
		synctest.Wait()
		p.wants(`0/slow,{"sid":"SID"}`)
		p.leaves()
		other.leaves()
	})
}

func TestDisconnectReasons(t *testing.T) {
	for want, end := range map[string]func(p *peer, s *Socket){
		"client namespace disconnect": func(p *peer, _ *Socket) { p.sends("1") },
		"server namespace disconnect": func(_ *peer, s *Socket) { s.Disconnect(false) },
		"transport close":             func(p *peer, _ *Socket) { p.leaves() },
		"ping timeout":                func(p *peer, _ *Socket) { p.link.Close(engine.ReasonNoPong) },
		"parse error":                 func(p *peer, _ *Socket) { p.sends("x") },
		"server shutting down":        func(p *peer, _ *Socket) { p.link.Close(engine.ReasonServerShutdown) },
		"forced close":                func(p *peer, _ *Socket) { p.link.Close(engine.ReasonForced) },
	} {
		bubble(t, Config{}, func(t bubbleT, s *Server) {
			var log notes
			var sock *Socket
			s.Of("/").OnConnection(func(s *Socket) {
				sock = s
				require.NoError(t, s.Join("den"))
				s.OnDisconnect(func(reason string) {
					log.add("%s, in %d rooms", reason, len(s.Rooms()))
					require.ErrorIs(t, s.Emit("late"), ErrNotConnected)
				})
			})
			p := joined(t, s)
			end(p, sock)
			synctest.Wait()
			require.Equal(t, []string{want + ", in 2 rooms"}, log.take())
			require.Empty(t, sock.Rooms())
			require.Empty(t, s.Of("/").byName, "rooms go with their members")
			require.NoError(t, sock.Join("again"))
			require.Empty(t, sock.Rooms(), "joining after the end does nothing")
			sock.Disconnect(true) // no harm
			p.leaves()
			require.Empty(t, log.take(), "told once")
		})
	}
}

// After a DISCONNECT from us the client's packets in flight are not its fault,
// and its other namespaces live on.
func TestServerDisconnectToleratesPacketsInFlight(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		s.Of("/match").OnConnection(func(s *Socket) {
			On(s, "input", func(int) { t.Error("handled after the end") })
			On(s, "last", func(int) { s.Disconnect(false) })
		})
		p := joined(t, s)
		p.sends("0/match,", `2/match,["last"]`)
		require.Equal(t, `1/match,`, p.takes()[1])
		p.sends(`2/match,["input",1]`, `3/match,1[]`, `1/match,`, `2["still here"]`)
		p.open()
		p.sends(`2/match,["input",1]`) // but the client has left too by now
		p.closedWith(engine.ReasonProtocol)
	})
}

func TestServerDisconnectThenConnectAgain(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		first := true
		s.Of("/").OnConnection(func(s *Socket) {
			if first {
				first = false
				s.Disconnect(false) // inside OnConnection
			}
		})
		p := dial(t, s)
		p.sends("0")
		p.wants(`0{"sid":"SID"}`, `1`)
		p.sends(`2["in flight"]`, "0")
		p.wants(`0{"sid":"SID"}`)
		p.open()
		p.leaves()
	})
}

func TestDisconnectConnection(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		for _, n := range []*Namespace{s.Of("/"), s.Of("/b")} {
			n.OnConnection(func(s *Socket) {
				s.OnDisconnect(func(reason string) { log.add("%s %s", s.Namespace().Name(), reason) })
				On(s, "bye", func(int) { s.Disconnect(true) })
			})
		}
		p := joined(t, s)
		p.sends("0/b,", `2/b,["bye"]`)
		require.Equal(t, []string{"1", "1/b,"}, p.takes()[1:])
		p.closedWith(engine.ReasonForced)
		require.ElementsMatch(t, []string{"/ server namespace disconnect", "/b server namespace disconnect"}, log.take())
	})
}

func TestReservedEventsCannotBeEmitted(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		s.Of("/").OnConnection(func(s *Socket) {
			for name := range strings.FieldsSeq("connect connect_error disconnect disconnecting newListener removeListener") {
				require.ErrorIs(t, s.Emit(name), ErrReserved)
				require.ErrorIs(t, s.Namespace().Emit(name), ErrReserved)
				require.Panics(t, func() { s.OnRaw(name, func(*Event) {}) })
			}
			require.NoError(t, s.Emit("error"))
		})
		p := dial(t, s)
		p.sends("0")
		p.wants(`0{"sid":"SID"}`, `2["error"]`)
		p.leaves()
	})
}
