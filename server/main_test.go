package server

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine"
	engineclient "gameserver/engine/client"
	"gameserver/game"
	"gameserver/lobby"
	"gameserver/sio"
	"gameserver/sio/client"
)

func TestMain(m *testing.M) {
	botsMain()
	goleak.VerifyTestMain(m)
}

// patience bounds every wait: generous, because the machine may be busy, and
// never a measure of success.
const patience = 60 * time.Second

// pond is the game of these tests: boats that go right.
type pond struct {
	Boats game.Set[boat]
}

type boat struct {
	X float64 `snap:"q=1"`
}

type oar struct {
	Row   int     `in:"-8..8"`
	Crash bool    `in:"edge"`
	Lean  float64 `in:"-1..1"`
}

func (g *pond) Join(_ *game.Match, p *game.Player) error {
	if p.Name == "unwelcome" {
		return errors.New("not you")
	}
	g.Boats.Put(p.ID, boat{})
	return nil
}

func (g *pond) Leave(_ *game.Match, p *game.Player, _ game.Reason) { g.Boats.Del(p.ID) }

func (g *pond) Step(s *game.Step[oar]) {
	for p, in := range s.Inputs() {
		if in.Crash {
			panic("the boat sinks")
		}
		g.Boats.Mut(p.ID).X += float64(in.Row)
	}
}

func (g *pond) Handle(m *game.Match, p *game.Player, ev string, a game.Args) (any, error) {
	switch ev {
	case "echo":
		var v string
		if err := a.Decode(&v); err != nil {
			return nil, err
		}
		m.Broadcast("echoed", v)
		return v, nil
	case "end":
		m.End()
		return nil, nil
	case "secret":
		return nil, errors.New("the password is 1234")
	default:
		return nil, &game.Error{Code: game.CodeNotFound, Msg: "no such request"}
	}
}

func (g *pond) World(*game.Match) any { return map[string]int{"width": 800} }

func (g *pond) Close(_ *game.Match, why game.Reason) any {
	return map[string]any{"why": why.String(), "boats": g.Boats.Len()}
}

// harbour is a running server.
type harbour struct {
	*Server
	t    *testing.T
	url  string
	done chan error
}

// open runs a server with the pond on a free port until the test ends.
func open(t *testing.T, cfg Config, rules game.Rules) *harbour {
	t.Helper()
	if rules.Countdown == 0 {
		rules.Countdown = -1
	}
	if cfg.QueueFill == 0 {
		cfg.QueueFill = time.Hour // only full groups
	}
	h := &harbour{Server: New(cfg), t: t, done: make(chan error, 1)}
	game.Register(h.Server, "pond", func() *pond { return &pond{} }, rules)
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.url = "http://" + ln.Addr().String()
	go func() { h.done <- h.Serve(ln) }()
	t.Cleanup(h.close)
	return h
}

// close shuts the server down in order; once is enough.
func (h *harbour) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(h.t, h.Shutdown(ctx))
	if h.done != nil {
		require.NoError(h.t, <-h.done)
		h.done = nil
	}
}

// heard is one event from the server.
type heard struct {
	event string
	args  sio.Args
}

// sailor is a client with its lobby and match sockets.
type sailor struct {
	t       *testing.T
	c       *client.Client
	lobby   *client.Socket
	match   *client.Socket
	token   string // for the next CONNECT of /match; set before Connect
	session string
	name    string
	inLobby chan heard
	inMatch chan heard // welcome, schema, event, result, and "disconnect"
	state   chan snapshot
	closed  bool
}

type snapshot struct {
	T uint32      `json:"t"`
	B uint32      `json:"b"`
	A uint32      `json:"a"`
	E [][]float64 `json:"e"`
	R [][]float64 `json:"r"`
}

type welcome struct {
	Match  string `json:"match"`
	You    uint32 `json:"you"`
	Tick   uint32 `json:"tick"`
	Rate   int    `json:"rate"`
	Resume string `json:"resume"`
	World  struct {
		Width int `json:"width"`
	} `json:"world"`
}

// arrive makes a client that is not connected yet.
func (h *harbour) arrive(name string, o client.Options) *sailor {
	h.t.Helper()
	s := &sailor{
		t: h.t, name: name,
		inLobby: make(chan heard, 256), inMatch: make(chan heard, 1024), state: make(chan snapshot, 4096),
	}
	o.Auth = func(nsp string) any {
		if nsp == lobbyNamespace {
			return map[string]any{"name": s.name, "session": s.session}
		}
		return map[string]any{"seat": s.token}
	}
	s.c = client.New(h.url, o)
	s.lobby, s.match = s.c.Socket(lobbyNamespace), s.c.Socket(lobby.MatchNamespace)
	s.lobby.OnAny(func(event string, a sio.Args) { s.inLobby <- heard{event, a} })
	s.lobby.OnDisconnect(func(reason string) { s.inLobby <- heard{event: "disconnect: " + reason} })
	s.match.OnAny(func(event string, a sio.Args) {
		if event != "snapshot" {
			s.inMatch <- heard{event, a}
			return
		}
		var snap snapshot
		if a.Decode(0, &snap) == nil {
			select {
			case s.state <- snap:
			default: // nobody looks
			}
		}
	})
	s.match.OnDisconnect(func(reason string) { s.inMatch <- heard{event: "disconnect: " + reason} })
	h.t.Cleanup(s.leave)
	return s
}

// leave closes the client and waits for its goroutines.
func (s *sailor) leave() {
	if s.closed {
		return
	}
	s.closed = true
	_ = s.c.Close()
	<-s.c.Done()
}

func (s *sailor) ctx() context.Context {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	s.t.Cleanup(cancel)
	return ctx
}

// enter connects to the lobby and says hello.
func (s *sailor) enter() helloReply {
	s.t.Helper()
	require.NoError(s.t, s.lobby.Connect(s.ctx()))
	var r helloReply
	require.NoError(s.t, s.lobby.Call(s.ctx(), "hello", map[string]any{"v": 1}, &r))
	s.session = r.Session
	return r
}

// queue asks for a match.
func (s *sailor) queue() {
	s.t.Helper()
	var r joinReply
	require.NoError(s.t, s.lobby.Call(s.ctx(), "queue:join", map[string]any{"queue": "pond"}, &r))
	require.NotEmpty(s.t, r.Ticket)
}

// await waits for an event in one of the namespaces and drops those before it.
func (s *sailor) await(from chan heard, event string) sio.Args {
	s.t.Helper()
	ctx := s.ctx()
	for {
		select {
		case h := <-from:
			if h.event == event {
				return h.args
			}
		case <-ctx.Done():
			s.t.Fatalf("%s never heard %s", s.name, event)
		}
	}
}

// decode decodes the argument of an event.
func decode[T any](t *testing.T, a sio.Args) (v T) {
	t.Helper()
	require.NoError(t, a.Decode(0, &v))
	return v
}

// found waits for a seat and keeps its token.
func (s *sailor) found() lobby.Found {
	s.t.Helper()
	f := decode[lobby.Found](s.t, s.await(s.inLobby, "match:found"))
	s.token = f.Seat.Token
	return f
}

// sit connects to the match and waits for the welcome.
func (s *sailor) sit() welcome {
	s.t.Helper()
	require.NoError(s.t, s.match.Connect(s.ctx()))
	w := decode[welcome](s.t, s.await(s.inMatch, "welcome"))
	s.await(s.inMatch, "schema")
	return w
}

// row sends an input.
func (s *sailor) row(tick uint32, by int) {
	s.t.Helper()
	require.NoError(s.t, s.match.Emit("input", map[string]any{"s": tick, "k": 0, "v": map[string]any{"row": by}}))
}

// sees waits until a snapshot shows the boat where ok says, and returns its tick.
func (s *sailor) sees(boat uint32, ok func(x float64) bool) uint32 {
	s.t.Helper()
	ctx := s.ctx()
	for {
		select {
		case snap := <-s.state:
			for _, e := range snap.E {
				if uint32(e[0]) == boat && ok(e[2]) {
					return snap.T
				}
			}
		case <-ctx.Done():
			s.t.Fatalf("%s never saw boat %d there", s.name, boat)
		}
	}
}

// pair brings two players into one match and returns the welcome of the first.
func (h *harbour) pair(a, b *sailor) welcome {
	h.t.Helper()
	for _, s := range []*sailor{a, b} {
		s.enter()
		s.queue()
	}
	require.Equal(h.t, a.found().Match, b.found().Match)
	wa := a.sit()
	b.sit()
	return wa
}

func clientOptions() client.Options { return client.Options{Transport: engineclient.WebSocket} }

func duo() game.Rules { return game.Rules{Players: game.Between(2, 2)} }

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
