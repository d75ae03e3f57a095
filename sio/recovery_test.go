package sio

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

// returner behaves as the official client does: it keeps the last argument of
// the last event as its offset if that is a string, buffers events until the
// answer to its CONNECT, and offers pid and offset when it comes back.
type returner struct {
	t                testing.TB
	s                *Server
	peer             *peer
	sid, pid, offset string
	in, recovered    bool
	buffer           [][]json.RawMessage
	got              []string
	refused          string
}

var packetParts = regexp.MustCompile(`^(\d)(?:(/[^,]*),)?(\d*)(.*)$`)

func (c *returner) connect() *returner {
	c.t.Helper()
	c.in, c.recovered, c.got = false, false, nil
	auth := map[string]string{"token": "x"}
	if c.pid != "" {
		auth["pid"] = c.pid
		if c.offset != "" {
			auth["offset"] = c.offset
		}
	}
	b, err := json.Marshal(auth)
	require.NoError(c.t, err)
	c.peer = dial(c.t, c.s)
	c.peer.sends("0" + string(b))
	return c
}

// reads takes at most n packets of those that were sent; the rest is lost when
// the connection breaks. It returns the events since the CONNECT.
func (c *returner) reads(n int) []string {
	c.t.Helper()
	synctest.Wait()
	c.peer.link.mu.Lock()
	msgs := c.peer.link.sent[:min(n, len(c.peer.link.sent))]
	c.peer.link.sent = c.peer.link.sent[len(msgs):]
	c.peer.link.mu.Unlock()
	for _, m := range msgs {
		p := packetParts.FindStringSubmatch(string(m.Data))
		switch p[1] {
		case "0":
			var a connected
			require.NoError(c.t, json.Unmarshal([]byte(p[4]), &a))
			c.in, c.recovered = true, a.PID != "" && a.PID == c.pid
			c.sid, c.pid = a.SID, a.PID
			for _, e := range c.buffer {
				c.event(e, false)
			}
			c.buffer = nil
		case "2":
			var e []json.RawMessage
			require.NoError(c.t, json.Unmarshal([]byte(p[4]), &e))
			if c.in {
				c.event(e, p[3] != "")
			} else {
				c.buffer = append(c.buffer, e)
			}
		case "4":
			c.refused = p[4]
		}
	}
	return c.got
}

func (c *returner) all() []string { c.t.Helper(); return c.reads(1 << 20) }

func (c *returner) event(e []json.RawMessage, ack bool) {
	var name, last string
	require.NoError(c.t, json.Unmarshal(e[0], &name))
	if !ack && json.Unmarshal(e[len(e)-1], &last) == nil {
		c.offset = last
		e = e[:len(e)-1]
	}
	for _, arg := range e[1:] {
		name += " " + string(arg)
	}
	c.got = append(c.got, name)
}

// drop breaks the connection; what was not read is lost.
func (c *returner) drop() {
	c.peer.leaves()
	c.peer.link.sent = nil
}

// back is the client after it lost its connection and came back.
func (c *returner) back() *returner {
	c.t.Helper()
	c.drop()
	c.connect()
	return c
}

func recovering(r Recovery) Config {
	return Config{Recovery: func(string) *Recovery { return &r }}
}

func arrive(tb testing.TB, s *Server) *returner {
	tb.Helper()
	c := (&returner{t: tb, s: s}).connect()
	c.all()
	require.True(tb, c.in)
	require.False(tb, c.recovered)
	return c
}

func TestRecoveryIsOffByDefault(t *testing.T) {
	on := Recovery{}
	bubble(t, Config{Recovery: func(n string) *Recovery {
		if n == "/on" {
			return &on
		}
		return nil
	}}, func(t bubbleT, s *Server) {
		s.Of("/on").OnConnection(func(s *Socket) { _ = s.Emit("e", 1) })
		s.Of("/").OnConnection(func(s *Socket) { _ = s.Emit("e", 1) })
		p := dial(t, s)
		p.sends(`0{"pid":"p"}`, `0/on,`)
		got := p.takes()
		require.Equal(t, []string{`0{"sid":"SID"}`, `2["e",1]`}, got[:2])
		require.Regexp(t, `^0/on,\{"sid":"SID","pid":"[\w-]{20}"\}$`, got[2])
		require.Regexp(t, `^2/on,\["e",1,"[\w-]{8}\.1"\]$`, got[3])
		p.leaves()
	})
}

func TestRecoveryRestoresTheSocketAndSendsWhatWasMissedFirst(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		var seen []*Socket
		s.Of("/").OnConnection(func(s *Socket) {
			seen = append(seen, s)
			if !s.Recovered() {
				s.Data = "mine"
				require.NoError(t, s.Share(1))
				require.NoError(t, s.Join("den"))
				s.Leave(s.ID())
			}
		})
		c, other := arrive(t, s), arrive(t, s)
		_ = s.Of("/").Emit("seen", 1)
		require.Equal(t, []string{"seen 1"}, c.all())
		id := c.sid
		c.drop()
		_ = s.Of("/").To("den").Emit("to the den", 2)
		_ = s.Of("/").To("elsewhere").Emit("not his")
		_ = s.Of("/").Except("den").Emit("not his")
		_ = s.Of("/").To(id).Emit("not his: he left the room of his id")
		_ = seen[1].Broadcast().Emit("from another", 3)
		c.connect()
		require.Regexp(t, `^2\["to the den"`, string(c.peer.link.sent[0].Data), "before the CONNECT")
		require.Equal(t, []string{"to the den 2", "from another 3"}, c.all())
		require.True(t, c.recovered)
		require.Equal(t, id, c.sid)
		back := seen[2]
		require.True(t, back.Recovered())
		require.Equal(t, id, back.ID())
		require.Equal(t, "mine", back.Data)
		require.Equal(t, "1", string(back.describe().Data))
		require.Equal(t, []string{"den"}, back.Rooms())
		_ = s.Of("/").To("den").Emit("again")
		require.Equal(t, []string{"to the den 2", "from another 3", "again"}, c.all())
		require.EqualValues(t, 1, s.Stats().Recovered)
		c.drop()
		other.drop()
	})
}

// The cases in which the reference loses its clients, the first three always.
func TestRecoveryWorks(t *testing.T) {
	for name, before := range map[string]func(c *returner, s *Socket){
		"after zero events": func(*returner, *Socket) {},
		"after events with acks only": func(c *returner, s *Socket) {
			go func() { _, _ = s.EmitWithAck(c.t.Context(), "q", "a string") }()
		},
		"when a volatile event with a string came last": func(_ *returner, s *Socket) {
			_ = s.Emit("e")
			_ = s.Volatile().Emit("v", "a string")
		},
		"when an event with a string came last":  func(_ *returner, s *Socket) { _ = s.Emit("e", "a string") },
		"when quiet for longer than events live": func(_ *returner, s *Socket) { _ = s.Emit("e"); time.Sleep(time.Hour) },
		"when quiet while others fill the log": func(_ *returner, s *Socket) {
			_ = s.Emit("e")
			for range 9 {
				_ = s.To("x").Emit("f")
			}
		},
		"when others fill the log without zero": func(_ *returner, s *Socket) {
			for range 9 {
				_ = s.Broadcast().Emit("f")
			}
		},
	} {
		bubble(t, recovering(Recovery{Packets: 4}), func(t bubbleT, s *Server) {
			var sock *Socket
			s.Of("/").OnConnection(func(s *Socket) { sock = s })
			c := arrive(t, s)
			before(c, sock)
			c.all()
			for i := range 5 {
				c.drop()
				_ = s.Of("/").Emit("missed", i)
				c.connect()
				got := c.all()
				require.True(t, c.recovered, "%s, return %d", name, i)
				require.Equal(t, []string{fmt.Sprint("missed ", i)}, got, name)
			}
			c.drop()
		})
	}
}

// A return whose replay is lost with the connection is repeated.
func TestRecoveryIsRepeatable(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		c := arrive(t, s)
		c.drop()
		_ = s.Of("/").Emit("a")
		for range 3 {
			c.connect()
			c.drop() // before it has read anything
			_ = s.Of("/").Emit("b")
		}
		c.connect()
		require.Equal(t, []string{"a", "b", "b", "b"}, c.all())
		require.True(t, c.recovered)
		c.drop()
	})
}

func TestRecoveryKeepsWhatMiddlewareEmits(t *testing.T) {
	for _, again := range []bool{false, true} {
		bubble(t, recovering(Recovery{RunMiddleware: again}), func(t bubbleT, s *Server) {
			n := 0
			s.Of("/").Use(func(s *Socket) error {
				n++
				_ = s.Volatile().Emit("volatile")
				return s.Emit("from middleware", n)
			})
			c := (&returner{t: t, s: s}).connect()
			require.Len(t, c.peer.link.sent, 2)
			c.peer.link.sent = nil // lost: the client never saw the answer and is new
			c.drop()
			c.connect()
			require.Equal(t, []string{"from middleware 2"}, c.all())
			require.Len(t, c.got, 1)
			c.drop()
			_ = s.Of("/").Emit("missed")
			c.connect()
			want := []string{"missed"}
			if again {
				want = append(want, "from middleware 3")
			}
			require.Equal(t, want, c.all(), "older events come first")
			require.True(t, c.recovered)
			c.drop()
		})
	}
}

func TestRecoveryHeldEventsBound(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		empty, err := encodeEvent("e", []any{strings.Repeat("x", 300)})
		require.NoError(t, err)
		size := len(empty) - 300
		s.Of("/").Use(func(s *Socket) error {
			require.NoError(t, s.Emit("e", strings.Repeat("x", maxHeld/2-size)))
			require.NoError(t, s.Emit("e", strings.Repeat("x", maxHeld/2-size-4)))
			require.ErrorIs(t, s.Emit("e", 1), errHeld)
			return nil
		})
		c := (&returner{t: t, s: s}).connect()
		require.Len(t, c.all(), 2)
		c.drop()
	})
}

func TestRecoveryMiddlewareMayRefuseThoseWhoReturn(t *testing.T) {
	bubble(t, recovering(Recovery{RunMiddleware: true}), func(t bubbleT, s *Server) {
		banned := false
		s.Of("/").Use(func(s *Socket) error {
			if banned {
				require.True(t, s.Recovered())
				return &Error{Code: "auth_failed", Msg: "no"}
			}
			return nil
		})
		c := arrive(t, s)
		c.drop()
		_ = s.Of("/").Emit("secret")
		banned = true
		c.connect()
		require.Empty(t, c.all())
		require.Empty(t, c.buffer, "nothing is sent to who may not come in")
		require.Contains(t, c.refused, "auth_failed")
		banned = false
		c.back()
		require.Equal(t, []string{"secret"}, c.all())
		require.True(t, c.recovered, "a refusal does not cost the place")
		c.drop()
	})
}

func TestRecoveryReasons(t *testing.T) {
	for reason, want := range map[engine.Reason]bool{
		engine.ReasonTransportClose: true, engine.ReasonTransportError: true, engine.ReasonNoPong: true,
		engine.ReasonForced: true, engine.ReasonServerShutdown: true, engine.ReasonSlowConsumer: true,
		engine.ReasonProtocol: false, engine.ReasonTooLarge: false,
	} {
		bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
			c := arrive(t, s)
			c.peer.link.Close(reason)
			synctest.Wait()
			c.connect().all()
			require.Equal(t, want, c.recovered, reason.String())
			c.drop()
		})
	}
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		c := arrive(t, s)
		c.peer.sends("1")
		c.back().all()
		require.False(t, c.recovered, "left the namespace")
		for sock := range s.Of("/").Sockets() {
			sock.Disconnect(false)
		}
		c.back().all()
		require.False(t, c.recovered, "was put out")
		c.drop()
		require.Empty(t, s.Of("/").recovery.live)
	})
}

// A client may be back before the server knows that it was gone.
func TestRecoveryReplacesAHalfOpenConnection(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		hold := make(chan struct{})
		s.Of("/").OnConnection(func(s *Socket) {
			s.OnDisconnect(func(string) { <-hold })
		})
		c := arrive(t, s)
		old, id := c.peer, c.sid
		_ = s.Of("/").Emit("lost on the way")
		c.connect()
		require.Empty(t, c.all(), "the old handlers are still at work")
		old.closedWith(engine.ReasonReplaced)
		_ = s.Of("/").Emit("meanwhile")
		close(hold)
		require.Equal(t, []string{"lost on the way", "meanwhile"}, c.all())
		require.True(t, c.recovered)
		require.Equal(t, id, c.sid)
		require.Len(t, slices.Collect(s.Of("/").Sockets()), 1)
		c.drop()
	})
}

func TestRecoveryWaitsNotForeverForOldHandlers(t *testing.T) {
	bubble(t, recovering(Recovery{}), func(t bubbleT, s *Server) {
		hold, first := make(chan struct{}), true
		s.Of("/").OnConnection(func(s *Socket) {
			if first {
				first = false
				s.OnDisconnect(func(string) { <-hold })
			}
		})
		c := arrive(t, s)
		c.connect()
		time.Sleep(replaceWait)
		c.all()
		require.True(t, c.in)
		require.False(t, c.recovered)
		close(hold)
		c.drop()
	})
}
