package arena

import "gameserver/game"

// fogged is an Arena in which players see what no wall hides from their ship.
type fogged struct{ Arena }

// Sees implements game.Seer.
func (a *fogged) Sees(_ *game.Match, p *game.Player, id game.ID) bool {
	me := a.Ships.Mut(p.ID)
	if me == nil {
		return false
	}
	if ship := a.Ships.Mut(id); ship != nil {
		return a.spots(me, ship.X, ship.Y)
	}
	if shot := a.Shots.Mut(id); shot != nil {
		return a.field.clear(me.X, me.Y, shot.X, shot.Y, 0)
	}
	if beam := a.Beams.Mut(id); beam != nil {
		return a.field.clear(me.X, me.Y, beam.X, beam.Y, 0) || a.field.clear(me.X, me.Y, beam.TX, beam.TY, 0)
	}
	return true
}

// spots reports whether a ship sees a part of another one: its middle, or its
// left or right edge.
func (a *Arena) spots(me *Ship, x, y float64) bool {
	dx, dy := x-me.X, y-me.Y
	d := length(dx, dy)
	if d < 1 {
		return true
	}
	ex, ey := -dy/d*ShipRadius, dx/d*ShipRadius
	return a.field.clear(me.X, me.Y, x, y, 0) ||
		a.field.clear(me.X, me.Y, x+ex, y+ey, 0) || a.field.clear(me.X, me.Y, x-ex, y-ey, 0)
}
