package server

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	engineclient "gameserver/engine/client"
	"gameserver/game"
	"gameserver/server/client"
)

// shoal is a game with much to tell in each snapshot.
type shoal struct {
	Boats game.Set[boat]
	Fish  game.Set[fish]
}

type fish struct {
	X, Y float64 `snap:"q=1"`
}

const shoalFish = 300

func (g *shoal) Init(*game.Match) error {
	for i := range shoalFish {
		g.Fish.Add(fish{X: float64(i * 100), Y: float64(i)})
	}
	return nil
}

func (g *shoal) Join(_ *game.Match, p *game.Player) error {
	g.Boats.Put(p.ID, boat{})
	return nil
}

func (g *shoal) Leave(_ *game.Match, p *game.Player, _ game.Reason) { g.Boats.Del(p.ID) }

func (g *shoal) Step(s *game.Step[oar]) {
	for p, in := range s.Inputs() {
		if !(in.Lean >= -1 && in.Lean <= 1) || in.Row < -8 || in.Row > 8 {
			panic("an input that the schema forbids")
		}
		if b := g.Boats.Mut(p.ID); b != nil {
			b.X += float64(in.Row)
		}
	}
	for _, f := range g.Fish.All() {
		f.X, f.Y = f.X+1, f.Y+2
	}
}

// Handle tells everybody what somebody said.
func (g *shoal) Handle(m *game.Match, _ *game.Player, _ string, a game.Args) (any, error) {
	var v string
	if err := a.Decode(&v); err != nil {
		return nil, err
	}
	m.Broadcast("said", v)
	return len(v), nil
}

// openShoal runs a server with the shoal for two.
func openShoal(t *testing.T) *harbour {
	t.Helper()
	h := &harbour{Server: New(Config{QueueFill: time.Hour}), t: t, done: make(chan error, 1)}
	game.Register(h.Server, "shoal", func() *shoal { return &shoal{} },
		game.Rules{Players: game.Between(2, 2), Countdown: -1})
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.url = "http://" + ln.Addr().String()
	go func() { h.done <- h.Serve(ln) }()
	t.Cleanup(h.close)
	return h
}

// witness is a player who checks that every snapshot comes, each on the one
// before it.
type witness struct {
	t    *testing.T
	name string
	c    *client.Client
	m    *client.Match
	news chan struct{} // capacity 1

	mu     sync.Mutex // guards the following
	last   uint32
	count  int
	events int
	gaps   []string
	lost   []string
	back   int
}

// witness makes a player who is in the lobby.
func (h *harbour) witness(name string, o client.Options) *witness {
	h.t.Helper()
	w := &witness{t: h.t, name: name, news: make(chan struct{}, 1)}
	o.Name, o.Transport = name, engineclient.WebSocket
	o.Handlers = client.Handlers{
		OnSnapshot: func(m *client.Match, s client.Snapshot) { w.saw(m, s) },
		OnEvent:    func(*client.Match, client.Event) { w.note(func() { w.events++ }) },
		OnLost:     func(_ *client.Match, why string) { w.note(func() { w.lost = append(w.lost, why) }) },
		OnResumed:  func(*client.Match) { w.note(func() { w.back++ }) },
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	var err error
	w.c, err = client.Dial(ctx, h.url, o)
	require.NoError(h.t, err)
	h.t.Cleanup(func() {
		_ = w.c.Close()
		<-w.c.Done()
	})
	return w
}

// saw checks a snapshot, on the client's reader.
func (w *witness) saw(m *client.Match, s client.Snapshot) {
	w.note(func() {
		every := uint32(max(m.Welcome().Every, 1)) //nolint:gosec // small
		if w.count > 0 && (s.Base != w.last || s.Tick != (w.last/every+1)*every) {
			w.gaps = append(w.gaps, fmt.Sprintf("%d on %d after %d", s.Tick, s.Base, w.last))
		}
		w.last = s.Tick
		w.count++
	})
}

func (w *witness) note(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
}

// seat brings players into one match.
func seat(t *testing.T, players ...*witness) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	errs := make(chan error, len(players))
	for _, w := range players {
		go func() {
			var err error
			w.m, err = w.c.Queue(ctx, "shoal")
			errs <- err
		}()
	}
	for range players {
		require.NoError(t, <-errs)
	}
	for _, w := range players {
		require.Equal(t, players[0].m.ID(), w.m.ID())
	}
}

// until waits until ok, which is asked at every snapshot and event.
func (w *witness) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for !ok() {
		select {
		case <-w.news:
		case <-ctx.Done():
			w.t.Fatalf("%s waited in vain: %s", w.name, what)
		}
	}
}

// sees waits for so many more snapshots.
func (w *witness) sees(n int) {
	w.t.Helper()
	n += w.seen()
	w.until("snapshots", func() bool { return w.seen() >= n })
}

func (w *witness) seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

// unharmed requires that nothing was missed and the connection never lost.
func (w *witness) unharmed() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Empty(w.t, w.gaps, "%s missed snapshots", w.name)
	require.Empty(w.t, w.lost, "%s was disconnected", w.name)
	require.NotZero(w.t, w.count)
}
