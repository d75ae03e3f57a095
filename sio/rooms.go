package sio

import (
	"slices"
	"sync"
)

// room is a set of sockets, kept dense so that a broadcast is a copy.
type room struct {
	name    string
	members []*Socket
}

// enter adds a socket to the namespace.
func (n *Namespace) enter(s *Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s.inside = true
	s.place = len(n.all.members)
	n.all.members = append(n.all.members, s)
	n.byID[s.id] = s
}

// exit removes a socket from the namespace and from its rooms.
func (n *Namespace) exit(s *Socket) {
	n.srv.tellRooms(n.remove(s))
}

func (n *Namespace) remove(s *Socket) (left []roomChange) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !s.inside {
		return nil
	}
	s.inside = false
	watched := n.srv.observed()
	for r := range s.rooms {
		last := n.leaveLocked(s, r)
		if watched {
			left = append(left, roomChange{s: s, room: r.name, edge: last})
		}
	}
	s.rooms = nil
	delete(n.byID, s.id)
	last := len(n.all.members) - 1
	moved := n.all.members[last]
	n.all.members[s.place], moved.place = moved, s.place
	n.all.members[last] = nil
	n.all.members = n.all.members[:last]
	return left
}

// joinLocked reports whether the socket was not in the room.
func (n *Namespace) joinLocked(s *Socket, name string) (joined bool, err error) {
	if name == s.id {
		s.leftOwn = false
		return false, nil
	}
	r := n.byName[name]
	if r != nil {
		if _, in := s.rooms[r]; in {
			return false, nil
		}
	}
	if len(s.rooms)+1 >= n.srv.cfg.Limits.Rooms {
		return false, ErrTooManyRooms
	}
	if r == nil {
		r = &room{name: name}
		n.byName[name] = r
	}
	if s.rooms == nil {
		s.rooms = make(map[*room]int)
	}
	s.rooms[r] = len(r.members)
	r.members = append(r.members, s)
	return true, nil
}

// leaveLocked takes a socket out of a room it is in and reports whether it was
// the last.
func (n *Namespace) leaveLocked(s *Socket, r *room) bool {
	at := s.rooms[r]
	last := len(r.members) - 1
	moved := r.members[last]
	r.members[at], moved.rooms[r] = moved, at
	r.members[last] = nil
	r.members = r.members[:last]
	delete(s.rooms, r)
	if last == 0 {
		delete(n.byName, r.name)
	}
	return last == 0
}

// Join puts the socket into rooms. A room exists while it has members. Every
// socket is in the room named by its own id. After the socket has left the
// namespace, Join does nothing. Beyond Limits.Rooms it returns
// [ErrTooManyRooms], having joined the rooms before.
func (s *Socket) Join(rooms ...string) error {
	joined, err := s.join(rooms)
	if err != nil {
		s.conn.srv.refused("too_many_rooms")
	}
	s.conn.srv.tellRooms(joined)
	return err
}

func (s *Socket) join(rooms []string) (joined []roomChange, err error) {
	s.nsp.mu.Lock()
	defer s.nsp.mu.Unlock()
	if !s.inside {
		return nil, nil
	}
	watched := s.conn.srv.observed()
	for _, name := range rooms {
		news, err := s.nsp.joinLocked(s, name)
		if err != nil {
			return joined, err
		}
		if news && watched {
			joined = append(joined, roomChange{s: s, room: name, in: true, edge: len(s.nsp.byName[name].members) == 1})
		}
	}
	return joined, nil
}

// Leave takes the socket out of a room.
func (s *Socket) Leave(room string) {
	if left, last := s.leaveRoom(room); left && s.conn.srv.observed() {
		s.conn.srv.tellRooms([]roomChange{{s: s, room: room, edge: last}})
	}
}

func (s *Socket) leaveRoom(room string) (left, last bool) {
	s.nsp.mu.Lock()
	defer s.nsp.mu.Unlock()
	if room == s.id {
		s.leftOwn = true
	}
	r := s.nsp.byName[room]
	if r == nil {
		return false, false
	}
	if _, in := s.rooms[r]; !in {
		return false, false
	}
	return true, s.nsp.leaveLocked(s, r)
}

// Rooms returns the rooms of the socket, sorted; none once it has left.
func (s *Socket) Rooms() []string {
	s.nsp.mu.RLock()
	defer s.nsp.mu.RUnlock()
	if !s.inside {
		return nil
	}
	names := make([]string, 0, len(s.rooms)+1)
	if !s.leftOwn {
		names = append(names, s.id)
	}
	for r := range s.rooms {
		names = append(names, r.name)
	}
	slices.Sort(names)
	return names
}

// membersLocked appends the sockets of a room, own-id rooms included, to dst.
func (n *Namespace) membersLocked(dst []*Socket, name string) []*Socket {
	if s := n.byID[name]; s != nil && !s.leftOwn {
		dst = append(dst, s)
	}
	if r := n.byName[name]; r != nil {
		dst = append(dst, r.members...)
	}
	return dst
}

// seenSets recycles what selectLocked remembers.
var seenSets sync.Pool

// selectLocked appends the sockets that b addresses to dst, each once.
func (n *Namespace) selectLocked(dst []*Socket, b *Broadcast) []*Socket {
	switch {
	case b.only != nil && len(b.rooms) == 0:
		dst = append(dst, b.only)
	case len(b.rooms) == 0:
		dst = append(dst, n.all.members...)
	default:
		for _, name := range b.rooms {
			dst = n.membersLocked(dst, name)
		}
	}
	if len(b.rooms) <= 1 && len(b.except) == 0 {
		return dst
	}
	seen, ok := seenSets.Get().(map[*Socket]struct{})
	if !ok {
		seen = make(map[*Socket]struct{}, len(dst))
	}
	defer func() {
		if len(seen) <= maxSeen {
			clear(seen)
			seenSets.Put(seen)
		}
	}()
	for _, name := range b.except {
		if s := n.byID[name]; s != nil && !s.leftOwn {
			seen[s] = struct{}{}
		}
		if r := n.byName[name]; r != nil {
			for _, s := range r.members {
				seen[s] = struct{}{}
			}
		}
	}
	return unseen(dst, seen)
}

// unseen keeps the sockets that are not in seen yet, and puts them there.
func unseen(dst []*Socket, seen map[*Socket]struct{}) []*Socket {
	kept := dst[:0]
	for _, s := range dst {
		if _, again := seen[s]; !again {
			seen[s] = struct{}{}
			kept = append(kept, s)
		}
	}
	clear(dst[len(kept):])
	return kept
}
