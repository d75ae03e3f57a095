package arena

import (
	"math"

	"gameserver/game"
)

// pull is a trigger of the beam that was pulled in this tick.
type pull struct {
	player *game.Player
	x, y   float64 // where the beam begins
	dx, dy float64 // its direction, of length 1
}

// pull notes that a ship fires its beam. What it hits is seen when all ships have
// moved, so that it does not depend on the order of the players.
func (a *Arena) pull(s *game.Step[Input], p *game.Player, ship *Ship) {
	x, y := Heading(ship.Rot)
	a.beams = append(a.beams, pull{player: p, x: ship.X, y: ship.Y, dx: x, dy: y})
	ship.beamAt = s.Tick + a.clock.beam
	ship.shieldEnd = min(ship.shieldEnd, s.Tick)
}

// shine settles the beams of this tick and takes away old ones. A beam meets
// whom its player saw in its way, where they were then; whether that one lives,
// or has a shield, is what is so now. Two who fire at each other in one tick both
// hit.
func (a *Arena) shine(s *game.Step[Input]) {
	for id, b := range a.Beams.All() {
		if s.Tick >= b.ends {
			a.Beams.Del(id)
		}
	}
	for _, b := range a.beams {
		a.beam(s, b)
	}
	a.beams = a.beams[:0]
}

func (a *Arena) beam(s *game.Step[Input], b pull) {
	t, _ := a.field.sweep(b.x, b.y, b.dx*BeamReach, b.dy*BeamReach, 0)
	t = min(t, a.field.leave(b.x, b.y, b.dx*BeamReach, b.dy*BeamReach))
	me := b.player.ID
	to, dist, hit := s.Match.Rewind(b.player).RayCast(b.x, b.y, b.dx, b.dy, BeamReach*t, ShipRadius, func(id game.ID) bool {
		ship := a.Ships.Mut(id)
		return id != me && ship != nil && ship.alive()
	})
	if !hit {
		dist = BeamReach * t
	}
	x, y := b.x+float64(b.dx*dist), b.y+float64(b.dy*dist)
	a.Beams.Add(Beam{X: b.x, Y: b.y, TX: x, TY: y, Owner: me, ends: s.Tick + a.clock.glow})
	if hit {
		a.hurt(s, HitEvent{By: me, To: to, X: int(x), Y: int(y)}, BeamDamage)
	}
}

// tell tells of a hit: all players, or where one sees only so far, those who are
// near, and the two whom it concerns.
func (a *Arena) tell(m *game.Match, hit HitEvent) {
	if a.opts.Sight <= 0 {
		m.Broadcast("hit", hit)
		return
	}
	for p := range m.Players() {
		ship := a.Ships.Mut(p.ID)
		if p.Bot || ship == nil {
			continue
		}
		x, y := float64(hit.X), float64(hit.Y)
		if p.ID == hit.By || p.ID == hit.To ||
			length(ship.X-x, ship.Y-y) <= a.opts.Sight && (!a.opts.Fog || a.field.clear(ship.X, ship.Y, x, y, 0)) {
			p.Send("hit", hit)
		}
	}
}

// leave returns the part of a segment that is inside the field.
func (f *Field) leave(x, y, dx, dy float64) float64 {
	return min(f.axis(x, dx, f.W), f.axis(y, dy, f.H), 1)
}

func (*Field) axis(p, d, size float64) float64 {
	switch {
	case d > 0:
		return max((size-p)/d, 0)
	case d < 0:
		return max(-p/d, 0)
	}
	return math.Inf(1)
}
