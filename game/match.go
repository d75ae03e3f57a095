package game

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
)

// Match is one running game, as its author sees it.
type Match struct {
	// Rand is the only source of chance. Its seed belongs to the match.
	Rand *rand.Rand

	rate    int
	tick    uint32
	state   State
	steps   uint32 // ticks stepped so far: the time of the world
	ended   bool
	players []*Player // those who joined and have not left, by ascending ID
	ids     *idTable
	events  []Event
	kicks   []Kick
	timers  []timer // by due, then by order of After
	history history
}

// Kick is a wish of the game's to remove a player.
type Kick struct {
	Player *Player
	Why    Reason
}

type timer struct {
	due uint32
	fn  func()
}

// Tick returns the number of the current tick. It counts in every state.
func (m *Match) Tick() uint32 { return m.tick }

// Rate returns the number of ticks in a second.
func (m *Match) Rate() int { return m.rate }

// State returns where the match is in its life.
func (m *Match) State() State { return m.state }

// Players yields those who joined and have not left, bots too, by ascending ID.
func (m *Match) Players() iter.Seq[*Player] { return slices.Values(m.players) }

// Player returns the player of an ID, or nil if there is none in the match.
func (m *Match) Player(id ID) *Player {
	i, ok := slices.BinarySearchFunc(m.players, id, func(p *Player, id ID) int { return int(p.ID) - int(id) })
	if !ok {
		return nil
	}
	return m.players[i]
}

// Broadcast sends an event to every player, reliably and in order, before the
// snapshot of this tick. A player who has lost the connection gets it on coming
// back, before anything newer, unless there were more than 256 meanwhile. So
// the value must not be changed any more: an entity's pointer is no good, a copy
// is.
func (m *Match) Broadcast(ev string, v any) { m.emit(Event{Name: ev, Data: v}) }

// End ends the match after this tick, in whatever state it is. The result is
// what Close returns.
func (m *Match) End() { m.ended = true }

// After calls fn once, just before the step that comes the given number of steps
// from now. Time in which the world stands still does not count.
func (m *Match) After(ticks int, fn func()) {
	if len(m.timers) >= TimersMax {
		panic(fmt.Sprintf("game: more than %d After functions are waiting", TimersMax))
	}
	due := m.steps + uint32(min(max(ticks, 1), math.MaxInt32))
	i := len(m.timers)
	for i > 0 && m.timers[i-1].due > due {
		i--
	}
	m.timers = slices.Insert(m.timers, i, timer{due, fn})
}

// Kick removes a player for good, before the next step. The game's Leave is
// called then. One who is not in this match is left alone.
func (m *Match) Kick(p *Player, why Reason) {
	if p == nil || p.match != m || slices.ContainsFunc(m.kicks, func(k Kick) bool { return k.Player == p }) {
		return
	}
	m.kicks = append(m.kicks, Kick{p, why})
}

// NewID returns an ID for an entity that is to be Put into a set later, or 0 if
// all are in use.
func (m *Match) NewID() ID { return m.ids.take(idEntity) }

func (m *Match) emit(e Event) {
	if len(m.events) >= EventsPerTickMax {
		panic(fmt.Sprintf("game: more than %d events in one tick", EventsPerTickMax))
	}
	m.events = append(m.events, e)
}

// expire calls the After functions that are due.
func (m *Match) expire() {
	for len(m.timers) > 0 && m.timers[0].due <= m.steps {
		fn := m.timers[0].fn
		m.timers = slices.Delete(m.timers, 0, 1)
		fn()
	}
}
