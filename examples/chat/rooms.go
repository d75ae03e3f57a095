package main

import (
	"cmp"
	"slices"
)

// What the server holds. What one client may send is in the check tags of main.go,
// and how many rooms one is in is bounded by sio.Limits.
const (
	maxRooms   = 100 // beyond: a room without people makes place, or overloaded
	maxHistory = 50  // messages kept of a room; the oldest goes first
)

// message is one line of a room, numbered from 1.
type message struct {
	Room string `json:"room"`
	ID   int    `json:"id"`
	From string `json:"from"`
	Text string `json:"text"`
	At   int64  `json:"at"`  // ms since 1970
	Via  string `json:"via"` // the sender's parser, because this page shows off
}

// people are those in a room. Lists may overtake each other on their way; the
// one with the highest Rev counts.
type people struct {
	Room  string   `json:"room"`
	Rev   int      `json:"rev"`
	Names []string `json:"names"`
}

// view is what one sees on joining.
type view struct {
	Room     string    `json:"room"`
	Messages []message `json:"messages"`
	People   people    `json:"people"`
}

// rooms is the state of the chat: values in, values out.
type rooms map[string]*room

type room struct {
	names    map[string]string // by socket
	rev      int
	last     int // id of the last message
	messages []message
}

func (rs rooms) join(name, id, nick string) (view, bool) {
	r := rs[name]
	if r == nil {
		if len(rs) >= maxRooms && !rs.dropEmpty() {
			return view{}, false
		}
		r = &room{names: map[string]string{}}
		rs[name] = r
	}
	r.names[id] = nick
	return view{Room: name, Messages: append([]message{}, r.messages...), People: r.people(name)}, true
}

func (rs rooms) leave(name, id string) (people, bool) {
	if !rs.has(name, id) {
		return people{}, false
	}
	r := rs[name]
	delete(r.names, id)
	return r.people(name), true
}

func (rs rooms) say(id string, m message) (message, bool) {
	if !rs.has(m.Room, id) {
		return message{}, false
	}
	r := rs[m.Room]
	r.last++
	m.ID = r.last
	if len(r.messages) == maxHistory {
		r.messages = slices.Delete(r.messages, 0, 1)
	}
	r.messages = append(r.messages, m)
	return m, true
}

func (rs rooms) has(name, id string) bool {
	r := rs[name]
	if r == nil {
		return false
	}
	_, in := r.names[id]
	return in
}

func (rs rooms) dropEmpty() bool {
	for name, r := range rs {
		if len(r.names) == 0 {
			delete(rs, name)
			return true
		}
	}
	return false
}

func (r *room) people(name string) people {
	r.rev++
	names := make([]string, 0, len(r.names))
	for _, n := range r.names {
		names = append(names, n)
	}
	slices.SortFunc(names, cmp.Compare[string])
	return people{Room: name, Rev: r.rev, Names: names}
}
