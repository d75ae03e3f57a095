package lobby

// Error is a refusal by its code in the one vocabulary of the wire.
type Error string

// The refusals of this package.
const (
	// ErrAlreadyInMatch: the player has a seat; leave it first. The seat is told
	// again by match:found.
	ErrAlreadyInMatch Error = "already_in_match"
	// ErrAlreadyQueued: the player searches in another queue.
	ErrAlreadyQueued Error = "already_queued"
	// ErrNotFound: no such queue, or no such ticket of this player.
	ErrNotFound Error = "not_found"
	// ErrTooLate: the ticket was offered or seated before it could be withdrawn.
	ErrTooLate Error = "too_late"
	// ErrBadPayload: a field is out of its bounds.
	ErrBadPayload Error = "bad_payload"
	// ErrDraining: the server takes no new tickets.
	ErrDraining Error = "draining"
	// ErrOverloaded: a bound of limits.go is reached; try again later.
	ErrOverloaded Error = "overloaded"
	// ErrAuthFailed: a token is malformed, forged or of another kind.
	ErrAuthFailed Error = "auth_failed"
	// ErrExpired: a genuine token is past its time.
	ErrExpired Error = "expired"
)

// Error implements error with a sentence for people.
func (e Error) Error() string {
	switch e {
	case ErrAlreadyInMatch:
		return "you already have a seat in a match"
	case ErrAlreadyQueued:
		return "you are already searching in another queue"
	case ErrNotFound:
		return "no such queue or ticket"
	case ErrTooLate:
		return "the match has been made already"
	case ErrBadPayload:
		return "a field is missing or out of bounds"
	case ErrDraining:
		return "the server is shutting down"
	case ErrOverloaded:
		return "the server is full, try again later"
	case ErrAuthFailed:
		return "the token is not valid"
	case ErrExpired:
		return "the token has expired"
	default:
		return string(e)
	}
}
