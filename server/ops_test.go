package server

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"gameserver/game"
	"gameserver/server/ops"
)

// TestAdminOfThisMachineOnly asks, as browsers do on behalf of strangers' pages,
// a listener that needs no token.
func TestAdminOfThisMachineOnly(t *testing.T) {
	h := open(t, Config{}, duo())
	require.NoError(t, h.start())
	mux := h.adminMux()
	targets := []string{"/metrics", "/debug/ticks", "/debug/pprof/", "/dashboard/", "/dashboard/socket.io/?EIO=4&transport=polling"}
	for host, ok := range map[string]bool{
		"localhost:9090": true, "127.0.0.1:9090": true, "[::1]:9090": true, "LOCALHOST": true,
		"evil.net:9090": false, // a name of somebody else's that he has pointed here
		"evil.net":      false, "localhost.evil.net": false, "127.0.0.1.evil.net": false, "10.0.0.1:9090": false, "": false,
	} {
		for _, target := range targets {
			r := httptest.NewRequest(http.MethodGet, target, nil)
			r.Host = host
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			require.Equal(t, ok, w.Code == http.StatusOK, "%s%s: %d", host, target, w.Code)
			if !ok {
				require.Equal(t, http.StatusForbidden, w.Code)
			}
		}
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Host = host
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code, "health is nobody's secret")
	}

	const here = "http://localhost:9090"
	for _, target := range targets {
		for _, foreign := range [][]string{
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.net"}, {"Origin", "http://localhost:3000"}, {"Origin", "null"},
		} {
			require.Equal(t, http.StatusForbidden, get(mux, http.MethodGet, here+target, foreign...).Code, "%s %v", target, foreign)
		}
		require.Equal(t, http.StatusOK, get(mux, http.MethodGet, here+target, "Sec-Fetch-Site", "same-origin").Code)
	}
	require.Equal(t, http.StatusForbidden, get(mux, http.MethodPost, here+"/debug/trace", "Origin", "http://evil.net").Code)
	// A link may be followed from anywhere, to the dashboard alone.
	follow := []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	require.Equal(t, http.StatusOK, get(mux, http.MethodGet, here+"/dashboard/", follow...).Code)
	require.Equal(t, http.StatusForbidden, get(mux, http.MethodGet, here+"/debug/pprof/profile", follow...).Code)
	for _, target := range []string{"/dashboard", "/"} {
		w := get(mux, http.MethodGet, here+target)
		require.Equal(t, http.StatusSeeOther, w.Code)
		require.Equal(t, "/dashboard/", w.Header().Get("Location"))
	}
	w := get(mux, http.MethodGet, here+"/dashboard/")
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
}

// With a token other names are fine, and the dashboard asks for it by itself.
func TestAdminWithATokenHasAnyName(t *testing.T) {
	h := open(t, Config{AdminToken: "letmein"}, duo())
	require.NoError(t, h.start())
	mux := h.adminMux()
	require.Equal(t, http.StatusOK, get(mux, http.MethodGet, "http://ops.example.com/metrics", "Authorization", "Bearer letmein").Code)
	require.Equal(t, http.StatusOK, get(mux, http.MethodGet, "http://ops.example.com/dashboard/").Code)
	require.Equal(t, http.StatusForbidden, get(mux, http.MethodGet, "http://ops.example.com/metrics", "Authorization", "Bearer letmein", "Sec-Fetch-Site", "cross-site").Code,
		"a browser sends a password that it remembers on behalf of any page")
}

func TestPageLinksToTheDashboard(t *testing.T) {
	h := open(t, Config{Page: fstest.MapFS{"index.html": {Data: []byte("<p>play</p><!--dashboard-->")}}}, duo())
	require.NoError(t, h.start())
	mux := h.publicMux()
	link := func(host string) string { return get(mux, http.MethodGet, "http://"+host+"/").Body.String() }
	require.NotContains(t, link("localhost:3000"), "href", "there is no admin listener")
	h.offerDashboard(addr("10.0.0.1:9090"))
	require.NotContains(t, link("localhost:3000"), "href", "it is not on this machine only")
	h.offerDashboard(addr("127.0.0.1:9090"))
	require.Contains(t, link("localhost:3000"), `href="http://127.0.0.1:9090/dashboard/"`)
	require.NotContains(t, link("play.example.com"), "href", "players elsewhere cannot follow it")
}

// addr is the address of a listener.
type addr string

func (a addr) Network() string { return "tcp" }
func (a addr) String() string  { return string(a) }

func TestOperatorSeesKicksAndStops(t *testing.T) {
	h := open(t, Config{}, game.Rules{Players: game.Between(3, 3)})
	a, b, c := h.arrive("ann", clientOptions()), h.arrive("bob", clientOptions()), h.arrive("cid", clientOptions())
	var id string
	for _, s := range []*sailor{a, b, c} {
		s.enter()
		s.queue()
	}
	for _, s := range []*sailor{a, b, c} {
		id = s.found().Match
		s.sit()
	}
	o := house{h.Server}
	state, seats, ok := o.Match(id)
	require.True(t, ok)
	require.Contains(t, []string{"countdown", "running"}, state)
	kicked := -1
	for _, s := range seats {
		require.Equal(t, "connected", s.State)
		if s.Name == "bob" {
			kicked = s.Seat
		}
	}
	require.Len(t, seats, 3)
	f := o.Figures()
	require.Equal(t, 3, f.Players)
	require.Equal(t, int64(3), f.Conns)
	require.True(t, f.Ready)

	require.ErrorIs(t, o.Kick("nobody", 0), ops.ErrNotFound)
	require.ErrorIs(t, o.Kick(id, 3), ops.ErrNotFound)
	require.NoError(t, o.Kick(id, kicked))
	b.await(b.inMatch, "disconnect: io server disconnect")
	b.queue() // free to play again
	require.Eventually(t, func() bool {
		_, seats, _ := o.Match(id)
		return seats[kicked].State == "left"
	}, patience, patience/1e4)

	require.ErrorIs(t, o.Stop("nobody"), ops.ErrNotFound)
	require.NoError(t, o.Stop(id))
	for _, s := range []*sailor{a, c} {
		var r struct {
			Reason string `json:"reason"`
		}
		require.NoError(t, s.await(s.inMatch, "result").Decode(0, &r))
		require.Equal(t, "stopped", r.Reason)
	}
	require.Eventually(t, func() bool { _, _, ok := o.Match(id); return !ok }, patience, patience/1e4)
}
