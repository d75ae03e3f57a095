package engine_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

func errBody(code, message string) string {
	return `{"code":` + code + `,"message":"` + message + `"}`
}

func TestHandshakeErrors(t *testing.T) {
	f := serve(t, engine.Config{})
	p := f.poll(t)
	w, ws := f.ws(t)
	_ = w
	unknown, sid := errBody("0", "Transport unknown"), errBody("1", "Session ID unknown")
	method, bad, version := errBody("2", "Bad handshake method"), errBody("3", "Bad request"), errBody("5", "Unsupported protocol version")
	for name, tc := range map[string]struct{ method, query, body string }{
		"no transport":           {"GET", "EIO=4", unknown},
		"strange transport":      {"GET", "EIO=4&transport=abc", unknown},
		"prototype":              {"GET", "EIO=4&transport=__proto__", unknown},
		"webtransport":           {"GET", "EIO=4&transport=webtransport", unknown},
		"transport twice":        {"GET", "EIO=4&transport=abc&transport=polling", unknown},
		"unknown sid":            {"GET", pollQuery + "&sid=nobody", sid},
		"sid with a zero":        {"GET", pollQuery + "&sid=%00", sid},
		"unknown sid, POST":      {"POST", pollQuery + "&sid=nobody", sid},
		"POST without sid":       {"POST", pollQuery, method},
		"PUT without sid":        {"PUT", pollQuery, method},
		"websocket, no upgrade":  {"GET", "EIO=4&transport=websocket", bad},
		"polling on a websocket": {"GET", pollQuery + "&sid=" + ws.conn.ID(), bad},
		"POST on a websocket":    {"POST", pollQuery + "&sid=" + ws.conn.ID(), bad},
		"EIO differs":            {"GET", "EIO=3&transport=polling&sid=" + p.sid, bad},
		"EIO missing with sid":   {"GET", "transport=polling&sid=" + p.sid, bad},
		"PUT with sid":           {"PUT", pollQuery + "&sid=" + p.sid, bad},
		"EIO=3":                  {"GET", "EIO=3&transport=polling", version},
		"EIO=04":                 {"GET", "EIO=04&transport=polling", version},
		"EIO missing":            {"GET", "transport=polling", version},
		"long query":             {"GET", pollQuery + "&t=" + strings.Repeat("x", 8<<10), bad},
	} {
		t.Run(name, func(t *testing.T) {
			a := f.do(t, tc.method, tc.query, "")
			require.Equal(t, 400, a.status)
			require.Equal(t, "application/json", a.ctype)
			require.Equal(t, tc.body, a.body)
			require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		})
	}
}

func TestOpenPacket(t *testing.T) {
	f := serve(t, engine.Config{})
	a := f.do(t, "GET", pollQuery, "")
	require.Equal(t, "text/plain; charset=UTF-8", a.ctype)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	require.Regexp(t, regexp.MustCompile(
		`^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$`), a.body)

	w, o, err := enginetest.OpenWS(f.addr)
	require.NoError(t, err)
	defer w.Close()
	require.Equal(t, []string{}, o.Upgrades)

	f = serve(t, engine.Config{NoUpgrade: true})
	require.Empty(t, f.poll(t).open.Upgrades)
}

func TestQueryAtTheBound(t *testing.T) {
	f := serve(t, engine.Config{})
	long := pollQuery + "&t="
	long += strings.Repeat("x", 8<<10-len(long))
	require.Equal(t, 200, f.do(t, "GET", long, "").status)
	require.Equal(t, 400, f.do(t, "GET", long+"x", "").status)
}

func TestGetWithABodyIsRefused(t *testing.T) {
	f := serve(t, engine.Config{})
	require.Equal(t, errBody("3", "Bad request"), f.do(t, "GET", pollQuery, "x").body)
	require.Contains(t, f.do(t, "GET", "EIO=4&transport=websocket", "x", "Upgrade", "websocket", "Connection", "Upgrade",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version", "13").body, "Bad request")
}

func TestSessionIDsDiffer(t *testing.T) {
	f := serve(t, engine.Config{})
	seen := map[string]bool{}
	for range 200 {
		p := f.poll(t)
		require.Len(t, p.sid, 20)
		require.False(t, seen[p.sid])
		seen[p.sid] = true
	}
}

func TestTransportsCanBeSwitchedOff(t *testing.T) {
	f := serve(t, engine.Config{NoPolling: true})
	require.Equal(t, errBody("0", "Transport unknown"), f.do(t, "GET", pollQuery, "").body)
	f.ws(t)
	f = serve(t, engine.Config{NoWebSocket: true})
	require.Empty(t, f.poll(t).open.Upgrades)
	_, err := enginetest.DialWS(f.addr, wsURI)
	require.ErrorContains(t, err, "400")
}

func TestAllowRequest(t *testing.T) {
	f := serve(t, engine.Config{AllowRequest: func(r *http.Request) error {
		if r.URL.Query().Get("key") != "yes" {
			return errors.New("no <key>")
		}
		return nil
	}})
	a := f.do(t, "GET", pollQuery, "")
	require.Equal(t, 403, a.status)
	require.JSONEq(t, `{"code":4,"message":"no <key>"}`, a.body)
	require.Equal(t, 200, f.do(t, "GET", pollQuery+"&key=yes", "").status)
	_, err := enginetest.DialWS(f.addr, wsURI)
	require.ErrorContains(t, err, "400 Bad Request: no &lt;key&gt;")
}

func TestWebSocketRefusals(t *testing.T) {
	f := serve(t, engine.Config{})
	for name, tc := range map[string]struct{ uri, want string }{
		"unknown sid": {wsURI + "&sid=nobody", "Session ID unknown"},
		"bad EIO":     {"/engine.io/?EIO=3&transport=websocket", "Unsupported protocol version"},
		"transport":   {"/engine.io/?EIO=4&transport=polling", "Bad request"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := enginetest.DialWS(f.addr, tc.uri)
			require.ErrorContains(t, err, "400 Bad Request: "+tc.want)
		})
	}
}

func TestUpgradeHeadersAreExact(t *testing.T) {
	f := serve(t, engine.Config{})
	good := map[string]string{
		"Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
	}
	for name, tc := range map[string]struct{ header, value string }{
		"substring of connection": {"Connection", "x-upgrade"},
		"substring of upgrade":    {"Upgrade", "websocket2"},
		"version 8":               {"Sec-WebSocket-Version", "8"},
		"no key":                  {"Sec-WebSocket-Key", ""},
		"short key":               {"Sec-WebSocket-Key", "AAAA"},
		"key not base64":          {"Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!=="},
	} {
		t.Run(name, func(t *testing.T) {
			var h []string
			for k, v := range good {
				if k == tc.header {
					v = tc.value
				}
				h = append(h, k, v)
			}
			a := f.do(t, "GET", "EIO=4&transport=websocket", "", h...)
			require.Equal(t, 400, a.status)
			require.Contains(t, a.body, "Bad request")
		})
	}
}

func TestNoExtensionIsGranted(t *testing.T) {
	f := serve(t, engine.Config{})
	for _, offer := range []string{
		"permessage-deflate", "permessage-deflate; client_max_window_bits",
		"permessage-deflate; server_no_context_takeover", "x-webkit-deflate-frame",
	} {
		// DialWS fails if any extension is granted.
		w, err := enginetest.DialWS(f.addr, wsURI, "Sec-WebSocket-Extensions: "+offer)
		require.NoError(t, err)
		w.Close()
	}
}

func TestOrigin(t *testing.T) {
	f := serve(t, engine.Config{})
	_, port, _ := strings.Cut(f.addr, ":")
	for origin, ok := range map[string]bool{
		"http://" + f.addr:           true,
		"http://localhost:1234":      true,
		"http://[::1]:99":            true,
		"https://127.0.0.1":          true,
		"http://evil.example":        false,
		"http://127.0.0.1.evil.com":  false,
		"http://localhost.evil.com":  false,
		"http://evil.com:" + port:    false,
		"null":                       false,
		"file://":                    false,
		"http://evil.com/127.0.0.1":  false,
		"http://127.0.0.1@evil.com/": false,
	} {
		t.Run(origin, func(t *testing.T) {
			a := f.do(t, "GET", pollQuery, "", "Origin", origin)
			_, err := enginetest.DialWS(f.addr, wsURI, "Origin: "+origin)
			if ok {
				require.Equal(t, 200, a.status)
				require.Equal(t, origin, a.header.Get("Access-Control-Allow-Origin"))
				require.Equal(t, "Origin", a.header.Get("Vary"))
				require.NoError(t, err)
				return
			}
			require.Equal(t, 403, a.status)
			require.Equal(t, errBody("4", "Forbidden"), a.body)
			require.Empty(t, a.header.Get("Access-Control-Allow-Origin"))
			require.ErrorContains(t, err, "Forbidden")
		})
	}
}

func TestOriginOfAForeignHostIsNotLoopback(t *testing.T) {
	s := engine.New(engine.Config{Open: func(*engine.Conn) engine.Handler { return nil }})
	r := httptest.NewRequest("GET", "http://game.example/engine.io/?"+pollQuery, nil)
	r.Header.Set("Origin", "http://localhost:3000")
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	require.Equal(t, 403, rec.Code)
}

func TestOriginWithBadCharacters(t *testing.T) {
	s := engine.New(engine.Config{Open: func(*engine.Conn) engine.Handler { return nil }})
	r := httptest.NewRequest("GET", "http://x/engine.io/?"+pollQuery, nil)
	r.Header["Origin"] = []string{"http://x\x01"}
	rec := httptest.NewRecorder()
	s.ServeHTTP(rec, r)
	require.Equal(t, 400, rec.Code)
	require.Equal(t, errBody("3", "Bad request"), rec.Body.String())
}

func TestPreflight(t *testing.T) {
	f := serve(t, engine.Config{})
	a := f.do(t, "OPTIONS", pollQuery, "", "Origin", "http://localhost:1")
	require.Equal(t, 204, a.status)
	require.Equal(t, "http://localhost:1", a.header.Get("Access-Control-Allow-Origin"))
	a = f.do(t, "OPTIONS", pollQuery, "", "Origin", "http://evil.example")
	require.Equal(t, 403, a.status)
}

func TestMaxConns(t *testing.T) {
	f := serve(t, engine.Config{MaxConns: 2})
	p := f.poll(t)
	f.ws(t)
	a := f.do(t, "GET", pollQuery, "")
	require.Equal(t, 503, a.status)
	require.Equal(t, "5", a.header.Get("Retry-After"))
	_, err := enginetest.DialWS(f.addr, wsURI)
	require.ErrorContains(t, err, "503")
	require.Equal(t, 2, f.refusals("http", "overloaded"))
	// An upgrade needs no place of its own.
	upgrade(t, p)
	// A place given back is a place.
	p.conn.Close(engine.ReasonTransportClose)
	p.ended(t)
	require.Eventually(t, func() bool {
		a, err := f.try(t.Context(), "GET", pollQuery, "")
		return err == nil && a.status == 200
	}, testPatience, testPause)
}

func TestHandshakeIsKept(t *testing.T) {
	f := serve(t, engine.Config{})
	f.do(t, "GET", pollQuery+"&token=a%20b&n=1&n=2", "", "X-Thing", "7", "X-Colons", "a: b:c", "X-Empty", "", "Origin", "http://localhost")
	c := (<-f.open).conn
	hs := c.Handshake()
	require.Equal(t, "a b", hs.Query.Get("token"))
	require.Equal(t, []string{"1", "2"}, hs.Query["n"])
	require.Equal(t, "7", hs.Header.Get("X-Thing"))
	require.Equal(t, "a: b:c", hs.Header.Get("X-Colons"))
	require.Equal(t, []string{""}, hs.Header["X-Empty"])
	require.Equal(t, "/engine.io/?"+pollQuery+"&token=a%20b&n=1&n=2", hs.URL)
	require.True(t, hs.CrossDomain)
	require.False(t, hs.Secure)
	require.NotEmpty(t, hs.RemoteAddr)
	require.False(t, hs.Time.IsZero())
	// It is put together for each who asks.
	require.Equal(t, hs, c.Handshake())
	hs.Header.Set("X-Thing", "8")
	require.Equal(t, "7", c.Handshake().Header.Get("X-Thing"))
}

func FuzzHandshakeQuery(f *testing.F) {
	for _, q := range []string{pollQuery, "EIO=4&transport=websocket", "EIO=4;transport=polling", "sid=%00", "EIO=04&transport=__proto__", "%zz", "&&&=", "EIO=4&EIO=3&transport=polling"} {
		f.Add(q)
	}
	s := engine.New(engine.Config{MaxConns: 100, Abuse: engine.Abuse{Off: true}, Open: func(c *engine.Conn) engine.Handler {
		h := newSession(c)
		go c.Close(engine.ReasonTransportClose)
		return h
	}})
	f.Fuzz(func(t *testing.T, q string) {
		r := httptest.NewRequest("GET", "http://x/engine.io/", nil)
		r.URL = &url.URL{Path: "/engine.io/", RawQuery: q}
		rec := httptest.NewRecorder()
		s.ServeHTTP(rec, r)
		switch rec.Code {
		case 200:
			v := r.URL.Query()
			if v.Get("EIO") != "4" || v.Get("transport") != "polling" || v.Get("sid") != "" {
				t.Fatalf("opened a session for %q", q)
			}
		case 400, 503:
			if rec.Code == 400 && !regexp.MustCompile(`^\{"code":[0135],"message":"[A-Za-z ID]+"\}$`).MatchString(rec.Body.String()) {
				t.Fatalf("%q: %s", q, rec.Body)
			}
		default:
			t.Fatalf("%q: %d", q, rec.Code)
		}
	})
}
