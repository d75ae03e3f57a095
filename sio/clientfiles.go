package sio

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// clientFiles serves the bundles of the client.
type clientFiles struct {
	fsys fs.FS

	mu    sync.Mutex // guards the following
	files map[string]clientFile
}

type clientFile struct {
	data []byte
	etag string
}

// isClientFile is the exact list of names; nothing else is ever opened.
func isClientFile(name string) bool {
	switch strings.TrimSuffix(name, ".map") {
	case "socket.io.js", "socket.io.min.js", "socket.io.msgpack.min.js", "socket.io.esm.min.js":
		return true
	}
	return false
}

func newClientFiles(fsys fs.FS) *clientFiles {
	if fsys == nil {
		return nil
	}
	return &clientFiles{fsys: fsys, files: make(map[string]clientFile)}
}

// serve answers requests for scripts and source maps, and reports whether this
// was one.
func (c *clientFiles) serve(w http.ResponseWriter, r *http.Request) bool {
	name := path.Base(r.URL.Path)
	if !strings.HasSuffix(name, ".js") && !strings.HasSuffix(name, ".map") {
		return false
	}
	f, ok := c.file(name)
	if !ok {
		http.NotFound(w, r)
		return true
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return true
	}
	kind := "application/javascript; charset=utf-8"
	if strings.HasSuffix(name, ".map") {
		kind = "application/json; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "public, max-age=0")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("ETag", f.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
	return true
}

// file reads a bundle once.
func (c *clientFiles) file(name string) (clientFile, bool) {
	if !isClientFile(name) {
		return clientFile{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.files[name]; ok {
		return f, true
	}
	data, err := fs.ReadFile(c.fsys, name)
	if err != nil {
		return clientFile{}, false
	}
	sum := sha256.Sum256(data)
	f := clientFile{data: data, etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
	c.files[name] = f
	return f, true
}
