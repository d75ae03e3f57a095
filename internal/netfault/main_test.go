package netfault

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine/enginetest"
)

const ms = time.Millisecond

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is one connection through a Proxy, in memory.
type rig struct {
	*Proxy
	client, server, near *enginetest.Conn
}

func newRig(tb testing.TB, cfg Config) *rig {
	tb.Helper()
	near, client := enginetest.Pipe()
	far, server := enginetest.Pipe()
	cfg.Dial = func(context.Context) (net.Conn, error) { return far, nil }
	p, err := New(cfg)
	require.NoError(tb, err)
	p.Carry(near)
	tb.Cleanup(func() { require.NoError(tb, p.Close()) })
	synctest.Wait()
	return &rig{p, client, server, near}
}

// receive reads n bytes and returns how long ago start was when they were there.
func receive(tb testing.TB, c net.Conn, n int, start time.Time) time.Duration {
	tb.Helper()
	_, err := io.ReadFull(c, make([]byte, n))
	require.NoError(tb, err)
	return time.Since(start)
}

func send(tb testing.TB, c net.Conn, n int) {
	tb.Helper()
	_, err := c.Write(make([]byte, n))
	require.NoError(tb, err)
}

// tcp is one connection through a Proxy, on real sockets.
func tcp(t *testing.T, link Both) (p *Proxy, client, server *net.TCPConn) {
	t.Helper()
	far, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer far.Close()
	near, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p, err = New(Config{Link: link, Dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", far.Addr().String())
	}})
	require.NoError(t, err)
	served := make(chan error)
	go func() { served <- p.Serve(near) }()
	c, err := net.Dial("tcp", near.Addr().String())
	require.NoError(t, err)
	s, err := far.Accept()
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, p.Close())
		require.NoError(t, <-served)
		c.Close()
		s.Close()
	})
	return p, c.(*net.TCPConn), s.(*net.TCPConn)
}
