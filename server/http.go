package server

import (
	"bytes"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
)

// contentPolicy lets the page load from here alone. WebSockets are named by
// scheme, because older browsers do not count them as 'self'.
const contentPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; " +
	"object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// notBuilt is served when the binary was built without its page.
const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>gameserver</title>
<style>body{font:16px/1.5 system-ui;max-width:40em;margin:4em auto;padding:0 1em}code{background:#eee;padding:.1em .3em}</style>
<h1>The server is running</h1>
<p>Players can connect to <code>/socket.io/</code>, but this binary was built without its page.</p>
<p>With Node installed, run <code>make web</code> and build it again; <code>make run</code> does both.</p></html>
`

// publicMux is what players reach.
func (s *Server) publicMux() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s.io)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("/", site{files: s.cfg.Page, policy: contentPolicy, missing: notBuilt, edit: s.linkDashboard})
	return mux
}

// newHTTP returns a server with the timeouts of this package.
func newHTTP(h http.Handler, log *slog.Logger) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: ReadHeaderTimeout,
		IdleTimeout:       IdleTimeout,
		MaxHeaderBytes:    MaxHeaderBytes,
		Protocols:         &protocols,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// site serves the files of a web page with security headers.
type site struct {
	files   fs.FS                              // index.html and what it needs; nil: none
	policy  string                             // for its content
	missing string                             // instead of an index.html that was not built
	edit    func([]byte, *http.Request) []byte // what is done to index.html; nil: nothing
}

// ServeHTTP implements http.Handler.
func (s site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", s.policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" || name == "index.html" {
		s.serveIndex(w, r)
		return
	}
	if s.files == nil || !isFile(s.files, name) {
		http.NotFound(w, r)
		return
	}
	if strings.HasPrefix(name, "assets/") { // names carry a hash of the content
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.FileServerFS(s.files).ServeHTTP(w, r)
}

// serveIndex answers with the page, or says how to build it.
func (s site) serveIndex(w http.ResponseWriter, r *http.Request) {
	body := []byte(s.missing)
	if s.files != nil {
		if b, err := fs.ReadFile(s.files, "index.html"); err == nil {
			body = b
		}
	}
	if s.edit != nil {
		body = s.edit(body, r)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body)
}

// dashboardMark is a place in a page for the link to the dashboard.
const dashboardMark = "<!--dashboard-->"

// linkDashboard puts a link to the dashboard into the page, for those who can
// reach it: both are asked for on this machine alone.
func (s *Server) linkDashboard(page []byte, r *http.Request) []byte {
	at := s.opsURL.Load()
	if at == nil || !isLoopback(r.Host) {
		return page
	}
	link := `<a id="dashboard" data-testid="dashboard" href="` + *at + `" title="What the server is doing, for operators">Dashboard</a>`
	return bytes.Replace(page, []byte(dashboardMark), []byte(link), 1)
}

// isFile reports whether name is a file that may be served: no folders, and
// nothing hidden.
func isFile(files fs.FS, name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	info, err := fs.Stat(files, name)
	return err == nil && info.Mode().IsRegular()
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "ok")
}

// readyz says whether new players are welcome.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		w.Header().Set("Retry-After", "5")
		plain(w, http.StatusServiceUnavailable, "draining")
		return
	}
	if s.hopeless() {
		plain(w, http.StatusServiceUnavailable, "stuck")
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text + "\n"))
}
