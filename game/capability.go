package game

// Stepper is the one thing a game must have: Step advances the world by one
// tick.
type Stepper[I any] interface{ Step(s *Step[I]) }

// Initer is called first and once, before anybody joins. An error fails the
// match.
type Initer interface{ Init(m *Match) error }

// Joiner is called when a player connects for the first time, and for each bot.
// An error refuses the player, whose seat is then gone.
type Joiner interface {
	Join(m *Match, p *Player) error
}

// Dropper is called when a player's connection is lost. The seat is held.
type Dropper interface{ Drop(m *Match, p *Player) }

// Resumer is called when a dropped player is back, before anything the new
// connection sent is seen.
type Resumer interface{ Resume(m *Match, p *Player) }

// Leaver is called when a player is gone for good. It is not called for the
// players who are still there when the match ends.
type Leaver interface {
	Leave(m *Match, p *Player, why Reason)
}

// Handler answers a request of a player's. The first value is sent back as it
// is; an *Error is sent back as it is, any other error as an internal one
// without its text.
type Handler interface {
	Handle(m *Match, p *Player, ev string, a Args) (any, error)
}

// Botter gives the input of a player who is a bot, once per step, just before
// the step.
type Botter[I any] interface {
	Bot(s *Step[I], p *Player) I
}

// Worlder gives the value that every player is sent once, in welcome: whatever
// of the world never changes.
type Worlder interface{ World(m *Match) any }

// Sparer is told how far to save processor time because the match takes more
// than its share: 0 not at all, up to 4 as far as it can. It is called before
// anything else in a tick, when that changes. What to leave out is the game's to
// say: fewer creatures, simpler minds, coarser physics.
type Sparer interface{ Quality(m *Match, level int) }

// Closer is called last and once. Its value is the result of the match, sent to
// the players and to the lobby as it is.
type Closer interface {
	Close(m *Match, why Reason) any
}
