package ops

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
	"gameserver/sio"
	"gameserver/sio/client"
	"gameserver/tick"
)

// patience bounds every wait and is no measure of success.
const patience = 30 * time.Second

// desk is a dashboard on a listener.
type desk struct {
	*Dashboard
	t     *testing.T
	url   string
	house *hotel
	log   lockedLog

	mu      sync.Mutex // guards the following
	refused []string
	acted   []string
}

type lockedLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (d *desk) config(ticks *tick.Scheduler) Config {
	return Config{
		Ticks: ticks, House: d.house, Version: "v1", Logger: slog.New(slog.NewTextHandler(&d.log, nil)),
		Refused: func(layer, reason string) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.refused = append(d.refused, layer+" "+reason)
		},
		Acted: func(action, result string) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.acted = append(d.acted, action+" "+result)
		},
	}
}

// noted returns what was refused, acted or done so far.
func (d *desk) noted(list *[]string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.house.mu.Lock()
	defer d.house.mu.Unlock()
	return slices.Clone(*list)
}

// open runs a dashboard until the test ends.
func open(t *testing.T, token string) *desk {
	t.Helper()
	d := &desk{t: t, house: &hotel{}}
	ticks := tick.New(tick.Config{Workers: 1})
	_, err := ticks.Add(taskFunc(func(*tick.Tick) bool { return true }), tick.Options{Name: "pond/m1", Hz: 60})
	require.NoError(t, err)
	cfg := d.config(ticks)
	cfg.Token = token
	d.Dashboard = New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/dashboard/socket.io/", d)
	srv := httptest.NewServer(mux)
	d.url = srv.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, d.Shutdown(ctx))
		require.NoError(t, d.Shutdown(ctx), "twice is harmless")
		srv.Close()
		require.NoError(t, ticks.Close(ctx))
	})
	return d
}

// join connects a page.
func (d *desk) join(auth any) (*client.Socket, error) {
	c := client.New(d.url+"/dashboard/socket.io/", client.Options{
		Msgpack: true, Auth: func(string) any { return auth },
	})
	d.t.Cleanup(func() { _ = c.Close() })
	s := c.Socket(Namespace)
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	return s, s.Connect(ctx)
}

func TestPageGetsHelloAndFrames(t *testing.T) {
	d := open(t, "")
	c := client.New(d.url+"/dashboard/socket.io/", client.Options{Msgpack: true})
	t.Cleanup(func() { _ = c.Close() })
	s := c.Socket(Namespace)
	hello, frames := make(chan Hello, 1), make(chan Frame, 64)
	s.OnAny(func(event string, a sio.Args) {
		var h Hello
		var f Frame
		switch {
		case event == eventHello && a.Decode(0, &h) == nil:
			hello <- h
		case event == eventFrame && a.Decode(0, &f) == nil:
			frames <- f
		}
	})
	require.NoError(t, s.Connect(t.Context()))
	h := <-hello
	require.Equal(t, "v1", h.Version)
	require.Equal(t, int64(250), h.Every)
	require.Equal(t, []string{"input", "step", "events", "interest", "encode", "splice", "write", "record"}, h.Phases)
	require.Equal(t, []string{"full", "far", "sparse", "quality", "refuse", "dilate", "crawl"}, h.Levels)
	require.Equal(t, []string{"kick", "stop"}, h.Can, "there is no flight recorder")
	require.Equal(t, int64(1), d.Stats().Watchers)
	require.Zero(t, d.Stats().Readings)

	require.NoError(t, s.Call(t.Context(), callWatch, WatchRequest{On: true}, nil))
	first := <-frames
	require.Zero(t, first.B)
	require.Equal(t, "m1", first.Slots[0].ID)
	seen, next := []uint32{first.N}, <-frames
	for next.B == 0 { // the first had to wait
		seen, next = append(seen, next.N), <-frames
	}
	require.Equal(t, seen[len(seen)-1], next.B)
	require.NotEmpty(t, next.Hist, "ticks have run meanwhile")
	s.Disconnect()
	require.Eventually(t, func() bool { return d.Stats().Watchers == 0 }, patience, time.Millisecond)
}

func TestActions(t *testing.T) {
	d := open(t, "")
	s, err := d.join(nil)
	require.NoError(t, err)
	call := func(event string, arg any) *sio.Error {
		err := s.Call(t.Context(), event, arg, nil)
		if err == nil {
			return nil
		}
		var refused *sio.Error
		require.ErrorAs(t, err, &refused)
		return refused
	}
	require.Nil(t, call(callKick, KickRequest{Match: "m1", Seat: 3, By: "ann"}))
	require.Nil(t, call(callStop, StopRequest{Match: "m1", By: "bob"}))
	require.Equal(t, "not_found", call(callKick, KickRequest{Match: "gone"}).Code)
	require.Equal(t, "not_found", call(callKick, nil).Code)
	require.Equal(t, []string{"kick m1 3", "stop m1"}, d.noted(&d.house.did))
	for _, bad := range []any{
		KickRequest{Match: "", Seat: 1},
		KickRequest{Match: strings.Repeat("m", 65)},
		KickRequest{Match: "m1", Seat: -1},
		map[string]any{"match": "m1"},
		map[string]any{"match": "m1", "seat": 1.5},
		KickRequest{Match: "m1", By: strings.Repeat("n", 65)},
		"m1",
	} {
		e := call(callKick, bad)
		require.NotNil(t, e, "%v", bad)
		require.Equal(t, "bad_payload", e.Code, "%v", bad)
	}
	d.house.fail(errTest)
	secret := call(callStop, StopRequest{Match: "m1"})
	require.Equal(t, "internal", secret.Code)
	require.NotContains(t, secret.Msg, "burns")
	require.Len(t, d.noted(&d.house.did), 3)

	require.Equal(t, []string{"kick ok", "stop ok", "kick not_found", "kick not_found", "stop internal"}, d.noted(&d.acted))
	log := d.log.String()
	for _, want := range []string{
		"action=kick by=ann from=127.0.0.1 result=ok match=m1 seat=3", "action=stop by=bob from=127.0.0.1 result=ok match=m1",
		`action=stop by="" from=127.0.0.1 result=internal match=m1 err="the house burns"`,
	} {
		require.Contains(t, log, want)
	}
}

func TestActionsAreRare(t *testing.T) {
	d := open(t, "")
	s, err := d.join(nil)
	require.NoError(t, err)
	var refused *sio.Error
	for n := 0; refused == nil; n++ {
		require.LessOrEqual(t, n, 100)
		if err := s.Call(t.Context(), callStop, StopRequest{Match: "m1"}, nil); err != nil {
			require.ErrorAs(t, err, &refused)
			require.GreaterOrEqual(t, n, ActionBurst)
		}
	}
	require.Equal(t, "rate_limited", refused.Code)
	require.Positive(t, refused.RetryMs)
}

func TestWatchersAreBounded(t *testing.T) {
	d := open(t, "")
	var last *client.Socket
	for range MaxWatchers {
		s, err := d.join(nil)
		require.NoError(t, err)
		last = s
	}
	_, err := d.join(nil)
	var refused *sio.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "overloaded", refused.Code)
	require.Contains(t, d.noted(&d.refused), "ops overloaded")
	last.Disconnect()
	require.Eventually(t, func() bool { return d.Stats().Watchers == MaxWatchers-1 }, patience, time.Millisecond)
	_, err = d.join(nil)
	require.NoError(t, err)
}

func TestTokenIsAskedFor(t *testing.T) {
	d := open(t, "open sesame")
	for _, auth := range []any{nil, Auth{}, Auth{"Open sesame"}, map[string]any{"token": []string{"open sesame"}}, Auth{"open sesame "}} {
		_, err := d.join(auth)
		var refused *sio.Error
		require.ErrorAs(t, err, &refused, "%v", auth)
		require.Contains(t, []string{"auth_failed", "bad_payload"}, refused.Code)
	}
	_, err := d.join(Auth{"open sesame"})
	require.NoError(t, err)
	require.Equal(t, int64(1), d.Stats().Watchers)
}

func TestWrongTokensMakeTheirAddressWait(t *testing.T) {
	a, now := newAccess("right"), time.Unix(1000, 0)
	code := func(address, token string) string {
		if err := a.check(address, token, now); err != nil {
			return err.Code
		}
		return "ok"
	}
	for range MaxFailures {
		require.Equal(t, "auth_failed", code("mallory", "wrong"))
		require.Equal(t, "auth_failed", code("eve", ""), "asking whether there is a token is no attempt")
	}
	require.Equal(t, "rate_limited", code("mallory", "wrong"))
	require.Equal(t, "rate_limited", code("mallory", "right"), "or the answer would tell")
	require.Equal(t, "ok", code("ann", "right"), "others are not locked out")
	require.Equal(t, "ok", code("eve", "right"))
	now = now.Add(FailureEvery)
	require.Equal(t, "auth_failed", code("mallory", "wrong"))
	require.Equal(t, "rate_limited", code("mallory", "right"))
	now = now.Add(FailureEvery)
	require.Equal(t, "ok", code("mallory", "right"))
	require.Empty(t, a.wrongs)

	for i := range MaxAddresses {
		now = now.Add(time.Microsecond)
		code(fmt.Sprint(i), "wrong")
	}
	require.Len(t, a.wrongs, MaxAddresses)
	code("one too many", "wrong")
	require.Len(t, a.wrongs, MaxAddresses)
	require.NotContains(t, a.wrongs, "0", "the oldest is forgotten")
	require.Contains(t, a.wrongs, "1")
}

func TestOnlyItsOwnPage(t *testing.T) {
	for _, c := range []struct {
		origin, site string
		ok           bool
	}{
		{"", "", true}, // a program
		{"", "same-origin", true},
		{"", "none", true},
		{"", "cross-site", false},
		{"", "same-site", false}, // another port of this host
		{"http://localhost:9090", "", true},
		{"http://LOCALHOST:9090", "same-origin", true},
		{"https://localhost:9090", "", true}, // a proxy has ended TLS
		{"http://localhost:3000", "", false},
		{"http://127.0.0.1:9090", "", false},
		{"http://localhost", "", false},
		{"http://evil.net", "", false},
		{"http://localhost:9090.evil.net", "", false},
		{"http://evil.net/localhost:9090", "", false},
		{"chrome-extension://localhost:9090", "", false},
		{"null", "", false},
		{"http://localhost:9090\nhttp://evil.net", "", false}, // two
	} {
		r := httptest.NewRequest(http.MethodGet, "http://localhost:9090/dashboard/socket.io/", nil)
		for o := range strings.SplitSeq(c.origin, "\n") {
			if o != "" {
				r.Header.Add("Origin", o)
			}
		}
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		require.Equal(t, c.ok, OwnPage(r), "%q %q", c.origin, c.site)
	}
}

func TestForeignPageGetsNoConnection(t *testing.T) {
	d := open(t, "")
	address := strings.TrimPrefix(d.url, "http://")
	const uri = "/dashboard/socket.io/?EIO=4&transport=websocket"
	_, err := enginetest.DialWS(address, uri, "Origin: http://evil.net")
	require.Error(t, err)
	ws, err := enginetest.DialWS(address, uri, "Origin: http://127.0.0.1")
	require.NoError(t, err)
	_, err = ws.ReadOpen()
	require.NoError(t, err)
	require.NoError(t, ws.Close())
	for _, origin := range []string{"http://evil.net", "http://127.0.0.1:3000", "null"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodOptions} {
			r, err := http.NewRequestWithContext(t.Context(), method, d.url+"/dashboard/socket.io/?EIO=4&transport=polling", nil)
			require.NoError(t, err)
			r.Header.Set("Origin", origin)
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusForbidden, resp.StatusCode, "%s %s", method, origin)
			require.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"))
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// A page that reads a tenth of what there is, in virtual time: what waits for it
// stays the same however long that lasts.
func TestSlowPageCostsItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ws := slowPage(t)
		var most int64
		for i := range 60 {
			time.Sleep(time.Second)
			_, err := io.CopyN(io.Discard, ws.R, 4<<10)
			require.NoError(t, err)
			if i%5 == 0 { // the heartbeat is answered unread
				require.NoError(t, ws.Send("3"))
			}
			st := d.io.Stats()
			most = max(most, st.WaitingBytes+d.io.Engine().Stats().OutboxBytes)
			require.LessOrEqual(t, st.Waiting, int64(2), "a frame, and what came before it")
		}
		require.Equal(t, int64(1), d.Stats().Watchers, "it is still there")
		require.Greater(t, d.Stats().Readings, uint64(200))
		require.Less(t, most, int64(2*MaxFrame))
		require.Greater(t, most, int64(4<<10))
		require.Greater(t, d.io.Stats().Coalesced, int64(100), "frames took the place of others")
	})
}

// One that does not read at all is gone before long.
func TestPageThatStopsReadingIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, ws := slowPage(t)
		for i := 0; d.Stats().Watchers > 0; i++ {
			require.Less(t, i, 30)
			time.Sleep(time.Second)
			_ = ws.Send("3") // a page that is stopped in the debugger
		}
		time.Sleep(time.Minute)
		n := d.Stats().Readings
		time.Sleep(time.Minute)
		require.Equal(t, n, d.Stats().Readings, "and the readings have ended with it")
	})
}

// slowPage connects a page by a line that holds little, to a server of which there
// is much to tell.
func slowPage(t *testing.T) (*desk, *enginetest.WS) {
	t.Helper()
	d := &desk{t: t, house: &hotel{}}
	ticks := tick.New(tick.Config{Workers: 1})
	_, err := ticks.Add(taskFunc(func(*tick.Tick) bool { time.Sleep(3 * time.Millisecond); return true }), tick.Options{Name: "pond/m1", Hz: tick.MaxHz})
	require.NoError(t, err)
	d.Dashboard = New(d.config(ticks))
	ln := enginetest.NewListener()
	srv := &http.Server{Handler: d, ReadHeaderTimeout: time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ln)
	}()
	conn, err := ln.DialSize(2 << 10)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		require.NoError(t, d.Shutdown(context.Background()))
		require.NoError(t, srv.Close())
		<-done
		require.NoError(t, ticks.Close(context.Background()))
	})
	ws, err := enginetest.Upgrade(conn, "/dashboard/socket.io/?EIO=4&transport=websocket")
	require.NoError(t, err)
	_, err = ws.ReadOpen()
	require.NoError(t, err)
	require.NoError(t, ws.Send("40/ops,"))
	in, err := ws.ReadText()
	require.NoError(t, err)
	require.Contains(t, in, "40/ops,")
	require.NoError(t, ws.Send(`42/ops,["watch",{"on":true,"match":"m1"}]`))
	return d, ws
}
