package engine_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// wrapping is the http.ResponseWriter of a middleware that looks on.
type wrapping struct {
	http.ResponseWriter
	status int
}

func (w *wrapping) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *wrapping) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Middleware is plain net/http, around WebSockets too: it may refuse, set
// headers, and wrap what it passes on.
func TestMiddleware(t *testing.T) {
	f := &fixture{http: &http.Client{Transport: &http.Transport{}}}
	f.Server = engine.New(f.configure(engine.Config{}))
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("key") != "sesame" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		w.Header().Set("X-Middleware", "1")
		f.ServeHTTP(&wrapping{ResponseWriter: w}, r)
	}))
	srv := httptest.NewServer(mux)
	defer func() {
		require.NoError(t, f.Shutdown(t.Context()))
		srv.Close()
		f.http.CloseIdleConnections()
	}()
	f.addr = strings.TrimPrefix(srv.URL, "http://")
	require.Equal(t, 401, f.do(t, "GET", pollQuery, "").status)
	_, err := enginetest.DialWS(f.addr, wsURI)
	require.ErrorContains(t, err, "401")
	a := f.do(t, "GET", pollQuery+"&key=sesame", "")
	require.Equal(t, 200, a.status)
	require.Equal(t, "1", a.header.Get("X-Middleware"))
	s := <-f.open
	require.Equal(t, "ok", f.do(t, "POST", pollQuery+"&key=sesame&sid="+s.conn.ID(), "4x").body)
	require.Equal(t, "4x", f.do(t, "GET", pollQuery+"&key=sesame&sid="+s.conn.ID(), "").body)
	w, err := enginetest.DialWS(f.addr, wsURI+"&key=sesame")
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.SetDeadline(time.Now().Add(testPatience)))
	_, err = w.ReadOpen()
	require.NoError(t, err)
	say(t, w, "4x", "4x")
}
