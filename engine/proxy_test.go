package engine_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// shaken serves one handshake and returns what the session knows of it.
func shaken(t *testing.T, cfg engine.Config, remote string, header http.Header) *engine.Handshake {
	t.Helper()
	var hs *engine.Handshake
	cfg.Open = func(c *engine.Conn) engine.Handler {
		hs = c.Handshake()
		return nil
	}
	s := engine.New(cfg)
	r := httptest.NewRequest("GET", "http://game.example/engine.io/?"+pollQuery, nil)
	r.RemoteAddr, r.Header = remote, header
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	require.Equal(t, 200, rec.Code, rec.Body)
	require.NoError(t, s.Shutdown(t.Context()))
	return hs
}

func TestForwardedFor(t *testing.T) {
	const peer = "10.0.0.1:555"
	for name, tc := range map[string]struct {
		remote string
		xff    []string
		want   string
	}{
		"none":                      {peer, nil, peer},
		"one":                       {peer, []string{"203.0.113.9"}, "203.0.113.9"},
		"spoofed in front":          {peer, []string{"1.2.3.4, 203.0.113.9"}, "203.0.113.9"},
		"trusted hops":              {peer, []string{"1.2.3.4,203.0.113.9,10.9.9.9 ,\t10.0.0.2"}, "203.0.113.9"},
		"two lines":                 {peer, []string{"1.2.3.4", "203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		"nobody else":               {peer, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"with port":                 {peer, []string{"203.0.113.9:1234"}, "203.0.113.9"},
		"IPv6":                      {peer, []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv6 in brackets":          {peer, []string{"[2001:db8::7]"}, "2001:db8::7"},
		"IPv6 with port":            {peer, []string{"[2001:db8::7]:99"}, "2001:db8::7"},
		"IPv6, long":                {peer, []string{"2001:0db8:0000:0000:0000:0000:0000:0007"}, "2001:db8::7"},
		"mapped":                    {peer, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"mapped trusted hop":        {peer, []string{"203.0.113.9, ::ffff:10.0.0.2"}, "203.0.113.9"},
		"zone":                      {peer, []string{"fe80::1%eth0"}, "fe80::1"},
		"mapped peer":               {"[::ffff:10.0.0.1]:555", []string{"203.0.113.9"}, "203.0.113.9"},
		"peer by IPv6":              {"[fd00::1]:555", []string{"203.0.113.9"}, "203.0.113.9"},
		"peer with a zone":          {"[fd00::1%eth0]:555", []string{"203.0.113.9"}, "203.0.113.9"},
		"peer on a Unix socket":     {"@", []string{"203.0.113.9"}, "203.0.113.9"},
		"foreign peer":              {"198.51.100.1:5", []string{"203.0.113.9"}, "198.51.100.1:5"},
		"empty":                     {peer, []string{""}, peer},
		"empty element":             {peer, []string{"1.2.3.4, "}, peer},
		"empty element in the path": {peer, []string{"203.0.113.9,,10.0.0.2"}, peer},
		"name":                      {peer, []string{"localhost"}, peer},
		"unknown":                   {peer, []string{"unknown, 10.0.0.2"}, peer},
		"not reached":               {peer, []string{"garbage, 203.0.113.9"}, "203.0.113.9"},
		"port only":                 {peer, []string{":80"}, peer},
		"bad port":                  {peer, []string{"203.0.113.9:99999"}, peer},
		"leading zeros":             {peer, []string{"203.0.113.009"}, peer},
		"very long":                 {peer, []string{strings.Repeat("1", 10_000)}, peer},
		"32 hops":                   {peer, []string{"203.0.113.9" + strings.Repeat(",10.0.0.2", 31)}, "203.0.113.9"},
		"33 hops":                   {peer, []string{"203.0.113.9" + strings.Repeat(",10.0.0.2", 32)}, peer},
		"100 hops":                  {peer, []string{strings.Repeat("10.0.0.2,", 99) + "10.0.0.2"}, peer},
		"100 spoofed hops":          {peer, []string{strings.Repeat("1.2.3.4,", 99) + "203.0.113.9"}, "203.0.113.9"},
	} {
		t.Run(name, func(t *testing.T) {
			hs := shaken(t, engine.Config{TrustedProxies: prefixes("10.0.0.0/8", "fd00::/8")}, tc.remote, http.Header{"X-Forwarded-For": tc.xff})
			require.Equal(t, tc.want, hs.RemoteAddr)
			require.False(t, hs.Secure)
			// Without trusted proxies it is all noise.
			hs = shaken(t, engine.Config{}, tc.remote, http.Header{"X-Forwarded-For": tc.xff})
			require.Equal(t, tc.remote, hs.RemoteAddr)
		})
	}
}

func TestForwardedProto(t *testing.T) {
	for name, tc := range map[string]struct {
		remote string
		proto  []string
		want   bool
	}{
		"https":                {"10.0.0.1:5", []string{"https"}, true},
		"wss":                  {"10.0.0.1:5", []string{"WSS"}, true},
		"http":                 {"10.0.0.1:5", []string{"http"}, false},
		"none":                 {"10.0.0.1:5", nil, false},
		"by the nearest proxy": {"10.0.0.1:5", []string{"https, http"}, false},
		"in the last line":     {"10.0.0.1:5", []string{"http", "https"}, true},
		"foreign peer":         {"198.51.100.1:5", []string{"https"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			hs := shaken(t, engine.Config{TrustedProxies: prefixes("10.0.0.0/8")}, tc.remote, http.Header{"X-Forwarded-Proto": tc.proto})
			require.Equal(t, tc.want, hs.Secure)
		})
	}
}

// A proxy that ends TLS must not make a page without TLS the same host.
func TestForwardedProtoBindsTheOrigin(t *testing.T) {
	cfg := engine.Config{TrustedProxies: prefixes("10.0.0.0/8"), Open: func(*engine.Conn) engine.Handler { return nil }}
	for origin, want := range map[string]int{"https://game.example": 200, "http://game.example": 403} {
		s := engine.New(cfg)
		r := httptest.NewRequest("GET", "http://game.example/?"+pollQuery, nil)
		r.RemoteAddr = "10.0.0.1:5"
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("Origin", origin)
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		require.Equal(t, want, rec.Code)
		require.NoError(t, s.Shutdown(t.Context()))
	}
}

func TestTrustedProxiesAreValidated(t *testing.T) {
	for _, bad := range []netip.Prefix{{}, netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)} {
		require.ErrorContains(t, engine.Config{TrustedProxies: []netip.Prefix{bad}}.Validate(), "TrustedProxies")
	}
	require.NoError(t, engine.Config{TrustedProxies: prefixes("10.0.0.0/8", "::1/128")}.Validate())
}

// The WebSocket transport, and AllowRequest, see the client too.
func TestForwardedForOnTheWire(t *testing.T) {
	seen := make(chan string, 1)
	f := serve(t, engine.Config{TrustedProxies: prefixes("127.0.0.0/8"), AllowRequest: func(r *http.Request) error {
		seen <- r.RemoteAddr
		return nil
	}})
	w, err := enginetest.DialWS(f.addr, wsURI, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
	require.NoError(t, err)
	defer w.Close()
	require.Equal(t, "203.0.113.9", <-seen)
	hs := (<-f.open).conn.Handshake()
	require.Equal(t, "203.0.113.9", hs.RemoteAddr)
	require.True(t, hs.Secure)
}
