package match

import (
	"encoding/binary"

	"gameserver/game/snap"
)

// post holds the events that are to ride in a seat's next compact snapshot, and
// stay until one is taken.
type post struct {
	bytes  []byte
	events int
	full   bool // one had no room: the connection is to be closed
}

// saying is one event on its way to some players.
type saying struct {
	v      []any // [tick, name, data]
	packed []byte
	err    error
}

// say gives an event to a player's connection: at once, or to ride in the next
// snapshot. It is put into msgpack once for all players.
func (m *Match) say(s *seat, e *saying) error {
	m.stats.events.Add(1)
	if s.enc != snap.Compact {
		return m.emit(s, "event", e.v)
	}
	if e.packed == nil && e.err == nil {
		m.packed, e.err = s.link.AppendValue(m.packed[:0], e.v)
		e.packed = m.packed
	}
	if e.err != nil {
		m.stats.unsent.Add(1)
		return e.err
	}
	s.post.add(e.packed)
	return nil
}

func (p *post) add(event []byte) {
	if p.full || p.events >= snap.EventsMax || len(p.bytes)+len(event) > PostBytesMax {
		p.full = true
		return
	}
	p.bytes = snap.AppendEvent(p.bytes, event)
	p.events++
}

func (p *post) reset() { p.bytes, p.events, p.full = p.bytes[:0], 0, false }

// posted notes that a snapshot was taken, with all that was to ride in it.
func (m *Match) posted(s *seat) {
	if s.post.events == 0 {
		return
	}
	for i := range s.mail.letters {
		if l := &s.mail.letters[i]; l.sent == 0 {
			l.sent = m.tick
		}
	}
	s.post.reset()
}

// deliver sends what no snapshot will carry any more, because the connection
// comes to its end.
func (m *Match) deliver(s *seat) {
	rest := s.post.bytes
	for ; s.post.events > 0; s.post.events-- {
		size, n := binary.Uvarint(rest)
		event := rest[n : n+int(size)]
		rest = rest[n+int(size):]
		packet := s.link.AppendHead(m.packets.bytes[:0], "event")
		packet = s.link.AppendTail(append(packet, event...))
		if s.link.Send(packet) != nil {
			m.stats.unsent.Add(1)
		}
		m.packets.bytes = packet
	}
	s.post.reset()
}
