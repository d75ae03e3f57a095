package arena

import "time"

// Tuning of the simulation. Lengths are pixels of the field, times seconds.
const (
	// FieldWidth and FieldHeight are the size of the bundled field.
	FieldWidth, FieldHeight = 2400.0, 1600.0
	// ShipRadius is the radius of a ship's circle.
	ShipRadius = 18.0
	// ShotRadius is the radius of a shot's circle.
	ShotRadius = 4.0
	// MaxSpeed bounds the length of a ship's velocity.
	MaxSpeed = 320.0
	// ShotSpeed is the constant speed of a shot.
	ShotSpeed = 700.0
	// MaxHP is the health of a fresh ship.
	MaxHP = 100
	// ShotDamage is what one shot takes.
	ShotDamage = 20
	// BeamDamage is what the beam takes, and BeamReach how far it goes.
	BeamDamage, BeamReach = 40, 900.0

	accel        = 2000.0 // px/s² towards the wanted velocity
	friction     = 1400.0 // px/s² towards rest when no key is held
	fireInterval = 0.22
	beamInterval = 1.8
	beamGlow     = 0.25 // seconds that its light is there
	shotLife     = 1.1
	muzzle       = ShipRadius + ShotRadius // where a fresh shot appears
	spawnShield  = 1.5
	respawnDelay = 3.0
	regenDelay   = 5.0 // without damage before regeneration starts
	regenRate    = 10  // hit points per second
	scorePerKill = 100
)

// Bounds of loops, sets and options.
const (
	// MaxPlayers is the most ships of one match.
	MaxPlayers = 64
	// MaxSight is the furthest that players see, which is everywhere.
	MaxSight = 1e5
	// MinPlayers is the fewest players a match is made for.
	MinPlayers = 2

	maxShots       = 512 // 64 ships × ⌈shotLife/fireInterval⌉ = 320, and room
	minSight       = 100
	crowdPlayers   = 16 // more than this many players see only so far
	crowdSight     = 1400
	maxSubstep     = 1.0 / 30
	maxMoveTime    = 0.25 // longer steps are cut: the ship loses time, not its walls
	maxPushes      = 6    // contacts resolved in one substep of Move
	maxWalls       = 256  // of one field
	maxCells       = 4096 // of one navigation grid
	spawnTries     = 16   // cells compared for one spawn
	maxHops        = 8    // cells looked ahead when a path is straightened
	maxSeen        = 6    // enemies a bot checks for line of sight in one thought
	minRound       = time.Second
	maxRound       = time.Hour
	defaultRound   = 3 * time.Minute
	defaultTick    = 60
	defaultPlayers = 8
	defaultRewind  = 400 * time.Millisecond
	rewindTicks    = 60 // at most, at high rates
)
