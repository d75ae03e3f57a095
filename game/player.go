package game

// Player is a participant of a match: a person or a bot. The fields but Data
// are for reading.
type Player struct {
	ID        ID     // also the ID of an entity, if the game wants: see Set.Put
	Name      string // as the lobby knows it
	Team      int
	Bot       bool
	Connected bool // false while the connection is lost and the seat is held
	Data      any  // the game's own

	match *Match
	seat  int
	look  uint64 // what the player saw when making this tick's input, in quarter ticks

	evidence Evidence
}

// Evidence is what a player's inputs have shown so far. Nothing of it gains
// anything, and a bad line causes some of it too: what counts is how it compares
// with the others, and with Inputs.
type Evidence struct {
	Inputs   uint32 // taken
	Late     uint32 // of them, after their tick
	Early    uint32 // dropped: for a tick that is too far ahead
	Repeated uint32 // dropped: seen before, or too old
	Rate     uint32 // dropped: more than there are ticks to play them in
	Bad      uint32 // dropped: not readable
	View     uint32 // claims to have seen what cannot have been on the screen; the server's guess counts
}

// Evidence returns what the player's inputs have shown so far.
func (p *Player) Evidence() Evidence { return p.evidence }

// Send sends an event to this player only, as Match.Broadcast does to all. A bot
// gets none, and neither does a player who has left.
func (p *Player) Send(ev string, v any) {
	p.match.emit(Event{To: p.ID, Name: ev, Data: v})
}

// Event is something a game said in a tick.
type Event struct {
	To   ID // 0: everybody
	Name string
	Data any
}
