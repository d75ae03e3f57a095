package game

// Reason says why a player's place in a match, or the match, came to an end.
type Reason uint8

// The reasons. Their texts are part of the protocol.
const (
	ReasonNone         Reason = iota
	ReasonEnded               // the match came to its end
	ReasonLeft                // the player left by choice
	ReasonKicked              // the game, or an operator, removed the player
	ReasonDropped             // the connection was lost and the hold time ran out
	ReasonReplaced            // a newer connection took the seat
	ReasonNoShow              // the player never connected
	ReasonFailed              // the game panicked, or its Init failed
	ReasonVoided              // the match never started
	ReasonDrain               // the server is shutting down
	ReasonBadPayload          // too many inputs that could not be read
	ReasonSeatGone            // the seat is no longer open to this connection
	ReasonRefused             // the game's Join returned an error
	ReasonEmpty               // every player has left
	ReasonRateLimited         // the player sent more than the match takes
	ReasonBusy                // the match has no time for more players just now
	ReasonSlowConsumer        // the connection did not take what was sent
	ReasonStopped             // an operator ended the match
)

// String returns the protocol's text for the reason.
func (r Reason) String() string {
	switch r {
	case ReasonNone:
		return "none"
	case ReasonEnded:
		return "ended"
	case ReasonLeft:
		return "left"
	case ReasonKicked:
		return "kicked"
	case ReasonDropped:
		return "dropped"
	case ReasonReplaced:
		return "replaced"
	case ReasonNoShow:
		return "no_show"
	case ReasonFailed:
		return "failed"
	case ReasonVoided:
		return "voided"
	case ReasonDrain:
		return "server_drain"
	case ReasonBadPayload:
		return "bad_payload"
	case ReasonSeatGone:
		return "seat_gone"
	case ReasonRefused:
		return "refused"
	case ReasonEmpty:
		return "empty"
	case ReasonRateLimited:
		return "rate_limited"
	case ReasonBusy:
		return "overloaded"
	case ReasonSlowConsumer:
		return "slow_consumer"
	case ReasonStopped:
		return "stopped"
	}
	return "unknown"
}

// State is where a match is in its life.
type State uint8

// The states, in the usual order. Void, Failed and Ended are final.
const (
	StateOpen      State = iota // waiting for the players
	StateCountdown              // enough are there; the start is fixed
	StateRunning                // the only state in which Step is called
	StateHolding                // every player has lost the connection
	StateEnding                 // End was called; the result follows
	StateEnded                  // the result is out
	StateVoid                   // never started
	StateFailed                 // the game panicked
)

// String returns the protocol's text for the state.
func (s State) String() string {
	switch s {
	case StateOpen:
		return "open"
	case StateCountdown:
		return "countdown"
	case StateRunning:
		return "running"
	case StateHolding:
		return "holding"
	case StateEnding:
		return "ending"
	case StateEnded:
		return "ended"
	case StateVoid:
		return "void"
	case StateFailed:
		return "failed"
	}
	return "unknown"
}

// Final reports whether the match is over in this state.
func (s State) Final() bool { return s >= StateEnded }
