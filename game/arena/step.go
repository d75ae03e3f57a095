package arena

import (
	"gameserver/game"
)

// Step advances the match by one tick: first every ship under its input, then
// the shots against where the ships have come to, then health and time.
func (a *Arena) Step(s *game.Step[Input]) {
	if a.phase == PhaseOver {
		return
	}
	if a.phase == PhaseWaiting {
		a.begin(s.Tick)
	}
	a.look(s.Tick)
	for p, in := range s.Inputs() {
		if ship := a.Ships.Mut(p.ID); ship != nil {
			a.drive(s, p, ship, in)
		}
	}
	a.shine(s)
	a.fly(s)
	a.tend(s)
	if s.Tick >= a.endAt {
		a.setPhase(PhaseOver)
		s.Match.End()
	}
}

// begin starts the round: everybody's shield counts from now.
func (a *Arena) begin(tick uint32) {
	a.endAt = tick + a.clock.round
	a.setPhase(PhasePlaying)
	for _, ship := range a.Ships.All() {
		ship.shieldEnd = tick + a.clock.shield
	}
}

func (a *Arena) setPhase(phase uint8) {
	a.phase = phase
	if r := a.Rounds.Mut(a.round); r != nil {
		r.Phase, r.EndsAt = phase, a.endAt
	}
}

// drive applies one input to one ship.
func (a *Arena) drive(s *game.Step[Input], p *game.Player, ship *Ship, in Input) {
	if !ship.alive() {
		return
	}
	if (ship.idle && !p.Bot) || in == (Input{}) {
		in = Input{Aim: ship.Rot} // no input is no reason to turn
	}
	ship.setBody(Move(ship.body(), in, s.DT, a.field))
	ship.Rot = in.Aim
	if in.Fire && s.Tick >= ship.fireAt {
		a.fire(s.Tick, p.ID, ship)
	}
	if in.Beam && s.Tick >= ship.beamAt {
		a.pull(s, p, ship)
	}
}

// fire adds a shot at the centre of its ship; the shot's first flight starts
// there, so that nothing stands between a ship and its muzzle unseen.
func (a *Arena) fire(tick uint32, id game.ID, ship *Ship) {
	x, y := Heading(ship.Rot)
	shot := Shot{
		X: ship.X, Y: ship.Y, VX: x * ShotSpeed, VY: y * ShotSpeed,
		Owner: id, ends: tick + a.clock.life, fresh: true,
	}
	if a.Shots.Add(shot) == 0 {
		return
	}
	ship.fireAt = tick + a.clock.fire
	ship.shieldEnd = min(ship.shieldEnd, tick)
}

// fly moves every shot and settles what it meets first.
func (a *Arena) fly(s *game.Step[Input]) {
	a.scan() // the ships have moved since the bots looked
	for id, shot := range a.Shots.All() {
		if s.Tick >= shot.ends || a.advance(s, shot) {
			a.Shots.Del(id)
		}
	}
}

// advance moves one shot and reports whether that was its end. The way is
// swept: neither a wall nor a ship is too thin for it.
func (a *Arena) advance(s *game.Step[Input], shot *Shot) (gone bool) {
	dx, dy := float64(shot.VX*s.DT), float64(shot.VY*s.DT)
	if shot.fresh {
		shot.fresh = false
		dx += float64(shot.VX * (muzzle / ShotSpeed))
		dy += float64(shot.VY * (muzzle / ShotSpeed))
	}
	t, gone := a.field.sweep(shot.X, shot.Y, dx, dy, ShotRadius)
	var victim *blip
	for i := range a.radar {
		b := &a.radar[i]
		if b.id == shot.Owner || b.hp == 0 {
			continue
		}
		if u, hit := sweepCircle(shot.X, shot.Y, dx, dy, b.x, b.y, ShipRadius+ShotRadius); hit && u <= t {
			t, gone, victim = u, true, b
		}
	}
	shot.X += float64(dx * t)
	shot.Y += float64(dy * t)
	if victim != nil {
		a.hurt(s, HitEvent{By: shot.Owner, To: victim.id, X: int(shot.X), Y: int(shot.Y)}, ShotDamage)
		victim.hp = a.Ships.Mut(victim.id).HP
	}
	return gone || !(shot.X > 0 && shot.Y > 0 && shot.X < a.field.W && shot.Y < a.field.H)
}

// hurt takes health from a living ship, unless its shield holds.
func (a *Arena) hurt(s *game.Step[Input], hit HitEvent, damage uint8) {
	ship := a.Ships.Mut(hit.To)
	if s.Tick < ship.shieldEnd {
		return
	}
	taken := min(ship.HP, damage)
	ship.HP -= taken
	ship.mendAt = s.Tick + a.clock.regenDelay
	by := a.Ships.Mut(hit.By)
	if by != nil {
		by.damage += uint32(taken)
	}
	hit.HP = ship.HP
	a.tell(s.Match, hit)
	if ship.HP > 0 {
		return
	}
	ship.Flags, ship.VX, ship.VY = 0, 0, 0
	ship.Deaths++
	ship.respawnAt = s.Tick + a.clock.respawn
	if by != nil {
		by.Kills++
	}
	s.Match.Broadcast("kill", KillEvent{By: hit.By, To: hit.To})
}

// tend brings back the dead, mends the living and sets what clients see of
// both.
func (a *Arena) tend(s *game.Step[Input]) {
	for id, ship := range a.Ships.All() {
		if !ship.alive() && s.Tick >= ship.respawnAt {
			a.spawn(s.Match, id, ship)
		}
		if score := a.Scores.Mut(ship.score); score != nil {
			*score = Score{Player: id, Kills: ship.Kills, Deaths: ship.Deaths, Alive: ship.alive()}
		}
		if !ship.alive() {
			ship.Respawn = uint8((ship.respawnAt - s.Tick + a.clock.rate - 1) / a.clock.rate)
			continue
		}
		if ship.HP < MaxHP && s.Tick >= ship.mendAt {
			ship.HP++
			ship.mendAt = s.Tick + a.clock.regenEvery
		}
		flags := uint8(FlagAlive)
		if s.Tick < ship.shieldEnd {
			flags |= FlagShielded
		}
		if s.Tick < ship.fireAt {
			flags |= FlagFiring
		}
		if s.Tick >= ship.beamAt {
			flags |= FlagCharged
		}
		ship.Flags = flags
	}
}

// spawn puts a ship on the field, whole and shielded, where of several places
// drawn at random the nearest enemy is furthest.
func (a *Arena) spawn(m *game.Match, id game.ID, ship *Ship) {
	bestX, bestY, best := 0.0, 0.0, -1.0
	for range spawnTries {
		x, y := a.field.nav.centre(int(a.field.nav.open[m.Rand.IntN(len(a.field.nav.open))]))
		if d := a.nearest2(id, x, y); d > best {
			bestX, bestY, best = x, y, d
		}
	}
	ship.setBody(Body{X: bestX, Y: bestY})
	ship.Rot = angleOf(a.field.W/2-bestX, a.field.H/2-bestY)
	ship.HP, ship.Respawn = MaxHP, 0
	ship.Flags = FlagAlive | FlagShielded | FlagCharged
	ship.fireAt, ship.beamAt = 0, 0
	ship.shieldEnd = m.Tick() + a.clock.shield
	a.Ships.Teleport(id) // nobody who saw the old place hits the new one
	m.Broadcast("spawn", SpawnEvent{ID: id})
}

// nearest2 is the square of the distance from a point to the nearest living
// ship but one's own.
func (a *Arena) nearest2(id game.ID, x, y float64) float64 {
	best := a.field.W*a.field.W + a.field.H*a.field.H
	for other, o := range a.Ships.All() {
		if other == id || !o.alive() {
			continue
		}
		dx, dy := o.X-x, o.Y-y
		best = min(best, float64(dx*dx)+float64(dy*dy))
	}
	return best
}
