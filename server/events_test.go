package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/game"
	"gameserver/lobby"
	"gameserver/sio"
	"gameserver/sio/client"
)

// differs says where a decoded value is not of a shape, or nothing.
func differs(s *sio.Shape, v any, path string) string {
	switch x := v.(type) {
	case nil:
		if s.Kind == sio.ShapeAny || s.Kind == sio.ShapePointer || s.Kind == sio.ShapeList || s.Kind == sio.ShapeMap {
			return "" // fields are more strict, below
		}
	case bool:
		if s.Kind == sio.ShapeBool {
			return ""
		}
	case float64:
		if slices.Contains([]sio.ShapeKind{sio.ShapeInt, sio.ShapeUint, sio.ShapeFloat}, s.Kind) {
			return ""
		}
	case string:
		if s.Kind == sio.ShapeString || s.Kind == sio.ShapeTime {
			return ""
		}
	case []any:
		if s.Kind == sio.ShapeList || s.Kind == sio.ShapeArray && len(x) == s.Len {
			for i, one := range x {
				if wrong := differs(s.Elem, one, fmt.Sprint(path, "[", i, "]")); wrong != "" {
					return wrong
				}
			}
			return ""
		}
	case map[string]any:
		if s.Kind == sio.ShapeObject {
			return membersDiffer(s, x, path)
		}
	}
	switch s.Kind {
	case sio.ShapeAny:
		return ""
	case sio.ShapePointer:
		return differs(s.Elem, v, path)
	default:
		return fmt.Sprintf("%s is %T, declared as %v", path, v, s.Type)
	}
}

func membersDiffer(s *sio.Shape, members map[string]any, path string) string {
	known := 0
	for _, f := range s.Fields {
		v, has := members[f.Name]
		at := path + "." + f.Name
		switch {
		case !has && !f.Omitted:
			return at + " is missing"
		case !has:
			continue
		case v == nil && !f.Null:
			return at + " is null"
		case f.Enum != nil && !slices.Contains(f.Enum, fmt.Sprint(v)):
			return fmt.Sprintf("%s is %v, none of %v", at, v, f.Enum)
		}
		known++
		if wrong := differs(f.Shape, v, at); wrong != "" {
			return wrong
		}
	}
	if known != len(members) {
		return fmt.Sprintf("%s has members that are not declared: %v", path, members)
	}
	return ""
}

// notary holds events and answers against their declarations.
type notary struct {
	shapes map[string]*sio.Shape // by namespace and event, answers too

	mu    sync.Mutex // guards the following
	wrong []string
	seen  map[string]bool
}

func newNotary() *notary {
	n := &notary{shapes: map[string]*sio.Shape{}, seen: map[string]bool{}}
	io := sio.New(sio.Config{})
	declareLobby(io.Of(lobbyNamespace))
	declareMatch(io.Of(lobby.MatchNamespace))
	for _, name := range []string{lobbyNamespace, lobby.MatchNamespace} {
		for _, ev := range io.Of(name).Events() {
			if ev.FromServer {
				n.shapes[name+" "+ev.Name] = ev.Arg
			} else if ev.Answer != nil {
				n.shapes[name+" "+ev.Name+" answer"] = ev.Answer
			}
		}
	}
	for name, is := range ownEvents() {
		n.shapes[name] = sio.ShapeOf(is)
	}
	return n
}

func (n *notary) check(key string, v any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen[key] = true
	if n.shapes[key] == nil {
		n.wrong = append(n.wrong, key+" is not declared")
	} else if d := differs(n.shapes[key], v, key); d != "" {
		n.wrong = append(n.wrong, d)
	}
}

// watch checks the events of a socket and passes them on.
func (n *notary) watch(name string, sock *client.Socket, to chan heard) {
	sock.OnAny(func(event string, args sio.Args) {
		var v any
		if err := args.Decode(0, &v); err != nil {
			v = err
		}
		n.check(name+" "+event, v)
		if e, ok := v.([]any); ok && event == "event" && len(e) == 3 && e[1] != "echoed" {
			n.check(fmt.Sprint(e[1]), e[2])
		}
		to <- heard{event, args}
	})
}

// ask checks an answer.
func (n *notary) ask(s *sailor, sock *client.Socket, name, event string, arg any) {
	s.t.Helper()
	var v any
	require.NoError(s.t, sock.Call(s.ctx(), event, arg, &v))
	n.check(name+" "+event+" answer", v)
}

// TestEventsAreAsDeclared plays a match and holds every event that a client gets,
// and its answers, against what `types` tells clients.
func TestEventsAreAsDeclared(t *testing.T) {
	for _, msgpack := range []bool{false, true} {
		h, n := open(t, Config{}, duo()), newNotary()
		a, b := h.arrive("ann", client.Options{Msgpack: msgpack}), h.arrive("bob", clientOptions())
		n.watch(lobbyNamespace, a.lobby, a.inLobby)
		n.watch(lobby.MatchNamespace, a.match, a.inMatch)

		require.NoError(t, a.lobby.Connect(a.ctx()))
		n.ask(a, a.lobby, lobbyNamespace, "hello", m{"v": 1})
		n.ask(a, a.lobby, lobbyNamespace, "queue:join", m{"queue": "pond"})
		n.ask(a, a.lobby, lobbyNamespace, "queue:leave", m{})
		n.ask(a, a.lobby, lobbyNamespace, "queue:join", m{"queue": "pond"})
		b.enter()
		b.queue()
		a.found()
		b.found()
		n.ask(a, a.lobby, lobbyNamespace, "hello", m{}) // with a match
		a.sit()
		b.sit()
		a.await(a.inMatch, "snapshot")
		n.ask(a, a.match, lobby.MatchNamespace, "request", m{"ev": "echo", "data": "ahoy"})
		b.await(b.inMatch, "event")
		require.NoError(t, b.match.Call(b.ctx(), "request", m{"ev": "end"}, nil))
		a.await(a.inMatch, "result")
		require.NoError(t, h.Shutdown(a.ctx()))
		a.await(a.inLobby, eventDrain)

		n.mu.Lock()
		require.Empty(t, n.wrong)
		for _, key := range []string{
			"/lobby queue:state", "/lobby match:found", "/lobby server:drain", "/match welcome", "/match schema",
			"/match snapshot", "/match event", "/match result", "match:state",
		} {
			require.True(t, n.seen[key], key)
		}
		n.mu.Unlock()
	}
}

func TestDeclaredStates(t *testing.T) {
	shape := sio.ShapeOf(ownEvents()["match:state"])
	for s := game.StateOpen; s <= game.StateFailed; s++ {
		require.Contains(t, shape.Fields[0].Enum, s.String())
	}
	require.Len(t, shape.Fields[0].Enum, int(game.StateFailed)+1)
}

// TestPayloadsAreChecked sends what the declared tags of the lobby forbid.
func TestPayloadsAreChecked(t *testing.T) {
	h := open(t, Config{}, duo())
	a := h.arrive("ann", clientOptions())
	a.enter()
	for name, arg := range map[string]any{"missing": m{}, "null": m{"queue": nil}, "a number": m{"queue": 1}} {
		var e *sio.Error
		require.ErrorAs(t, a.lobby.Call(a.ctx(), "queue:join", arg, nil), &e, name)
		require.Equal(t, "bad_payload", e.Code, name)
		require.Equal(t, "queue", e.Path, name)
	}
	var e *sio.Error
	require.ErrorAs(t, a.lobby.Call(a.ctx(), "queue:join", m{"queue": "puddle"}, nil), &e)
	require.Equal(t, "not_found", e.Code)
}

// TestTypesCommand writes the declarations of a program that is not the arena.
func TestTypesCommand(t *testing.T) {
	var flags struct {
		Ponds int `default:"1" help:"How many."`
	}
	program := func(args ...string) (code int, stdout, stderr string) {
		s := New(Config{Flags: &flags, Setup: func(s *Server) error {
			for i := range flags.Ponds {
				game.Register(s, fmt.Sprint("pond", i), func() *pond { return &pond{} }, game.Rules{})
			}
			return nil
		}})
		var out, errs bytes.Buffer
		code = s.main(append([]string{"/bin/ferry", "types"}, args...), &out, &errs)
		return code, out.String(), errs.String()
	}
	code, out, errs := program()
	require.Zero(t, code, errs)
	require.Empty(t, errs)
	for _, want := range []string{
		"// Written by `ferry types`; do not edit.\n", "pond0: Pond0Game;", "  /** integer, -8..8 */\n  row?: number;",
		"/* boats */ [id: number, set: 0, x: number]", "world: unknown;", `"queue:join": (arg: JoinRequest, ack: (reply: Ack<JoinReply>) => void) => void;`,
	} {
		require.Contains(t, out, want)
	}
	code, two, _ := program("--ponds", "2")
	require.Zero(t, code)
	require.Contains(t, two, "pond1: Pond1Game;")

	file := filepath.Join(t.TempDir(), "p.d.ts")
	code, nothing, errs := program("--out", file, "--ponds=1")
	require.Zero(t, code, errs)
	require.Empty(t, nothing)
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, out, string(written))

	for _, args := range [][]string{{"--out", t.TempDir()}, {"--nonsense"}, {"--listen=:1"}} {
		code, nothing, errs = program(args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, nothing)
		require.NotEmpty(t, errs)
	}
}
