package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// bubble is a Server on pipes, inside a synctest bubble.
type bubble struct {
	fixture
	t  *testing.T
	ln *enginetest.Listener
	hs *http.Server
}

func bubbled(t *testing.T, cfg engine.Config, body func(b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, ln: enginetest.NewListener()}
		b.Server = engine.New(b.configure(cfg))
		b.hs = &http.Server{Handler: b.Server}
		tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return b.ln.Dial() }}
		b.http = &http.Client{Transport: tr}
		b.addr = "pipe"
		go func() { _ = b.hs.Serve(b.ln) }()
		defer func() {
			require.NoError(t, b.Shutdown(t.Context()))
			tr.CloseIdleConnections()
			require.NoError(t, b.hs.Close())
		}()
		body(b)
	})
}

func (b *bubble) dial(t *testing.T, size int) (*enginetest.WS, *session) {
	t.Helper()
	c, err := b.ln.DialSize(size)
	require.NoError(t, err)
	w, err := enginetest.Upgrade(c, wsURI)
	require.NoError(t, err)
	_, err = w.ReadOpen()
	require.NoError(t, err)
	s := <-b.open
	t.Cleanup(func() { w.Close() })
	return w, s
}

func (b *bubble) candidate(t *testing.T, p *poller) *enginetest.WS {
	t.Helper()
	c, err := b.ln.Dial()
	require.NoError(t, err)
	w, err := enginetest.Upgrade(c, wsURI+"&sid="+p.sid)
	require.NoError(t, err)
	t.Cleanup(func() { w.Close() })
	return w
}

// endsAfter requires the session to end d after start, to the millisecond.
func endsAfter(t *testing.T, s *session, start time.Time, d time.Duration, want engine.Reason) {
	t.Helper()
	<-s.closed
	require.Equal(t, d, time.Since(start).Truncate(time.Millisecond))
	require.Equal(t, want, s.ended(t))
}

func TestHeartbeat(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1<<16)
		start := time.Now()
		for i := 1; i <= 3; i++ {
			got, err := w.ReadText()
			require.NoError(t, err)
			require.Equal(t, "2", got)
			// The next interval begins with the pong, not with the ping.
			require.Equal(t, time.Duration(i)*35*time.Second-10*time.Second, time.Since(start))
			time.Sleep(10 * time.Second)
			require.NoError(t, w.Send("3"))
		}
		got, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, "2", got)
		last := time.Now()
		require.Equal(t, enginetest.CloseError{Code: 4011, Reason: "no_pong"}, *closeCode(t, w))
		endsAfter(t, s, last, 20*time.Second, engine.ReasonNoPong)
	})
}

func TestTrafficMovesThePongDeadlineOnce(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1<<16)
		start := time.Now()
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			for w.Send("4x") == nil { // a message a second, and never a pong
				time.Sleep(time.Second)
			}
		})
		wg.Go(func() { _, _ = io.Copy(io.Discard, w) })
		// Ping at 25 s, the first message in the same second moves the deadline.
		<-s.closed
		took := time.Since(start)
		require.GreaterOrEqual(t, took, 45*time.Second)
		require.LessOrEqual(t, took, 46*time.Second)
		require.Equal(t, engine.ReasonNoPong, s.ended(t))
	})
}

func TestLateMessageMovesThePongDeadline(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1<<16)
		start := time.Now()
		time.Sleep(40 * time.Second) // the ping was at 25, its deadline is 45
		require.NoError(t, w.Send("4x"))
		time.Sleep(15 * time.Second) // now it is 60: alive
		require.NoError(t, w.Send("4y"))
		endsAfter(t, s, start, 60*time.Second, engine.ReasonNoPong)
	})
}

func TestUnsolicitedPongsChangeNothing(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1<<16)
		start := time.Now()
		for range 24 {
			for range 10 {
				require.NoError(t, w.Send("3"))
			}
			time.Sleep(time.Second)
		}
		got, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, "2", got)
		require.Equal(t, 25*time.Second, time.Since(start), "the ping was not put off")
		endsAfter(t, s, start, 45*time.Second, engine.ReasonNoPong)
	})
}

func TestNeverPolledSessionTimesOut(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		start := time.Now()
		endsAfter(t, p.session, start, 45*time.Second, engine.ReasonNoPong)
		require.Zero(t, b.Stats().Polling)
		require.Zero(t, b.Stats().OutboxBytes)
	})
}

func TestPollingHeartbeat(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		start := time.Now()
		for range 3 {
			require.Equal(t, "2", p.get(t).body)
			require.Equal(t, "ok", p.post(t, "3").body)
		}
		require.Equal(t, 75*time.Second, time.Since(start))
		require.Equal(t, "2", p.get(t).body)
		endsAfter(t, p.session, start, 120*time.Second, engine.ReasonNoPong)
	})
}

func TestHeartbeatIsHeldDuringAnUpgrade(t *testing.T) {
	bubbled(t, engine.Config{UpgradeTimeout: time.Minute}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		w := b.candidate(t, p)
		time.Sleep(20 * time.Second)
		say(t, w, "2probe", "3probe")
		time.Sleep(10 * time.Second) // the ping was due at 25
		require.Equal(t, "6", p.get(t).body, "a ping on the dying transport")
		start := time.Now()
		require.NoError(t, w.Send("5"))
		got, err := w.ReadText()
		require.NoError(t, err)
		require.Equal(t, "2", got)
		require.Zero(t, time.Since(start))
		endsAfter(t, p.session, start, 20*time.Second, engine.ReasonNoPong)
	})
}

func TestHeartbeatGoesOnAfterAnAbortedUpgrade(t *testing.T) {
	bubbled(t, engine.Config{UpgradeTimeout: 10 * time.Second}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		time.Sleep(20 * time.Second)
		w := b.candidate(t, p)
		start := time.Now()
		say(t, w, "2probe", "3probe")
		require.Equal(t, "6", p.get(t).body)
		require.Equal(t, 10*time.Millisecond, time.Since(start))
		require.Equal(t, 1001, closeCode(t, w).Code)
		require.Equal(t, 10*time.Second, time.Since(start), "UpgradeTimeout")
		require.Equal(t, "2", p.get(t).body, "the ping that was held")
		endsAfter(t, p.session, start, 30*time.Second, engine.ReasonNoPong)
	})
}

func TestPingAwaitedDuringAnUpgrade(t *testing.T) {
	bubbled(t, engine.Config{UpgradeTimeout: time.Minute}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		require.Equal(t, "2", p.get(t).body) // at 25
		w := b.candidate(t, p)
		say(t, w, "2probe", "3probe")
		time.Sleep(30 * time.Second) // past the deadline of 45
		start := time.Now()
		require.NoError(t, w.Send("5"))
		endsAfter(t, p.session, start, 20*time.Second, engine.ReasonNoPong)
	})
}

func TestSilentCandidateTimesOut(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		w := b.candidate(t, p)
		start := time.Now()
		require.Equal(t, 1001, closeCode(t, w).Code)
		require.Equal(t, 10*time.Second, time.Since(start))
		require.Equal(t, "ok", p.post(t, "4x").body)
		require.Equal(t, "4x", p.get(t).body)
	})
}

func TestMessageMustCompleteInTime(t *testing.T) {
	for name, part := range map[string][]byte{
		"header":   {0x81},
		"payload":  enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("4abc"))[:8],
		"fragment": enginetest.Frame(enginetest.OpText, []byte("4abc")),
	} {
		t.Run(name, func(t *testing.T) {
			bubbled(t, engine.Config{}, func(b *bubble) {
				t := b.t
				w, s := b.dial(t, 1<<16)
				start := time.Now()
				_, err := w.Write(part)
				require.NoError(t, err)
				require.Equal(t, enginetest.CloseError{Code: 4002, Reason: "bad_payload"}, *closeCode(t, w))
				endsAfter(t, s, start, 5*time.Second, engine.ReasonBadPayload)
			})
		})
	}
}

func TestMessageDeadlineIsPerMessage(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1<<16)
		frame := enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("4abc"))
		// Always in the middle of one, but each in time.
		_, err := w.Write(frame[:4])
		require.NoError(t, err)
		for range 6 {
			time.Sleep(4 * time.Second)
			_, err = w.Write(append(append([]byte(nil), frame[4:]...), frame[:4]...))
			require.NoError(t, err)
		}
		_, err = w.Write(frame[4:])
		require.NoError(t, err)
		time.Sleep(10 * time.Second) // between messages there is no deadline
		require.Len(t, s.messages(), 7)
		require.NoError(t, w.Send("4x"))
		synctest.Wait()
		require.Len(t, s.messages(), 8)
	})
}

func TestControlFramesPerWindow(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		w, s := b.dial(b.t, enginetest.PipeBuffer)
		pings := func(n int, op byte) {
			for range n {
				_, err := w.Write(append(enginetest.Frame(enginetest.Fin|op, nil), enginetest.Frame(enginetest.Fin|enginetest.OpText, []byte("4x"))...))
				require.NoError(b.t, err)
				time.Sleep(10 * time.Millisecond)
			}
		}
		pings(10, enginetest.OpPing)
		pings(10, enginetest.OpPong)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		s.goesOn(b.t)
		time.Sleep(800 * time.Millisecond) // ten seconds after the first
		pings(20, enginetest.OpPing)
		synctest.Wait()
		require.Len(b.t, s.messages(), 40)
		_, err := w.Write(enginetest.Frame(enginetest.Fin|enginetest.OpPing, nil))
		require.NoError(b.t, err)
		require.Equal(b.t, engine.ReasonFlood, s.ended(b.t))
		require.Equal(b.t, 1008, closeCode(b.t, w).Code)
		require.Equal(b.t, 1, b.refusals("ws", "flood"))
	})
}

func TestSlowBody(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		c, err := b.ln.Dial()
		require.NoError(t, err)
		start := time.Now()
		_, err = io.WriteString(c, "POST /?"+p.query()+" HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n4ab")
		require.NoError(t, err)
		all, err := io.ReadAll(c)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(all), "HTTP/1.1 400 "), string(all))
		endsAfter(t, p.session, start, 10*time.Second, engine.ReasonTransportError)
	})
}

// A body that is too large, up to twice the limit, is taken before it is
// refused, so that the client is done sending when it hears; a larger one is not
// waited for.
func TestTooLargeBodyIsDrainedToABound(t *testing.T) {
	const limit = 100
	for length, wait := range map[int]time.Duration{2 * limit: time.Second, 2*limit + 1: 0, 1 << 30: 0} {
		bubbled(t, engine.Config{EarlyPayload: limit}, func(b *bubble) {
			t := b.t
			p := b.poll(t)
			c, err := b.ln.Dial()
			require.NoError(t, err)
			start := time.Now()
			_, err = fmt.Fprintf(c, "POST /?%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", p.query(), length)
			require.NoError(t, err)
			if wait > 0 {
				require.NoError(t, c.SetReadDeadline(start.Add(wait)))
				_, err = c.Read(make([]byte, 1))
				require.ErrorIs(t, err, os.ErrDeadlineExceeded, "not before the body is there")
				require.NoError(t, c.SetReadDeadline(time.Time{}))
				_, err = io.WriteString(c, strings.Repeat("x", length))
				require.NoError(t, err)
			}
			got := make([]byte, 12)
			_, err = io.ReadFull(c, got)
			require.NoError(t, err)
			require.Equal(t, "HTTP/1.1 413", string(got))
			require.Equal(t, wait, time.Since(start))
			_, err = io.ReadAll(c)
			require.NoError(t, err)
		})
	}
}

func TestClosedPollingSessionIsForgotten(t *testing.T) {
	bubbled(t, engine.Config{MaxConns: 1}, func(b *bubble) {
		t := b.t
		p := b.poll(t)
		p.conn.Close(engine.ReasonReplaced)
		p.ended(t)
		require.Equal(t, 503, b.do(t, "GET", pollQuery, "").status, "its place is still taken")
		time.Sleep(10*time.Second + time.Millisecond)
		require.Equal(t, 400, p.get(t).status)
		require.Equal(t, 200, b.do(t, "GET", pollQuery, "").status)
	})
}

func TestNeverReadingClientIsClosed(t *testing.T) {
	bubbled(t, engine.Config{OutboxBytes: 100_000}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1000)
		start := time.Now()
		require.True(t, s.conn.Writable())
		require.NoError(t, s.conn.Send(make([]byte, 50_000), true))
		require.False(t, s.conn.Writable())
		require.False(t, s.conn.SendLatest([]byte("x"), true))
		require.Zero(t, time.Since(start))
		endsAfter(t, s, start, 10*time.Second, engine.ReasonSlowConsumer)
		_ = w
		synctest.Wait()
		require.Zero(t, b.Stats().OutboxBytes)
		require.EqualValues(t, 1, b.Stats().SlowConsumers)
	})
}

func TestTricklingClientIsClosed(t *testing.T) {
	bubbled(t, engine.Config{OutboxBytes: 1 << 20}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1000)
		require.NoError(t, s.conn.Send(make([]byte, 500_000), true))
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			for buf := make([]byte, 100); ; time.Sleep(time.Second) {
				if _, err := w.Read(buf); err != nil {
					return
				}
			}
		})
		start := time.Now()
		endsAfter(t, s, start, 10*time.Second, engine.ReasonSlowConsumer)
	})
}

func TestSlowButSteadyClientIsKept(t *testing.T) {
	bubbled(t, engine.Config{OutboxBytes: 1 << 20}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 4000)
		require.NoError(t, s.conn.Send(make([]byte, 100_000), true))
		buf, n := make([]byte, 4000), 0
		for n < 100_000 {
			time.Sleep(time.Second)
			k, err := io.ReadAtLeast(w.R, buf, 1)
			require.NoError(t, err)
			n += k
			select {
			case <-s.closed:
				t.Fatal("closed")
			default:
			}
			if strings.Contains(string(buf[:k]), "\x81\x012") {
				require.NoError(t, w.Send("3"))
			}
		}
		synctest.Wait()
		require.Zero(t, s.conn.Buffered())
	})
}

func TestCloseIsFlushedButNotForever(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1000)
		require.NoError(t, s.conn.Send(make([]byte, 100_000), true))
		s.conn.Close(engine.ReasonForced)
		start := time.Now()
		require.Equal(t, engine.ReasonForced, s.ended(t))
		synctest.Wait()
		require.Zero(t, time.Since(start))
		got, err := w.ReadText() // a reader gets it all, then the goodbye
		require.NoError(t, err)
		require.Len(t, got, 100_000)
		require.Equal(t, 1000, closeCode(t, w).Code)

		w, s = b.dial(t, 1000)
		require.NoError(t, s.conn.Send(make([]byte, 100_000), true))
		s.conn.Close(engine.ReasonForced)
		time.Sleep(2*time.Second + time.Millisecond)
		_, err = w.ReadText()
		require.Error(t, err)
		var ce *enginetest.CloseError
		require.False(t, errors.As(err, &ce))
		require.Zero(t, b.Stats().OutboxBytes)
	})
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	bubbled(t, engine.Config{}, func(b *bubble) {
		t := b.t
		w, s := b.dial(t, 1000)
		require.NoError(t, s.conn.Send(make([]byte, 100_000), true)) // and nobody reads it
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, b.Shutdown(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(start))
		require.Equal(t, engine.ReasonServerShutdown, s.ended(t))
		// The sockets are closed, not left behind.
		require.NoError(t, b.Shutdown(t.Context()))
		require.Equal(t, time.Second, time.Since(start))
		_, err := w.ReadText()
		require.Error(t, err)
	})
}
