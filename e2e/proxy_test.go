package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	"gameserver/sio"
)

// proxyKinds are the proxies of docs/PROXIES.md.
var proxyKinds = []string{"nginx", "haproxy"}

// edit is a change to a configuration file; what is replaced must be there.
type edit struct{ old, new string }

// backends has the documented configuration point to these servers.
func backends(kind string, urls ...string) []edit {
	lines := map[string][2]edit{
		"nginx":   {{"    server     127.0.0.1:3000;", "    server     %s;"}, {"    # server   127.0.0.1:3001;", "    server     %s;"}},
		"haproxy": {{"    server   a 127.0.0.1:3000 ", "    server   a %s "}, {"    # server b 127.0.0.1:3001 ", "    server   b %s "}},
	}[kind]
	var edits []edit
	for i, url := range urls {
		edits = append(edits, edit{lines[i].old, fmt.Sprintf(lines[i].new, strings.TrimPrefix(url, "http://"))})
	}
	return edits
}

// proxy runs nginx or haproxy with the documented configuration, but for the
// port and the edits, and returns its address.
func proxy(t *testing.T, kind string, edits ...edit) string {
	t.Helper()
	_, err := os.Stat("/usr/sbin/" + kind)
	require.NoError(t, err, "run scripts/need nginx haproxy")
	name := map[string]string{"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[kind]
	config, err := os.ReadFile("../docs/proxies/" + name)
	require.NoError(t, err)
	text := string(config)
	for _, e := range edits {
		require.Contains(t, text, e.old, name)
		text = strings.Replace(text, e.old, e.new, 1)
	}
	// Neither takes port 0. A port that was free a moment ago nearly always
	// still is; if not, the proxy ends and the next port is tried.
	for range 10 {
		if addr := freeAddress(t); serveProxy(t, kind, text, addr) {
			return "http://" + addr
		}
	}
	require.FailNow(t, "no port for "+kind)
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// serveProxy starts a proxy and waits until it passes requests on; false says
// that it ended.
func serveProxy(t *testing.T, kind, config, addr string) bool {
	t.Helper()
	dir := t.TempDir()
	file, whole := filepath.Join(dir, "documented"), filepath.Join(dir, "nginx.conf")
	cmd := exec.Command("/usr/sbin/haproxy", "-db", "-f", file)
	old, listen := "bind     :80", "bind "+addr
	if kind == "nginx" {
		require.NoError(t, os.WriteFile(whole, []byte(nginxAround(dir, file)), 0o600))
		cmd = exec.Command("/usr/sbin/nginx", "-e", "stderr", "-p", dir, "-c", whole)
		old, listen = "listen       80;", "listen "+addr+";"
	}
	require.Contains(t, config, old)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(config, old, listen, 1)), 0o600))
	var log lockedBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-ended
		if t.Failed() {
			t.Logf("%s:\n%s", kind, log.String())
		}
	})
	for {
		select {
		case <-ended:
			return false
		case <-time.After(tenth / 5):
		}
		resp, err := (&http.Client{Timeout: patience}).Get("http://" + addr + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
	}
}

// nginxAround is what Debian has around files in conf.d, for a folder of its own.
func nginxAround(dir, file string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "daemon off;\nmaster_process off;\npid %s;\nerror_log stderr warn;\n", filepath.Join(dir, "pid"))
	b.WriteString("events { worker_connections 512; }\nhttp {\n  access_log off;\n")
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "  %s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	fmt.Fprintf(&b, "  include %s;\n}\n", file)
	return b.String()
}

var transportLists = map[string][]string{
	"websocket": {"websocket"},
	"polling":   {"polling"},
	"upgrade":   {"polling", "websocket"},
}

// Through either proxy, every parser on every transport gets into a match and
// sees its own ship move.
func TestPlayThroughProxies(t *testing.T) {
	s := start(t, "--queue-fill", "1s")
	for _, kind := range proxyKinds {
		url := proxy(t, kind, backends(kind, s.url)...)
		for _, parser := range []string{"default", "msgpack"} {
			for name, list := range transportLists {
				t.Run(kind+"/"+parser+"/"+name, func(t *testing.T) {
					t.Parallel()
					p := (&server{t: t, url: url}).join(options{"name": name, "parser": parser, "transports": list})
					require.Equal(t, true, p.until("queued", nil)["ok"])
					require.Equal(t, list[len(list)-1], p.until("seated", nil).str("transport"))
					p.until("moved", own)
				})
			}
		}
	}
}

// All six talk to each other in one room of the chat, three behind each proxy
// and three more behind the other.
func TestChatThroughProxies(t *testing.T) {
	s := startExample(t, "chat")
	var names []string
	clients := map[string][]options{}
	for _, kind := range proxyKinds {
		for _, parser := range []string{"default", "msgpack"} {
			for name, list := range transportLists {
				n := fmt.Sprintf("%s %s %s", kind[:2], parser, name)
				names = append(names, n)
				clients[kind] = append(clients[kind], options{"name": n, "parser": parser, "transports": list})
			}
		}
	}
	var running []*player
	for kind, list := range clients {
		url := proxy(t, kind, backends(kind, s.url)...)
		running = append(running, node(t, kind, "examples-chat.mjs", options{"url": url, "expect": names, "clients": list}))
	}
	for _, p := range running {
		p.until("all", nil)
		require.NotContains(t, strings.Join(p.heard, "\n"), "ev:disconnect")
	}
}

// whoAmI is a server that tells which one it is.
func whoAmI(t *testing.T, n int) *httptest.Server {
	t.Helper()
	io := sio.New(sio.Config{Engine: engine.Config{Cookie: &http.Cookie{}}})
	io.Of("/").OnConnection(func(s *sio.Socket) {
		s.OnArgs("who", func(a sio.Args) { _ = a.Ack(n) })
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		_ = io.Shutdown(t.Context())
		web.CloseClientConnections()
		web.Close()
	})
	return web
}

// bySession are the lines of haproxy.cfg that need no cookie of the client.
var bySession = []edit{
	{"    cookie   node", "    # cookie   node"},
	{"# stick-table", "stick-table"},
	{"# stick store-response", "stick store-response"},
	{"# stick match", "stick match"},
	{" cookie a\n", "\n"},
	{" cookie b\n", "\n"},
}

// With two servers behind the proxy, who polls stays on one of them, and who
// speaks WebSocket alone does so without any help.
func TestPollingSticksToItsServer(t *testing.T) {
	for name, test := range map[string]struct {
		kind    string
		edits   []edit
		cookies bool
	}{
		"nginx":              {"nginx", nil, true},
		"haproxy":            {"haproxy", nil, true},
		"haproxy by session": {"haproxy", bySession, false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := whoAmI(t, 0), whoAmI(t, 1)
			url := proxy(t, test.kind, append(backends(test.kind, a.URL, b.URL), test.edits...)...)
			var clients []options
			for transport, list := range transportLists {
				for i := range 12 { // enough that not all of them meet on one server by chance
					clients = append(clients, options{
						"transports": list, "cookies": test.cookies && transport != "websocket", "parser": []string{"default", "msgpack"}[i%2],
					})
				}
			}
			sticks(t, url, clients)
		})
	}
}

func sticks(t *testing.T, url string, clients []options) {
	t.Helper()
	p := node(t, "clients", "proxy.mjs", options{"url": url, "times": 5, "clients": clients})
	met := map[any]int{}
	for range clients {
		l := p.until("asked", nil)
		who, ok := l["who"].([]any)
		require.True(t, ok)
		require.Len(t, who, 6)
		for _, w := range who {
			require.Equal(t, who[0], w, "one server all along: %v", l)
		}
		met[who[0]]++
	}
	require.Len(t, met, 2, "both servers have clients: %v", met)
	p.until("end", nil)
	require.NotContains(t, strings.Join(p.heard, "\n"), "ev:lost")
}

// A server that has just gone costs nobody more than the session.
func TestProxiesGoAroundDeadServer(t *testing.T) {
	for _, kind := range proxyKinds {
		t.Run(kind, func(t *testing.T) {
			dead, alive := whoAmI(t, 1), whoAmI(t, 7)
			url := proxy(t, kind, backends(kind, dead.URL, alive.URL)...)
			dead.Close()
			clients := make([]options, 8)
			for i := range clients {
				clients[i] = options{"transports": []string{"polling"}, "cookies": true}
			}
			p := node(t, "clients", "proxy.mjs", options{"url": url, "times": 2, "clients": clients})
			for range clients {
				require.Equal(t, []any{7.0, 7.0, 7.0}, p.until("asked", nil)["who"])
			}
			for _, node := range []string{"a", "b", "c", "d", "e", "f"} { // who was on it comes back with a cookie
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/socket.io/?EIO=4&transport=polling", http.NoBody)
				require.NoError(t, err)
				r.Header.Set("Cookie", "node="+node)
				resp, err := http.DefaultTransport.RoundTrip(r)
				require.NoError(t, err)
				_ = resp.Body.Close()
				require.Equal(t, http.StatusOK, resp.StatusCode, node)
			}
		})
	}
}

// Without the cookie a proxy that takes turns breaks polling, and nothing else.
func TestPollingWithoutCookieIsLost(t *testing.T) {
	a, b := whoAmI(t, 0), whoAmI(t, 1)
	url := proxy(t, "haproxy", append(backends("haproxy", a.URL, b.URL), edit{"balance  leastconn", "balance  roundrobin"})...)
	lost := node(t, "polling", "proxy.mjs", options{"url": url, "times": 5, "clients": []options{{"transports": []string{"polling"}}}})
	require.Contains(t, lost.until("lost", nil).str("why"), "400")
	fine := node(t, "websocket", "proxy.mjs", options{"url": url, "times": 5, "clients": []options{
		{"transports": []string{"websocket"}}, {"transports": []string{"websocket"}, "parser": "msgpack"},
	}})
	first, second := fine.until("asked", nil)["who"].([]any), fine.until("asked", nil)["who"].([]any)
	require.NotEqual(t, first[0], second[0], "they take turns")
}

// host is the name under which players reach the proxy.
const host = "play.example.com"

// handshake opens a session as a page of an origin would, and returns the status
// of the answer.
func handshake(t *testing.T, url, transport, origin string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/socket.io/?EIO=4&transport="+transport, http.NoBody)
	require.NoError(t, err)
	r.Host = host
	r.Header.Set("Origin", origin)
	if transport == "websocket" {
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// A page of the proxy's host may connect because the proxy passes on the Host.
// Where it does not, the page is refused until --origin names it; and a foreign
// page is refused in any case.
func TestOriginBehindProxies(t *testing.T) {
	const page, foreign = "https://" + host, "https://evil.example"
	strict, told := start(t), start(t, "--origin", page)
	forgets := map[string]edit{
		"nginx":   {"proxy_set_header    Host               $http_host;", "proxy_set_header Host $proxy_host;"},
		"haproxy": {"    default_backend gameserver", "    http-request set-header Host internal\n    default_backend gameserver"},
	}
	for _, kind := range proxyKinds {
		t.Run(kind, func(t *testing.T) {
			documented := proxy(t, kind, backends(kind, strict.url)...)
			hostless := proxy(t, kind, append(backends(kind, strict.url), forgets[kind])...)
			listed := proxy(t, kind, append(backends(kind, told.url), forgets[kind])...)
			for transport, status := range map[string][2]int{
				"polling":   {http.StatusOK, http.StatusForbidden},
				"websocket": {http.StatusSwitchingProtocols, http.StatusBadRequest},
			} {
				ok, refused := status[0], status[1]
				require.Equal(t, ok, handshake(t, documented, transport, page), transport)
				require.Equal(t, refused, handshake(t, documented, transport, foreign), transport)
				require.Equal(t, refused, handshake(t, hostless, transport, page), transport)
				require.Equal(t, ok, handshake(t, listed, transport, page), transport)
				require.Equal(t, refused, handshake(t, listed, transport, foreign), transport)
			}
		})
	}
}
