package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"gameserver/server/flight"
)

// sample is an account as a server answers it.
func sample() tickAccount {
	ms := func(n uint64) uint64 { return n * 1e6 }
	return tickAccount{
		Uptime: 90 * time.Second, Expected: 1000, OnTime: 999, Ticks: 1000, Blamed: 1, Workers: 2, Timer: "timerfd",
		Busy: []float64{0.25, 0}, Entries: 2,
		Lateness: [][2]uint64{{ms(1), 990}, {ms(9), 10}}, Duration: [][2]uint64{{ms(2), 1000}},
		Matches: []matchAccount{
			{
				ID: 1, Name: "arena/slow", Hz: 60, Level: "sparse", Length: 16 * time.Millisecond, Expected: 500, OnTime: 499,
				TookP99: 8 * time.Millisecond, Worst: 9 * time.Millisecond, Phases: map[string]uint64{"step": 300, "write": 100},
			},
			{ID: 2, Name: "arena/" + strings.Repeat("x", 60), Hz: 60, Level: "full", Stuck: true, Length: 16 * time.Millisecond},
		},
		Blames: []blameLine{{At: time.Unix(0, 0), Match: "arena/slow", Tick: 7, Line: "late 9.0 ms = gc 9.0"}},
		Traces: traceList{On: true, Running: true, Dir: "/tmp/t", Saves: []flight.Save{{Name: "20000101-late", Entry: "arena/slow", Blame: "late 9.0 ms = gc 9.0"}}},
	}
}

func TestTicksView(t *testing.T) {
	v := view{width: 120, rows: 10, url: "http://127.0.0.1:9090"}
	a := sample()
	text := string(v.frame(&a))
	require.NotContains(t, text, "\x1b", "no escapes without colours")
	for _, want := range []string{
		"up 1m30s  2 matches  2 workers by timerfd, busy 25% 0%",
		"on time  99.90%  1000 ticks, 0 skipped, 1 late or long since the start",
		"p50    1.00  p99    1.00  max    9.00", // of 1000, ten are late: p99 is the last that is not
		"arena/slow ", " 99.80%", "ssssssww        ", "sparse",
		"xxx…", "STUCK",
		"arena/slow tick 7  late 9.0 ms = gc 9.0",
		"1 saved traces in /tmp/t", "20000101-late",
	} {
		require.Contains(t, text, want)
	}

	// The next frame is about what happened since.
	b := sample()
	b.Uptime += 2 * time.Second
	b.Expected, b.OnTime = 1120, 1059
	b.Matches[0].Expected, b.Matches[0].OnTime = 620, 559
	b.Matches[0].Phases = map[string]uint64{"step": 300, "write": 200}
	b.Lateness = [][2]uint64{{1e6, 990}, {9e6, 130}}
	text = string(v.frame(&b))
	require.Contains(t, text, "on time  50.00%  120 ticks, 0 skipped, 0 late or long in the last 2s")
	require.Contains(t, text, "p50    9.00")
	require.Contains(t, text, "wwwwwwww        ")
	require.Equal(t, 2, strings.Count(text, " 50.00%"))

	// A server that was started again begins at zero.
	c := sample()
	c.Expected, c.OnTime = 10, 10
	require.Contains(t, string(v.frame(&c)), "on time 100.00%  10 ticks, 0 skipped, 1 late or long since the start")
}

func TestTicksViewFitsTheScreen(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 10}, {1, 1}} {
		v := view{width: size[0], height: size[1]}
		a := sample()
		a.Matches = nil
		for i := range 100 {
			a.Matches = append(a.Matches, matchAccount{ID: uint64(i), Name: "arena/m", Length: 1})
		}
		out := string(onScreen(v.frame(&a), size[1]))
		require.True(t, strings.HasPrefix(out, home))
		require.LessOrEqual(t, strings.Count(out, "\r\n"), size[1]-1)
		if size[1] >= 24 {
			require.Contains(t, out, "saved traces", "the foot is not pushed out")
		}
	}
	v := view{width: 10}
	require.Equal(t, "äbcdefghi…", v.cut("äbcdefghijk"))
	require.Equal(t, 12, utf8.RuneCountInString(pad("ä", 12)))
	require.Equal(t, "abc…", pad("abcde", 4))
}

func TestTicksViewWithoutAnything(t *testing.T) {
	v := view{width: 80, height: 24, color: true, trouble: "no answer"}
	text := string(v.frame(&tickAccount{}))
	require.Contains(t, text, "no match is running")
	require.Contains(t, text, "--trace-dir")
	require.Contains(t, text, "no answer")
}

// TestCommandsSayWhatIsWrong holds every way to miss a server to one sentence
// that says what to do.
func TestCommandsSayWhatIsWrong(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := "http://" + free.Addr().String()
	require.NoError(t, free.Close())
	serve := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	players := serve(func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	page := serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	other := serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) })
	locked := serve(requireToken("secret", http.NotFoundHandler()).ServeHTTP)
	busy := serve(func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusConflict, "another trace is being taken")
	})
	garbage := filepath.Join(t.TempDir(), "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("not a trace"), 0o600))

	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"nobody":          {[]string{"ticks", "--url", nobody}, 1, "nothing listens"},
		"nobody, trace":   {[]string{"trace", "--url", nobody}, 1, "nothing listens"},
		"players":         {[]string{"ticks", "--url", players}, 1, "not where players connect"},
		"a page":          {[]string{"ticks", "--once", "--url", page}, 1, "not like the admin address"},
		"another":         {[]string{"ticks", "--json", "--once", "--url", other}, 1, "not like the admin address"},
		"no token":        {[]string{"ticks", "--url", locked}, 1, "pass --token"},
		"wrong token":     {[]string{"ticks", "--url", locked, "--token", "x"}, 1, "another token"},
		"no such host":    {[]string{"ticks", "--url", "http://nowhere.invalid"}, 1, "nowhere.invalid"},
		"no url":          {[]string{"ticks", "--url", "ftp://x"}, 2, "--url"},
		"every":           {[]string{"ticks", "--every", "1ms"}, 2, "--every"},
		"rows":            {[]string{"ticks", "--rows", "4097"}, 2, "--rows"},
		"busy":            {[]string{"trace", "--url", busy}, 1, "another trace is being taken"},
		"two sources":     {[]string{"trace", "--for", "1s", "--saved", "last"}, 2, "choose one"},
		"too long":        {[]string{"trace", "--for", "61s"}, 2, "--for"},
		"negative":        {[]string{"trace", "--only-ticks-over", "-1s"}, 2, "--only-ticks-over"},
		"no such file":    {[]string{"trace", "--in", "/nowhere.trace"}, 2, "/nowhere.trace"},
		"not a trace":     {[]string{"trace", "--in", garbage, "--only-ticks-over", "1ms"}, 1, "not an execution trace"},
		"no such command": {[]string{"tick"}, 2, "tick"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := New(Config{}).main(append([]string{"gameserver"}, c.args...), &out, &errs)
			require.Equal(t, c.code, code, errs.String())
			require.Empty(t, out.String())
			require.Contains(t, errs.String(), c.says)
			require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
		})
	}
}

func TestTicksCommand(t *testing.T) {
	h := open(t, Config{AdminToken: "secret", TraceDir: t.TempDir()}, duo())
	require.NoError(t, h.start())
	admin := httptest.NewServer(h.adminMux())
	defer admin.Close()
	h.pair(h.arrive("ada", clientOptions()), h.arrive("bob", clientOptions()))

	run := func(args ...string) string {
		var out, errs bytes.Buffer
		args = append([]string{"gameserver", args[0], "--url", strings.TrimPrefix(admin.URL, "http://"), "--token", "secret"}, args[1:]...)
		require.Zero(t, New(Config{}).main(args, &out, &errs), errs.String())
		require.Empty(t, errs.String())
		return out.String()
	}
	require.Contains(t, run("ticks", "--once"), "pond/")
	var a tickAccount
	require.NoError(t, json.Unmarshal([]byte(run("ticks", "--once", "--json")), &a))
	require.Len(t, a.Matches, 1)
	require.Equal(t, "pond", strings.Split(a.Matches[0].Name, "/")[0])
	require.Equal(t, 1, a.Entries)
	require.NotZero(t, a.Runtime.Goroutines)
	require.True(t, a.Traces.On)

	// Without a terminal it prints one account after the other until it is told
	// to stop.
	ctx, cancel := context.WithCancel(t.Context())
	printed := &countingWriter{after: 3, then: cancel}
	f := ticksFlags{adminFlags: adminFlags{URL: admin.URL, Token: "secret"}, Every: watchLeast}
	require.NoError(t, watchTicks(ctx, &f, printed))
	require.GreaterOrEqual(t, printed.n, 3)

	file := filepath.Join(t.TempDir(), "x.trace")
	require.Contains(t, run("trace", "--for", "100ms", "--out", file), "go tool trace "+file)
	require.Contains(t, run("trace", "--in", file, "--only-ticks-over", "1h"), "ticks took longer than 1h0m0s")
	raw := run("trace", "--out", "-")
	require.True(t, isTrace(raw))
	require.Contains(t, run("trace", "--for", "200ms", "--only-ticks-over", "1ns", "--out", filepath.Join(t.TempDir(), "p")), "pond/")
}

type countingWriter struct {
	n, after int
	then     func()
}

func (w *countingWriter) Write(b []byte) (int, error) {
	if w.n++; w.n == w.after {
		w.then()
	}
	return len(b), nil
}

func TestTickRows(t *testing.T) {
	h := open(t, Config{}, duo())
	require.NoError(t, h.start())
	h.pair(h.arrive("ada", clientOptions()), h.arrive("bob", clientOptions()))
	mux := h.adminMux()
	for query, want := range map[string]int{"": 1, "?matches=0": 0, "?matches=1": 1, "?matches=4096": 1} {
		code, body := local(mux, http.MethodGet, "/debug/ticks"+query)
		require.Equal(t, http.StatusOK, code)
		var a tickAccount
		require.NoError(t, json.Unmarshal([]byte(body), &a))
		require.Len(t, a.Matches, want, query)
	}
	for _, query := range []string{"?matches=-1", "?matches=4097", "?matches=x"} {
		code, _ := local(mux, http.MethodGet, "/debug/ticks"+query)
		require.Equal(t, http.StatusBadRequest, code, query)
	}
}
