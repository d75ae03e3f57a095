package server

import (
	"reflect"

	"gameserver/game"
	"gameserver/lobby"
	"gameserver/server/tsgen"
	"gameserver/sio"
)

// What travels in both namespaces, declared once: for the types that `types`
// writes, and held to by tests.

// call is an event of clients with an answer. The types are those of its
// handler: see listen.
type call[T, R any] string

// The events of /lobby that clients send.
const (
	callHello call[helloRequest, helloReply] = "hello"
	callJoin  call[joinRequest, joinReply]   = "queue:join"
	callLeave call[leaveRequest, okReply]    = "queue:leave"
)

const eventDrain = "server:drain"

func (c call[T, R]) declare(ns *sio.Namespace) {
	ns.Accepts(string(c), reflect.TypeFor[T](), reflect.TypeFor[R]())
}

func declareLobby(ns *sio.Namespace) {
	callHello.declare(ns)
	callJoin.declare(ns)
	callLeave.declare(ns)
	ns.Emits(lobby.EventState, lobby.QueueState{}, nil)
	ns.Emits(lobby.EventFound, lobby.Found{}, nil)
	ns.Emits(lobby.EventVoid, lobby.Void{}, nil)
	ns.Emits(lobby.EventFailed, lobby.Failed{}, nil)
	ns.Emits(eventDrain, drainNotice{}, nil)
}

// The payloads of /match, which the match and the snapshot encoder write and
// parseInput reads.
type (
	matchWelcome struct {
		Match   string        `json:"match"`
		Tick    uint32        `json:"tick"`
		Rate    int           `json:"rate"`
		Every   int           `json:"every"`
		You     uint32        `json:"you"`
		Snap    int           `json:"snap"`
		Resume  string        `json:"resume"`
		State   string        `json:"state" check:"enum=open|countdown|running|holding|ending|ended|void|failed"`
		World   tsgen.World   `json:"world"`
		Players []matchPlayer `json:"players" check:"required"`
		Events  uint32        `json:"events"`
	}
	matchPlayer struct {
		ID   uint32 `json:"id"`
		Name string `json:"name"`
		Bot  bool   `json:"bot"`
		Team int    `json:"team"`
	}
	matchSchema struct {
		V    int        `json:"v"`
		Sets []matchSet `json:"sets" check:"required"`
		// Input is the compact form of inputs: the name and kind of each field.
		Input [][2]string `json:"input" check:"required"`
	}
	matchSet struct {
		Name   string         `json:"name"`
		Fields []tsgen.Column `json:"fields" check:"required"`
		Own    []tsgen.Column `json:"own,omitempty"`
		Cap    int            `json:"cap,omitempty"`
	}
	matchSnapshot struct {
		T uint32         `json:"t"`
		B uint32         `json:"b"`
		A uint32         `json:"a"`
		D int            `json:"d"`
		L int            `json:"l"`
		E []tsgen.Entity `json:"e" check:"required"`
		R [][2]uint32    `json:"r" check:"required"`
		O []any          `json:"o,omitempty"`
	}
	matchState struct {
		State string `json:"state" check:"enum=open|countdown|running|holding|ending|ended|void|failed"`
		At    uint32 `json:"at"`
	}
	matchPace struct {
		Level  string `json:"level" check:"enum=full|far|sparse|quality|refuse|dilate|crawl"`
		Length int64  `json:"length"`
	}
	matchResult struct {
		Match  string       `json:"match"`
		Reason string       `json:"reason"`
		Result tsgen.Result `json:"result"`
	}
	matchInput struct {
		S uint32      `json:"s" check:"required"`
		K uint32      `json:"k"`
		W uint8       `json:"w"`
		V tsgen.Value `json:"v" check:"required"`
	}
)

// ownEvents are the framework's own among the events of a match.
func ownEvents() map[string]reflect.Type {
	return map[string]reflect.Type{
		"match:state":   reflect.TypeFor[matchState](),
		"match:pace":    reflect.TypeFor[matchPace](),
		"match:players": reflect.TypeFor[[]matchPlayer](),
	}
}

func declareMatch(ns *sio.Namespace) {
	ns.Emits("welcome", matchWelcome{}, nil)
	ns.Emits("schema", matchSchema{}, nil)
	ns.Emits("snapshot", matchSnapshot{}, nil)
	ns.Emits("s", []byte(nil), nil)
	ns.Emits("event", reflect.TypeFor[tsgen.Event](), nil)
	ns.Emits("result", matchResult{}, nil)
	ns.Accepts("input", matchInput{}, nil)
	ns.Accepts("i", []byte{}, nil)
	ns.Accepts("clock", clockRequest{}, clockReply{})
	ns.Accepts("request", reflect.TypeFor[tsgen.Request](), requestReply{})
	ns.Accepts("leave", struct{}{}, okReply{})
}

// declarations are the TypeScript types of the server's events and games.
func (s *Server) declarations(command string) []byte {
	io := sio.New(sio.Config{}) // describes; nobody will connect
	players, seats := io.Of(lobbyNamespace), io.Of(lobby.MatchNamespace)
	declareLobby(players)
	declareMatch(seats)
	cfg := tsgen.Config{
		Command: command,
		Namespaces: []tsgen.Namespace{
			{Sockets: players, Auth: reflect.TypeFor[lobbyAuth]()},
			{Sockets: seats, Auth: reflect.TypeFor[matchAuth]()},
		},
		GameEvents: ownEvents(),
	}
	for _, name := range s.order {
		d := s.games[name]
		samples := d.Rules.Samples
		cfg.Games = append(cfg.Games, tsgen.Game{
			Name:     name,
			Inputs:   describe(d.Input),
			Schema:   d.Schema,
			World:    reflect.TypeOf(samples.World),
			Result:   reflect.TypeOf(samples.Result),
			Events:   typesOf(samples.Events),
			Requests: typesOf(samples.Requests),
		})
	}
	return tsgen.Generate(cfg)
}

func describe(fields []game.InputField) []tsgen.Input {
	if fields == nil {
		return nil
	}
	list := make([]tsgen.Input, len(fields))
	for i, f := range fields {
		list[i] = tsgen.Input{Name: f.Name, Kind: f.Kind, Range: f.Range, Edge: f.Edge, Fields: describe(f.Fields)}
	}
	return list
}

func typesOf(samples map[string]any) map[string]reflect.Type {
	if samples == nil {
		return nil
	}
	types := make(map[string]reflect.Type, len(samples))
	for name, v := range samples {
		types[name] = reflect.TypeOf(v)
	}
	return types
}
