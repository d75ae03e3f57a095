package server

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	"gameserver/game"
	"gameserver/lobby"
	"gameserver/sio/client"
	"gameserver/tick"
)

// mill is a game that does as it is told, to the harm of others.
type mill struct {
	Boats game.Set[boat]
	how   atomic.Pointer[string]
	sails *sails
}

// sails are what the mills of one server have in common with their test.
type sails struct {
	free    atomic.Bool   // ends a loop
	release chan struct{} // ends a wait
	quality atomic.Int32
}

func (g *mill) Join(_ *game.Match, p *game.Player) error { g.Boats.Put(p.ID, boat{}); return nil }

func (g *mill) Handle(_ *game.Match, _ *game.Player, ev string, _ game.Args) (any, error) {
	g.how.Store(&ev)
	return nil, nil
}

func (g *mill) Quality(_ *game.Match, level int) { g.sails.quality.Store(int32(level)) } //nolint:gosec // up to 4

func (g *mill) Step(s *game.Step[oar]) {
	for p := range s.Inputs() {
		g.Boats.Mut(p.ID).X++
	}
	how := g.how.Load()
	if how == nil {
		return
	}
	switch *how {
	case "loop":
		grind(&g.sails.free)
	case "wait":
		<-g.sails.release
	case "heavy":
		time.Sleep(14 * time.Millisecond) // of 16.7
	}
}

// grind is what the stack in the crash file has to show.
func grind(free *atomic.Bool) {
	for !free.Load() { //nolint:revive // it is to burn
	}
}

// openMill runs a server with the mill, and what it logs.
func openMill(t *testing.T, cfg Config) (*harbour, *sails, *logbook) {
	t.Helper()
	log := &logbook{}
	cfg.QueueFill, cfg.Logger = time.Hour, slog.New(slog.NewTextHandler(log, nil))
	h := &harbour{Server: New(cfg), t: t, done: make(chan error, 1)}
	w := &sails{release: make(chan struct{})}
	game.Register(h.Server, "pond", func() *mill { return &mill{sails: w} }, game.Rules{Players: game.Between(2, 2), Countdown: -1})
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.url = "http://" + ln.Addr().String()
	go func() { h.done <- h.Serve(ln) }()
	t.Cleanup(func() {
		w.free.Store(true)
		close(w.release)
		h.close()
	})
	return h, w, log
}

// logbook is a log that may be read while it is written.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// tell asks the mill to do something from the next step on.
func (s *sailor) tell(how string) {
	s.t.Helper()
	var r requestReply
	require.NoError(s.t, s.match.Call(s.ctx(), "request", map[string]any{"ev": how}, &r))
}

// seesMore waits for more snapshots.
func (s *sailor) seesMore(n int) {
	s.t.Helper()
	for range n {
		select {
		case <-s.state:
		case <-s.ctx().Done():
			s.t.Fatalf("%s sees nothing any more", s.name)
		}
	}
}

// TestMatchThatDoesNotReturn has a game loop forever, and wait forever. Its
// players are told in the lobby and search again, others play on, and what is
// known is in a file.
func TestMatchThatDoesNotReturn(t *testing.T) {
	for _, how := range []string{"loop", "wait"} {
		t.Run(how, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "crashes")
			h, sails, log := openMill(t, Config{CrashDir: dir, Workers: 2})
			a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
			c, d := h.arrive("cat", client.Options{}), h.arrive("dan", client.Options{Msgpack: true})
			wa := h.pair(a, b)
			h.pair(c, d)
			a.tell(how)
			told := decode[lobby.Failed](t, a.await(a.inLobby, "match:failed"))
			require.Equal(t, wa.Match, told.Match)
			require.Equal(t, "failed", told.Reason)
			require.True(t, told.Requeued)
			require.True(t, strings.HasPrefix(told.Ref, wa.Match+"@"))
			b.await(b.inLobby, "match:failed")
			a.await(a.inMatch, "disconnect: io server disconnect")
			b.await(b.inMatch, "disconnect: io server disconnect")

			c.seesMore(30) // the others have not noticed
			d.seesMore(30)
			next := a.found()
			require.NotEqual(t, wa.Match, next.Match)
			require.Equal(t, next.Match, b.found().Match)
			a.sit()
			b.sit()
			a.seesMore(10)
			require.Equal(t, 1, h.ticks.Stats().Stuck)
			require.True(t, h.entry(wa.Match).Stuck)
			require.False(t, h.entry(next.Match).Stuck)
			require.Contains(t, h.scrape(t), "gs_tick_stuck 1\n")
			require.Contains(t, h.scrape(t), `gs_matches_over_total{game="pond",reason="stuck"} 1`+"\n")
			require.Contains(t, log.String(), "does not return")

			// Who comes with the old token hears that it is over.
			e := h.arrive("eve", client.Options{})
			e.token = wa.Resume
			require.ErrorContains(t, e.match.Connect(e.ctx()), "not_found")
			e.leave()
			sails.free.Store(true)
			if how == "wait" {
				sails.release <- struct{}{}
			}
			require.Eventually(t, func() bool { return h.ticks.Stats().Stuck == 0 }, patience, 10*time.Millisecond)
			c.seesMore(10)
			for _, s := range []*sailor{a, b, c, d} {
				s.leave()
			}
			f := onlyCrash(t, dir)
			require.Equal(t, told.Ref, f.Ref)
			require.Contains(t, f.Stack, "mill).Step")
			require.Equal(t, []crashSeat{{Name: "ann"}, {Name: "bob"}}, f.Seats)
			require.Equal(t, "running", f.State)
		})
	}
}

// onlyCrash reads the one file in a folder.
func onlyCrash(t *testing.T, dir string) (f crashFile) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &f))
	return f
}

// entry is the account of a match's ticks.
func (h *harbour) entry(match string) tick.EntryStats {
	h.t.Helper()
	for _, e := range h.ticks.Entries() {
		if st := e.Stats(); st.Name == "pond/"+match {
			return st
		}
	}
	h.t.Fatal("no entry of that match")
	return tick.EntryStats{}
}

// scrape reads /metrics.
func (h *harbour) scrape(t *testing.T) string {
	t.Helper()
	w := get(h.adminMux(), http.MethodGet, "http://localhost/metrics")
	require.Equal(t, http.StatusOK, w.Code)
	return w.Body.String()
}

// TestNoWorkerIsLeft has the only worker hang: nobody is let in, and whoever asks
// for readiness is told.
func TestNoWorkerIsLeft(t *testing.T) {
	h, sails, _ := openMill(t, Config{Workers: 1})
	ready := func() int { return get(h.adminMux(), http.MethodGet, "/readyz").Code }
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	h.pair(a, b)
	require.Equal(t, http.StatusOK, ready())
	a.tell("wait")
	a.await(a.inLobby, "match:failed")
	again := decode[lobby.Failed](t, a.await(a.inLobby, "match:failed"))
	require.Equal(t, "overloaded", again.Reason, "no worker takes the next one")
	require.True(t, again.Requeued)
	require.Equal(t, http.StatusServiceUnavailable, ready())
	c := h.arrive("cat", client.Options{})
	c.enter()
	require.ErrorContains(t, c.lobby.Call(c.ctx(), "queue:join", m{"queue": "pond"}, nil), "overloaded")
	a.queue() // who searches already is told so

	sails.release <- struct{}{}
	a.found()
	b.found()
	require.Equal(t, http.StatusOK, ready())
}

// TestRealtimeIsTakenOrRefused asks for what the system may not grant: either way
// matches go on, and a refusal is said once, in words that help.
func TestRealtimeIsTakenOrRefused(t *testing.T) {
	h, _, log := openMill(t, Config{Workers: 2, Realtime: true})
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	h.pair(a, b)
	a.seesMore(10)
	require.Eventually(t, func() bool {
		st := h.ticks.Stats()
		return st.Realtime == 2 || st.Refusal != nil
	}, patience, 10*time.Millisecond)
	if st := h.ticks.Stats(); st.Refusal != nil {
		require.Equal(t, 1, strings.Count(log.String(), "going on without real-time priority"))
	}
	require.Contains(t, h.scrape(t), "gs_tick_realtime_workers")
}

// TestHeavyMatchSaysSo plays a match whose step takes too long.
func TestHeavyMatchSaysSo(t *testing.T) {
	h, sails, log := openMill(t, Config{Workers: 1})
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	h.pair(a, b)
	a.tell("heavy")
	for _, s := range []*sailor{a, b} {
		for level := ""; level != "crawl"; {
			ev := decode[[]any](t, s.await(s.inMatch, "event"))
			if len(ev) == 3 && ev[1] == "match:pace" {
				pace, _ := ev[2].(map[string]any)
				level, _ = pace["level"].(string)
				require.Contains(t, pace, "length")
			}
		}
	}
	require.Equal(t, int32(4), sails.quality.Load())
	require.Contains(t, log.String(), "match level changed")
	page := h.scrape(t)
	require.Contains(t, page, `gs_match_levels{level="crawl"} 1`)
	require.Contains(t, page, `gs_match_level_changes_total{from="full",`)
}
