package arena

import (
	"errors"
	"time"

	"gameserver/game"
)

// Name is what the game is registered as.
const Name = "arena"

// Bits of [Ship.Flags].
const (
	// FlagAlive is set while the ship is on the field.
	FlagAlive = 1 << iota
	// FlagShielded is set while the ship takes no damage after a spawn.
	FlagShielded
	// FlagFiring is set for one fire interval after each shot.
	FlagFiring
	// FlagCharged is set while the beam is ready.
	FlagCharged
)

// Values of [Round.Phase].
const (
	// PhaseWaiting lasts until the first step.
	PhaseWaiting = iota
	// PhasePlaying lasts until Round.EndsAt.
	PhasePlaying
	// PhaseOver means that nothing moves any more.
	PhaseOver
)

// Ship is a player's ship; its id is the player's. A dead ship stays where it
// fell until it respawns.
type Ship struct {
	X       float64 `json:"x" snap:"q=0.1,x"`
	Y       float64 `json:"y" snap:"q=0.1,y"`
	Rot     float64 `json:"rot" snap:"q=0.01"`
	VX      float64 `json:"vx" snap:"q=1"`
	VY      float64 `json:"vy" snap:"q=1"`
	HP      uint8   `json:"hp" snap:""`
	Flags   uint8   `json:"flags" snap:""`
	Respawn uint8   `json:"respawn" snap:""` // seconds left, rounded up; 0 when alive

	Kills, Deaths uint16  // as its Score tells
	score         game.ID // of its Score

	damage    uint32 // done to others, to break ties
	idle      bool   // the player's connection is lost
	fireAt    uint32 // first tick at which it may fire again
	beamAt    uint32 // first tick at which the beam is ready again
	shieldEnd uint32 // first tick without the shield
	respawnAt uint32 // tick of the next spawn, when dead
	mendAt    uint32 // next tick that gives back a hit point
}

func (s *Ship) alive() bool { return s.Flags&FlagAlive != 0 }

func (s *Ship) body() Body { return Body{s.X, s.Y, s.VX, s.VY} }

func (s *Ship) setBody(b Body) { s.X, s.Y, s.VX, s.VY = b.X, b.Y, b.VX, b.VY }

// Shot is a projectile in flight. Its velocity never changes.
type Shot struct {
	X     float64 `json:"x" snap:"q=0.1,x"`
	Y     float64 `json:"y" snap:"q=0.1,y"`
	VX    float64 `json:"vx" snap:"q=1"`
	VY    float64 `json:"vy" snap:"q=1"`
	Owner game.ID `json:"owner" snap:""`

	ends  uint32 // tick at which it is gone
	fresh bool   // still at the centre of the ship that fired it
}

// Round is the state of the round; there is one.
type Round struct {
	Phase  uint8  `json:"phase" snap:""`
	EndsAt uint32 `json:"endsAt" snap:""` // tick
}

// Beam is the light of one shot of the beam, from its ship to where it ended. It
// is over when it is seen: nothing of it moves or changes.
type Beam struct {
	X     float64 `json:"x" snap:"q=0.1,x"`
	Y     float64 `json:"y" snap:"q=0.1,y"`
	TX    float64 `json:"tx" snap:"q=0.1"`
	TY    float64 `json:"ty" snap:"q=0.1"`
	Owner game.ID `json:"owner" snap:""`

	ends uint32 // tick at which it is gone
}

// Score is how one player stands. Everybody is told, wherever the ships are.
type Score struct {
	Player game.ID `json:"player" snap:""`
	Kills  uint16  `json:"kills" snap:""`
	Deaths uint16  `json:"deaths" snap:""`
	Alive  bool    `json:"alive" snap:""`
}

// World is what a client is told once: the field and the sizes.
type World struct {
	W      float64      `json:"w"`
	H      float64      `json:"h"`
	Walls  [][4]float64 `json:"walls" check:"required"` // x, y, w, h
	Radius float64      `json:"radius"`
	Shot   WorldShot    `json:"shot"`
	HP     int          `json:"hp"`
	Round  uint32       `json:"round"` // ticks
}

// WorldShot is the shots' part of a [World].
type WorldShot struct {
	Radius float64 `json:"radius"`
}

// HitEvent tells that a shot or the beam of By took health from To and left it
// with HP. Those are told who can see the place.
type HitEvent struct {
	By game.ID `json:"by"`
	To game.ID `json:"to"`
	X  int     `json:"x"` // where the shot was, whole pixels
	Y  int     `json:"y"`
	HP uint8   `json:"hp"`
}

// KillEvent tells that By took the last health of To.
type KillEvent struct {
	By game.ID `json:"by"`
	To game.ID `json:"to"`
}

// SpawnEvent tells that a ship has entered the field.
type SpawnEvent struct {
	ID game.ID `json:"id"`
}

// Arena is one match. Its exported sets are replicated, in this order.
type Arena struct {
	Ships  game.Set[Ship]  `snap:"cap=64,lag"`
	Shots  game.Set[Shot]  `snap:"cap=512"`
	Rounds game.Set[Round] `json:"round" snap:"cap=1"`
	Beams  game.Set[Beam]  `snap:"cap=64"`
	Scores game.Set[Score] `snap:"cap=64"`

	opts  Options
	field *Field
	clock clock
	round game.ID
	endAt uint32
	phase uint8

	beams   []pull // triggers of the beam in this tick
	radar   []blip // ships on the field at the start of tick radarAt
	radarAt uint32
}

// errFull refuses a player for whom there is no ship.
var errFull = errors.New("arena: the field is full")

// clock is every duration of the rules in ticks.
type clock struct {
	rate, fire, life, shield, respawn, regenDelay, regenEvery, round, beam, glow uint32
}

func newClock(rate int, round time.Duration) clock {
	r := float64(rate)
	n := func(seconds float64) uint32 { return max(1, uint32(seconds*r+0.5)) }
	return clock{
		rate: uint32(rate), fire: n(fireInterval), life: n(shotLife), shield: n(spawnShield),
		respawn: n(respawnDelay), regenDelay: n(regenDelay), regenEvery: n(1.0 / regenRate),
		round: n(round.Seconds()), beam: n(beamInterval), glow: n(beamGlow),
	}
}

// Init prepares an empty field.
func (a *Arena) Init(m *game.Match) error {
	a.opts = a.opts.withDefaults()
	if a.field == nil {
		a.field = a.opts.Field
	}
	if a.field == nil {
		a.field = DefaultField()
	}
	a.clock = newClock(m.Rate(), a.opts.Round)
	a.radar = make([]blip, 0, MaxPlayers)
	a.beams = make([]pull, 0, MaxPlayers)
	a.radarAt = ^uint32(0)
	a.round = a.Rounds.Add(Round{})
	return nil
}

// Join gives the player a ship.
func (a *Arena) Join(m *game.Match, p *game.Player) error {
	if !a.Ships.Put(p.ID, Ship{}) {
		return errFull
	}
	a.Ships.Mut(p.ID).score = a.Scores.Add(Score{Player: p.ID})
	a.spawn(m, p.ID, a.Ships.Mut(p.ID))
	return nil
}

// Drop lets the ship stand still until the player is back.
func (a *Arena) Drop(_ *game.Match, p *game.Player) { a.setIdle(p, true) }

// Resume gives the ship back to its player.
func (a *Arena) Resume(_ *game.Match, p *game.Player) { a.setIdle(p, false) }

func (a *Arena) setIdle(p *game.Player, idle bool) {
	if s := a.Ships.Mut(p.ID); s != nil {
		s.idle = idle
	}
}

// Leave removes the ship and its shots.
func (a *Arena) Leave(_ *game.Match, p *game.Player, _ game.Reason) {
	if ship := a.Ships.Mut(p.ID); ship != nil {
		a.Scores.Del(ship.score)
		a.Ships.Del(p.ID)
	}
	for id, s := range a.Shots.All() {
		if s.Owner == p.ID {
			a.Shots.Del(id)
		}
	}
}

// World describes the field to a client.
func (a *Arena) World(*game.Match) any {
	w := World{
		W: a.field.W, H: a.field.H, Walls: make([][4]float64, len(a.field.Walls)),
		Radius: ShipRadius, Shot: WorldShot{Radius: ShotRadius}, HP: MaxHP, Round: a.clock.round,
	}
	for i, r := range a.field.Walls {
		w.Walls[i] = [4]float64{r.X, r.Y, r.W, r.H}
	}
	return w
}

// Close reports the ranking as it stands.
func (a *Arena) Close(m *game.Match, _ game.Reason) any { return a.result(m) }
