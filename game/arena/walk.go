package arena

import "gameserver/game"

const (
	feeler     = 64.0 // pixels a bot looks ahead for walls
	dodgeTime  = 0.6  // seconds a shot is seen coming
	dodgeWidth = 46.0 // pixels by which a shot must miss to be ignored
)

// octant returns the i-th of eight directions, clockwise on the screen from
// +x, as a unit vector and as the keys that go there. Any i will do.
func octant(i int) (x, y float64, keys Input) {
	switch i & 7 {
	case 0:
		return 1, 0, Input{Right: true}
	case 1:
		return invSqrt2, invSqrt2, Input{Right: true, Down: true}
	case 2:
		return 0, 1, Input{Down: true}
	case 3:
		return -invSqrt2, invSqrt2, Input{Left: true, Down: true}
	case 4:
		return -1, 0, Input{Left: true}
	case 5:
		return -invSqrt2, -invSqrt2, Input{Left: true, Up: true}
	case 6:
		return 0, -1, Input{Up: true}
	default:
		return invSqrt2, -invSqrt2, Input{Right: true, Up: true}
	}
}

// walk chooses the keys for the next tenth of a second.
func (a *Arena) walk(b *brain, me *Ship, t *blip) Input {
	x, y := b.wayX-me.X, b.wayY-me.Y
	if b.goal == goalFight && t != nil {
		x, y = b.circle(me, t)
	} else if length(x, y) < 8 {
		return Input{}
	}
	i := nearestOctant(x, y)
	turn := 1
	if b.side < 0 {
		turn = -1
	}
	for n := range 4 {
		for _, j := range [2]int{i + turn*n, i - turn*n} {
			dx, dy, keys := octant(j)
			if a.roomTo(me.X+float64(dx*feeler), me.Y+float64(dy*feeler), me) {
				if n >= 2 && b.goal == goalFight {
					b.side = -b.side // the way round is closed: the other one
				}
				return keys
			}
		}
	}
	_, _, keys := octant(i)
	return keys
}

// roomTo reports whether a ship can go straight to a point near by.
func (a *Arena) roomTo(x, y float64, me *Ship) bool {
	return x > ShipRadius && y > ShipRadius && x < a.field.W-ShipRadius && y < a.field.H-ShipRadius &&
		a.field.clear(me.X, me.Y, x, y, navPad)
}

// circle is the direction of a fight: around the target, and in or out
// towards the distance the bot likes.
func (b *brain) circle(me *Ship, t *blip) (x, y float64) {
	dx, dy := t.x-me.X, t.y-me.Y
	d := length(dx, dy)
	if d < 1 {
		return b.side, 0
	}
	dx, dy = dx/d, dy/d
	in := min(max((d-b.reach)/120, -1), 1)
	return float64(dx*in) - float64(dy*b.side), float64(dy*in) + float64(dx*b.side)
}

// nearestOctant is the index of the octant closest to a vector.
func nearestOctant(x, y float64) int {
	best, at := -1e300, 0
	for i := range 8 {
		ox, oy, _ := octant(i)
		if dot := float64(ox*x) + float64(oy*y); dot > best {
			best, at = dot, i
		}
	}
	return at
}

// dodge looks for the shot that will hit soonest and turns the bot to the
// side away from its path.
func (a *Arena) dodge(b *brain, id game.ID, me *Ship, t *blip) {
	soonest := dodgeTime
	for _, s := range a.Shots.All() {
		if s.Owner == id {
			continue
		}
		dx, dy := me.X-s.X, me.Y-s.Y
		time := (float64(dx*s.VX) + float64(dy*s.VY)) / (ShotSpeed * ShotSpeed)
		if time <= 0 || time >= soonest {
			continue
		}
		wide := (float64(s.VX*dy) - float64(s.VY*dx)) / ShotSpeed // to the right of its path
		if wide > dodgeWidth || wide < -dodgeWidth {
			continue
		}
		soonest = time
		// The way out is along the perpendicular of the path, (-VY, VX), times
		// wide; circle's tangent for side +1 is (-ty, tx).
		tx, ty := t.x-me.X, t.y-me.Y
		b.side = 1
		if (float64(s.VY*ty)+float64(s.VX*tx))*wide < 0 {
			b.side = -1
		}
	}
}
