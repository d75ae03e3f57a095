package sio

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// The bundles are served by an exact list of names, with an ETag; any other
// script does not exist, whatever the file system holds.
func TestClientFiles(t *testing.T) {
	s := New(Config{ClientFiles: fstest.MapFS{
		"socket.io.min.js":     {Data: []byte("code")},
		"socket.io.min.js.map": {Data: []byte("{}")},
		"secret.js":            {Data: []byte("secret")},
		"package.json":         {Data: []byte("secret")},
		"a/socket.io.min.js":   {Data: []byte("secret")},
	}})
	ask := func(method, path, etag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	w := ask(http.MethodGet, "/socket.io/socket.io.min.js", "")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "code", w.Body.String())
	require.Contains(t, w.Header().Get("Content-Type"), "javascript")
	etag := w.Header().Get("ETag")
	require.NotEmpty(t, etag)
	require.Equal(t, http.StatusNotModified, ask(http.MethodGet, "/socket.io/socket.io.min.js", etag).Code)
	require.Equal(t, http.StatusOK, ask(http.MethodGet, "/socket.io/socket.io.min.js", `"old"`).Code)
	require.Equal(t, "4", ask(http.MethodHead, "/socket.io/socket.io.min.js", "").Header().Get("Content-Length"))
	require.Contains(t, ask(http.MethodGet, "/socket.io/socket.io.min.js.map", "").Header().Get("Content-Type"), "json")
	require.Equal(t, http.StatusMethodNotAllowed, ask(http.MethodPost, "/socket.io/socket.io.min.js", "").Code)
	for _, path := range []string{"secret.js", "socket.io.js", "socket.io.js.map", "socket.io.min.js.map.map", "package.json.map", "x/../secret.js", "socket.ioXmin.js"} {
		w := ask(http.MethodGet, "/socket.io/"+path, "")
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.NotContains(t, w.Body.String(), "secret")
	}
	require.Equal(t, http.StatusBadRequest, ask(http.MethodGet, "/socket.io/", "").Code, "the engine's")
	s = New(Config{})
	require.Equal(t, http.StatusBadRequest, ask(http.MethodGet, "/socket.io/socket.io.min.js", "").Code, "nothing is served unasked")
}
