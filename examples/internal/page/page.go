// Package page serves what the examples have in common: the page of an example
// with a strict content policy, a stylesheet, the official Socket.IO client, and
// the process around them. The examples are about Socket.IO; this is the rest.
//
// The client comes from npm and is not in the repository: `make examples` puts
// it into dist, from where it is embedded. Without it the server runs all the
// same, and its page says what to do.
package page

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"gameserver/engine"
	"gameserver/sio"
)

const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 60 * time.Second // longer than a proxy keeps an idle connection
	maxHeaderBytes    = 16 << 10
	shutdownTimeout   = 5 * time.Second
)

//go:embed all:dist
var dist embed.FS

//go:embed style.css connect.mjs
var assets embed.FS

// bundle is one of the files in dist; the other one has the msgpack parser.
const bundle = "socket.io.min.js"

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Example</title>
<h1>The server is running, its page is not built</h1>
<p>Clients can connect to <code>/socket.io/</code>. For the page, run <code>make examples</code>
(it needs Node) and start the example again.</p></html>
`

// Client is the official client, for sio.Config.ClientFiles.
func Client() fs.FS {
	client, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the embedded path is a constant
	}
	return client
}

// Mux serves io at /socket.io/ and files, whose index.html is the page.
func Mux(io *sio.Server, files fs.FS) *http.ServeMux { return mux(io, files, Client()) }

func mux(io http.Handler, files, client fs.FS) *http.ServeMux {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		panic(fmt.Errorf("page: an example embeds its index.html: %w", err))
	}
	if _, err := fs.Stat(client, bundle); err != nil {
		index = []byte(notBuilt)
	}
	secure := headers(policy(string(index)))
	m := http.NewServeMux()
	m.Handle("/socket.io/", io)
	for _, name := range []string{"style.css", "connect.mjs"} {
		m.Handle("GET /"+name, secure(http.FileServerFS(assets)))
	}
	m.Handle("/", secure(http.FileServerFS(files)))
	m.Handle("GET /{$}", secure(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(index)
	})))
	m.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ready\n")) })
	return m
}

var inline = regexp.MustCompile(`(?s)<(script|style)[^>]*>(.+?)</(?:script|style)>`)

// policy is the content policy of a page: nothing but what this server serves,
// and of what is written in the page itself only what is there now, by hash.
func policy(index string) string {
	allowed := map[string][]string{"script": {"'self'"}, "style": {"'self'"}}
	for _, m := range inline.FindAllStringSubmatch(index, -1) {
		sum := sha256.Sum256([]byte(m[2]))
		allowed[m[1]] = append(allowed[m[1]], "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return "default-src 'none'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
		"script-src " + strings.Join(allowed["script"], " ") + "; style-src " + strings.Join(allowed["style"], " ")
}

func headers(policy string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cache-Control", "no-cache")
			next.ServeHTTP(w, r)
		})
	}
}

// Log is where the examples log to.
func Log() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }

// Serve runs the example until Ctrl-C, then closes every connection in order.
func Serve(listen string, io *sio.Server, h http.Handler) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A listener of package engine keeps slow clients from blocking anybody.
	ln, err := engine.Listen("tcp", listen)
	if err != nil {
		return err
	}
	web := &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(ln) }()
	_, _ = fmt.Fprintf(os.Stdout, "ready: open http://%s in a browser\n", ln.Addr())
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return errors.Join(err, io.Shutdown(ctx), web.Shutdown(ctx))
}
