package lobby

import "time"

// The maxima of this package. What happens at each is said beside it.
const (
	// MaxPlayers is the default bound of players known at a time. Attach
	// answers ErrOverloaded above it.
	MaxPlayers = 100_000
	// MaxTickets is the default bound of live tickets. Join answers ErrOverloaded
	// above it.
	MaxTickets = 100_000
	// MaxQueues bounds the queues of one lobby; New panics above it, because
	// queues come from the program and not from a client.
	MaxQueues = 64
	// MaxGroup bounds the seats of one match.
	MaxGroup = 1024
	// MaxRids is how many request ids are remembered for each player; the
	// oldest is forgotten first.
	MaxRids = 8
	// MaxRidLen bounds a request id in bytes; a longer one is ErrBadPayload.
	MaxRidLen = 64
	// MaxTokenLen bounds a token in bytes; a longer one is not even decoded.
	MaxTokenLen = 512
	// MaxIDLen bounds the ids inside a token in bytes.
	MaxIDLen = 64
	// MaxPending bounds the undelivered notifications. Join answers ErrOverloaded
	// above it, so that the rest, which is proportional to tickets, fits.
	MaxPending = 1 << 18
	// MaxAttempts is how often one request to be matched may fail before the
	// player has to ask again.
	MaxAttempts = 3
)

// The times of this package; those of a Config or Queue replace the defaults.
const (
	// DefaultGrace is how long the ticket of a detached player is kept.
	DefaultGrace = 20 * time.Second
	// DefaultFillAfter is the wait of the oldest ticket after which a match
	// starts with who is there, bots filling the empty seats.
	DefaultFillAfter = 5 * time.Second
	// DefaultSeatTTL is how long a seat stays reserved for a player.
	DefaultSeatTTL = 15 * time.Second
	// DefaultFill is how many seats bots fill up to.
	DefaultFill = 8
	// StateEvery is the least time between two queue:state events that only
	// tell a new number of players.
	StateEvery = time.Second
	// RetryAfter is how long a queue rests after a match failed.
	RetryAfter = time.Second
	// RetryBusy is how long it rests after there was no time for another match.
	RetryBusy = 5 * time.Second
	// SessionTTL is how long a session token is good for.
	SessionTTL = 24 * time.Hour
	// ResumeTTL is how long a resume token is good for; the match decides
	// earlier, by ending.
	ResumeTTL = 24 * time.Hour
	// seatSlack is added to the life of an open token, so that the match and
	// not the token's clock decides the last moment.
	seatSlack = 5 * time.Second
)
