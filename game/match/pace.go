package match

import (
	"gameserver/game"
	"gameserver/tick"
)

// every is the number of ticks between two snapshots of a seat that keeps up.
func (m *Match) every() uint32 {
	every := uint32(m.rules.Every())
	if m.level >= tick.LevelSparse {
		every *= 2
	}
	return every
}

// pace marks the seats that are due a snapshot in this tick: all of them at the
// cadence of the game, and those who were refused one, or have just come, at
// once. It reports whether there is any.
func (m *Match) pace() bool {
	due := m.tick%m.every() == 0 || m.state == game.StateEnding
	any := false
	for i := range m.seats {
		s := &m.seats[i]
		s.owed = s.link != nil && (s.owed || due)
		any = any || s.owed
	}
	return any
}
