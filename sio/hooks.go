package sio

import (
	"slices"

	"gameserver/engine"
)

// Hooks are told what happens on a [Server]; a nil one is not called. They run
// where it happens, which may be the reader of a connection, under no lock, and
// must not block. Events and their bytes die when the hook returns.
type Hooks struct {
	// Namespace is told of a new namespace before anybody joins it, static or
	// child of a dynamic one, and of those that exist when Observe is called.
	Namespace func(*Namespace)
	// NamespaceGone is told of a child that was removed when it was empty.
	NamespaceGone func(*Namespace)
	// Connected follows OnConnection's CONNECT and precedes its handlers.
	Connected func(*Socket)
	// Disconnected comes when the socket has left its rooms.
	Disconnected func(s *Socket, reason string)
	// RoomCreated and RoomDeleted surround the life of a room, Joined and Left a
	// socket's stay in it. The room of a socket's own id is not reported.
	RoomCreated, RoomDeleted func(n *Namespace, room string)
	Joined, Left             func(s *Socket, room string)
	// Shared is told of every Socket.Share, with the JSON.
	Shared func(s *Socket, data []byte)
	// Received is told of events that passed the middleware, Sent of events sent,
	// except those of SendPacket.
	Received, Sent func(*Socket, *Event)
	// Opened and Closed are told of the connections below.
	Opened func(*engine.Conn)
	Closed func(*engine.Conn, engine.Reason)
}

// Observe adds hooks for the life of the server.
func (s *Server) Observe(h Hooks) {
	s.mu.Lock()
	var all []Hooks
	if old := s.hooks.Load(); old != nil {
		all = slices.Clone(*old)
	}
	all = append(all, h)
	s.hooks.Store(&all)
	var known []*Namespace
	for _, n := range s.nsps {
		known = append(known, n)
	}
	s.mu.Unlock()
	if h.Namespace != nil {
		for _, n := range known {
			s.guard("hook", func() { h.Namespace(n) })
		}
	}
}

// tell calls one kind of hook.
func (s *Server) tell(call func(*Hooks)) {
	all := s.hooks.Load()
	if all == nil {
		return
	}
	for i := range *all {
		s.guard("hook", func() { call(&(*all)[i]) })
	}
}

// observed reports whether anybody listens at all.
func (s *Server) observed() bool { return s.hooks.Load() != nil }

// roomChange is something to tell when the lock is gone.
type roomChange struct {
	s    *Socket
	room string
	in   bool
	edge bool // the first in, or the last out
}

func (s *Server) tellRooms(changes []roomChange) {
	for _, c := range changes {
		s.tell(func(h *Hooks) { c.tell(h) })
	}
}

func (c *roomChange) tell(h *Hooks) {
	switch {
	case c.in:
		if c.edge && h.RoomCreated != nil {
			h.RoomCreated(c.s.nsp, c.room)
		}
		if h.Joined != nil {
			h.Joined(c.s, c.room)
		}
	default:
		if h.Left != nil {
			h.Left(c.s, c.room)
		}
		if c.edge && h.RoomDeleted != nil {
			h.RoomDeleted(c.s.nsp, c.room)
		}
	}
}
