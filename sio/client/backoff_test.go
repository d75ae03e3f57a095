package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	engine "gameserver/engine/client"
	"gameserver/engine/enginetest"
	"gameserver/sio"
)

func TestBackoffDelay(t *testing.T) {
	b := Backoff{}.withDefaults()
	for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		require.Equal(t, want, b.delay(i, 0.5))
		require.Equal(t, want/2, b.delay(i, 0))
		require.InDelta(t, float64(want)*1.5, float64(b.delay(i, 1)), 1)
	}
	require.Equal(t, 5*time.Second, b.delay(1<<20, 0.5), "no overflow")
	none := Backoff{Jitter: -1, Min: 10 * time.Second}.withDefaults()
	require.Equal(t, 10*time.Second, none.delay(3, 0.99), "Max is at least Min")
}

var errDown = errors.New("down")

// TestAttempts dials when the backoff says, in fake time.
func TestAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var at []time.Duration
		c := New("http://x", Options{
			Reconnect: Backoff{Jitter: -1, MaxAttempts: 6},
			Dial: func(context.Context, string, string) (net.Conn, error) {
				at = append(at, time.Since(start))
				return nil, errDown
			},
		})
		s, j := c.Socket("/"), newJournal()
		j.watch(s)
		err := s.Connect(t.Context())
		require.ErrorIs(t, err, errDown)
		require.Equal(t, []time.Duration{0, 1e9, 3e9, 7e9, 12e9, 17e9}, at)
		j.expect(t, "refused /: "+err.Error())
		require.Equal(t, 17*time.Second, time.Since(start), "nothing is waited for after the last attempt")

		at = nil // asked again, it starts again
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		err = s.Connect(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errDown)
		require.Len(t, at, 2)
		time.Sleep(time.Hour)
		require.Len(t, at, 2, "nobody wants a connection")
		require.NoError(t, c.Close())
		<-c.Done()
	})
}

func TestNoReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New("http://x", Options{
			Reconnect: Backoff{Disabled: true},
			Dial:      func(context.Context, string, string) (net.Conn, error) { return nil, errDown },
		})
		require.ErrorIs(t, c.Socket("/").Connect(t.Context()), errDown)
		require.NoError(t, c.Close())
		<-c.Done()
	})
}

// bubble runs f in fake time with a server on in-memory connections.
func bubble(t *testing.T, f func(t *testing.T, s *sio.Server, o Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := sio.New(sio.Config{})
		ln := enginetest.NewListener()
		hs := &http.Server{Handler: s} //nolint:gosec // a test
		go func() { _ = hs.Serve(ln) }()
		f(t, s, Options{Dial: func(context.Context, string, string) (net.Conn, error) { return ln.Dial() }})
		require.NoError(t, s.Shutdown(t.Context()))
		_ = hs.Close()
		synctest.Wait()
	})
}

// TestReconnectTimes waits the first delay after each loss, because each
// session in between was a success.
func TestReconnectTimes(t *testing.T) {
	for _, tr := range []engine.Transport{engine.Polling, engine.WebSocket} {
		bubble(t, func(t *testing.T, s *sio.Server, o Options) {
			t.Helper()
			s.Of("/")
			o.Transport = tr
			o.Reconnect = Backoff{Jitter: -1}
			c, j := New("http://x", o), newJournal()
			k := j.watch(c.Socket("/"))
			require.NoError(t, k.Connect(t.Context()))
			j.expect(t, "connect /")
			for range 3 {
				start := time.Now()
				c.Drop()
				j.expect(t, "disconnect /: "+engine.ReasonTransportError, "connect /")
				require.Equal(t, time.Second, time.Since(start))
			}
			// An impatient caller does not wait for the delay.
			start := time.Now()
			c.Drop()
			j.expect(t, "disconnect /: "+engine.ReasonTransportError)
			require.NoError(t, c.Socket("/").Connect(t.Context()))
			require.Less(t, time.Since(start), time.Second)
			require.NoError(t, c.Close())
			<-c.Done()
		})
	}
}

// TestCloseWhileDialling ends an attempt that would take long.
func TestCloseWhileDialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := New("http://x", Options{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		errs := make(chan error, 1)
		go func() { errs <- c.Socket("/").Connect(t.Context()) }()
		synctest.Wait()
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-errs, ErrClosed)
		<-c.Done()
		require.Zero(t, time.Since(start))

		// So does the last Socket that loses interest.
		c = New("http://x", c.opts)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Socket("/").Connect(ctx), context.DeadlineExceeded)
		synctest.Wait()
		c.mu.Lock()
		require.False(t, c.running)
		c.mu.Unlock()
		require.NoError(t, c.Close())
		<-c.Done()
	})
}
