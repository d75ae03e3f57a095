package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	"gameserver/sio"
)

// recoverable serves a namespace whose clients may come back.
func recoverable(t *testing.T, r sio.Recovery) (*server, *sio.Namespace) {
	t.Helper()
	srv := sio.New(sio.Config{Recovery: func(string) *sio.Recovery { return &r }})
	n := srv.Of("/")
	n.Use(func(s *sio.Socket) error { return s.Emit("greeting", 1) })
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	hs := &http.Server{Handler: srv, ReadHeaderTimeout: patience}
	go func() { _ = hs.Serve(ln) }()
	t.Cleanup(func() {
		_ = hs.Close()
		_ = srv.Shutdown(t.Context())
	})
	return &server{t: t, url: "http://" + ln.Addr().String()}, n
}

// only returns the one socket there is, once its client has said that it is in.
func only(t *testing.T, n *sio.Namespace) (s *sio.Socket) {
	t.Helper()
	require.Eventually(t, func() bool {
		for one := range n.Sockets() {
			s = one
		}
		return s != nil
	}, patience, time.Millisecond)
	return s
}

// What the official client of the reference cannot do there, or not twice:
// come back after each of these.
func TestOfficialClientIsRecovered(t *testing.T) {
	const window = 300 * time.Millisecond
	cases := map[string]func(t *testing.T, s *sio.Socket, p *player){
		"zero events": func(*testing.T, *sio.Socket, *player) {},
		"acks only": func(t *testing.T, s *sio.Socket, p *player) {
			t.Helper()
			a, err := s.EmitWithAck(t.Context(), "question", "a string")
			require.NoError(t, err)
			require.Equal(t, 1, a.Len())
			p.until("event", named("question"))
		},
		"volatile last": func(t *testing.T, s *sio.Socket, p *player) {
			t.Helper()
			require.NoError(t, s.Emit("first"))
			for range 20 { // dropped whenever the client does not poll just then
				require.NoError(t, s.Volatile().Emit("volatile", "a string"))
				_, err := s.EmitWithAck(t.Context(), "question")
				require.NoError(t, err)
			}
			require.NoError(t, s.Volatile().Emit("volatile", "a string"))
			p.until("event", named("volatile"))
		},
		"quiet for longer than events live": func(t *testing.T, s *sio.Socket, p *player) {
			t.Helper()
			require.NoError(t, s.Emit("first"))
			p.until("event", named("first"))
			for range 100 { // others push it out of the log
				require.NoError(t, s.To("others").Emit("more"))
			}
		},
	}
	for name, before := range cases {
		for _, parser := range []string{"default", "msgpack"} {
			for _, transport := range []string{"websocket", "polling"} {
				t.Run(fmt.Sprintf("%s/%s/%s", name, parser, transport), func(t *testing.T) {
					s, n := recoverable(t, sio.Recovery{Packets: 16, PacketAge: window})
					p := node(t, name, "recovery.mjs", options{"url": s.url, "parser": parser, "transports": []string{transport}})
					defer func() { _ = p.cmd.Process.Kill() }()
					p.until("event", named("greeting")) // the middleware's, which comes first
					first := p.until("connect", nil)
					require.Equal(t, false, first["recovered"])
					sock := only(t, n)
					require.NoError(t, sock.Join("room"))
					before(t, sock, p)
					for i := range 3 { // again and again
						sock.Conn().Close(engine.ReasonTransportError)
						require.NoError(t, n.To("room").Emit("missed", i))
						back := p.until("connect", nil)
						require.Equal(t, true, back["recovered"], "%v", back)
						require.Equal(t, first["id"], back["id"])
						sock = only(t, n)
						require.NotContains(t, fmt.Sprint(p.heard), "bare")
						require.True(t, sock.Recovered())
						require.NoError(t, n.To("room").Emit("after", i))
						p.until("event", func(l line) bool { return l.str("name") == "after" })
						require.Contains(t, p.heard[len(p.heard)-3:], fmt.Sprint(map[string]any{"ev": "event", "name": "missed", "args": []any{float64(i)}}))
					}
				})
			}
		}
	}
}

func named(name string) func(line) bool {
	return func(l line) bool { return l.str("name") == name }
}

// A client that comes back too late is told so and gets nothing twice.
func TestOfficialClientIsNewAfterTooMuch(t *testing.T) {
	s, n := recoverable(t, sio.Recovery{Packets: 4})
	p := node(t, "late", "recovery.mjs", options{"url": s.url, "transports": []string{"websocket"}})
	defer func() { _ = p.cmd.Process.Kill() }()
	p.until("event", named("greeting"))
	p.until("connect", nil)
	sock := only(t, n)
	sock.Conn().Close(engine.ReasonTransportError)
	for range 5 {
		require.NoError(t, n.Emit("missed"))
	}
	require.Equal(t, false, p.until("connect", nil)["recovered"])
	require.NoError(t, n.Emit("next"))
	p.until("event", named("next"))
	for _, heard := range p.heard {
		require.NotContains(t, heard, "missed")
	}
}
