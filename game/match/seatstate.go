package match

import "fmt"

// SeatState is where a seat is in its life.
type SeatState uint8

// The states of a seat. The last two are final.
const (
	SeatReserved  SeatState = iota // waiting for its player
	SeatConnected                  // there
	SeatDropped                    // connection lost, held
	SeatBot                        // played by the game
	SeatLeft                       // given up
	SeatNoShow                     // its player never came
	seatStates
)

// String returns the state in lower snake case.
func (s SeatState) String() string {
	names := [seatStates + 1]string{"reserved", "connected", "dropped", "bot", "left", "no_show", "unknown"}
	return names[min(s, seatStates)]
}

// Alive reports whether a person may still act through the seat.
func (s SeatState) Alive() bool { return s <= SeatDropped }

// may reports whether a seat may go from s to another state.
func (s SeatState) may(to SeatState) bool {
	switch s {
	case SeatReserved:
		return to == SeatConnected || to == SeatBot || to == SeatLeft || to == SeatNoShow
	case SeatConnected:
		return to == SeatDropped || to == SeatLeft
	case SeatDropped:
		return to == SeatConnected || to == SeatLeft
	case SeatBot:
		return to == SeatLeft
	default:
		return false
	}
}

// move changes a seat's state. An illegal change is a fault of this package and
// panics, which fails the match.
func (m *Match) move(s *seat, to SeatState) {
	from := s.state
	if !from.may(to) {
		panic(fmt.Sprintf("match: seat %d cannot go from %v to %v", s.index, from, to))
	}
	s.state = to
	m.census[from]--
	m.census[to]++
	if m.cfg.Hooks.Seat != nil {
		m.cfg.Hooks.Seat(m, s.index, from, to)
	}
}
