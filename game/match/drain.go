package match

import (
	"gameserver/game"
)

// drain takes what came in since the last tick, in order.
func (m *Match) drain() {
	m.batch, m.next = m.inbox.take(), 0
	for i := range m.batch.entries {
		if e := &m.batch.entries[i]; e.Kind == KindAttach {
			m.seats[e.Seat].newest = e.Epoch
		}
	}
	for m.next < len(m.batch.entries) && !m.state.Final() && !m.lost.Load() {
		e := &m.batch.entries[m.next]
		if m.cfg.Tap != nil {
			m.cfg.Tap(m.tick, e)
		}
		m.handle(e)
		m.next++
	}
}

func (m *Match) handle(e *Entry) {
	switch e.Kind {
	case KindInput:
		m.handleInput(e)
	case KindAck:
		m.acknowledge(e)
	case KindRequest:
		m.request(e)
	case KindLeave:
		m.leaveSeat(e)
	case KindDetach:
		m.detach(e)
	case KindAttach:
		m.attach(e)
	case KindClaim:
		e.answer(m.claim(e))
	case KindStop:
		m.stop(e.Why)
	case KindLevel:
	case KindKick:
		m.kick(&m.seats[e.Seat], e.Why)
	}
}

// current returns the seat of an entry, or nil if the entry is from a connection
// that is not the seat's any more.
func (m *Match) current(e *Entry) *seat {
	s := &m.seats[e.Seat]
	if s.link == nil || s.epoch != e.Epoch {
		m.stats.stale.Add(1)
		m.refused("stale_epoch")
		return nil
	}
	return s
}

// heard notes that a connection has sent something, so that the token it came
// with is known to have arrived: those before it are void.
func (s *seat) heard() { s.oldest = max(s.oldest, s.token) }

func (m *Match) handleInput(e *Entry) {
	s := m.current(e)
	if s == nil {
		return
	}
	s.heard()
	if err := m.input(s, e); err != nil {
		s.in.evidence.Bad++
		m.stats.bad.Add(1)
		m.refused("bad_payload")
		if s.in.strikes++; s.in.strikes >= StrikesMax {
			m.cut(s, game.ReasonBadPayload)
		}
	}
}

// acknowledge notes what a player has seen who has nothing to play.
func (m *Match) acknowledge(e *Entry) {
	if s := m.current(e); s != nil {
		s.heard()
		m.seen(s, e.K, true)
	}
}

func (m *Match) request(e *Entry) {
	s := m.current(e)
	if s == nil {
		e.refuse(ErrSeatGone, game.ReasonSeatGone)
		return
	}
	s.heard()
	if m.state == game.StateEnding {
		e.refuse(ErrGone, game.ReasonEnded)
		return
	}
	if len(m.drv.Events()) > game.EventsPerTickMax/2 || !s.mayAsk(m.tick, m.rules.Tick) {
		m.stats.inboxFull.Add(1)
		m.refused("too_many_requests")
		e.refuse(ErrFull, game.ReasonNone)
		return
	}
	m.stats.requests.Add(1)
	v, err := m.drv.Handle(s.player, e.Event, game.NewArgs(e.Data))
	reply := e.reply
	e.reply = nil
	reply(v, err)
}

// mayAsk takes one request from a seat's allowance, which fills up by
// RequestRate a second to at most SeatRequestsMax.
func (s *seat) mayAsk(tick uint32, hz int) bool {
	full := uint64(SeatRequestsMax * hz)
	s.spent -= min(s.spent, uint64(tick-s.spentAt)*RequestRate)
	s.spentAt = tick
	if s.spent+uint64(hz) > full {
		return false
	}
	s.spent += uint64(hz)
	return true
}

// cut closes a seat's connection for a fault of the client's. The seat is held
// as after any lost connection.
func (m *Match) cut(s *seat, why game.Reason) {
	m.unlink(s, why)
	m.drop(s)
}

// refuse answers an entry that will not be handled; why is for a connection.
func (e *Entry) refuse(err error, why game.Reason) {
	switch {
	case e.reply != nil:
		e.reply(nil, err)
		e.reply = nil
	case e.left != nil:
		e.left()
		e.left = nil
	case e.link != nil:
		e.link.Close(why)
		e.link = nil
	}
	e.answer(err)
}

// answer answers a claim, once.
func (e *Entry) answer(err error) {
	if e.claim != nil {
		e.claim <- err
		e.claim = nil
	}
}
