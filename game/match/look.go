package match

import (
	"math"
	"time"

	"gameserver/game"
	"gameserver/game/interest"
	"gameserver/tick"
)

const (
	// lookEvery is the number of ticks after which a player who stands still is
	// looked at again: what comes into reach meanwhile is seen that much later.
	lookEvery = 8
	// lookDwell is how long an entity stays in view at least.
	lookDwell = 500 * time.Millisecond
	// fogSeats is up to how many seats a game with Sees is asked about all that is
	// within reach in every snapshot. With more, what its rule newly shows waits
	// for the next look; what it hides never does.
	fogSeats = 64
)

// eye is what a seat sees, and from where.
type eye struct {
	interest.Eye
	at  interest.Point
	has bool // at is known
}

// newField prepares interest management, or returns nil if everybody sees
// everything.
func (m *Match) newField() *interest.Field {
	sources, plain := m.drv.Sets(), true
	_, fog := m.drv.Eyes()
	c := interest.Config{
		Radius: m.rules.Interest.Radius, Full: m.rules.Interest.Full,
		Every: lookEvery, Dwell: max(m.rules.Ticks(lookDwell), 1),
	}
	for i, v := range m.drv.Views() {
		s := interest.Set{Rows: sources[i].Rows, Cap: sources[i].Cap}
		fields := m.cfg.Def.Schema.Sets[i].Fields
		switch v.Sight {
		case game.SightAll:
		case game.SightOwn:
			s.Kind = interest.Own
		case game.SightTeam:
			s.Kind, m.teams = interest.Team, true
		case game.SightNear:
			s.Kind, s.X, s.Y = interest.Near, v.X, v.Y
			s.QX, s.QY = fields[v.X].Value(1), fields[v.Y].Value(1)
		}
		plain = plain && s.Kind == interest.All
		c.Sets = append(c.Sets, s)
	}
	if plain {
		return nil
	}
	if fog {
		c.Rule = func(viewer, set, slot int) bool {
			return m.drv.Sees(m.seats[viewer].player, game.ID(sources[set].Rows.ID[slot]))
		}
		if len(m.seats) <= fogSeats {
			c.Every = 1
		}
	}
	return interest.NewField(c)
}

// look brings what the seats that are due a snapshot see up to date with the
// world as it was compared last.
func (m *Match) look(t *tick.Tick) {
	if m.field == nil {
		return
	}
	m.field.Thin(t.Level >= tick.LevelFar, t.Level >= tick.LevelSparse)
	m.field.Update(m.tick, m.world)
	if m.teams {
		for i := range m.seats {
			if p := m.seats[i].player; p != nil {
				set, slot := m.drv.Where(p.ID)
				m.field.Member(p.Team, set, slot)
			}
		}
	}
	eyes, _ := m.drv.Eyes()
	for i := range m.seats {
		s := &m.seats[i]
		if !s.owed {
			continue
		}
		set, slot := m.drv.Where(s.player.ID)
		if eyes {
			if x, y, ok := m.drv.Eye(s.player); ok && finite(x) && finite(y) {
				s.eye.at, s.eye.has = interest.Point{X: float32(x), Y: float32(y)}, true
			}
		} else if at, ok := m.field.At(set, slot); ok {
			s.eye.at, s.eye.has = at, true
		}
		m.field.Look(&s.eye.Eye, interest.Viewer{
			Number: i, Team: s.player.Team, Set: set, Slot: slot, Blind: !s.eye.has, At: s.eye.at,
		})
		s.view.Sight = &s.eye.Sight
	}
}

// finite tells a place from what a fault of the game's may give.
func finite(v float64) bool { return math.Abs(v) <= math.MaxFloat32 }
