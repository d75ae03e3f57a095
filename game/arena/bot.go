package arena

import (
	"math/rand/v2"

	"gameserver/game"
)

// temper is what makes one bot differ from the next; it is drawn once, from
// the match's own source.
type temper struct {
	reaction  float64 // seconds between thoughts, and before firing at someone new
	aimError  float64 // radians, the usual miss
	turn      float64 // radians per second the aim can turn
	reach     float64 // pixels it likes to keep from its target
	courage   float64 // 0..1: how much health it needs to stay in a fight
	dodge     float64 // 0..1: chance to see a shot coming, per thought
	snipe     float64 // 0..1: chance to take time for the beam, per thought
	burst     float64 // seconds of one burst
	pause     float64 // seconds between bursts
	restless  float64 // seconds between changes of side
	loyalty   float64 // pixels another target must be nearer to be preferred
	leadSense float64 // 0..1: how much of a target's motion it allows for
}

func newTemper(r *rand.Rand) temper {
	in := func(lo, hi float64) float64 { return lo + float64(r.Float64()*(hi-lo)) }
	skill := r.Float64()
	return temper{
		reaction:  0.34 - float64(0.18*skill) + in(-0.03, 0.03),
		aimError:  0.13 - float64(0.09*skill) + in(-0.01, 0.02),
		turn:      5 + float64(6*skill),
		reach:     in(140, 340),
		courage:   in(0.1, 1),
		dodge:     0.1 + float64(0.35*skill),
		snipe:     0.15 + float64(0.45*skill),
		burst:     in(0.7, 2),
		pause:     in(0.15, 0.55),
		restless:  in(0.9, 2.6),
		loyalty:   in(60, 220),
		leadSense: 0.6 + float64(0.4*skill) + in(-0.1, 0.05),
	}
}

// goal is what a bot's feet are doing.
type goal uint8

const (
	goalRoam  goal = iota // nobody to hunt: wander
	goalHunt              // go to where the target is
	goalFight             // the target is in sight
	goalHide              // hurt: get out of sight until mended
	goalFree              // stuck: go anywhere else for a moment
)

// brain is one bot's memory. It hangs on Player.Data.
type brain struct {
	temper
	tick float64 // seconds

	goal    goal
	aim     float64 // where it points
	miss    float64 // current error of its aim
	missTo  float64 // what the error drifts to
	target  game.ID
	visible bool
	sniping bool    // it aims with the beam, at where the target is
	tvx     float64 // the target's velocity when last judged
	tvy     float64
	side    float64 // +1 or -1: the way round the target

	thinkAt uint32
	stepAt  uint32 // next change of keys
	flipAt  uint32
	armedAt uint32 // may fire from here on
	burstTo uint32
	restTo  uint32 // pause between bursts
	freeTo  uint32
	checkAt uint32

	markX, markY float64 // where it was at the last check for being stuck
	destX, destY float64 // where it roams, hides or frees itself to
	wayX, wayY   float64 // the next point on the way
	keys         Input
}

// brainOf returns the memory of a bot, made at its first thought.
func (a *Arena) brainOf(m *game.Match, p *game.Player, me *Ship) *brain {
	if b, ok := p.Data.(*brain); ok {
		return b
	}
	b := &brain{temper: newTemper(m.Rand), tick: 1 / float64(m.Rate()), side: 1, aim: me.Rot}
	b.thinkAt = m.Tick() + uint32(m.Rand.IntN(m.Rate()/4+1)) // not all in the same tick
	b.settle(a, m.Rand, me)
	p.Data = b
	return b
}

// settle forgets what a ship that has just spawned must not remember.
func (b *brain) settle(a *Arena, r *rand.Rand, me *Ship) {
	b.target, b.visible, b.sniping, b.goal = 0, false, false, goalRoam
	b.markX, b.markY = me.X, me.Y
	b.destX, b.destY = a.anyCell(r)
	b.wayX, b.wayY = a.field.waypoint(me.X, me.Y, b.destX, b.destY)
}

// anyCell returns a random place a ship fits.
func (a *Arena) anyCell(r *rand.Rand) (x, y float64) {
	g := &a.field.nav
	return g.centre(int(g.open[r.IntN(len(g.open))]))
}

// after returns the tick that is some seconds from now.
func (b *brain) after(now uint32, seconds float64) uint32 {
	return now + uint32(seconds/b.tick+0.5)
}

// Bot plays a ship as a person would who is not very good: it thinks a few
// times a second, sees what is in its line of sight, leads its target by what
// it saw last, misses by a drifting error, circles, dodges some shots, hides
// when hurt, and finds its way around walls.
func (a *Arena) Bot(s *game.Step[Input], p *game.Player) Input {
	me := a.Ships.Mut(p.ID)
	if me == nil {
		return Input{}
	}
	b := a.brainOf(s.Match, p, me)
	if !me.alive() {
		b.settle(a, s.Match.Rand, me)
		return Input{Aim: b.aim}
	}
	a.look(s.Tick)
	if s.Tick >= b.thinkAt {
		b.thinkAt = b.after(s.Tick, b.reaction*(0.8+float64(0.4*s.Match.Rand.Float64())))
		a.think(s, b, p.ID, me)
	}
	target := a.seek(b.target)
	if target == nil {
		b.visible = false
	}
	if s.Tick >= b.stepAt {
		b.stepAt = b.after(s.Tick, 0.1)
		b.keys = a.walk(b, me, target)
	}
	in := b.keys
	a.point(s, b, me, target, &in)
	return in
}

// think is done every reaction time: look around, choose a target and a goal.
func (a *Arena) think(s *game.Step[Input], b *brain, id game.ID, me *Ship) {
	r := s.Match.Rand
	was, saw := b.target, b.visible
	b.target, b.visible = a.choose(b, id, me)
	t := a.seek(b.target)
	if t != nil && b.visible {
		if !saw || was != b.target {
			b.armedAt = b.after(s.Tick, b.reaction)
		}
		b.tvx, b.tvy = t.vx*b.leadSense, t.vy*b.leadSense
	}
	b.sniping = t != nil && b.visible && s.Tick >= me.beamAt && (b.sniping || r.Float64() < b.snipe)
	bell := r.Float64() + r.Float64() + r.Float64() - 1.5 // spread 0.5
	b.missTo = float64(2*bell) * b.aimError
	if s.Tick >= b.flipAt {
		b.flipAt = b.after(s.Tick, b.restless*(0.5+r.Float64()))
		if r.Float64() < 0.6 {
			b.side = -b.side
		}
	}
	if t != nil && r.Float64() < b.dodge {
		a.dodge(b, id, me, t)
	}
	a.decide(s.Tick, b, r, me, t)
	a.route(b, r, me, t)
}

// decide sets the goal.
func (a *Arena) decide(now uint32, b *brain, r *rand.Rand, me *Ship, t *blip) {
	if now >= b.checkAt {
		b.checkAt = b.after(now, 1)
		still := length(me.X-b.markX, me.Y-b.markY) < 2*ShipRadius
		b.markX, b.markY = me.X, me.Y
		if still {
			b.goal, b.freeTo = goalFree, b.after(now, 0.4+float64(0.5*r.Float64()))
			b.destX, b.destY = a.anyCell(r)
		}
	}
	if b.goal == goalFree && now < b.freeTo {
		return
	}
	hurt := float64(me.HP) < MaxHP*0.55*(1-b.courage)
	mended := float64(me.HP) > MaxHP*0.6
	switch {
	case b.goal == goalHide && !mended && !b.visible:
		// stay away
	case hurt && b.visible && b.goal != goalHide && a.cover(b, r, me, t):
		b.goal = goalHide
	case b.goal == goalHide && b.visible && length(b.destX-me.X, b.destY-me.Y) > navCell:
		// still on the way to cover
	case b.visible:
		b.goal = goalFight
	case t != nil:
		b.goal = goalHunt
	case b.goal != goalRoam || length(b.destX-me.X, b.destY-me.Y) < navCell:
		b.goal = goalRoam
		b.destX, b.destY = a.anyCell(r)
	}
}

// cover looks for a near place out of the target's sight.
func (a *Arena) cover(b *brain, r *rand.Rand, me *Ship, t *blip) bool {
	for range maxSeen {
		x := me.X + float64((r.Float64()-0.5)*800)
		y := me.Y + float64((r.Float64()-0.5)*800)
		g := &a.field.nav
		x, y = g.centre(int(g.near[g.cellAt(x, y)]))
		if !a.field.clear(x, y, t.x, t.y, 0) {
			b.destX, b.destY = x, y
			return true
		}
	}
	return false
}

// route finds the next point on the way of goals that have a place.
func (a *Arena) route(b *brain, r *rand.Rand, me *Ship, t *blip) {
	switch b.goal {
	case goalHunt:
		b.destX, b.destY = t.x, t.y
	case goalHide:
		if length(b.destX-me.X, b.destY-me.Y) < ShipRadius {
			b.destX += float64((r.Float64() - 0.5) * navCell) // not a sitting target
			b.destY += float64((r.Float64() - 0.5) * navCell)
		}
	case goalFight, goalRoam, goalFree:
	}
	b.wayX, b.wayY = a.field.waypoint(me.X, me.Y, b.destX, b.destY)
}
