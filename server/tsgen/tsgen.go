package tsgen

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gameserver/game/snap"
	"gameserver/sio"
)

// Config is what to describe.
type Config struct {
	Command    string // that writes the file, for its first line
	Namespaces []Namespace
	Games      []Game
	// GameEvents are the events that every match sends, by name, beside those of
	// its game.
	GameEvents map[string]reflect.Type
}

// Namespace is a namespace with its declared events.
type Namespace struct {
	Sockets *sio.Namespace
	Auth    reflect.Type // what CONNECT takes as auth; nil if nothing
}

// Game is a game. What is nil is unknown.
type Game struct {
	Name          string
	Inputs        []Input
	Schema        snap.Schema
	World, Result reflect.Type
	Events        map[string]reflect.Type // what the game sends, by name; a nil type is null
	Requests      map[string]reflect.Type // what it is asked with, by name; a nil type is null
}

// Input is a field of a game's input.
type Input struct {
	Name   string
	Kind   snap.Kind
	Range  string  // as "0..8", empty without
	Edge   bool    // said once, not repeated
	Fields []Input // of a nested struct, which has no kind
}

// Markers: the places in a namespace's events where values of a game go.
type (
	World   any // what the game tells once
	Value   any // an input of the game
	Result  any // what the game ends with
	Entity  any // a row of a replicated set in a snapshot
	Event   any // a whole game event: [tick, name, data]
	Request any // a whole request: {ev, data}
	Column  any // a field in the schema event: [name, type, quantum]; of every game
)

// marked is what stands for a marker.
var marked = map[reflect.Type][]string{
	reflect.TypeFor[World]():   {`G["world"]`},
	reflect.TypeFor[Value]():   {`G["input"]`},
	reflect.TypeFor[Result]():  {`G["result"]`, "null"},
	reflect.TypeFor[Entity]():  {`G["entity"]`},
	reflect.TypeFor[Event]():   {"EventOf<G>"},
	reflect.TypeFor[Request](): {"RequestOf<G>"},
	reflect.TypeFor[Column]():  {`[name: string, type: "i" | "u" | "b" | "f", quantum: number]`},
}

const anyGame = "<G extends Game = AnyGame>"

const acks = `
/** The answer of something that was refused. */
export interface Refused {
  ok: false;
  err: ErrorReply;
}

/** An answer: R, or why not. */
export type Ack<R> = (R & { ok: true }) | Refused;

/** What connect_error is told with. */
export type ConnectError = Error & { data?: ErrorReply };
`

const generics = `
/** What a game puts into the events of a match. */
export interface Game {
  input: unknown;
  world: unknown;
  result: unknown;
  events: object;
  requests: object;
  sets: object;
  entity: unknown;
}

/** Whichever game of this server it is. */
export type AnyGame = %s;

/** One argument: when, which, and its data. */
export type EventOf<G extends Game> = G extends Game
  ? { [K in keyof G["events"] & string]: [tick: number, name: K, data: G["events"][K]] }[keyof G["events"] & string]
  : never;

/** What a game may be asked. */
export type RequestOf<G extends Game> = G extends Game
  ? { [K in keyof G["requests"] & string]: { ev: K; data?: G["requests"][K] } }[keyof G["requests"] & string]
  : never;
`

// Generate returns the declarations, a TypeScript module without code.
func Generate(cfg Config) []byte {
	g := newGenerator()
	spaces := make([]string, len(cfg.Namespaces))
	for i, ns := range cfg.Namespaces {
		spaces[i] = g.take(camel(ns.Sockets.Name(), "Root"))
	}
	games := make([]string, len(cfg.Games))
	for i, game := range cfg.Games {
		games[i] = g.takeGame(camel(game.Name, "Unnamed"))
	}
	g.assign(roots(cfg))

	var body bytes.Buffer
	body.WriteString("// Written by " + strings.Join(strings.Fields(cfg.Command), " ") + "; do not edit.\n")
	g.declare(&body)
	body.WriteString(acks)
	if len(cfg.Games) > 0 || g.usesGame {
		writeGameTypes(&body, cfg.Games, games)
	}
	for i, game := range cfg.Games {
		g.game(&body, games[i], game, cfg.GameEvents)
	}
	for i, ns := range cfg.Namespaces {
		g.namespace(&body, spaces[i], ns)
	}
	return body.Bytes()
}

// root is a type that is not part of another one.
type root struct {
	shape *sio.Shape
	dir   direction
}

// roots lists all of them in the order of the output.
func roots(cfg Config) []root {
	list := []root{{sio.ShapeOf(reflect.TypeFor[sio.Error]()), fromServer}}
	add := func(t reflect.Type, dir direction) {
		if t != nil {
			list = append(list, root{sio.ShapeOf(t), dir})
		}
	}
	for _, ns := range cfg.Namespaces {
		add(ns.Auth, fromClient)
		for _, ev := range ns.Sockets.Events() {
			dir := fromClient
			if ev.FromServer {
				dir = fromServer
			}
			list = append(list, root{ev.Arg, dir}, root{ev.Answer, dir.other()})
		}
	}
	for _, game := range cfg.Games {
		add(game.World, fromServer)
		add(game.Result, fromServer)
		for _, name := range slices.Sorted(maps.Keys(game.Events)) {
			add(game.Events[name], fromServer)
		}
		for _, name := range slices.Sorted(maps.Keys(game.Requests)) {
			add(game.Requests[name], fromClient)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.GameEvents)) {
		add(cfg.GameEvents[name], fromServer)
	}
	return slices.DeleteFunc(list, func(r root) bool { return r.shape == nil })
}

// namespace writes the two event maps of a namespace.
func (g *generator) namespace(w *bytes.Buffer, name string, ns Namespace) {
	events := ns.Sockets.Events()
	fmt.Fprintf(w, "\n/** %s */\nexport namespace %s {\n", comment(ns.Sockets.Name()), name)
	if ns.Auth != nil {
		fmt.Fprintf(w, "  /** What CONNECT takes as auth. */\n  type Auth = %s;\n\n", g.known(ns.Auth, fromClient, "  "))
	}
	for _, dir := range []direction{fromServer, fromClient} {
		title, param := "ClientToServerEvents", ""
		if dir == fromServer {
			title = "ServerToClientEvents"
		}
		mine := slices.DeleteFunc(slices.Clone(events), func(ev sio.EventInfo) bool { return ev.FromServer != (dir == fromServer) })
		if slices.ContainsFunc(mine, func(ev sio.EventInfo) bool { return generic(ev.Arg) || generic(ev.Answer) }) {
			param = anyGame
		}
		fmt.Fprintf(w, "  interface %s%s {\n", title, param)
		for _, ev := range mine {
			fmt.Fprintf(w, "    %s: %s;\n", property(ev.Name), g.listener(ev, dir))
		}
		w.WriteString("  }\n")
		if dir == fromServer {
			w.WriteString("\n")
		}
	}
	w.WriteString("}\n")
}

// listener is the type of an event in an event map.
func (g *generator) listener(ev sio.EventInfo, dir direction) string {
	var params []string
	if ev.Arg != nil {
		params = append(params, "arg: "+g.expr(ev.Arg, dir, false, "    ").String())
	}
	if ev.Answer != nil {
		reply := g.expr(ev.Answer, dir.other(), false, "    ")
		if dir == fromClient {
			reply = g.ack(ev.Answer, reply)
		}
		params = append(params, "ack: (reply: "+reply.String()+") => void")
	}
	return "(" + strings.Join(params, ", ") + ") => void"
}

// ack adds the refusal to an answer.
func (g *generator) ack(s *sio.Shape, reply union) union {
	if s.Kind == sio.ShapeObject && slices.ContainsFunc(s.Fields, func(f sio.ShapeField) bool {
		return f.Name == "ok" && f.Shape.Kind == sio.ShapeBool
	}) {
		return union{"Ack<" + reply.String() + ">"}
	}
	return reply.or("Refused")
}
