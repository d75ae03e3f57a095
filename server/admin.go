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
)

// adminMux is what operators reach: health, metrics and profiles. With a token
// all but health needs it, as a bearer token or as the password of basic auth.
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
	mux.Handle("/", requireToken(s.cfg.AdminToken, guarded))
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
