package match

import (
	"fmt"
	"log/slog"

	"gameserver/game"
	"gameserver/game/snap"
)

// claim decides whether a token may take a seat. Tokens are ordered by the epoch
// they were made for, the lobby's being 0; one is void once a later one has been
// used by a connection that then said something.
func (m *Match) claim(e *Entry) error {
	s := &m.seats[e.Seat]
	switch {
	case m.state == game.StateEnding:
		return ErrGone
	case !s.state.Alive() || e.Epoch > s.epoch || e.Epoch < s.oldest:
		return ErrSeatGone
	case m.full(s):
		return ErrBusy
	}
	s.claimed = min(s.claimed, e.Epoch)
	return nil
}

// attach gives a seat to a new connection.
func (m *Match) attach(e *Entry) {
	s, l := &m.seats[e.Seat], e.link
	switch {
	case !s.state.Alive() || m.state == game.StateEnding:
		e.refuse(ErrSeatGone, game.ReasonSeatGone)
		return
	case e.Epoch < s.newest: // one that came in the same tick replaces it unseen
		e.refuse(ErrSeatGone, game.ReasonReplaced)
		return
	case m.full(s):
		e.refuse(ErrBusy, game.ReasonBusy)
		return
	}
	m.unlink(s, game.ReasonReplaced)
	s.epoch, s.token, s.claimed = e.Epoch, s.claimed, noClaim
	if s.token == noClaim {
		s.token = 0
	}
	if s.player == nil {
		if !m.join(s) {
			e.refuse(ErrSeatGone, game.ReasonRefused)
			return
		}
	} else {
		s.player.Connected = true
		s.in.restart(m.tick)
		if s.state != SeatConnected {
			m.move(s, SeatConnected)
		}
		m.drv.Resume(s.player)
	}
	s.link, e.link = l, nil // until here a panic finds the link in the entry
	m.welcome(s, l)
}

// join brings a seat's player into the game.
func (m *Match) join(s *seat) bool {
	s.player = m.drv.Enter(s.index, s.spec.Name, s.spec.Team, s.spec.Bot)
	s.in.evidence = m.drv.Evidence(s.index)
	if err := m.drv.Join(s.player); err != nil {
		m.cfg.Logger.Info("the game refused a player", slog.String("match", m.cfg.ID), slog.Int("seat", s.index),
			slog.Bool("bot", s.spec.Bot), slog.Any("err", err))
		m.drv.Exit(s.player)
		s.player, s.in.evidence = nil, nil
		m.move(s, SeatLeft)
		m.refused("join")
		return false
	}
	if s.spec.Bot {
		m.move(s, SeatBot)
	} else {
		m.move(s, SeatConnected)
	}
	return true
}

// seatBot gives a seat to the game.
func (m *Match) seatBot(s *seat) {
	s.spec.Bot = true
	m.join(s)
}

// roster lists all seats, those of players who have left too.
func (m *Match) roster() []playerInfo {
	list := make([]playerInfo, len(m.seats))
	for i := range m.seats {
		spec := &m.seats[i].spec
		list[i] = playerInfo{ID: game.ID(i + 1), Name: spec.Name, Bot: spec.Bot, Team: spec.Team}
	}
	return list
}

// welcome tells a new connection where it is, and gives it the events that the
// player may not have got. A snapshot follows at the end of the tick: a full one,
// or one that builds on what the player holds from an earlier connection.
func (m *Match) welcome(s *seat, l Link) {
	s.owed = true
	s.pacer.start(m.pacing(), m.tick)
	m.arrive(s)
	m.speak(s, l)
	s.mail.resume()
	if s.enc == snap.Compact {
		m.replay(s)
	}
	w := welcome{
		Match: m.cfg.ID, Tick: m.tick, Rate: m.rules.Tick, Every: m.rules.Every(), You: s.player.ID,
		Resume: l.ResumeToken(s.epoch), State: m.state.String(), World: m.drv.World(), Players: m.roster(),
		Events: s.mail.before,
	}
	if s.enc == snap.Compact {
		w.Snap = 1
	}
	if err := m.emit(s, "welcome", w); err != nil && !encodable(w.World) {
		panic(fmt.Sprintf("what World returned cannot be encoded: %v", err))
	}
	schema := m.cfg.Def.Schema.Wire()
	schema.Input = m.cfg.Def.Compact
	_ = m.emit(s, "schema", schema)
	m.brief(s)
	if s.enc != snap.Compact {
		m.replay(s)
	}
}

// speak settles the dialect of a new connection, and what its snapshots build on.
func (m *Match) speak(s *seat, l Link) {
	was, wish := s.enc, l.Wish()
	switch {
	case !l.Msgpack():
		s.enc = snap.JSON
	case wish.Compact:
		s.enc = snap.Compact
	default:
		s.enc = snap.Msgpack
	}
	s.view.Owner, s.view.Check = uint32(s.player.ID), wish.Check
	s.post.reset()
	if s.enc != snap.Compact || was != snap.Compact || !m.world.Resume(&s.view, wish.Ack) {
		m.world.Forget(&s.view)
	}
}

// detach loses a seat's connection.
func (m *Match) detach(e *Entry) {
	if s := &m.seats[e.Seat]; s.link != nil && s.epoch == e.Epoch {
		m.drop(s)
	}
}

// unlink closes a seat's connection, if there is one. Whoever takes a link from
// its seat closes it at once, so that no panic can leave it open.
func (m *Match) unlink(s *seat, why game.Reason) {
	l := s.link
	if l != nil {
		m.deliver(s)
	}
	s.link = nil
	if l != nil {
		l.Close(why)
	}
}

// drop holds the seat of a lost connection. What the player held is remembered,
// for a new connection may build on it.
func (m *Match) drop(s *seat) {
	s.link = nil
	s.post.reset()
	s.player.Connected = false
	s.until = m.tick + m.rules.Ticks(m.rules.Hold)
	m.move(s, SeatDropped)
	m.drv.Drop(s.player)
}

func (m *Match) leaveSeat(e *Entry) {
	s := &m.seats[e.Seat]
	left := e.left
	e.left = nil
	if s.link == nil || s.epoch != e.Epoch {
		left()
		return
	}
	m.removeAnd(s, game.ReasonLeft, left)
}

// remove takes a seat's player out of the match for good.
func (m *Match) remove(s *seat, why game.Reason) { m.removeAnd(s, why, func() {}) }

// removeAnd also calls tell, when the seat is free and before its connection is
// closed: a client that hears of it may ask for another match at once.
func (m *Match) removeAnd(s *seat, why game.Reason, tell func()) {
	p := s.player
	s.player, s.mail, s.in.evidence = nil, mail{}, nil
	p.Connected = false
	m.drv.Exit(p)
	m.move(s, SeatLeft)
	tell()
	m.unlink(s, why) // before the game is called, which may panic
	m.world.Forget(&s.view)
	m.drv.Leave(p, why)
}

// kick takes whoever has a seat, or may still come for it, out of the match.
func (m *Match) kick(s *seat, why game.Reason) {
	switch {
	case m.state == game.StateEnding:
	case s.player != nil:
		m.remove(s, why)
	case s.state == SeatReserved:
		m.move(s, SeatLeft)
	}
}

// expireSeats ends the waiting for players who did not come, or did not come
// back.
func (m *Match) expireSeats() {
	for i := range m.seats {
		s := &m.seats[i]
		switch {
		case m.state.Final() || m.tick < s.until:
		case s.state == SeatReserved && m.rules.Bots && m.census[SeatConnected]+m.census[SeatDropped] > 0:
			m.seatBot(s)
			m.notices = append(m.notices, notice{"match:players", m.roster()})
		case s.state == SeatReserved:
			m.move(s, SeatNoShow)
		case s.state == SeatDropped:
			m.remove(s, game.ReasonDropped)
		}
	}
	for i := 0; i < len(m.drv.Kicks()); i++ { // Leave may kick more
		k := m.drv.Kicks()[i]
		if s := &m.seats[k.Player.ID-1]; s.player == k.Player {
			m.remove(s, k.Why)
		}
	}
	m.drv.ClearKicks()
}
