package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestPageAllowsItsOwnScriptByHashAndNoOther(t *testing.T) {
	files := fstest.MapFS{
		"index.html": {Data: []byte(`<style>p{}</style><script type="module">alert(1)</script><script src="/x.js"></script>`)},
		"ot.mjs":     {Data: []byte("export {}")},
	}
	client := fstest.MapFS{bundle: {Data: []byte("client")}}
	m := mux(http.NotFoundHandler(), files, client)
	w := get(m, "/")
	require.Equal(t, string(files["index.html"].Data), w.Body.String())
	csp := w.Header().Get("Content-Security-Policy")
	// echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
	require.Contains(t, csp, "script-src 'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';")
	require.Equal(t, 2, strings.Count(csp, "sha256-"))
	require.NotContains(t, csp, "unsafe")
	require.Equal(t, "text/javascript; charset=utf-8", get(m, "/ot.mjs").Header().Get("Content-Type"))
	require.Equal(t, http.StatusOK, get(m, "/style.css").Code)
	require.Equal(t, http.StatusNotFound, get(m, "/page.go").Code)
}

func TestPageSaysWhenTheClientIsMissing(t *testing.T) {
	files := fstest.MapFS{"index.html": {Data: []byte("page")}}
	w := get(mux(http.NotFoundHandler(), files, fstest.MapFS{}), "/")
	require.Contains(t, w.Body.String(), "make examples")
}
