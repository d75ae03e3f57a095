package game

import (
	"fmt"
	"time"
)

// Rules are the numbers of a game. The zero value of each field means the
// default in its comment. A negative duration means no time at all; SeatTTL and
// CatchUp cannot be less than one tick.
type Rules struct {
	Tick      int           // steps per second: 60
	Snapshots int           // snapshots per second: 20; must divide Tick
	Players   Range         // seats of a match: Between(2, 8)
	Bots      bool          // empty seats may be played by the game's Bot method
	Countdown time.Duration // between enough players and the first step: 3 s
	Hold      time.Duration // how long a lost connection keeps its seat: 30 s
	SeatTTL   time.Duration // how long a seat waits for its player: 15 s
	EmptyTTL  time.Duration // how long a match outlives its last player: 10 s
	CatchUp   int           // most ticks run at once after a delay: 5
	MaxTicks  uint32        // steps after which the match ends: none
	Interest  Interest      // how far players see: everywhere
	Rewind    time.Duration // how far back Match.Rewind goes: 250 ms, at most 500 ms
	Samples   Samples       // of what the game sends, for the command types: none
}

// Range is a closed range of integers.
type Range struct{ Min, Max int }

// Between returns the range from lo to hi, both included.
func Between(lo, hi int) Range { return Range{Min: lo, Max: hi} }

// Every returns how many ticks there are from one snapshot to the next.
func (r Rules) Every() int { return r.Tick / r.Snapshots }

// Ticks converts a duration to ticks, rounded up.
func (r Rules) Ticks(d time.Duration) uint32 {
	return uint32((d*time.Duration(r.Tick) + time.Second - 1) / time.Second)
}

// withDefaults fills in the zero fields and refuses what cannot work.
func (r Rules) withDefaults() (Rules, error) {
	orInt(&r.Tick, 60)
	orInt(&r.Snapshots, defaultSnapshots(r.Tick))
	orInt(&r.CatchUp, 5)
	if r.Players == (Range{}) {
		r.Players = Between(2, 8)
	}
	orDuration(&r.Countdown, 3*time.Second)
	orDuration(&r.Hold, 30*time.Second)
	if r.SeatTTL < 0 {
		return r, fmt.Errorf("Rules.SeatTTL is %v, which leaves no player the time to come", r.SeatTTL)
	}
	orDuration(&r.SeatTTL, 15*time.Second)
	orDuration(&r.EmptyTTL, 10*time.Second)
	orDuration(&r.Rewind, rewindDefault)
	var err error
	if r.Interest, err = r.Interest.withDefaults(); err != nil {
		return r, err
	}
	switch {
	case r.Tick < 1 || r.Tick > TickMax:
		return r, fmt.Errorf("Rules.Tick is %d, want 1 to %d", r.Tick, TickMax)
	case r.Snapshots < 1 || r.Tick%r.Snapshots != 0:
		return r, fmt.Errorf("Rules.Snapshots is %d, which does not divide Rules.Tick, %d", r.Snapshots, r.Tick)
	case r.Players.Min < 1 || r.Players.Max < r.Players.Min || r.Players.Max > PlayersMax:
		return r, fmt.Errorf("Rules.Players is %d to %d, want a range within 1 to %d",
			r.Players.Min, r.Players.Max, PlayersMax)
	case r.CatchUp < 1:
		return r, fmt.Errorf("Rules.CatchUp is %d, want at least 1", r.CatchUp)
	case max(r.Countdown, r.Hold, r.SeatTTL, r.EmptyTTL) > durationMax:
		return r, fmt.Errorf("Rules holds a duration longer than %v", durationMax)
	}
	return r, r.checkRewind()
}

// defaultSnapshots is 20 per second, or the largest lower rate that divides the
// tick rate.
func defaultSnapshots(tick int) int {
	for n := min(20, tick); n > 1; n-- {
		if tick%n == 0 {
			return n
		}
	}
	return 1
}

func orInt(v *int, otherwise int) {
	if *v == 0 {
		*v = otherwise
	}
}

func orDuration(v *time.Duration, otherwise time.Duration) {
	switch {
	case *v == 0:
		*v = otherwise
	case *v < 0:
		*v = 0
	}
}
