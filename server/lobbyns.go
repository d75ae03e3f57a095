package server

import (
	"log/slog"
	"time"

	"gameserver/lobby"
	"gameserver/sio"
)

const (
	lobbyNamespace = "/lobby"
	wireVersion    = 1
	retryBusy      = 5 * time.Second // advice to clients that were turned away
)

// person is the Data of a lobby socket.
type person struct {
	s        *Server
	sock     *sio.Socket
	id, name string
}

type lobbyAuth struct {
	Name    string `json:"name"`
	Session string `json:"session"`
}

type helloRequest struct {
	V int `json:"v"`
}

type helloReply struct {
	OK      bool          `json:"ok"`
	V       int           `json:"v"`
	Player  helloPlayer   `json:"player"`
	Session string        `json:"session"`
	Now     int64         `json:"now"`
	Active  *lobby.Active `json:"active,omitempty"`
}

type helloPlayer struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type joinRequest struct {
	Queue string `json:"queue" check:"required"`
	Rid   string `json:"rid"`
}

type joinReply struct {
	OK     bool   `json:"ok"`
	Ticket string `json:"ticket"`
	Queue  string `json:"queue"`
}

type leaveRequest struct {
	Ticket string `json:"ticket"`
}

type okReply struct {
	OK bool `json:"ok"`
}

// serveLobby wires /lobby.
func (s *Server) serveLobby() {
	ns := s.io.Of(lobbyNamespace)
	declareLobby(ns)
	ns.Use(s.greet)
	ns.OnConnection(s.enterLobby)
}

// greet finds out who a lobby socket is: the player of the session, or a new
// one. A session that is not ours any more is no reason to refuse.
func (s *Server) greet(sock *sio.Socket) error {
	if s.draining.Load() {
		return s.refused("lobby", lobby.ErrDraining)
	}
	var auth lobbyAuth
	if err := sock.Auth(&auth); err != nil {
		return &sio.Error{Code: "bad_payload", Msg: "auth must be {name?, session?}", Path: "auth"}
	}
	who := &person{s: s, sock: sock}
	if auth.Session != "" {
		tok, err := s.lobby.Keys().Open(auth.Session, time.Now(), lobby.KindSession)
		if err == nil {
			who.id = tok.Player
		} else {
			s.metrics.refuse("lobby", wireError(err).Code)
		}
	}
	if who.id == "" {
		who.id = "p" + lobby.NewID()
	}
	who.name = cleanName(auth.Name, who.id[1:])
	sock.Data = who
	return nil
}

// enterLobby attaches a socket to its player. The handlers are complete before
// the lobby can have anything to say.
func (s *Server) enterLobby(sock *sio.Socket) {
	who, ok := sock.Data.(*person)
	if !ok {
		panic("server: a lobby socket without a player")
	}
	sock.OnUnknown(func(*sio.Event) { s.metrics.refuse("lobby", "bad_event") })
	listen(who, callHello, func(helloRequest) (helloReply, error) { return s.hello(who), nil })
	listen(who, callJoin, func(r joinRequest) (joinReply, error) {
		if s.overload.shut(time.Now()) && s.lobby.Active(who.id).Ticket == "" {
			return joinReply{}, s.refused("lobby", lobby.ErrOverloaded)
		}
		ticket, err := s.lobby.Join(who.id, r.Queue, r.Rid)
		if err != nil {
			return joinReply{}, s.refused("lobby", err)
		}
		return joinReply{OK: true, Ticket: ticket, Queue: r.Queue}, nil
	})
	listen(who, callLeave, func(r leaveRequest) (okReply, error) {
		if err := s.lobby.Leave(who.id, r.Ticket); err != nil {
			return okReply{}, s.refused("lobby", err)
		}
		return okReply{OK: true}, nil
	})
	if old := s.hub.add(who.id, sock); old != nil {
		s.metrics.refuse("lobby", "replaced")
		old.Disconnect(false)
	}
	if err := s.lobby.Attach(who.id, who.name); err != nil {
		s.hub.remove(who.id, sock)
		s.metrics.refuse("lobby", wireError(err).Code)
		sock.Disconnect(false)
		return
	}
	sock.OnDisconnect(func(reason string) {
		s.hub.remove(who.id, sock)
		s.lobby.Detach(who.id)
		s.log.Debug("left the lobby", slog.String("player", who.id), slog.String("reason", reason))
	})
}

// listen sets the handler of a lobby event. An argument that does not fit is a
// strike.
func listen[T, R any](who *person, event call[T, R], h func(T) (R, error)) {
	sio.OnAck(who.sock, string(event), func(arg T) (R, error) {
		r, err := h(arg)
		if err != nil {
			return r, wireError(err)
		}
		return r, nil
	})
}

// hello tells a player who they are and what they have going on.
func (s *Server) hello(who *person) helloReply {
	now := time.Now()
	r := helloReply{
		OK:     true,
		V:      wireVersion,
		Player: helloPlayer{ID: who.id, Name: who.name},
		Session: s.lobby.Keys().Seal(lobby.Token{
			Kind: lobby.KindSession, Player: who.id, Expires: now.Add(lobby.SessionTTL),
		}),
		Now: now.UnixMilli(),
	}
	if active := s.lobby.Active(who.id); active.Ticket != "" || active.Match != nil {
		r.Active = &active
	}
	return r
}
