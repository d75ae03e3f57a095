package game

import "math"

// Edge is an input field for something that happens at a moment, a shot for
// example, and is not to be repeated when an input is missing. Other than a bool
// with the tag in:"edge" it says when within its tick: 0 is never, 1 the
// beginning, 255 the end. Clients send such a number, or true for 1.
// An edge that came too late for its tick counts at the beginning of the next.
type Edge uint8

// EdgeAt returns the edge of something that happens when a part of the tick, from
// 0 to 1, is over.
func EdgeAt(part float64) Edge {
	if !(part > 0) {
		return 1
	}
	return Edge(1 + math.Round(min(part, 1)*edgeSteps))
}

// Happened reports whether there was one.
func (e Edge) Happened() bool { return e != 0 }

// Part returns the part of the tick, from 0 to 1, that was over when it happened.
func (e Edge) Part() float64 { return float64(max(e, 1)-1) / edgeSteps }

// edgeSteps is how finely an Edge divides the tick.
const edgeSteps = math.MaxUint8 - 1
