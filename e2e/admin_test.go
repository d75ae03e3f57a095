package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	"gameserver/sio"
	"gameserver/sio/admin"
)

// adminServer is a Socket.IO server with the admin namespace, and the official
// page beside it.
func adminServer(t *testing.T) (url string) {
	t.Helper()
	s := sio.New(sio.Config{Engine: engine.Config{PingInterval: time.Second}})
	ui, err := admin.Instrument(s, admin.Config{Username: "ada", Password: "secret", Development: true, ServerID: "server-1"})
	require.NoError(t, err)
	s.Of("/").OnConnection(func(sock *sio.Socket) {
		require.NoError(t, sock.Share(map[string]string{"name": "user"}))
		sock.OnArgs("hi", func(sio.Args) { _ = sock.Emit("ho", "there") })
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s)
	mux.Handle("/ui/", http.StripPrefix("/ui/", http.FileServer(http.Dir("js/node_modules/@socket.io/admin-ui/ui/dist"))))
	srv := httptest.NewServer(mux)
	t.Cleanup(func() {
		ui.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		srv.Close()
	})
	return srv.URL
}

func runAdmin(t *testing.T, o options) *player {
	t.Helper()
	o["username"], o["password"] = "ada", "secret"
	arg, err := json.Marshal(o)
	require.NoError(t, err)
	return run(t, "admin", "node", "admin.mjs", string(arg))
}

// What the page of the admin UI says and wants to hear, with both parsers.
func TestAdminProtocol(t *testing.T) {
	for _, parser := range []string{"default", "msgpack"} {
		t.Run(parser, func(t *testing.T) {
			p := runAdmin(t, options{"url": adminServer(t), "parser": parser})
			require.Equal(t, "invalid credentials", p.until("refused", nil).str("message"))
			c := p.until("config", nil)
			require.Equal(t, []any{"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT", "AGGREGATED_EVENTS", "ALL_EVENTS"}, c["features"])
			require.Equal(t, 1.0, c.num("all"), "the page itself")
			connected := p.until("connected", nil)
			shown, ok := connected["shown"].(map[string]any)
			require.True(t, ok)
			require.Equal(t, connected.str("id"), shown["id"])
			require.Equal(t, "polling", shown["transport"])
			handshake, ok := shown["handshake"].(map[string]any)
			require.True(t, ok)
			require.NotContains(t, handshake, "auth")
			require.Contains(t, handshake["url"], "/socket.io/")
			_, err := time.Parse(time.RFC3339, connected.str("at"))
			require.NoError(t, err)
			p.until("upgraded", nil)
			require.Equal(t, []any{"hi", map[string]any{"n": 1.0}, "010203"}, p.until("received", nil)["args"])
			require.Equal(t, []any{"ho", "there"}, p.until("sent", nil)["args"])
			p.until("joined", nil)
			p.until("left", nil)
			gone := p.until("gone", nil)
			require.Equal(t, true, gone["same"])
			require.Equal(t, "server namespace disconnect", gone.str("reason"))
			require.Equal(t, "io server disconnect", gone.str("client"))
			require.Equal(t, []any{"notice", map[string]any{"text": "hello"}}, gone["notice"])
			stats, ok := p.until("stats", nil)["stats"].(map[string]any)
			require.True(t, ok)
			require.Equal(t, "server-1", stats["serverId"])
			require.Len(t, stats["namespaces"], 2)
			require.NoError(t, <-p.done)
		})
	}
}

// The official page itself, in a browser: it signs in, shows the server, a
// socket and its event, and disconnects the socket. Screenshots stay in
// out/admin.
func TestAdminPageInChromium(t *testing.T) {
	url := adminServer(t)
	out, err := filepath.Abs("../out/admin")
	require.NoError(t, err)
	p := runAdmin(t, options{"url": url, "ui": url + "/ui/", "out": out, "chromium": chromium(t)})
	p.until("browser-refused", nil)
	require.Equal(t, "io server disconnect", p.until("browser-gone", nil).str("reason"))
	require.Empty(t, p.until("browser-end", nil)["errors"])
	for _, shot := range []string{"dashboard.png", "sockets.png", "events.png", "rooms.png"} {
		st, err := os.Stat(filepath.Join(out, shot))
		require.NoError(t, err)
		require.Greater(t, st.Size(), int64(5000))
	}
}
