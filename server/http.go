package server

import (
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
	mux.Handle("/", page(s.cfg.Page))
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

// page serves the files of the web client with security headers.
func page(files fs.FS) http.Handler {
	var static http.Handler
	if files != nil {
		static = http.FileServerFS(files)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
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
			serveIndex(w, r, files)
			return
		}
		if static == nil || !isFile(files, name) {
			http.NotFound(w, r)
			return
		}
		if strings.HasPrefix(name, "assets/") { // names carry a hash of the content
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		static.ServeHTTP(w, r)
	})
}

// serveIndex answers with the page, or says how to build it.
func serveIndex(w http.ResponseWriter, _ *http.Request, files fs.FS) {
	body := []byte(notBuilt)
	if files != nil {
		if b, err := fs.ReadFile(files, "index.html"); err == nil {
			body = b
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body)
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
