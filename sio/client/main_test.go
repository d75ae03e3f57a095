package client

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	engine "gameserver/engine/client"
	"gameserver/sio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server that setup has prepared and returns its address.
func serve(t *testing.T, setup func(*sio.Server)) string {
	t.Helper()
	s := sio.New(sio.Config{})
	setup(s)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	hs := &http.Server{Handler: s} //nolint:gosec // a test
	done := make(chan struct{})
	go func() { defer close(done); _ = hs.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, s.Shutdown(context.WithoutCancel(t.Context())))
		_ = hs.Close()
		<-done
	})
	return "http://" + ln.Addr().String()
}

func newClient(t *testing.T, url string, o Options) *Client {
	t.Helper()
	c := New(url, o)
	t.Cleanup(func() {
		_ = c.Close()
		<-c.Done()
	})
	return c
}

// each runs f for both parsers over the transports that differ.
func each(t *testing.T, f func(t *testing.T, o Options)) {
	t.Helper()
	for _, mp := range []bool{false, true} {
		for _, tr := range []engine.Transport{engine.Upgrade, engine.WebSocket} {
			t.Run(fmt.Sprintf("msgpack=%v/%s", mp, tr), func(t *testing.T) {
				f(t, Options{Msgpack: mp, Transport: tr, Reconnect: Backoff{Min: 1, Max: 1}})
			})
		}
	}
}

// journal takes notes of what happens.
type journal chan string

func newJournal() journal { return make(journal, 1000) }

func (j journal) note(format string, args ...any) { j <- fmt.Sprintf(format, args...) }

func (j journal) expect(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case got := <-j:
			require.Equal(t, w, got)
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing, want %q", w)
		}
	}
}

// watch notes what happens to a Socket.
func (j journal) watch(s *Socket) *Socket {
	s.OnConnect(func() { j.note("connect %s", s.Namespace()) })
	s.OnDisconnect(func(reason string) { j.note("disconnect %s: %s", s.Namespace(), reason) })
	s.OnConnectError(func(err error) { j.note("refused %s: %v", s.Namespace(), err) })
	return s
}
