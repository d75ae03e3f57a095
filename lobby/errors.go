package lobby

// Error is a refusal by its code in the one vocabulary of the wire.
type Error string

// The refusals of this package.
const (
	// AlreadyInMatch: the player has a seat; leave it first. The seat is told
	// again by match:found.
	AlreadyInMatch Error = "already_in_match"
	// AlreadyQueued: the player searches in another queue.
	AlreadyQueued Error = "already_queued"
	// NotFound: no such queue, or no such ticket of this player.
	NotFound Error = "not_found"
	// TooLate: the ticket was offered or seated before it could be withdrawn.
	TooLate Error = "too_late"
	// BadPayload: a field is out of its bounds.
	BadPayload Error = "bad_payload"
	// Draining: the server takes no new tickets.
	Draining Error = "draining"
	// Overloaded: a bound of limits.go is reached; try again later.
	Overloaded Error = "overloaded"
	// AuthFailed: a token is malformed, forged or of another kind.
	AuthFailed Error = "auth_failed"
	// Expired: a genuine token is past its time.
	Expired Error = "expired"
)

// Error implements error with a sentence for people.
func (e Error) Error() string {
	switch e {
	case AlreadyInMatch:
		return "you already have a seat in a match"
	case AlreadyQueued:
		return "you are already searching in another queue"
	case NotFound:
		return "no such queue or ticket"
	case TooLate:
		return "the match has been made already"
	case BadPayload:
		return "a field is missing or out of bounds"
	case Draining:
		return "the server is shutting down"
	case Overloaded:
		return "the server is full, try again later"
	case AuthFailed:
		return "the token is not valid"
	case Expired:
		return "the token has expired"
	default:
		return string(e)
	}
}
