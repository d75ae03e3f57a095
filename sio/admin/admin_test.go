package admin

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine"
	engineclient "gameserver/engine/client"
	"gameserver/sio"
	"gameserver/sio/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// said is an event that a page was sent.
type said struct {
	name string
	args sio.Args
}

// page is a client of the admin namespace.
type page struct {
	t    *testing.T
	sock *client.Socket
	said chan said
}

func serve(t *testing.T, cfg Config) (*sio.Server, *UI, string) {
	t.Helper()
	t.Parallel()
	s := sio.New(sio.Config{})
	u, err := Instrument(s, cfg)
	require.NoError(t, err)
	l, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		u.Close()
		u.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, srv.Shutdown(ctx))
		<-done
	})
	return s, u, "http://" + l.Addr().String() + "/socket.io/"
}

func visit(t *testing.T, url string, msgpack bool, auth any) (*page, error) {
	t.Helper()
	c := client.New(url, client.Options{Transport: engineclient.WebSocket, Msgpack: msgpack, Auth: func(string) any { return auth }})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	p := &page{t: t, sock: c.Socket("/admin"), said: make(chan said, 4096)}
	p.sock.OnAny(func(event string, a sio.Args) { p.said <- said{event, a} })
	return p, p.sock.Connect(t.Context())
}

// next waits for an event of that name.
func (p *page) next(name string) sio.Args {
	p.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case s := <-p.said:
			if s.name == name {
				return s.args
			}
		case <-limit:
			require.FailNow(p.t, "not said", name)
		}
	}
}

// text is argument i, decoded into a string.
func text(t *testing.T, a sio.Args, i int) string {
	t.Helper()
	var s string
	require.NoError(t, a.Decode(i, &s))
	return s
}

type login struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Session  string `json:"sessionId,omitempty"`
}

func TestSomethingMustSayWhoMayLook(t *testing.T) {
	_, err := Instrument(sio.New(sio.Config{}), Config{Username: "admin"})
	require.ErrorIs(t, err, ErrCredentials)
}

// A page signs in with a password and is given a session, which it may use from
// then on; anything else is told "invalid credentials".
func TestSignIn(t *testing.T) {
	_, u, url := serve(t, Config{Username: "admin", Password: "secret"})
	for _, auth := range []any{
		nil,
		login{},
		login{Username: "admin"},
		login{Username: "admin", Password: "Secret"},
		login{Session: "x"},
		map[string]any{"username": []int{1}, "password": true},
		map[string]any{"sessionId": map[string]any{"$ne": 1}},
	} {
		_, err := visit(t, url, false, auth)
		var refused *sio.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, "invalid credentials", refused.Msg)
	}
	p, err := visit(t, url, false, login{Username: "admin", Password: "secret"})
	require.NoError(t, err)
	u.access.mu.Lock()
	sessions := slices.Collect(maps.Keys(u.access.sessions))
	u.access.mu.Unlock()
	require.Len(t, sessions, 1)
	require.Len(t, sessions[0], 32)
	var features struct {
		Supported []string `json:"supportedFeatures"`
	}
	require.NoError(t, p.next("config").Decode(0, &features))
	require.Equal(t, "EMIT JOIN LEAVE DISCONNECT MJOIN MLEAVE MDISCONNECT AGGREGATED_EVENTS", strings.Join(features.Supported, " "))
	p, err = visit(t, url, true, login{Session: sessions[0]})
	require.NoError(t, err)
	p.next("config")
}

// A function may judge instead.
func TestCheck(t *testing.T) {
	_, _, url := serve(t, Config{Check: func(u, p string) bool { return u == p }})
	_, err := visit(t, url, false, login{Username: "a", Password: "b"})
	require.Error(t, err)
	_, err = visit(t, url, false, login{Username: "a", Password: "a"})
	require.NoError(t, err)
}

// Wrong passwords are limited per address, in number and in memory.
func TestFailureLimits(t *testing.T) {
	a := newAccess(Config{Password: "x"})
	at := time.Unix(1e9, 0)
	for range maxFailures {
		require.Zero(t, a.limited("1.1.1.1", at))
	}
	require.Equal(t, failureEvery, a.limited("1.1.1.1", at))
	require.Zero(t, a.limited("2.2.2.2", at), "another address")
	require.Zero(t, a.limited("1.1.1.1", at.Add(failureEvery)))
	require.NotZero(t, a.limited("1.1.1.1", at.Add(failureEvery)))
	a.forgive("1.1.1.1")
	require.Zero(t, a.limited("1.1.1.1", at))
	for i := len(a.failures); i < maxAddresses; i++ {
		require.Zero(t, a.limited(string(rune(0x10000+i)), at))
	}
	require.Equal(t, failureEvery, a.limited("one more", at))
	require.Zero(t, a.limited("one more", at.Add(failureEvery)), "the others have been forgotten")
	require.LessOrEqual(t, len(a.failures), 2)
}

func TestTooManyAttempts(t *testing.T) {
	_, _, url := serve(t, Config{Username: "admin", Password: "secret"})
	var refused *sio.Error
	for range maxFailures + 1 {
		_, err := visit(t, url, false, login{Username: "admin", Password: "guess"})
		require.ErrorAs(t, err, &refused)
	}
	require.Equal(t, "rate_limited", refused.Code)
	_, err := visit(t, url, false, login{Username: "admin", Password: "secret"})
	require.True(t, errors.As(err, &refused) && refused.RetryMs > 0, "the right one too")
}

func TestSessionsBoundAndEnd(t *testing.T) {
	a := newAccess(Config{Password: "x"})
	at := time.Unix(1e9, 0)
	first := a.remember(at)
	for i := range maxSessions - 1 {
		a.remember(at.Add(time.Duration(i + 1)))
	}
	require.True(t, a.known(first, at))
	require.Len(t, a.sessions, maxSessions)
	last := a.remember(at.Add(time.Hour))
	require.Len(t, a.sessions, maxSessions)
	require.False(t, a.known(first, at), "the oldest went")
	require.True(t, a.known(last, at.Add(time.Hour+sessionLife-1)))
	require.False(t, a.known(last, at.Add(time.Hour+sessionLife)))
}

func TestCountsBound(t *testing.T) {
	var c counts
	at := time.Unix(1e9, 5)
	for i := range maxCounted + 1 {
		c.addAt(at, "kind", string(rune(0x4e00+i)), 1)
	}
	c.addAt(at.Add(time.Millisecond), "kind", string(rune(0x4e00)), 2)
	list := c.take()
	require.Len(t, list, maxCounted)
	require.Equal(t, count{1e12, "kind", string(rune(0x4e00)), 3}, list[0])
	require.Empty(t, c.take())
}

// The page is told every two seconds how the server is.
func TestStats(t *testing.T) {
	s, _, url := serve(t, Config{Open: true, ServerID: "one"})
	s.Of("/chat")
	p, err := visit(t, url, false, nil)
	require.NoError(t, err)
	seen := map[string]int64{}
	var got serverStats
	for seen["rawConnection"] == 0 || seen["packetsOut"] == 0 {
		require.NoError(t, p.next("server_stats").Decode(0, &got))
		for _, c := range got.Events {
			require.Zero(t, c.Timestamp%1000)
			seen[c.Type] += c.Count
		}
	}
	require.Equal(t, "one", got.ServerID)
	require.NotEmpty(t, got.Hostname)
	require.NotZero(t, got.PID)
	require.NotZero(t, got.Uptime)
	require.EqualValues(t, 1, got.Clients)
	require.Zero(t, got.Polling)
	require.ElementsMatch(t, []namespaceStats{{"/", 0}, {"/chat", 0}, {"/admin", 1}}, got.Namespaces)
	require.NotZero(t, seen["bytesIn"])
}

// In development mode the page sees everything and acts on it, with either
// parser.
func TestDevelopment(t *testing.T) {
	for name, msgpack := range map[string]bool{"json": false, "msgpack": true} {
		t.Run(name, func(t *testing.T) { showsAndActs(t, msgpack) })
	}
}

func showsAndActs(t *testing.T, msgpack bool) {
	t.Helper()
	s, _, url := serve(t, Config{Open: true, Development: true})
	s.Of("/").OnConnection(func(sock *sio.Socket) {
		sio.On(sock, "hi", func(int) {
			require.NoError(t, sock.Share(map[string]string{"name": "ann"}))
			require.NoError(t, sock.Join("room"))
			require.NoError(t, sock.Emit("ho", []byte{1, 2}, map[string]any{"big": strings.Repeat("x", maxShown)}))
		})
	})
	p, err := visit(t, url, msgpack, nil)
	require.NoError(t, err)
	var all []socket
	require.NoError(t, p.next("all_sockets").Decode(0, &all))
	require.Len(t, all, 1, "itself")

	c := client.New(url, client.Options{
		Transport: engineclient.WebSocket, Auth: func(string) any { return map[string]any{"token": "secret"} },
		Header: http.Header{"Cookie": {"secret"}, "Authorization": {"secret"}, "X-Shown": {"yes"}},
	})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	user, heard := c.Socket("/"), make(chan said, 16)
	user.OnAny(func(event string, a sio.Args) { heard <- said{event, a} })
	gone := make(chan string, 1)
	user.OnDisconnect(func(reason string) { gone <- reason })
	require.NoError(t, user.Connect(t.Context()))

	connected := p.next("socket_connected")
	var shown socket
	require.NoError(t, connected.Decode(0, &shown))
	_, err = time.Parse(time.RFC3339, text(t, connected, 1))
	require.NoError(t, err)
	require.Equal(t, []any{user.ID(), "/", "websocket", 12, []string{user.ID()}},
		[]any{shown.ID, shown.Namespace, shown.Transport, len(shown.ClientID), shown.Rooms})
	require.Equal(t, "127.0.0.1", shown.Handshake["address"])
	require.NotContains(t, shown.Handshake, "auth")
	headers, ok := shown.Handshake["headers"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "yes", headers["x-shown"])
	require.Equal(t, "(not shown)", headers["cookie"])
	require.Equal(t, "(not shown)", headers["authorization"])

	require.NoError(t, user.Emit("hi", 7))
	received := p.next("event_received")
	require.Equal(t, "/", text(t, received, 0))
	require.Equal(t, user.ID(), text(t, received, 1))
	var args []any
	require.NoError(t, received.Decode(2, &args))
	require.Len(t, args, 2)
	var update struct {
		ID   string            `json:"id"`
		NSP  string            `json:"nsp"`
		Data map[string]string `json:"data"`
	}
	require.NoError(t, p.next("socket_updated").Decode(0, &update))
	require.Equal(t, "ann", update.Data["name"])
	require.Equal(t, "room", text(t, p.next("room_joined"), 1))
	sent := p.next("event_sent")
	require.NoError(t, sent.Decode(2, &args))
	require.Equal(t, "ho", args[0])
	require.Contains(t, args[2], "bytes)", "too large to show")

	require.Equal(t, "ho", (<-heard).name)
	acts(p, user, heard)
	require.Equal(t, "io server disconnect", <-gone)
}

// acts does what the page can do to a user in "room".
func acts(p *page, user *client.Socket, heard <-chan said) {
	t := p.t
	t.Helper()
	require.NoError(t, p.sock.Emit("emit", "/", "room", "notice", 1, []byte{9}))
	notice := <-heard
	require.Equal(t, "notice", notice.name)
	var blob []byte
	require.NoError(t, notice.args.Decode(1, &blob))
	require.Equal(t, []byte{9}, blob)
	require.NoError(t, p.sock.Emit("emit", "/", nil, "everyone"))
	require.Equal(t, "everyone", (<-heard).name)
	require.NoError(t, p.sock.Emit("emit", "/made up", nil, "nobody"))
	require.NoError(t, p.sock.Emit("join", "/", "second", user.ID()))
	require.Equal(t, "second", text(t, p.next("room_joined"), 1))
	require.NoError(t, p.sock.Emit("leave", "/", "second"))
	require.Equal(t, "second", text(t, p.next("room_left"), 1))
	require.NoError(t, p.sock.Emit("_disconnect", "/", false, user.ID()))
	require.Equal(t, "server namespace disconnect", text(t, p.next("socket_disconnected"), 2))
	var names []string
	for _, n := range statsOf(p) {
		names = append(names, n.Name)
	}
	require.NotContains(t, names, "/made up", "a page creates no namespaces")
}

func statsOf(p *page) []namespaceStats {
	var got serverStats
	require.NoError(p.t, p.next("server_stats").Decode(0, &got))
	return got.Namespaces
}

// Read only means that nothing a page sends is listened to.
func TestReadOnly(t *testing.T) {
	s, _, url := serve(t, Config{Open: true, ReadOnly: true, Development: true})
	p, err := visit(t, url, false, nil)
	require.NoError(t, err)
	var features struct {
		Supported []string `json:"supportedFeatures"`
	}
	require.NoError(t, p.next("config").Decode(0, &features))
	require.Equal(t, []string{"AGGREGATED_EVENTS", "ALL_EVENTS"}, features.Supported)
	for _, event := range []string{"emit", "join", "leave", "_disconnect"} {
		require.NoError(t, p.sock.Emit(event, "/admin", "x"))
	}
	p.next("server_stats")
	require.EqualValues(t, 4, s.Stats().Unknown)
	require.True(t, p.sock.Connected())
}

// Outside development mode no page hears of sockets or events.
func TestProduction(t *testing.T) {
	s, _, url := serve(t, Config{Open: true})
	p, err := visit(t, url, false, nil)
	require.NoError(t, err)
	c := client.New(url, client.Options{Transport: engineclient.WebSocket})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	user := c.Socket("/")
	require.NoError(t, user.Connect(t.Context()))
	require.NoError(t, s.Of("/").Emit("x"))
	p.next("server_stats")
	for len(p.said) > 0 {
		require.Equal(t, "server_stats", (<-p.said).name)
	}
	p.next("server_stats")
}
