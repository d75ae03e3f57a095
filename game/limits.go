package game

import "time"

// Bounds on what a game may declare or do. Declarations beyond them panic at
// Register; what happens at the others is said at each.
const (
	// TickMax is the highest tick rate, in hertz.
	TickMax = 240
	// PlayersMax is the largest number of seats in a match.
	PlayersMax = 1024
	// SetsMax is the largest number of replicated sets in a game.
	SetsMax = 64
	// CapMax is the largest capacity of one set, and CapDefault the usual one.
	CapMax     = 16384
	CapDefault = 1024
	// EntitiesMax bounds the capacities of all sets of a game together.
	EntitiesMax = 65535
	// SetDepthMax is how many structs deep a set may be nested in the game.
	SetDepthMax = 8
	// InputFieldsMax is the largest number of fields of an input struct, those
	// of nested structs included, and InputDepthMax how deep they may nest.
	InputFieldsMax = 64
	InputDepthMax  = 4
	// EventsPerTickMax is how many events a game may send in one tick. A game
	// that sends more has a fault: the call panics and the match fails.
	EventsPerTickMax = 4096
	// TimersMax is how many After functions may be waiting. One more panics.
	TimersMax = 4096
	// NameBytesMax is the longest name of a game.
	NameBytesMax = 64
	// IDMax is the largest ID. When all are in use, NewID and Add return 0.
	IDMax = 1 << 18
	// idRestTicks is how long a freed ID rests before it is used again, so that
	// a stale reference is more likely to find nothing than a stranger.
	idRestTicks = 240
	// RewindMax is the furthest that a game may look back, so that nobody is shot
	// long after having taken cover. rewindDefault is the usual bound.
	RewindMax     = 500 * time.Millisecond
	rewindDefault = 250 * time.Millisecond
	// historyTicks is how many ticks of positions are kept for that.
	historyTicks = 64
	// RadiusMin and RadiusMax bound Interest.Radius.
	RadiusMin = 1e-3
	RadiusMax = 1e9
	// BudgetMin and BudgetMax bound Interest.Budget.
	BudgetMin = 64
	BudgetMax = 1 << 20
	// indexMin is from how many entities on a ray looks for them in cells, of
	// which there are at most indexSide in a row.
	indexMin  = 64
	indexSide = 32
	// reachMax is the length of a ray that is told to go on for ever.
	reachMax = 1e9
	// durationMax bounds every duration in Rules.
	durationMax = 24 * time.Hour
)
