package client

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	"gameserver/engine/enginetest"
)

func newStoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// bubble runs f with an echo server on in-memory connections, in fake time.
func bubble(t *testing.T, cfg engine.Config, f func(t *testing.T, dial func(context.Context, string, string) (net.Conn, error))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Open = func(c *engine.Conn) engine.Handler {
			c.Admit()
			return echo{c}
		}
		s := engine.New(cfg)
		ln := enginetest.NewListener()
		hs := &http.Server{Handler: s} //nolint:gosec // a test
		go func() { _ = hs.Serve(ln) }()
		f(t, func(context.Context, string, string) (net.Conn, error) { return ln.Dial() })
		require.NoError(t, s.Shutdown(t.Context()))
		_ = hs.Close()
		synctest.Wait()
	})
}

// TestHeartbeat keeps sessions of all transports alive through many intervals.
func TestHeartbeat(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.String(), func(t *testing.T) {
			bubble(t, engine.Config{}, func(t *testing.T, d func(context.Context, string, string) (net.Conn, error)) {
				t.Helper()
				r := newRecorder()
				c, err := Dial(t.Context(), "http://server", Options{Transport: tr, Dial: d, Handler: r})
				require.NoError(t, err)
				time.Sleep(10 * time.Minute)
				require.Empty(t, r.closed)
				require.NoError(t, c.Send([]byte("still here"), false))
				require.Equal(t, "t:still here", r.next(t))
				if tr != Polling {
					require.Equal(t, "websocket", c.Transport())
				}
				require.NoError(t, c.Close())
				<-c.Done()
			})
		})
	}
}

// TestPingTimeout ends a session whose server fell silent, exactly when the
// handshake said.
func TestPingTimeout(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.String(), func(t *testing.T) {
			var silent chan struct{}
			bubble(t, engine.Config{PingInterval: 7 * time.Second, PingTimeout: 4 * time.Second},
				func(t *testing.T, d func(context.Context, string, string) (net.Conn, error)) {
					t.Helper()
					silent = make(chan struct{})
					r := newRecorder()
					start := time.Now()
					c, err := Dial(t.Context(), "http://server", Options{
						Transport: tr, Handler: r,
						Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
							nc, err := d(ctx, network, addr)
							return &mute{Conn: nc, silent: silent, closed: make(chan struct{})}, err
						},
					})
					require.NoError(t, err)
					synctest.Wait() // the upgrade is done
					close(silent)
					var ce *CloseError
					require.ErrorAs(t, <-r.closed, &ce)
					require.Equal(t, ReasonPingTimeout, ce.Reason)
					require.Equal(t, 11*time.Second, time.Since(start))
					<-c.Done()
				})
		})
	}
}

// mute is a connection on which, after a while, nothing arrives.
type mute struct {
	net.Conn
	silent, closed chan struct{}
}

func (m *mute) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p)
	select {
	case <-m.silent:
		<-m.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (m *mute) Close() error {
	select {
	case <-m.closed:
	default:
		close(m.closed)
	}
	return m.Conn.Close()
}
