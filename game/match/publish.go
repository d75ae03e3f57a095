package match

import (
	"encoding/json"
	"log/slog"
	"time"

	"gameserver/game"
	"gameserver/game/snap"
	"gameserver/tick"
)

// Payloads of the framework's own events.
type (
	welcome struct {
		Match   string       `json:"match"`
		Tick    uint32       `json:"tick"`
		Rate    int          `json:"rate"`
		Every   int          `json:"every"`
		You     game.ID      `json:"you"`
		Snap    int          `json:"snap"`
		Resume  string       `json:"resume"`
		State   string       `json:"state"`
		World   any          `json:"world"`
		Players []playerInfo `json:"players"`
		Events  uint32       `json:"events"` // events of the game before the next one
	}
	playerInfo struct {
		ID   game.ID `json:"id"`
		Name string  `json:"name"`
		Bot  bool    `json:"bot"`
		Team int     `json:"team"`
	}
	stateInfo struct {
		State string `json:"state"`
		At    uint32 `json:"at"`
	}
	result struct {
		Match  string `json:"match"`
		Reason string `json:"reason"`
		Result any    `json:"result"`
	}
)

// notice is an event of the framework's own.
type notice struct {
	name string
	data any
}

// emit sends a reliable event to one player. A link that cannot take it is
// closing, and its Detach is on the way.
func (m *Match) emit(s *seat, event string, v any) error {
	err := s.link.Emit(event, v)
	if err != nil {
		m.stats.unsent.Add(1)
	}
	return err
}

// flush sends what the match and the game said in this tick.
func (m *Match) flush() {
	for _, n := range m.notices {
		e := saying{v: []any{m.tick, n.name, n.data}}
		for i := range m.seats {
			if s := &m.seats[i]; s.link != nil {
				_ = m.say(s, &e)
			}
		}
	}
	clear(m.notices)
	m.notices = m.notices[:0]
	if events := m.drv.Events(); len(events) > 0 {
		for _, e := range events {
			m.tell(e)
		}
		m.drv.ClearEvents()
	}
}

// tell sends one event of the game's, and keeps it for those who may not get it.
func (m *Match) tell(e game.Event) {
	said := saying{v: []any{m.tick, e.Name, e.Data}}
	var failed error
	for i := range m.seats {
		s := &m.seats[i]
		if s.player == nil || s.spec.Bot || e.To != 0 && e.To != s.player.ID {
			continue
		}
		l := letter{tick: m.tick, name: e.Name, data: e.Data}
		if s.link != nil {
			if err := m.say(s, &said); err != nil {
				failed = err
			}
			if s.enc != snap.Compact {
				l.sent = m.tick
			}
		}
		s.mail.add(l)
	}
	if failed != nil && !encodable(e.Data) {
		m.cfg.Logger.Warn("the game sent an event that cannot be encoded", slog.String("match", m.cfg.ID),
			slog.String("event", e.Name), slog.Any("err", failed))
	}
}

// replay gives a new connection the events that the player may not have got.
// What does not fit into one snapshot is lost, all of it.
func (m *Match) replay(s *seat) {
	for i := range s.mail.letters {
		l := &s.mail.letters[i]
		l.sent = m.tick
		if s.enc == snap.Compact {
			l.sent = 0 // until a snapshot is taken
		}
		_ = m.say(s, &saying{v: []any{l.tick, l.name, l.data}})
	}
	if s.post.full {
		s.post.reset()
		s.mail.forget(len(s.mail.letters))
	}
}

// encodable tells a fault of the game's from a connection that is closing.
func encodable(v any) bool {
	_, err := json.Marshal(v)
	return err == nil
}

// packets holds the packets of one batch of players, one after the other.
type packets struct {
	bytes []byte
	ends  [writeBatch]int
	seats [writeBatch]*seat
	n     int
}

// publish sends a snapshot to everybody who is due one.
func (m *Match) publish(t *tick.Tick) {
	if !m.pace() {
		return
	}
	m.world.Diff(m.tick, m.tick/m.every())
	t.Begin(tick.PhaseInterest)
	m.look(t)
	late := uint32(min(max(t.Late/(10*time.Microsecond), 0), lateMax))
	for i := 0; i < len(m.seats); {
		t.Begin(tick.PhaseSplice)
		i = m.splice(i, late)
		t.Begin(tick.PhaseWrite)
		m.write()
	}
}

// splice builds the packets of the next batch of players and returns where the
// one after it begins.
func (m *Match) splice(i int, late uint32) int {
	p := &m.packets
	p.bytes, p.n = p.bytes[:0], 0
	for ; i < len(m.seats) && p.n < writeBatch; i++ {
		s := &m.seats[i]
		if !s.owed {
			continue
		}
		head := snap.Head{
			Ack: s.in.applied, Lead: s.in.lead, Late: late, Budget: m.budget(s),
			Every: uint8(s.pacer.state.cadence()), Level: uint8(m.level),
		}
		event := "snapshot"
		if s.enc == snap.Compact {
			event = "s"
			head.Events, head.EventCount = s.post.bytes, s.post.events
		}
		p.bytes = s.link.AppendHead(p.bytes, event)
		p.bytes = m.world.Append(p.bytes, &s.view, s.enc, head)
		p.bytes = s.link.AppendTail(p.bytes)
		p.seats[p.n], p.ends[p.n] = s, len(p.bytes)
		p.n++
	}
	return i
}

// write hands the packets to the links. One that is refused is forgotten: the
// next is built on the last one that was taken.
func (m *Match) write() {
	p := &m.packets
	from := 0
	for i, s := range p.seats[:p.n] {
		packet := p.bytes[from:p.ends[i]]
		from = p.ends[i]
		if s.link.SendLatest(packet) {
			m.world.Accept(&s.view)
			m.posted(s)
			s.arrived()
			s.owed, s.in.heard = false, false
			s.pacer.took(m.tick)
			m.stats.snapshots.Add(1)
			m.stats.bytes.Add(uint64(len(packet)))
		} else {
			m.stats.refusals.Add(1)
			s.pacer.refused(m.pacing(), m.tick)
		}
	}
}
