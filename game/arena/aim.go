package arena

import "gameserver/game"

const (
	sightRange = 1000.0 // pixels: further enemies are hunted, not fought
	fireRange  = 680.0  // pixels a shot is worth
)

// choose picks whom to fight: of the nearest enemies the best one in sight,
// else the nearest to hunt. The target it has is worth some distance, so is a
// weak one; a shielded one costs some.
func (a *Arena) choose(b *brain, id game.ID, me *Ship) (target game.ID, visible bool) {
	var near [maxSeen]*blip
	var cost [maxSeen]float64
	n := 0
	for i := range a.radar {
		t := &a.radar[i]
		if t.id == id {
			continue
		}
		c := b.cost(me, t)
		at := n
		for at > 0 && cost[at-1] > c {
			at--
		}
		if at == maxSeen {
			continue
		}
		n = min(n+1, maxSeen)
		copy(near[at+1:n], near[at:n-1])
		copy(cost[at+1:n], cost[at:n-1])
		near[at], cost[at] = t, c
	}
	for _, t := range near[:n] {
		if length(t.x-me.X, t.y-me.Y) < sightRange && a.field.clear(me.X, me.Y, t.x, t.y, ShotRadius) {
			return t.id, true
		}
	}
	if n == 0 {
		return 0, false
	}
	return near[0].id, false
}

// cost is the distance to a possible target, as it feels.
func (b *brain) cost(me *Ship, t *blip) float64 {
	c := length(t.x-me.X, t.y-me.Y) + float64(float64(t.hp)*1.5)
	if t.id == b.target {
		c -= b.loyalty
	}
	if t.shielded {
		c += 400
	}
	return c
}

// lead returns the angle at which a shot meets a target that keeps the
// velocity the bot believes in.
func (b *brain) lead(me *Ship, t *blip) (angle, distance float64) {
	dx, dy := t.x-me.X, t.y-me.Y
	distance = length(dx, dy)
	x, y := dx, dy
	for range 2 {
		time := max(length(x, y)-muzzle, 0) / ShotSpeed
		x, y = dx+float64(b.tvx*time), dy+float64(b.tvy*time)
	}
	return angleOf(x, y), distance
}

// point turns the aim towards where it should be, never faster than the bot
// can, and decides whether to pull a trigger.
func (a *Arena) point(s *game.Step[Input], b *brain, me *Ship, t *blip, in *Input) {
	b.miss += float64((b.missTo - b.miss) * min(1, 6*s.DT))
	want, distance := b.aim, 0.0
	switch {
	case t != nil && b.visible && b.sniping:
		want, distance = angleOf(t.x-me.X, t.y-me.Y), length(t.x-me.X, t.y-me.Y)
		want = wrapAngle(want + b.miss)
	case t != nil && b.visible:
		want, distance = b.lead(me, t)
		want = wrapAngle(want + b.miss)
	case length(b.wayX-me.X, b.wayY-me.Y) > 1:
		want = angleOf(b.wayX-me.X, b.wayY-me.Y)
	}
	off := wrapAngle(want - b.aim)
	most := b.turn * s.DT
	b.aim = wrapAngle(b.aim + min(max(off*min(1, 14*s.DT), -most), most))
	in.Aim = b.aim
	if t == nil || !b.visible || t.shielded || distance > fireRange || s.Tick < b.armedAt {
		return
	}
	off = wrapAngle(want - b.aim)
	if b.sniping {
		near := 0.5 * ShipRadius / max(distance, 1)
		in.Beam = off < near && off > -near
		b.sniping = !in.Beam
		return
	}
	near := 0.04 + ShipRadius/max(distance, 1)
	in.Fire = b.trigger(s) && off < near && off > -near
}

// trigger paces bursts and pauses.
func (b *brain) trigger(s *game.Step[Input]) bool {
	if s.Tick < b.restTo {
		return false
	}
	if s.Tick >= b.burstTo {
		r := s.Match.Rand
		b.restTo = b.after(s.Tick, b.pause*(0.5+r.Float64()))
		b.burstTo = b.after(b.restTo, b.burst*(0.5+r.Float64()))
		return false
	}
	return true
}
