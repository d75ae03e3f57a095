package sio

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestOnceAndOff(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		var sock *Socket
		s.Of("/").OnConnection(func(s *Socket) {
			sock = s
			s.Once("one", func(a Args) { log.add("one"); _ = a.Ack("ok") })
			On(s, "many", func(int) { log.add("many") })
			s.OnRaw("raw", func(*Event) { log.add("raw") })
		})
		p := joined(t, s)
		p.sends(`21["one"]`, `22["one"]`, `2["many"]`, `2["many"]`, `2["raw"]`)
		p.wants(`31["ok"]`)
		require.Equal(t, []string{"one", "many", "many", "raw"}, log.take())
		sock.Once("two", func(Args) { log.add("replaced") })
		sock.Once("two", func(Args) { log.add("two") })
		sock.Off("many", "nothing")
		p.sends(`2["two"]`, `2["two"]`, `2["many"]`, `2["raw"]`)
		require.Equal(t, []string{"two", "raw"}, log.take())
		sock.OnAny(func(*Event) { log.add("any") })
		sock.Off()
		p.sends(`2["raw"]`)
		require.Empty(t, log.take())
		p.leaves()
	})
}

// Two events of that name that wait for a busy handler are still one for Once.
func TestOnceIsOnceForQueuedEvents(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		block := make(chan struct{})
		s.Of("/").OnConnection(func(s *Socket) {
			On(s, "block", func(int) { <-block })
			s.Once("one", func(Args) { log.add("one") })
		})
		p := joined(t, s)
		p.sends(`2["block"]`, `2["one"]`, `2["one"]`)
		close(block)
		p.leaves()
		require.Equal(t, []string{"one"}, log.take())
	})
}

// Catch-alls see events with and without a handler, in front of it; outgoing
// ones see emits and broadcasts but no packets of the hot path.
func TestCatchAll(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		var sock *Socket
		n := s.Of("/")
		n.OnConnection(func(s *Socket) {
			sock = s
			s.OnAny(func(e *Event) { log.add("in %s %d", e.Name(), e.NArgs()) })
			s.OnAny(func(*Event) { panic("and goes on") })
			s.OnAnyOutgoing(func(e *Event) {
				arg, err := e.AppendArg(nil, 0)
				require.NoError(t, err)
				log.add("out %s %x", e.Name(), arg)
			})
			On(s, "known", func(int) { log.add("known") })
			s.OnRaw("raw", func(*Event) { log.add("raw") })
			s.OnUnknown(func(*Event) { log.add("unknown") })
		})
		p := joined(t, s)
		p.sends(`2["known",1]`, `2["raw"]`, `2["other",1,2]`)
		require.Equal(t, []string{"in known 1", "known", "in raw 0", "raw", "in other 2", "unknown"}, log.take())
		require.NoError(t, sock.Emit("a", 1))
		require.NoError(t, n.Emit("b", "x"))
		go func() { _, _ = sock.EmitWithAck(t.Context(), "c") }()
		synctest.Wait()
		require.NoError(t, sock.SendPacket([]byte(`2["hot"]`)))
		p.leaves()
		require.ElementsMatch(t, []string{"out a 01", "out b a178", "out c c0"}, log.take())
	})
}

// A middleware of events lets them pass or answers for the handler.
func TestPacketMiddleware(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		s.Of("/").OnConnection(func(s *Socket) {
			s.Use(func(from *Socket, e *Event) error {
				require.Same(t, s, from)
				log.add("use %s", e.Name())
				switch e.Name() {
				case "refuse":
					return &Error{Code: "forbidden", Msg: "No"}
				case "break":
					return errors.New("secret")
				case "panic":
					panic("secret")
				}
				return nil
			})
			s.OnAny(func(e *Event) { log.add("any %s", e.Name()) })
			for _, name := range []string{"ok", "refuse", "break", "panic"} {
				On(s, name, func(int) { log.add("handled") })
			}
			s.OnRaw("raw", func(*Event) { log.add("raw") })
		})
		p := joined(t, s)
		p.sends(`2["ok"]`, `2["raw"]`, `2["unknown"]`)
		require.Equal(t, []string{"use ok", "any ok", "handled", "use raw", "any raw", "raw", "use unknown", "any unknown"}, log.take())
		p.sends(`2["refuse"]`)
		p.wants()
		p.sends(`21["refuse"]`)
		p.wants(`31[{"ok":false,"err":{"code":"forbidden","msg":"No"}}]`)
		for _, name := range []string{"break", "panic"} {
			p.sends(`22["` + name + `"]`)
			got := p.takes()
			require.Len(t, got, 1)
			require.Regexp(t, `^32\[\{"ok":false,"err":\{"code":"internal","msg":"internal error","ref":"[0-9a-f]{12}"\}\}\]$`, got[0])
		}
		require.Equal(t, []string{"use refuse", "use refuse", "use break", "use panic"}, log.take())
		require.EqualValues(t, 1, s.Stats().Panics)
		p.open()
		p.leaves()
	})
}

// What a socket shares, and how it came, can be fetched.
func TestHandshakeAndSharedData(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		s.Of("/").OnConnection(func(s *Socket) {
			require.NoError(t, s.Share(map[string]int{"age": 7}))
			require.Error(t, s.Share(func() {}))
			require.NoError(t, s.Join("a"))
		})
		p := dial(t, s)
		p.sends(`0{"token":"x"}`)
		got, err := s.Of("/").To("a").Fetch(t.Context())
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.JSONEq(t, `{"age":7}`, string(got[0].Data))
		require.JSONEq(t, `{"token":"x"}`, string(got[0].Handshake.Auth))
		require.ElementsMatch(t, []string{"a", got[0].ID}, got[0].Rooms)
		text, err := got[0].Handshake.MarshalJSON()
		require.NoError(t, err)
		require.Contains(t, string(text), `"time":"Sat Jan 01 2000 00:00:00 GMT+0000 (Coordinated Universal Time)"`)
		require.Contains(t, string(text), `"issued":946684800000`)
		var back Handshake
		require.NoError(t, back.UnmarshalJSON(text))
		require.True(t, back.Time.Equal(got[0].Handshake.Time))
		p.leaves()
		q := dial(t, s)
		q.sendsHex("83 a4 74797065 00 a4 64617461 81 a5 746f6b656e a1 78 a3 6e7370 a1 2f") // the same in msgpack
		got, err = s.Of("/").Except().Fetch(t.Context())
		require.NoError(t, err)
		require.JSONEq(t, `{"token":"x"}`, string(got[0].Handshake.Auth))
		q.leaves()
	})
}
