package match

import (
	"sync/atomic"

	"gameserver/game"
	"gameserver/tick"
)

// Pace is how one seat's connection keeps up with its snapshots.
type Pace struct {
	State    PaceState
	Cadence  int // of the match's snapshots it gets each n-th
	Trip     int // smoothed round trip, in ticks: from a snapshot to the input that names it
	InFlight int // snapshots that were sent and not yet named
}

// Pace returns how a seat's connection keeps up, as of its last snapshot. Any
// goroutine may call it; a seat without a connection has no cadence.
func (m *Match) Pace(seat int) Pace {
	if seat < 0 || seat >= len(m.paces) {
		return Pace{}
	}
	v := m.paces[seat].Load()
	if v == 0 {
		return Pace{}
	}
	state := PaceState(v >> 48 & 0xff)
	return Pace{State: state, Cadence: int(state.cadence()), Trip: int(v >> 24 & 0xffffff), InFlight: int(v & 0xffffff)}
}

// pacing is what the pacers need to know of the match.
func (m *Match) pacing() pacing {
	return pacing{hz: uint32(m.rules.Tick), every: m.every()}
}

// every is the number of ticks between two snapshots of a seat that keeps up.
func (m *Match) every() uint32 {
	every := uint32(m.rules.Every())
	if m.level >= tick.LevelSparse {
		every *= 2
	}
	return every
}

// pace marks the seats that are given a snapshot in this tick: those who are due
// one by their cadence, were refused one, or have just come, as long as they keep
// up with reading. It reports whether there is any.
func (m *Match) pace() bool {
	r, last, due := m.pacing(), m.state == game.StateEnding, false
	for i := range m.seats {
		s := &m.seats[i]
		if s.link == nil {
			s.owed = false
			m.publishPace(s, 0)
			continue
		}
		p := &s.pacer
		pending := s.owed || p.wants
		want := p.moment(r, m.tick, pending) || pending || s.arriving(m.tick)
		s.owed = last || want && p.ready(r, m.tick)
		if p.wants = want && !s.owed; p.wants {
			m.stats.held.Add(1)
		}
		due = due || s.owed
		_, flying := p.credit(r)
		m.publishPace(s, paceKnown|uint64(p.state)<<48|uint64(p.smooth/8)<<24|uint64(flying))
	}
	return due
}

// cutSlow closes the connections that have not read for too long, or took no
// snapshot while more events came than are kept. Their seats are held.
func (m *Match) cutSlow() {
	r := m.pacing()
	for i := range m.seats {
		if s := &m.seats[i]; s.link != nil && (s.post.full || s.pacer.lost(r, m.tick)) {
			m.refused("slow_consumer")
			m.cut(s, game.ReasonSlowConsumer)
		}
	}
}

// seen notes what a player has seen of the match. vows says that it was told in a
// way by which a client promises to tell it of every snapshot.
func (m *Match) seen(s *seat, tick uint32, vows bool) {
	s.mail.seen(min(tick, m.tick))
	s.pacer.vows = s.pacer.vows || vows
	s.pacer.ack(m.pacing(), m.tick, tick)
	if tick > m.tick {
		s.in.evidence.View++
	}
}

// saw is the point in time, in quarter ticks, that a player saw when making an
// input: so many quarters before the newest tick it names. It is what the player
// says, unless the round trips say something else: then it is what they say.
func (m *Match) saw(s *seat, seen uint32, view uint8) uint64 {
	said := 4 * uint64(seen)
	said -= min(said, uint64(view))
	trip := uint64(s.pacer.smooth) / 2 // in quarters
	if trip == 0 {
		return said
	}
	r := m.pacing()
	now := 4 * uint64(m.tick)
	guess := now - min(now, trip+4*uint64(r.every))
	off := 4 * uint64(max((r.hz*ViewToleranceMs+999)/1000, 2*r.every))
	if said+off < guess || said > guess+off {
		s.in.evidence.View++
		m.stats.views.Add(1)
		return guess
	}
	return said
}

// publishPace makes what Pace returns known.
func (m *Match) publishPace(s *seat, v uint64) {
	if at := &m.paces[s.index]; at.Load() != v {
		at.Store(v)
	}
}

// paces holds what Pace returns, by seat: the state, the round trip and the
// snapshots in flight; 0 without a connection.
type paces []atomic.Uint64

const paceKnown = 1 << 63

// census counts the connections by state.
func (p paces) census() (n [PaceStates]int) {
	for i := range p {
		if v := p[i].Load(); v != 0 {
			n[v>>48&0xff]++
		}
	}
	return n
}
