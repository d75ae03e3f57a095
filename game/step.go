package game

import "iter"

// Step is one tick of the world, handed to a game's Step method. It is valid
// during that call only.
type Step[I any] struct {
	Tick  uint32  // number of the tick
	DT    float64 // seconds that the tick stands for, always 1/Rate
	Match *Match

	now []I // by seat
}

// Inputs yields every player, bots too, by ascending ID, each with exactly one
// input: what the player sent for this tick, or the last one without its edges
// for a short while, or the zero input.
func (s *Step[I]) Inputs() iter.Seq2[*Player, I] {
	return func(yield func(*Player, I) bool) {
		for _, p := range s.Match.players {
			if !yield(p, s.now[p.seat]) {
				return
			}
		}
	}
}

// Input returns the input of one player for this tick.
func (s *Step[I]) Input(p *Player) I {
	if p == nil || p.match != s.Match {
		var none I
		return none
	}
	return s.now[p.seat]
}
