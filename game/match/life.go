package match

import (
	"errors"
	"log/slog"

	"gameserver/game"
)

// present counts the seats that somebody or something plays.
func (m *Match) present() int {
	return m.census[SeatConnected] + m.census[SeatDropped] + m.census[SeatBot]
}

// least is how many must be present for the match to begin.
func (m *Match) least() int { return min(m.rules.Players.Min, len(m.seats)) }

// alive counts the persons who are in the match or may still come.
func (m *Match) alive() int {
	return m.census[SeatReserved] + m.census[SeatConnected] + m.census[SeatDropped]
}

// settle moves the match along its life, as far as the seats and the tick say.
func (m *Match) settle() {
	if m.tick >= TicksMax {
		m.stop(game.ReasonEnded)
	}
	switch m.state {
	case game.StateOpen:
		m.settleOpen()
	case game.StateCountdown:
		switch {
		case m.people > 0 && m.alive() == 0:
			m.void(game.ReasonLeft)
		case m.present() < m.least():
			m.void(game.ReasonLeft)
		case m.tick >= m.until:
			m.enter(game.StateRunning, 0)
		}
	case game.StateRunning, game.StateHolding:
		m.settleRunning()
	case game.StateEnding:
		if m.tick >= m.until {
			m.finish()
		}
	case game.StateEnded, game.StateVoid, game.StateFailed:
	}
}

// settleOpen starts the countdown when every player has come or will not come
// any more.
func (m *Match) settleOpen() {
	switch {
	case m.people > 0 && m.alive() == 0:
		m.void(game.ReasonNoShow)
	case m.census[SeatReserved] > 0:
	case m.present() < m.least():
		m.void(game.ReasonNoShow)
	case m.rules.Countdown == 0:
		m.enter(game.StateRunning, 0)
	default:
		m.enter(game.StateCountdown, m.tick+m.rules.Ticks(m.rules.Countdown))
	}
}

// settleRunning lets the world stand while nobody is connected, and ends the
// match when nobody is left.
func (m *Match) settleRunning() {
	if m.people == 0 {
		return
	}
	if m.alive() == 0 {
		if m.empty == 0 {
			m.empty = m.tick
		}
		if m.state == game.StateHolding || m.tick-m.empty >= m.rules.Ticks(m.rules.EmptyTTL) {
			m.end(game.ReasonEmpty)
		}
		return
	}
	nobody := m.census[SeatConnected] == 0 && m.census[SeatDropped] > 0
	switch {
	case nobody && m.state == game.StateRunning:
		m.enter(game.StateHolding, 0)
	case !nobody && m.state == game.StateHolding:
		m.enter(game.StateRunning, 0)
	}
}

// enter changes the state. until is the tick at which it changes again by
// itself, 0 if that is open.
func (m *Match) enter(s game.State, until uint32) {
	m.state, m.until = s, until
	m.shown.Store(uint32(s))
	m.drv.Advance(m.tick, s)
	m.notices = append(m.notices, notice{"match:state", stateInfo{State: s.String(), At: until}})
}

// stop ends the match on the server's wish.
func (m *Match) stop(why game.Reason) {
	switch m.state {
	case game.StateOpen, game.StateCountdown:
		m.void(why)
	case game.StateRunning, game.StateHolding:
		m.end(why)
	case game.StateEnding, game.StateEnded, game.StateVoid, game.StateFailed:
	}
}

// end lets the match end at the next tick, so that the last state and events
// still go out.
func (m *Match) end(why game.Reason) {
	m.why = why
	m.enter(game.StateEnding, m.tick+1)
}

// finish gives everybody the result.
func (m *Match) finish() {
	res := result{Match: m.cfg.ID, Reason: m.why.String(), Result: m.drv.Close(m.why)}
	m.enter(game.StateEnded, 0)
	m.flush()
	if m.cfg.Hooks.Ending != nil {
		m.cfg.Hooks.Ending(m)
	}
	var failed error
	for i := range m.seats {
		if s := &m.seats[i]; s.link != nil {
			m.deliver(s)
			failed = errors.Join(failed, m.emit(s, "result", res))
		}
	}
	if failed != nil && !encodable(res.Result) {
		m.cfg.Logger.Warn("the game's result cannot be encoded", slog.String("match", m.cfg.ID), slog.Any("err", failed))
	}
	m.dispose(m.why)
	if m.first() && m.cfg.Hooks.Ended != nil {
		m.cfg.Hooks.Ended(m, m.why, res.Result)
	}
}

// void ends a match that never began.
func (m *Match) void(why game.Reason) {
	m.drv.Close(game.ReasonVoided)
	m.enter(game.StateVoid, 0)
	m.flush()
	m.dispose(game.ReasonVoided)
	if m.first() && m.cfg.Hooks.Voided != nil {
		m.cfg.Hooks.Voided(m, why)
	}
}

// dispose closes every connection, and answers everything that still waits for
// the match.
func (m *Match) dispose(why game.Reason) {
	for i := range m.seats {
		m.unlink(&m.seats[i], why)
	}
	if m.batch != nil {
		for ; m.next < len(m.batch.entries); m.next++ {
			m.batch.entries[m.next].refuse(ErrGone, why)
		}
	}
	rest := m.inbox.close()
	for i := range rest {
		rest[i].refuse(ErrGone, why)
	}
}
