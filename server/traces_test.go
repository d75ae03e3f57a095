package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/server/flight"
	"gameserver/tick"
)

// local is get as an operator on this machine asks.
func local(h http.Handler, method, target string, header ...string) (code int, body string) {
	w := get(h, method, "http://127.0.0.1:9090"+target, header...)
	return w.Code, w.Body.String()
}

// isTrace reports whether b begins like an execution trace.
func isTrace(b string) bool {
	return strings.HasPrefix(b, "go 1.") && strings.Contains(b[:16], "trace")
}

func TestLateTicksAreSavedAndServed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "traces")
	h := open(t, Config{TraceDir: dir, AdminToken: "letmein"}, duo())
	require.NoError(t, h.start())
	mux := h.adminMux()
	bearer := []string{"Authorization", "Bearer letmein"}

	blame := h.watched(tick.Config{}).OnBlame
	b := tick.Blame{Entry: "pond/abc", N: 7, Length: 16 * time.Millisecond, Late: 40 * time.Millisecond}
	b.LateParts[tick.CauseGC] = b.Late
	blame(b)
	require.Eventually(t, func() bool { return len(h.flight.List()) == 1 }, patience, time.Millisecond)

	code, body := local(mux, http.MethodGet, "/debug/traces", bearer...)
	require.Equal(t, http.StatusOK, code)
	var list traceList
	require.NoError(t, json.Unmarshal([]byte(body), &list))
	require.True(t, list.On)
	require.True(t, list.Running, list.Problem)
	require.Equal(t, dir, list.Dir)
	require.Len(t, list.Saves, 1)
	require.Equal(t, "late 40.0 ms = gc 40.0", list.Saves[0].Blame)

	code, body = local(mux, http.MethodGet, "/debug/traces/"+list.Saves[0].Name+flight.TraceExt, bearer...)
	require.Equal(t, http.StatusOK, code)
	require.True(t, isTrace(body))
	require.EqualValues(t, list.Saves[0].TraceBytes, len(body))
	code, body = local(mux, http.MethodGet, "/debug/traces/"+list.Saves[0].Name+flight.HeadExt, bearer...)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `"pond/abc"`)

	code, body = local(mux, http.MethodGet, "/debug/traces/"+list.Saves[0].Name+flight.TraceExt+"?over=1ms&as=text", bearer...)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, "ticks took longer than 1ms")
	h.tracing.Lock()
	code, _ = local(mux, http.MethodGet, "/debug/traces/"+list.Saves[0].Name+flight.TraceExt+"?over=1ms", bearer...)
	h.tracing.Unlock()
	require.Equal(t, http.StatusConflict, code, "reading one is work as well")
	_, metrics := local(mux, http.MethodGet, "/metrics", bearer...)
	require.Contains(t, metrics, `gs_traces_total{result="saved"} 1`)

	code, body = local(mux, http.MethodPost, "/debug/trace", bearer...)
	require.Equal(t, http.StatusOK, code, body)
	require.True(t, isTrace(body))

	for _, at := range []string{"/debug/traces", "/debug/traces/" + list.Saves[0].Name + flight.TraceExt} {
		code, body = local(mux, http.MethodGet, at)
		require.Equal(t, http.StatusUnauthorized, code)
		require.Equal(t, "unauthorized\n", body)
	}
	code, _ = local(mux, http.MethodPost, "/debug/trace", "Authorization", "Bearer letmeout")
	require.Equal(t, http.StatusUnauthorized, code)
}

func TestTraceNamesLeadNowhereElse(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret.trace"), []byte("secret"), 0o600))
	h := open(t, Config{TraceDir: filepath.Join(dir, "traces")}, duo())
	require.NoError(t, h.start())
	mux := h.adminMux()
	for _, name := range []string{
		"secret.trace", "..%2Fsecret.trace", "%2e%2e%2fsecret.trace", "..%5Csecret.trace", "%2Fetc%2Fpasswd", "%00",
		"20000101T000000.000000000Z-late-m%2F..%2F..%2Fsecret.trace", ".", "x.json", strings.Repeat("a", 4000) + ".trace",
	} {
		code, body := local(mux, http.MethodGet, "/debug/traces/"+name)
		require.NotContains(t, body, "secret\n")
		require.NotContains(t, body, "root:")
		require.NotEqual(t, http.StatusOK, code, name)
	}
	code, body := local(mux, http.MethodGet, "/debug/traces/20000101T000000.000000000Z-late-m.trace")
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, body, "/debug/traces")
}

func TestTraceQuery(t *testing.T) {
	h := open(t, Config{}, duo())
	require.NoError(t, h.start())
	mux := h.adminMux()
	for query, says := range map[string]string{
		"?seconds=0": "seconds", "?seconds=-1": "seconds", "?seconds=NaN": "seconds", "?seconds=61": "seconds",
		"?seconds=1e99": "seconds", "?seconds=x": "seconds", "?cpu=2&seconds=1": "cpu", "?cpu=1": "seconds",
		"?over=8": "over", "?over=-8ms": "over", "?over=0s": "over", "?as=text": "over", "?over=8ms&as=html": "as",
	} {
		code, body := local(mux, http.MethodPost, "/debug/trace"+query)
		require.Equal(t, http.StatusBadRequest, code, query)
		require.Contains(t, body, says, query)
	}
	code, _ := local(mux, http.MethodGet, "/debug/trace?seconds=1")
	require.Equal(t, http.StatusMethodNotAllowed, code, "a link or an image takes no trace")

	code, body := local(mux, http.MethodPost, "/debug/trace")
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, body, "--trace-dir")
	code, body = local(mux, http.MethodPost, "/debug/trace?seconds=0.05&cpu=1")
	require.Equal(t, http.StatusOK, code, body)
	require.True(t, isTrace(body))
	code, body = local(mux, http.MethodPost, "/debug/trace?seconds=0.05&over=1h&as=text")
	require.Equal(t, http.StatusOK, code, body)
	require.Contains(t, body, "ticks took longer than 1h0m0s")
	code, body = local(mux, http.MethodPost, "/debug/trace?seconds=0.05&over=1h")
	require.Equal(t, http.StatusOK, code)
	require.True(t, strings.HasPrefix(body, "\x1f\x8b"), "a profile is gzipped")
	code, body = local(mux, http.MethodGet, "/debug/traces")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, body, `"on":false`)
	code, _ = local(mux, http.MethodGet, "/debug/traces/x.trace")
	require.Equal(t, http.StatusNotFound, code)
}

func TestOneTraceAtATime(t *testing.T) {
	h := open(t, Config{}, duo())
	require.NoError(t, h.start())
	mux := h.adminMux()
	h.tracing.Lock()
	w := get(mux, http.MethodPost, "http://127.0.0.1/debug/trace?seconds=0.01")
	h.tracing.Unlock()
	require.Equal(t, http.StatusConflict, w.Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))

	// Somebody else's trace of this process is as much in the way.
	var b bytes.Buffer
	require.NoError(t, trace.Start(&b))
	code, body := local(mux, http.MethodPost, "/debug/trace?seconds=0.01")
	trace.Stop()
	require.Equal(t, http.StatusConflict, code)
	require.Contains(t, body, "/debug/pprof/trace")
}

func TestTracesPerMinute(t *testing.T) {
	var p pacer
	now := time.Now()
	for range MaxTraces {
		require.True(t, p.allow(now))
	}
	require.False(t, p.allow(now.Add(time.Minute-1)))
	require.True(t, p.allow(now.Add(time.Minute)))

	h := open(t, Config{}, duo())
	require.NoError(t, h.start())
	h.traceRate = pacer{minute: time.Now(), n: MaxTraces}
	code, body := local(h.adminMux(), http.MethodPost, "/debug/trace?seconds=0.01")
	require.Equal(t, http.StatusTooManyRequests, code)
	require.Contains(t, body, "a minute")
}

// A folder that nobody asked for does not keep a server from starting; one that
// somebody did does.
func TestTraceFolderThatCannotBe(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	file := filepath.Join(temp, "gameserver-traces")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	s := New(Config{TraceDir: folder("", "traces")})
	require.NoError(t, s.startFlight())
	require.Nil(t, s.flight)
	other := filepath.Join(temp, "other")
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	s = New(Config{TraceDir: other})
	require.ErrorContains(t, s.startFlight(), "--trace-dir")
}

func TestStuckTickIsSaved(t *testing.T) {
	h := open(t, Config{TraceDir: t.TempDir()}, duo())
	require.NoError(t, h.start())
	asked := ""
	conf := h.watched(tick.Config{OnStuck: func(entry string, _ []byte) { asked = entry }})
	conf.OnStuck("pond/abc", []byte("goroutine 1 [running]:"))
	require.Equal(t, "pond/abc", asked, "the server's own hook is called too")
	require.Eventually(t, func() bool { return len(h.flight.List()) == 1 }, patience, time.Millisecond)
	require.Equal(t, flight.Stuck, h.flight.List()[0].Why)
}

func TestBusyShare(t *testing.T) {
	busy := busyShare()
	if busy == nil {
		t.Skip("not known on this system")
	}
	sum := 0
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); {
		sum++
	}
	share := busy()
	require.Positive(t, sum)
	require.Positive(t, share)
	require.LessOrEqual(t, share, 1.1, "a share of all processors")
}
