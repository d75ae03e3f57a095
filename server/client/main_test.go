package client

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine"
	engineclient "gameserver/engine/client"
	"gameserver/game"
	"gameserver/server"
	socket "gameserver/sio/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait. It is never a measure of success.
const patience = 60 * time.Second

// pond is the game of these tests: boats that move as they are told.
type pond struct {
	Boats game.Set[boat]
}

type boat struct {
	X     float64 `snap:"q=0.5"`
	Rowed int32   `snap:""`
	Crew  bool    `snap:""`
}

// oar is the input of the pond, and row what the client sends.
type oar struct {
	Row int `in:"-8..8"`
}

type row struct {
	Row int `json:"row"`
}

func (g *pond) Join(_ *game.Match, p *game.Player) error {
	g.Boats.Put(p.ID, boat{Crew: !p.Bot})
	return nil
}

func (g *pond) Leave(_ *game.Match, p *game.Player, _ game.Reason) { g.Boats.Del(p.ID) }

func (g *pond) Step(s *game.Step[oar]) {
	for p, in := range s.Inputs() {
		b := g.Boats.Mut(p.ID)
		if b != nil && in.Row != 0 {
			b.X += float64(in.Row) / 2
			b.Rowed++
		}
	}
}

func (g *pond) Handle(m *game.Match, p *game.Player, ev string, a game.Args) (any, error) {
	switch ev {
	case "shout":
		var v string
		if err := a.Decode(&v); err != nil {
			return nil, err
		}
		m.Broadcast("shouted", map[string]any{"by": p.ID, "what": v})
		return len(v), nil
	case "end":
		m.End()
		return nil, nil
	}
	return nil, &game.Error{Code: game.CodeNotFound, Msg: "no such request"}
}

func (g *pond) World(*game.Match) any { return map[string]int{"width": 800} }

func (g *pond) Close(_ *game.Match, why game.Reason) any {
	return map[string]any{"why": why.String(), "boats": g.Boats.Len()}
}

// serve runs a server with the pond for that many players.
func serve(t *testing.T, players int) (url string) {
	t.Helper()
	s := server.New(server.Config{QueueFill: time.Hour})
	game.Register(s, "pond", func() *pond { return &pond{} }, game.Rules{
		Players: game.Between(players, players), Countdown: -1,
	})
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, <-done)
	})
	return "http://" + ln.Addr().String()
}

// dial joins the lobby and leaves it at the end of the test.
func dial(t *testing.T, url string, o Options) *Client {
	t.Helper()
	o.Reconnect = socket.Backoff{Min: time.Millisecond, Max: time.Millisecond}
	c, err := Dial(within(t), url, o)
	require.NoError(t, err)
	t.Cleanup(func() { hangUp(c) })
	return c
}

func hangUp(c *Client) {
	_ = c.Close()
	<-c.Done()
}

// within returns a context that ends with the test or its patience.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// each runs f for both parsers and both dialects over the transports that differ.
func each(t *testing.T, f func(t *testing.T, o Options)) {
	t.Helper()
	for name, o := range map[string]Options{"json": {}, "msgpack": {Msgpack: true, Plain: true}, "compact": {Msgpack: true}} {
		for _, tr := range []engineclient.Transport{engineclient.Upgrade, engineclient.WebSocket, engineclient.Polling} {
			t.Run(name+"/"+tr.String(), func(t *testing.T) {
				o.Name, o.Transport = "anna", tr
				f(t, o)
			})
		}
	}
}

// receive takes from a channel, with patience.
func receive[T any](t *testing.T, ch <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

// until takes snapshots until one satisfies f.
func until(t *testing.T, ch <-chan Snapshot, f func(Snapshot) bool) Snapshot {
	t.Helper()
	for {
		if s := receive(t, ch); f(s) {
			return s
		}
	}
}

// heard collects what a Client is told.
type heard struct {
	snapshots chan Snapshot
	events    chan string
	results   chan Result
	lost      chan string
	resumed   chan string
}

func listening(o *Options) *heard {
	h := &heard{
		snapshots: make(chan Snapshot, 10_000),
		events:    make(chan string, 1000),
		results:   make(chan Result, 10),
		lost:      make(chan string, 10),
		resumed:   make(chan string, 10),
	}
	o.Handlers = Handlers{
		OnSnapshot: func(_ *Match, s Snapshot) { h.snapshots <- s },
		OnEvent: func(_ *Match, e Event) {
			var v any
			err := Decode(e.Data, &v)
			h.events <- fmt.Sprint(e.Name, v, errors.Join(err))
		},
		OnResult:  func(_ *Match, r Result) { h.results <- r },
		OnLost:    func(_ *Match, reason string) { h.lost <- reason },
		OnResumed: func(m *Match) { h.resumed <- m.ID() },
	}
	return h
}
