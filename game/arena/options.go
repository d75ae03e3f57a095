package arena

import (
	"time"

	"gameserver/game"
)

// Options changes the rules. The zero value is the game as described: 60
// ticks a second, rounds of three minutes, two to eight players.
type Options struct {
	Tick    int           // steps per second: 60 (default) or 30
	Round   time.Duration // length of a round, 1 s to 1 h; 0 means 3 min
	Players game.Range    // 2 to 64; zero means 2 to 8
	NoBots  bool          // leave empty seats empty
	Field   *Field        // nil means DefaultField

	// Sight is how far players see, in pixels. 0 means everywhere, but 1400 in
	// matches of more than 16 players or with Fog, a little more than a screen shows.
	// Negative means everywhere in any match.
	Sight float64
	// Fog hides what stands behind walls.
	Fog bool
	// Rewind is how far back the beam looks for what its player saw. 0 means
	// 400 ms, less above 150 ticks a second: a round trip of 250 ms, and what
	// players see is older still by the time between two snapshots and the
	// interpolation. Negative means not at all.
	Rewind time.Duration
}

func (o Options) withDefaults() Options {
	if o.Tick == 0 {
		o.Tick = defaultTick
	}
	if o.Round == 0 {
		o.Round = defaultRound
	}
	switch {
	case o.Sight == 0 && (o.Fog || o.Players.Max > crowdPlayers):
		o.Sight = crowdSight
	case o.Sight < 0 && o.Fog:
		o.Sight = MaxSight
	case o.Sight > 0:
		o.Sight = min(max(o.Sight, minSight), MaxSight)
	}
	if o.Rewind == 0 {
		o.Rewind = min(defaultRewind, rewindTicks*time.Second/time.Duration(o.Tick))
	}
	o.Round = min(max(o.Round, minRound), maxRound)
	if o.Players == (game.Range{}) {
		o.Players = game.Between(MinPlayers, defaultPlayers)
	}
	return o
}

// Register offers the game under [Name]. All its matches share one field.
// Like [game.Register] it panics on rules that cannot be.
func Register(r game.Registry, o Options) { register(r, o, func(*Arena) {}) }

// register tells made of every match, for tests.
func register(r game.Registry, o Options, made func(*Arena)) {
	o = o.withDefaults()
	if o.Players.Max > MaxPlayers {
		panic("arena: at most 64 players")
	}
	if o.Field == nil {
		o.Field = DefaultField()
	}
	rules := game.Rules{
		Tick:     o.Tick,
		Players:  o.Players,
		Bots:     !o.NoBots,
		Rewind:   o.Rewind,
		Interest: game.Interest{Radius: max(o.Sight, 0), Full: max(o.Sight, 0)},
		Samples: game.Samples{
			World:    World{},
			Result:   Result{},
			Events:   map[string]any{"hit": HitEvent{}, "kill": KillEvent{}, "spawn": SpawnEvent{}},
			Requests: map[string]any{},
		},
	}
	if o.Fog {
		game.Register(r, Name, func() *fogged {
			a := &fogged{Arena{opts: o}}
			made(&a.Arena)
			return a
		}, rules)
		return
	}
	game.Register(r, Name, func() *Arena {
		a := &Arena{opts: o}
		made(a)
		return a
	}, rules)
}
