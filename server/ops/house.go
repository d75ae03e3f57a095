package ops

import "errors"

// House is the server that the dashboard belongs to. Its methods are called from
// several goroutines; those that act may wait.
type House interface {
	// Figures returns the numbers beside those of the ticks.
	Figures() Figures
	// Match returns the state and the seats of a live match.
	Match(id string) (state string, seats []Seat, ok bool)
	// Kick takes whoever sits there out of a match.
	Kick(match string, seat int) error
	// Stop ends a match, with a result if it has begun.
	Stop(match string) error
}

// ErrNotFound is what Kick and Stop return when there is no such match or seat.
var ErrNotFound = errors.New("ops: not found")
