package match

import (
	"fmt"

	"gameserver/game"
)

// first reports whether nobody has been told yet how the match ended, and takes
// it that the caller does so now.
func (m *Match) first() bool { return m.told.CompareAndSwap(false, true) }

// Abandon gives up a match whose game does not return; stack is where it hangs.
// It returns what is known about it, or nil if the match has ended already. Any
// goroutine may call it: it refuses what waits and what comes and touches nothing
// that belongs to the owner. The links are not closed; whoever made them does
// that. None of Hooks.Ended, Failed and Voided is called any more.
func (m *Match) Abandon(stack []byte) *Crash {
	if !m.first() {
		return nil
	}
	m.lost.Store(true)
	was, at := m.State(), m.stats.tick.Load()
	c := &Crash{
		Ref: fmt.Sprintf("%s@%d", m.cfg.ID, at), Match: m.cfg.ID, Game: m.cfg.Def.Name, Seed: m.cfg.Seed,
		Tick: at, State: was, What: "the game does not return", Stack: stack,
	}
	m.crash.Store(c)
	m.shown.Store(uint32(game.StateFailed))
	rest := m.inbox.close()
	for i := range rest {
		rest[i].refuse(ErrGone, game.ReasonFailed)
	}
	return c
}

// bury ends the tick in which a match was abandoned, when its game returns after
// all.
func (m *Match) bury() {
	m.state = game.StateFailed
	m.shown.Store(uint32(m.state))
	m.dispose(game.ReasonFailed)
}
