package arena

import "gameserver/game"

// blip is a living ship as others see it.
type blip struct {
	id           game.ID
	x, y, vx, vy float64
	hp           uint8
	shielded     bool
}

// look refreshes the radar once per tick, before the first bot thinks: all
// bots of a tick see the same world.
func (a *Arena) look(tick uint32) {
	if a.radarAt == tick {
		return
	}
	a.radarAt = tick
	a.scan()
}

// scan lists the living ships.
func (a *Arena) scan() {
	a.radar = a.radar[:0]
	for id, s := range a.Ships.All() {
		if s.alive() {
			a.radar = append(a.radar, blip{
				id: id, x: s.X, y: s.Y, vx: s.VX, vy: s.VY,
				hp: s.HP, shielded: s.Flags&FlagShielded != 0,
			})
		}
	}
}

// seek returns the blip of a ship, or nil when it is not on the field.
func (a *Arena) seek(id game.ID) *blip {
	for i := range a.radar {
		if a.radar[i].id == id {
			return &a.radar[i]
		}
	}
	return nil
}
