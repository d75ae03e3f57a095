package client

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	engine "gameserver/engine/client"
	"gameserver/sio"
)

type point struct {
	X    int    `json:"x"`
	Name string `json:"name,omitempty"`
	Blob []byte `json:"blob,omitempty"`
}

// talker is a server that echoes, doubles and asks back.
func talker(t *testing.T) (url string) {
	t.Helper()
	return serve(t, func(s *sio.Server) {
		for _, name := range []string{"/", "/game"} {
			s.Of(name).OnConnection(func(k *sio.Socket) {
				k.OnArgs("echo", func(a sio.Args) {
					var p point
					var b []byte
					if a.Decode(0, &p) != nil || a.Decode(1, &b) != nil {
						return
					}
					_ = k.Emit("echo", p, b)
				})
				sio.OnAck(k, "double", func(p point) (point, error) {
					if p.X < 0 {
						return point{}, &sio.Error{Code: "bad_payload", Msg: "too small", Path: "x"}
					}
					p.X *= 2
					return p, nil
				})
				sio.On(k, "ask", func(p point) {
					go func() {
						a, err := k.EmitWithAck(t.Context(), "question", p)
						var answer point
						if err == nil {
							err = a.Decode(0, &answer)
						}
						if err == nil {
							_ = k.Emit("answered", answer)
						}
					}()
				})
			})
		}
	})
}

func TestEventsAndAcks(t *testing.T) {
	url := talker(t)
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		c := newClient(t, url, o)
		for _, name := range []string{"", "/game"} {
			s, j := c.Socket(name), newJournal()
			require.NoError(t, j.watch(s).Connect(t.Context()))
			require.NoError(t, s.Connect(t.Context()), "again is no work")
			j.expect(t, "connect "+s.Namespace())
			require.True(t, s.Connected())
			require.Len(t, s.ID(), 20)

			s.On("echo", func(a sio.Args) {
				var p point
				var b []byte
				err := errors.Join(a.Decode(0, &p), a.Decode(1, &b))
				j.note("echo %+v %v %v", p, b, err)
			})
			require.NoError(t, s.Emit("echo", point{X: 7, Name: "é\"", Blob: []byte{0, 0xff}}, []byte{1}))
			j.expect(t, `echo {X:7 Name:é" Blob:[0 255]} [1] <nil>`)

			var out point
			require.NoError(t, s.Call(t.Context(), "double", point{X: 21}, &out))
			require.Equal(t, 42, out.X)
			var se *sio.Error
			require.ErrorAs(t, s.Call(t.Context(), "double", point{X: -1}, &out), &se)
			require.Equal(t, &sio.Error{Code: "bad_payload", Msg: "too small", Path: "x"}, se)
			require.ErrorAs(t, s.Call(t.Context(), "double", "text", nil), &se)
			require.Equal(t, "bad_payload", se.Code)

			s.On("question", func(a sio.Args) {
				j.note("%v %v %v", a.WantsAck(), a.Ack(point{X: 5}), errors.Is(a.Ack(), sio.ErrAnswered))
			})
			s.OnAny(func(event string, a sio.Args) {
				var p point
				j.note("any %s %v %+v", event, a.Decode(0, &p), p)
			})
			require.NoError(t, s.Emit("ask", point{X: 1}))
			j.expect(t, "true <nil> true", "any answered <nil> {X:5 Name: Blob:[]}")

			require.ErrorIs(t, s.Emit("disconnect", 1), sio.ErrReserved)
			require.Error(t, s.Emit("x", func() {}))
			_, err := s.EmitWithAck(t.Context(), "x", make(chan int))
			require.Error(t, err)
			require.Empty(t, s.acks)
		}
	})
}

func TestAckBounds(t *testing.T) {
	url := serve(t, func(s *sio.Server) { s.Of("/") })
	c := newClient(t, url, Options{Transport: engine.WebSocket, Reconnect: Backoff{Disabled: true}})
	s := c.Socket("/")
	require.NoError(t, s.Connect(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.EmitWithAck(ctx, "nobody answers")
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, s.acks, "a call that has ended waits for nothing")

	errs := make(chan error, acksMax)
	for range acksMax {
		go func() {
			_, err := s.EmitWithAck(t.Context(), "nobody answers")
			errs <- err
		}()
	}
	require.Eventually(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(s.acks) == acksMax
	}, 10*time.Second, time.Millisecond)
	_, err = s.EmitWithAck(t.Context(), "one more")
	require.ErrorIs(t, err, sio.ErrTooManyAcks)
	c.Drop()
	for range acksMax {
		require.ErrorIs(t, <-errs, ErrDisconnected)
	}
}

// TestRaw keeps the order of raw events and hands other events out behind them.
func TestRaw(t *testing.T) {
	url := serve(t, func(s *sio.Server) {
		s.Of("/m").OnConnection(func(k *sio.Socket) {
			k.OnRaw("in", func(e *sio.Event) {
				b, err := e.AppendArg(nil, 0)
				n, _, err2 := msgp.ReadIntBytes(b)
				if err == nil && err2 == nil {
					_ = k.Emit("out", n)
				}
			})
		})
	})
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		c := newClient(t, url, o)
		s := c.Socket("/m")
		require.ErrorIs(t, s.SendPacket([]byte("x")), sio.ErrNotConnected)
		const n = 200
		got := make(chan int, n)
		s.OnRaw("out", func(e *sio.Event) {
			b, err := e.AppendArg(nil, 0)
			if v, _, err2 := msgp.ReadIntBytes(b); err == nil && err2 == nil {
				got <- v
			}
		})
		require.NoError(t, s.Connect(t.Context()))
		var p []byte
		for i := range n {
			p = s.AppendEventHead(p[:0], "in")
			if o.Msgpack {
				p = msgp.AppendInt(p, i)
			} else {
				p = strconv.AppendInt(p, int64(i), 10)
			}
			p = s.AppendEventTail(p)
			require.NoError(t, s.SendPacket(p))
		}
		for i := range n {
			require.Equal(t, i, <-got)
		}
	})
}

func TestEventHead(t *testing.T) {
	for _, mp := range []bool{false, true} {
		for _, nsp := range []string{"/", "/match"} {
			for _, ev := range []string{"input", "é\"\\\n"} {
				c := New("http://x", Options{Msgpack: mp})
				s := c.Socket(nsp)
				want, err := sio.Encode(c.parser(), sio.Header{Type: sio.PacketEvent, Namespace: nsp}, ev, 5)
				require.NoError(t, err)
				five := "5"
				if mp {
					five = "\x05"
				}
				got := s.AppendEventTail(append(s.AppendEventHead(nil, ev), five...))
				dec := sio.NewDecoder(c.parser(), sio.Limits{})
				e, err := dec.Decode(got, mp)
				require.NoError(t, err)
				require.Equal(t, ev, e.Name())
				require.Equal(t, nsp, e.Namespace())
				require.Equal(t, five, string(e.Arg(0)))
				if ev == "input" {
					require.Equal(t, string(want[0].Data), string(got))
				}
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	var tries atomic.Int32
	url := serve(t, func(s *sio.Server) {
		s.Of("/locked").Use(func(*sio.Socket) error {
			tries.Add(1)
			return &sio.Error{Code: "auth_failed", Msg: "no", RetryMs: 7}
		})
		s.Of("/broken").Use(func(*sio.Socket) error { return errors.New("secret") })
		s.Of("/")
	})
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		tries.Store(0)
		c, j := newClient(t, url, o), newJournal()
		root := j.watch(c.Socket("/"))
		require.NoError(t, root.Connect(t.Context()))
		j.expect(t, "connect /")
		locked := j.watch(c.Socket("locked"))
		require.Equal(t, "/locked", locked.Namespace())
		var se *sio.Error
		require.ErrorAs(t, locked.Connect(t.Context()), &se)
		require.Equal(t, &sio.Error{Code: "auth_failed", Msg: "no", RetryMs: 7}, se)
		j.expect(t, "refused /locked: auth_failed: no")
		require.ErrorAs(t, c.Socket("/broken").Connect(t.Context()), &se)
		require.Equal(t, "internal", se.Code)
		require.NotContains(t, se.Msg, "secret")
		require.ErrorAs(t, c.Socket("/nowhere").Connect(t.Context()), &se)
		require.Equal(t, &sio.Error{Code: codeRefused, Msg: "Invalid namespace"}, se)
		c.Drop()
		j.expect(t, "disconnect /: transport error", "connect /")
		require.Equal(t, int32(1), tries.Load(), "a refused socket is left alone")
		require.ErrorAs(t, locked.Connect(t.Context()), &se, "but may be asked for again")
	})
}

func TestServerDisconnects(t *testing.T) {
	url := serve(t, func(s *sio.Server) {
		s.Of("/").OnConnection(func(k *sio.Socket) { sio.On(k, "out", func(bool) { k.Disconnect(false) }) })
		s.Of("/b")
	})
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		c, j := newClient(t, url, o), newJournal()
		a, b := j.watch(c.Socket("/")), j.watch(c.Socket("/b"))
		require.NoError(t, a.Connect(t.Context()))
		require.NoError(t, b.Connect(t.Context()))
		j.expect(t, "connect /", "connect /b")
		require.NoError(t, a.Emit("out"))
		j.expect(t, "disconnect /: "+ReasonServer)
		c.Drop()
		j.expect(t, "disconnect /b: transport error", "connect /b") // and not the other
		require.False(t, a.Connected())
		require.NoError(t, a.Connect(t.Context()))
		j.expect(t, "connect /")
		b.Disconnect()
		b.Disconnect()
		j.expect(t, "disconnect /b: "+ReasonClient)
		require.NotEmpty(t, c.Transport())
		require.NoError(t, a.Emit("out"))
		j.expect(t, "disconnect /: "+ReasonServer)
		require.Empty(t, c.Transport(), "nobody wants the session any more")
		require.NoError(t, a.Connect(t.Context()))
		j.expect(t, "connect /")
	})
}

// TestReconnect asks for auth each time, and sends what waited.
func TestReconnect(t *testing.T) {
	url := serve(t, func(s *sio.Server) {
		s.Of("/").OnConnection(func(k *sio.Socket) {
			var auth struct {
				N int `json:"n"`
			}
			_ = k.Auth(&auth)
			_ = k.Emit("auth", auth.N)
			sio.On(k, "say", func(v string) { _ = k.Emit("said", v) })
			sio.OnAck(k, "ack", func(v string) (string, error) { return v, nil })
		})
	})
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		var n atomic.Int32
		o.Auth = func(nsp string) any {
			return map[string]any{"n": n.Add(1), "nsp": nsp}
		}
		c, j := newClient(t, url, o), newJournal()
		s := j.watch(c.Socket("/"))
		for _, ev := range []string{"auth", "said"} {
			s.On(ev, func(a sio.Args) {
				var v any
				_ = a.Decode(0, &v)
				j.note("%s %v", ev, v)
			})
		}
		require.NoError(t, s.Emit("say", "early"))
		require.NoError(t, s.Connect(t.Context()))
		j.expect(t, "connect /", "auth 1", "said early")
		// From OnDisconnect, where the socket is certainly not connected.
		acked := make(chan error, 1)
		s.OnDisconnect(func(string) {
			_ = s.Emit("say", "meanwhile")
			go func() {
				a, err := s.EmitWithAck(t.Context(), "ack", "later")
				if v := ""; err == nil && (a.Decode(0, &v) != nil || v != "later") {
					err = errors.New(v)
				}
				acked <- err
			}()
		})
		c.Drop()
		j.expect(t, "connect /", "auth 2", "said meanwhile")
		require.NoError(t, <-acked)
	})
}

func TestBufferBounds(t *testing.T) {
	c := New("http://nowhere", Options{})
	s := c.Socket("/")
	for range bufferedMax {
		require.NoError(t, s.Emit("x"))
	}
	require.ErrorIs(t, s.Emit("x"), ErrBufferFull)
	big := c.Socket("/big")
	head := len(`2/big,["x",""]`)
	require.NoError(t, big.Emit("x", strings.Repeat("x", bufferedBytesMax-head)))
	require.ErrorIs(t, big.Emit("x"), ErrBufferFull)
	require.NoError(t, c.Close())
	<-c.Done()
	require.ErrorIs(t, s.Emit("x"), ErrClosed)
	require.ErrorIs(t, s.Connect(t.Context()), ErrClosed)
	require.NoError(t, c.Close())
}

// TestSlowHandlers ends the session when more waits than the inbox holds.
func TestSlowHandlers(t *testing.T) {
	url := serve(t, func(s *sio.Server) {
		s.Of("/").OnConnection(func(k *sio.Socket) {
			sio.On(k, "flood", func(n int) {
				for i := range n {
					_ = k.Emit("drop", i)
				}
				_ = k.Emit("last")
			})
		})
	})
	c, j := newClient(t, url, Options{Transport: engine.WebSocket, Reconnect: Backoff{Disabled: true}}), newJournal()
	s := j.watch(c.Socket("/"))
	block, blocked := make(chan struct{}), make(chan struct{}, inboxMax+2)
	s.On("drop", func(sio.Args) {
		blocked <- struct{}{}
		<-block
	})
	s.On("last", func(sio.Args) { j.note("last") })
	require.NoError(t, s.Connect(t.Context()))
	j.expect(t, "connect /")
	require.NoError(t, s.Emit("flood", 1))
	<-blocked
	require.NoError(t, s.Emit("flood", inboxMax-2)) // with both "last" the inbox is full
	require.Eventually(t, func() bool {
		c.inbox.mu.Lock()
		defer c.inbox.mu.Unlock()
		return len(c.inbox.queue) == inboxMax
	}, 10*time.Second, time.Millisecond)
	require.True(t, s.Connected())
	require.NoError(t, s.Emit("flood", 0)) // one more
	require.Eventually(t, func() bool { return !s.Connected() }, 10*time.Second, time.Millisecond)
	close(block)
	j.expect(t, "last", "last", "disconnect /: "+engine.ReasonParseError)
	require.ErrorIs(t, c.LastError(), errOverrun)
}

// TestGivenUpConnect leaves a CONNECT unanswered, asks again with another auth,
// and gets the answer to that.
func TestGivenUpConnect(t *testing.T) {
	entered, release := make(chan string, 10), make(chan error, 10)
	url := serve(t, func(s *sio.Server) {
		s.Of("/").Use(func(*sio.Socket) error { return nil })
		slow := s.Of("/slow")
		slow.Use(func(k *sio.Socket) error {
			var auth struct {
				Who string `json:"who"`
			}
			_ = k.Auth(&auth)
			entered <- auth.Who
			select {
			case err := <-release:
				return err
			case <-t.Context().Done():
				return nil
			}
		})
		slow.OnConnection(func(k *sio.Socket) {
			sio.OnAck(k, "who", func(bool) (string, error) {
				var auth struct {
					Who string `json:"who"`
				}
				return auth.Who, k.Auth(&auth)
			})
		})
	})
	for _, first := range []error{nil, &sio.Error{Code: "forbidden"}} {
		each(t, func(t *testing.T, o Options) {
			t.Helper()
			var who atomic.Value
			o.Auth = func(string) any { return map[string]any{"who": who.Load()} }
			c, j := newClient(t, url, o), newJournal()
			require.NoError(t, c.Socket("/").Connect(t.Context())) // keeps the session
			s := j.watch(c.Socket("/slow"))
			who.Store("a")
			ctx, cancel := context.WithCancel(t.Context())
			gaveUp := make(chan error, 1)
			go func() { gaveUp <- s.Connect(ctx) }()
			require.Equal(t, "a", <-entered)
			cancel()
			require.ErrorIs(t, <-gaveUp, context.Canceled)
			who.Store("b")
			second := make(chan error, 1)
			go func() { second <- s.Connect(t.Context()) }()
			release <- first
			release <- nil
			require.Equal(t, "b", <-entered)
			require.NoError(t, <-second)
			j.expect(t, "connect /slow")
			var got string
			require.NoError(t, s.Call(t.Context(), "who", true, &got))
			require.Equal(t, "b", got)
			require.True(t, c.Socket("/").Connected())
		})
	}
}
