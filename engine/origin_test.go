package engine_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// asks serves one handshake of a host, with Origin headers as given.
func asks(cfg engine.Config, local, target string, origins ...string) *httptest.ResponseRecorder {
	cfg.Open = func(*engine.Conn) engine.Handler { return nil }
	s := engine.New(cfg)
	r := httptest.NewRequest("GET", target+"/engine.io/?"+pollQuery, nil)
	r.Header["Origin"] = origins
	if local != "" {
		r.RemoteAddr = "127.0.0.1:555"
		addr, _ := net.ResolveTCPAddr("tcp", local)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
	}
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	_ = s.Shutdown(context.Background())
	return rec
}

func TestOriginTable(t *testing.T) {
	listed := []string{"https://game.example", "http://dev.example:8080", "https://[2001:db8::1]:9", "https://bücher.example"}
	for name, tc := range map[string]struct {
		target  string
		origins []string
		want    int
	}{
		"listed":                      {"http://api.example", []string{"https://game.example"}, 200},
		"listed, own port spelled":    {"http://api.example", []string{"https://game.example:443"}, 200},
		"listed, upper case":          {"http://api.example", []string{"HTTPS://Game.Example"}, 200},
		"listed with port":            {"http://api.example", []string{"http://dev.example:8080"}, 200},
		"listed IPv6":                 {"http://api.example", []string{"https://[2001:db8::1]:9"}, 200},
		"other scheme":                {"http://api.example", []string{"http://game.example"}, 403},
		"other port":                  {"http://api.example", []string{"https://game.example:8443"}, 403},
		"listed without its port":     {"http://api.example", []string{"http://dev.example"}, 403},
		"suffix":                      {"http://api.example", []string{"https://game.example.evil.com"}, 403},
		"prefix":                      {"http://api.example", []string{"https://evilgame.example"}, 403},
		"subdomain":                   {"http://api.example", []string{"https://a.game.example"}, 403},
		"trailing dot":                {"http://api.example", []string{"https://game.example."}, 403},
		"path":                        {"http://api.example", []string{"https://game.example/"}, 403},
		"user":                        {"http://api.example", []string{"https://game.example@evil.com"}, 403},
		"user in front":               {"http://api.example", []string{"https://evil@game.example"}, 403},
		"query":                       {"http://api.example", []string{"https://game.example?"}, 403},
		"fragment":                    {"http://api.example", []string{"https://game.example#"}, 403},
		"backslash":                   {"http://api.example", []string{"https://game.example\\.evil.com"}, 403},
		"empty port":                  {"http://api.example", []string{"https://game.example:"}, 403},
		"space":                       {"http://api.example", []string{"https://game.example https://evil.com"}, 403},
		"punycode is another host":    {"http://api.example", []string{"https://xn--bcher-kva.example"}, 403},
		"null":                        {"http://api.example", []string{"null"}, 403},
		"empty":                       {"http://api.example", []string{""}, 403},
		"file":                        {"http://api.example", []string{"file://"}, 403},
		"two headers":                 {"http://api.example", []string{"https://game.example", "https://game.example"}, 400},
		"two headers, one bad":        {"http://api.example", []string{"https://game.example", "https://evil.com"}, 400},
		"same host":                   {"http://api.example", []string{"http://api.example"}, 200},
		"same host, TLS ended before": {"http://api.example", []string{"https://api.example"}, 200},
		"same host, own port":         {"http://api.example:80", []string{"http://api.example"}, 200},
		"same host, upper case":       {"http://API.example", []string{"http://api.example"}, 200},
		"same host, other port":       {"http://api.example:81", []string{"http://api.example"}, 403},
		"same host, other scheme":     {"http://api.example", []string{"ftp://api.example"}, 403},
		"same host, no TLS on TLS":    {"https://api.example", []string{"http://api.example"}, 403},
		"same host, TLS":              {"https://api.example", []string{"https://api.example"}, 200},
		"no host":                     {"http://api.example", []string{"http://"}, 403},
		"none":                        {"http://api.example", nil, 200},
	} {
		t.Run(name, func(t *testing.T) {
			rec := asks(engine.Config{Origins: listed}, "", tc.target, tc.origins...)
			require.Equal(t, tc.want, rec.Code, rec.Body)
			require.Equal(t, "Origin", rec.Header().Get("Vary"))
			if tc.want == 200 && len(tc.origins) == 1 {
				require.Equal(t, tc.origins[0], rec.Header().Get("Access-Control-Allow-Origin"))
			} else {
				require.Empty(t, rec.Header().Get("Access-Control-Allow-Origin"))
			}
			require.Empty(t, rec.Header().Get("Access-Control-Allow-Credentials"))
		})
	}
}

func TestAnyPortOnALoopbackListener(t *testing.T) {
	for name, tc := range map[string]struct {
		local, target, origin string
		want                  int
	}{
		"vite":                       {"127.0.0.1:3000", "http://localhost:3000", "http://localhost:5173", 200},
		"by number":                  {"127.0.0.1:3000", "http://127.0.0.1:3000", "http://localhost:5173", 200},
		"IPv6":                       {"[::1]:3000", "http://[::1]:3000", "http://localhost:5173", 200},
		"mapped":                     {"[::ffff:127.0.0.1]:3000", "http://localhost:3000", "http://127.0.0.1:1", 200},
		"foreign page":               {"127.0.0.1:3000", "http://localhost:3000", "http://evil.com:3000", 403},
		"listens to others as well":  {"192.0.2.7:3000", "http://localhost:3000", "http://localhost:5173", 403},
		"address of the socket lost": {"", "http://localhost:3000", "http://localhost:5173", 403},
		"asked by another name":      {"127.0.0.1:3000", "http://game.example", "http://localhost:5173", 403},
		"not a page":                 {"127.0.0.1:3000", "http://localhost:3000", "chrome-extension://localhost", 403},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, asks(engine.Config{}, tc.local, tc.target, tc.origin).Code)
		})
	}
}

// A proxy on this machine does not make its clients local.
func TestAnyPortIsNotForProxiedClients(t *testing.T) {
	f := serve(t, engine.Config{TrustedProxies: prefixes("127.0.0.0/8")})
	ask := func(headers ...string) int {
		return f.do(t, "GET", pollQuery, "", append(headers, "Origin", "http://localhost:5173")...).status
	}
	require.Equal(t, 200, ask())
	require.Equal(t, 403, ask("X-Forwarded-For", "203.0.113.9"))
}

// The rule is one for all requests: the handshake of either transport, polling
// on a session that exists, and its upgrade.
func TestOriginBindsEveryRequest(t *testing.T) {
	f := serve(t, engine.Config{Origins: []string{"https://game.example"}, OriginHint: "allow it with --origin <https://...>"})
	p := f.poll(t)
	refused := errBody("4", `Forbidden: allow it with --origin \u003chttps://...\u003e`)
	for _, evil := range []string{"https://evil.example", "null"} {
		for _, q := range []string{pollQuery, p.query()} {
			a := f.do(t, "GET", q, "", "Origin", evil)
			require.Equal(t, 403, a.status)
			require.Equal(t, refused, a.body)
		}
		require.Equal(t, 403, p.post(t, "4x", "Origin", evil).status)
		for _, uri := range []string{wsURI, wsURI + "&sid=" + p.sid} {
			_, err := enginetest.DialWS(f.addr, uri, "Origin: "+evil)
			require.ErrorContains(t, err, "400 Bad Request: Forbidden: allow it with --origin &lt;https://...&gt;")
		}
	}
	require.Equal(t, 10, f.refusals("http", "origin"))
	require.Empty(t, p.messages())
	// None of it has harmed the session.
	require.Equal(t, 200, p.post(t, "4x", "Origin", "https://game.example").status)
	w, err := enginetest.DialWS(f.addr, wsURI+"&sid="+p.sid, "Origin: https://game.example")
	require.NoError(t, err)
	w.Close()
	w, err = enginetest.DialWS(f.addr, wsURI, "Origin: https://game.example")
	require.NoError(t, err)
	w.Close()
}

func TestAbsentOrigin(t *testing.T) {
	f := serve(t, engine.Config{})
	require.Equal(t, 200, f.do(t, "GET", pollQuery, "").status)
	for site, want := range map[string]int{"same-origin": 200, "same-site": 200, "none": 200, "cross-site": 403, "Cross-Site": 403} {
		require.Equal(t, want, f.do(t, "GET", pollQuery, "", "Sec-Fetch-Site", site).status, site)
	}
	f = serve(t, engine.Config{RequireOrigin: true})
	require.Equal(t, 403, f.do(t, "GET", pollQuery, "").status)
	require.Equal(t, 200, f.do(t, "GET", pollQuery, "", "Origin", "http://"+f.addr).status)
	_, err := enginetest.DialWS(f.addr, wsURI)
	require.ErrorContains(t, err, "Forbidden")
}

func TestCORSCredentials(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg         engine.Config
		origin      string
		status      int
		credentials string
	}{
		"listed":              {engine.Config{Origins: []string{"https://a.example"}, CORSCredentials: true}, "https://a.example", 200, "true"},
		"listed, off":         {engine.Config{Origins: []string{"https://a.example"}}, "https://a.example", 200, ""},
		"same host":           {engine.Config{CORSCredentials: true}, "http://api.example", 200, ""},
		"any":                 {engine.Config{Origins: []string{"*"}, CORSCredentials: true}, "https://a.example", 200, ""},
		"any, but null":       {engine.Config{Origins: []string{"*"}, CORSCredentials: true}, "null", 403, ""},
		"any, and listed":     {engine.Config{Origins: []string{"*", "https://a.example"}, CORSCredentials: true}, "https://a.example", 200, "true"},
		"not listed":          {engine.Config{Origins: []string{"https://a.example"}, CORSCredentials: true}, "https://b.example", 403, ""},
		"by the own judge":    {engine.Config{CheckOrigin: func(*http.Request) bool { return true }, CORSCredentials: true}, "https://b.example", 200, ""},
		"against the own one": {engine.Config{CheckOrigin: func(*http.Request) bool { return false }, Origins: []string{"https://b.example"}}, "https://b.example", 403, ""},
		"refused also by AllowRequest": {engine.Config{Origins: []string{"https://a.example"}, CORSCredentials: true, AllowRequest: func(*http.Request) error {
			return errors.New("no")
		}}, "https://a.example", 403, "true"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := asks(tc.cfg, "", "http://api.example", tc.origin)
			require.Equal(t, tc.status, rec.Code)
			require.Equal(t, tc.credentials, rec.Header().Get("Access-Control-Allow-Credentials"))
			if tc.credentials != "" {
				require.Equal(t, tc.origin, rec.Header().Get("Access-Control-Allow-Origin"))
			}
		})
	}
}

func TestPreflightHeaders(t *testing.T) {
	f := serve(t, engine.Config{Origins: []string{"https://a.example"}, CORSCredentials: true})
	for asked, granted := range map[string]string{
		"":                "Content-Type,Authorization",
		"x-team, x-key":   "x-team, x-key",
		"x-team; x":       "Content-Type,Authorization",
		pad("x", 1<<10):   pad("x", 1<<10),
		pad("x", 1<<10+1): "Content-Type,Authorization",
	} {
		a := f.do(t, "OPTIONS", pollQuery, "", "Origin", "https://a.example", "Access-Control-Request-Headers", asked)
		require.Equal(t, 204, a.status)
		require.Equal(t, granted, a.header.Get("Access-Control-Allow-Headers"))
		require.Equal(t, "600", a.header.Get("Access-Control-Max-Age"))
		require.Equal(t, "GET,POST", a.header.Get("Access-Control-Allow-Methods"))
		require.Equal(t, "true", a.header.Get("Access-Control-Allow-Credentials"))
		require.Equal(t, []string{"Origin", "Access-Control-Request-Headers"}, a.header.Values("Vary"))
	}
	require.Zero(t, f.Stats().Opened)
}

func pad(s string, n int) string {
	for len(s) < n {
		s += s[:min(len(s), n-len(s))]
	}
	return s
}

func TestConfigIsValidated(t *testing.T) {
	for _, bad := range []string{"game.example", "https://game.example/", "https://*.example", "", "null", "https://", "https://a b"} {
		require.ErrorContains(t, engine.Config{Origins: []string{bad}}.Validate(), "Origins", bad)
		require.Panics(t, func() { asks(engine.Config{Origins: []string{bad}}, "", "http://x") }, bad)
	}
	require.NoError(t, engine.Config{Origins: []string{"https://a.example", "http://localhost:3000", "capacitor://localhost", "*"}}.Validate())
}
