package sio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

type point struct {
	X    float64 `json:"x"`
	Y    int8    `json:"y"`
	Name string  `json:"name,omitempty"`
}

func TestOnDecodesAndIgnoresWhatDoesNotFit(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		s.Of("/").OnConnection(func(s *Socket) {
			On(s, "p", func(p point) { log.add("%+v", p) })
		})
		p := joined(t, s)
		p.sends(`2["p",{"x":1.5,"y":-2,"name":"a"}]`, `2["p"]`, `2["p",null]`, `2["p",{"X":1}]`, `2["p",{"x":"1"}]`, `2["p",{"y":1}]`)
		require.Equal(t, []string{"{X:1.5 Y:-2 Name:a}", "{X:0 Y:0 Name:}", "{X:0 Y:0 Name:}", "{X:0 Y:0 Name:}", "{X:0 Y:1 Name:}"}, log.take())
		p.wants()
		require.EqualValues(t, 1, s.Stats().BadPayloads)
		p.sends(`25["p",{"x":1,"y":128}]`)
		p.wants(`35[{"ok":false,"err":{"code":"bad_payload","msg":"number out of range","path":"y"}}]`)
		p.leaves()
	})
}

func TestOnAckAnswers(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		s.Of("/").OnConnection(func(s *Socket) {
			OnAck(s, "double", func(n int) (int, error) { return 2 * n, nil })
			OnAck(s, "points", func(int) ([]point, error) { return []point{{X: 1}, {Y: 2, Name: "<b>"}}, nil })
			OnAck(s, "no", func(int) (int, error) {
				return 0, fmt.Errorf("wrapped: %w", &Error{Code: "not_found", Msg: "No such thing", RetryMs: 100})
			})
			OnAck(s, "oops", func(int) (int, error) { return 0, errors.New("open /etc/shadow: denied") })
			OnAck(s, "panic", func(int) (int, error) { panic("secret") })
			OnAck(s, "unencodable", func(int) (chan int, error) { return make(chan int), nil })
			OnAck(s, "map", func(m map[string][]point) (int, error) { return len(m), nil })
		})
		p := joined(t, s)
		p.sends(`21["double",21]`)
		p.wants(`31[42]`)
		p.sends(`2["double",21]`) // nobody waits
		p.wants()
		p.sends(`22["points"]`)
		p.wants(`32[[{"x":1,"y":0},{"x":0,"y":2,"name":"<b>"}]]`)
		p.sends(`23["no"]`)
		p.wants(`33[{"ok":false,"err":{"code":"not_found","msg":"No such thing","retryMs":100}}]`)
		for _, ev := range []string{"oops", "panic", "unencodable"} {
			p.sends(`24["` + ev + `"]`)
			got := p.takes()
			require.Len(t, got, 1, ev)
			require.Regexp(t, `^34\[\{"ok":false,"err":\{"code":"internal","msg":"internal error","ref":"[0-9a-f]{12}"\}\}\]$`, got[0], ev)
		}
		require.EqualValues(t, 1, s.Stats().Panics)
		p.sends(`25["map",{"a":[],"b":[{"x":1},{"x":true}]}]`)
		p.wants(`35[{"ok":false,"err":{"code":"bad_payload","msg":"want a number","path":"b[1].x"}}]`)
		p.open()
		p.leaves()
	})
}

func TestOnArgsAnswersOnce(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var kept Args
		s.Of("/").OnConnection(func(s *Socket) {
			s.OnArgs("any", func(a Args) { kept = a })
		})
		p := joined(t, s)
		p.sends(`27["any",1,"two",[3]]`)
		require.Equal(t, 3, kept.Len())
		require.Equal(t, "any", kept.Event().Name())
		var list []int
		require.NoError(t, kept.Decode(2, &list))
		require.Equal(t, []int{3}, list)
		require.NoError(t, kept.Decode(9, &list))
		require.True(t, kept.WantsAck())
		require.NoError(t, kept.Ack("a", []byte{1}))
		require.False(t, kept.WantsAck())
		require.ErrorIs(t, kept.Ack("b"), ErrAnswered)
		p.wants(`61-7["a",{"_placeholder":true,"num":0}]`, "b:01")
		p.sends(`2["any"]`)
		require.False(t, kept.WantsAck())
		require.ErrorIs(t, kept.Ack(), ErrAnswered)
		p.sends(`28["any"]`, "1")
		require.ErrorIs(t, kept.Ack(), ErrNotConnected)
		p.leaves()
	})
}

// Handlers of one connection run one at a time and in order of arrival, those
// of its namespaces among them.
func TestHandlersRunInOrder(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		for _, n := range []*Namespace{s.Of("/"), s.Of("/b")} {
			n.OnConnection(func(s *Socket) {
				On(s, "n", func(i int) {
					log.add("%s%d", n.Name(), i)
					time.Sleep(time.Duration(5-i) * time.Second)
				})
				s.OnDisconnect(func(string) { log.add("end %s", n.Name()) })
			})
		}
		p := joined(t, s)
		p.sends("0/b,")
		for i := range 4 {
			p.conn.OnMessage(fmt.Appendf(nil, `2["n",%d]`, i), false)
			p.conn.OnMessage(fmt.Appendf(nil, `2/b,["n",%d]`, i), false)
		}
		p.conn.OnMessage([]byte("1/b,"), false)
		p.link.Close(engine.ReasonTransportClose)
		time.Sleep(time.Hour)
		require.Equal(t, []string{"/0", "/b0", "/1", "/b1", "/2", "/b2", "/3", "/b3", "end /b", "end /"}, log.take())
	})
}

// The inbox holds 2048 events; the next closes the connection, and what waited
// is not handled.
func TestInboxBound(t *testing.T) {
	for n, want := range map[int]int{2048: 2049, 2049: 1} {
		bubble(t, Config{}, func(t bubbleT, s *Server) {
			gate, handled := make(chan struct{}), 0
			s.Of("/").OnConnection(func(s *Socket) {
				On(s, "n", func(int) { <-gate; handled++ })
			})
			p := joined(t, s)
			p.sends(`2["n"]`) // in the handler, no longer in the inbox
			for range n {
				p.conn.OnMessage([]byte(`2["n"]`), false)
			}
			if n <= 2048 {
				p.open()
			} else {
				p.closedWith(engine.ReasonRateLimited)
			}
			close(gate)
			synctest.Wait()
			require.Equal(t, want, handled)
			p.leaves()
		})
	}
}

func TestInboxBytesBound(t *testing.T) {
	event := []byte(`2["n","` + strings.Repeat("x", 93) + `"]`) // payload of 101 bytes
	for _, n := range []int{10, 11} {
		bubble(t, Config{Limits: Limits{InboxBytes: 10 * (len(event) - 1)}}, func(t bubbleT, s *Server) {
			gate := make(chan struct{})
			s.Of("/").OnConnection(func(s *Socket) {
				On(s, "n", func(string) { <-gate })
			})
			p := joined(t, s)
			p.sends(string(event))
			for range n {
				p.conn.OnMessage(event, false)
			}
			require.Equal(t, n > 10, p.link.closed() == engine.ReasonRateLimited)
			close(gate)
			p.leaves()
		})
	}
}

// A raw handler gets every event in order: the early ones, which came before
// OnConnection had set it, and then directly on the reader.
func TestRawHandlerSeesEarlyEventsFirst(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		gate := make(chan struct{})
		s.Of("/").OnConnection(func(s *Socket) {
			<-gate
			s.OnRaw("r", func(e *Event) { log.add("%s%s", e.Name(), e.Arg(0)) })
		})
		p := joined(t, s)
		p.sends(`2["r",1]`, `2["r",2]`)
		require.Empty(t, log.take())
		close(gate)
		synctest.Wait()
		require.Equal(t, []string{"r1", "r2"}, log.take())
		p.conn.OnMessage([]byte(`2["r",3]`), false) // no goroutine involved
		require.Equal(t, []string{"r3"}, log.take())
		p.leaves()
	})
}

func TestRawHandlerPanicIsSurvived(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		s.Of("/").OnConnection(func(s *Socket) { s.OnRaw("r", func(*Event) { panic("x") }) })
		p := joined(t, s)
		p.sends(`2["r"]`, `2["r"]`)
		p.open()
		require.EqualValues(t, 2, s.Stats().Panics)
		p.leaves()
	})
}

func TestRawBypassesFullInbox(t *testing.T) {
	bubble(t, Config{Limits: Limits{Inbox: 1}}, func(t bubbleT, s *Server) {
		gate, raw := make(chan struct{}), 0
		s.Of("/").OnConnection(func(s *Socket) {
			On(s, "slow", func(int) { <-gate })
			s.OnRaw("r", func(*Event) { raw++ })
		})
		p := joined(t, s)
		p.sends(`2["slow"]`, `2["slow"]`)
		for range 1000 {
			p.conn.OnMessage([]byte(`2["r"]`), false)
		}
		require.Equal(t, 1000, raw)
		close(gate)
		p.leaves()
	})
}

func TestBlockingHandlerHoldsNothingElse(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		gate := make(chan struct{})
		s.Of("/").OnConnection(func(s *Socket) {
			On(s, "block", func(int) { <-gate })
			OnAck(s, "echo", func(v any) (any, error) { return v, nil })
		})
		a, b := joined(t, s), joined(t, s)
		a.sends(`2["block"]`)
		b.sends(`21["echo",{"b":1,"a":[true,null,"x"]}]`)
		b.wants(`31[{"a":[true,null,"x"],"b":1}]`)
		close(gate)
		a.leaves()
		b.leaves()
	})
}

// No goroutine and no queue remain while there is nothing to do.
func TestIdleConnectionHasNoGoroutine(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		p := joined(t, s)
		require.False(t, p.conn.inbox.running)
		require.Nil(t, p.conn.inbox.queue)
		require.Zero(t, s.busy.n)
		p.leaves()
	})
}

func TestEmitWithAck(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		var log notes
		s.Of("/").OnConnection(func(s *Socket) {
			a, err := s.EmitWithAck(t.Context(), "q", 1)
			var answer string
			require.NoError(t, a.Decode(0, &answer))
			log.add("%s %v", answer, err)
		})
		p := dial(t, s)
		p.sends("0")
		p.wants(`0{"sid":"SID"}`, `20["q",1]`)
		p.sends(`30["yes"]`, `30["again"]`)
		require.Equal(t, []string{"yes <nil>"}, log.take())
		require.EqualValues(t, 1, s.Stats().UnknownAcks)
		p.leaves()
	})
}

func TestEmitWithAckEnds(t *testing.T) {
	for want, end := range map[error]func(p *peer, cancel func()){
		ErrAckTimeout:    func(*peer, func()) { time.Sleep(10 * time.Second) },
		ErrNotConnected:  func(p *peer, _ func()) { p.sends("1") },
		context.Canceled: func(_ *peer, cancel func()) { cancel() },
	} {
		bubble(t, Config{}, func(t bubbleT, s *Server) {
			var sock *Socket
			s.Of("/").OnConnection(func(s *Socket) { sock = s })
			p := joined(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			got := make(chan error, 1)
			go func() {
				_, err := sock.EmitWithAck(ctx, "q")
				got <- err
			}()
			time.Sleep(10*time.Second - 1)
			synctest.Wait()
			require.Empty(t, got)
			end(p, cancel)
			synctest.Wait()
			require.ErrorIs(t, <-got, want)
			require.Empty(t, sock.acks, "nothing pending is left")
			cancel()
			p.leaves()
		})
	}
}

func TestPendingAcksBound(t *testing.T) {
	bubble(t, Config{Limits: Limits{PendingAcks: 3}}, func(t bubbleT, s *Server) {
		var sock *Socket
		s.Of("/").OnConnection(func(s *Socket) { sock = s })
		p := joined(t, s)
		for range 3 {
			go func() { _, _ = sock.EmitWithAck(t.Context(), "q") }()
		}
		synctest.Wait()
		_, err := sock.EmitWithAck(t.Context(), "q")
		require.ErrorIs(t, err, ErrTooManyAcks)
		p.sends(`31[]`)
		go func() { _, err = sock.EmitWithAck(t.Context(), "q") }()
		synctest.Wait()
		p.sends(`34[]`) // the id 3 was of the one refused
		require.NoError(t, err)
		p.leaves()
	})
}

func TestShutdownWaitsForHandlers(t *testing.T) {
	bubble(t, Config{}, func(t bubbleT, s *Server) {
		gate := make(chan struct{})
		s.Of("/").OnConnection(func(s *Socket) { On(s, "block", func(int) { <-gate }) })
		p := joined(t, s)
		p.sends(`2["block"]`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, s.Shutdown(ctx), context.DeadlineExceeded)
		done := make(chan error, 1)
		go func() { done <- s.Shutdown(t.Context()) }()
		synctest.Wait()
		require.Empty(t, done)
		close(gate)
		synctest.Wait()
		require.NoError(t, <-done)
		p.leaves()
	})
}
