package server

import (
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gameserver/server/ops"
)

// adminMux is what operators reach: health, the dashboard, metrics and profiles.
// With a token all but health needs it, as a bearer token or as the password of
// basic auth; the dashboard asks for it on its page.
func (s *Server) adminMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	guarded := http.NewServeMux()
	guarded.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	guarded.HandleFunc("GET /debug/ticks", s.debugTicks)
	guarded.HandleFunc("GET /debug/traces", s.debugTraces)
	guarded.HandleFunc("GET /debug/traces/{name}", s.debugTraceFile)
	guarded.HandleFunc("POST /debug/trace", s.debugTrace)
	guarded.HandleFunc("/debug/pprof/", pprof.Index)
	guarded.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	guarded.HandleFunc("/debug/pprof/profile", s.labelled(pprof.Profile))
	guarded.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	guarded.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.Handle("/", s.ownOnly(requireToken(s.cfg.AdminToken, guarded)))
	mux.Handle("GET /dashboard", http.RedirectHandler(dashboardPath, http.StatusSeeOther))
	mux.Handle("GET /{$}", s.ownOnly(http.RedirectHandler(dashboardPath, http.StatusSeeOther)))
	mux.Handle(dashboardPath+"socket.io/", s.ownOnly(s.ops))
	mux.Handle(dashboardPath, s.ownOnly(http.StripPrefix("/dashboard", site{
		files: ops.Page(), policy: dashboardPolicy, missing: dashboardNotBuilt,
	})))
	return mux
}

// labelled has ticks carry the names of their match and phase meanwhile.
func (s *Server) labelled(profile http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.profiling {
			s.ticks.Label(true)
			defer s.ticks.Label(false)
		}
		profile(w, r)
	}
}

const (
	dashboardPath = "/dashboard/"

	// dashboardPolicy is stricter than the players' page needs to be: a page that
	// stops matches is shown in no frame, and sends nothing elsewhere.
	dashboardPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

	dashboardNotBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>dashboard</title>
<style>body{font:16px/1.5 system-ui;max-width:40em;margin:4em auto;padding:0 1em;background:#101418;color:#dde}code{background:#223;padding:.1em .3em}a{color:#8cf}</style>
<h1>The dashboard was not built</h1>
<p>With Node installed, run <code>make web</code> and build the server again; <code>make run</code> does both.</p>
<p>Until then there are <a href="/metrics">/metrics</a>, <a href="/debug/ticks">/debug/ticks</a> and <a href="/debug/pprof/">/debug/pprof/</a>.</p></html>
`
)

// ownOnly refuses what pages from elsewhere make a browser ask for. Without a
// token the listener is on this machine alone; then a name that is not this
// machine's is one that somebody has pointed here.
func (s *Server) ownOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.AdminToken == "" && !isLoopback(r.Host) {
			s.metrics.refuse("admin", "host")
			plain(w, http.StatusForbidden, "without a token this address answers to localhost only: set --admin-token to reach it by another name")
			return
		}
		// A link to the dashboard may be anywhere; the rest is for programs and for
		// whoever types the address.
		follows := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.URL.Path == dashboardPath
		if !follows && !ops.OwnPage(r) {
			s.metrics.refuse("admin", "cross_site")
			plain(w, http.StatusForbidden, "this is not for other pages")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// offerDashboard tells players' pages where the dashboard is, if it is on this
// machine only.
func (s *Server) offerDashboard(addr net.Addr) {
	if isLoopback(addr.String()) {
		at := "http://" + reachable(addr) + dashboardPath
		s.opsURL.Store(&at)
	}
}

// requireToken answers 401 unless the request carries the token.
func requireToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			_, got, _ = r.BasicAuth()
		}
		if subtle.ConstantTimeCompare([]byte(got), []byte(token)) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="gameserver"`)
			plain(w, http.StatusUnauthorized, "unauthorized")
			return
		}
		next.ServeHTTP(w, r)
	})
}

var errPublicAdmin = errors.New("metrics and profiles would be open to the network: bind them to loopback, or set --admin-token")

// checkAdmin refuses to bind the admin listener to the network without a token.
func checkAdmin(addr, token string) error {
	if addr == "" || token != "" || isLoopback(addr) {
		return nil
	}
	return errPublicAdmin
}

// isLoopback reports whether a host, with or without a port, is this machine.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
