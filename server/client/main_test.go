package client

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine"
	"gameserver/game"
	"gameserver/game/arena"
	"gameserver/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server with the arena and returns its address.
func serve(t *testing.T, o arena.Options) string {
	t.Helper()
	s := server.New(server.Config{QueueFill: 50 * time.Millisecond})
	arena.Register(s, o)
	h, err := s.Handler()
	require.NoError(t, err)
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	hs := &http.Server{Handler: h} //nolint:gosec // a test
	done := make(chan struct{})
	go func() { defer close(done); _ = hs.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		_ = hs.Close()
		<-done
	})
	return "http://" + ln.Addr().(*net.TCPAddr).String()
}

func join(t *testing.T, url string, o Options) *Client {
	t.Helper()
	c, err := Dial(t.Context(), url, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = c.Close()
		<-c.Done()
	})
	return c
}

var _ = game.Between
