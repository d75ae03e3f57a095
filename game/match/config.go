package match

import (
	"errors"
	"fmt"
	"log/slog"

	"gameserver/game"
)

// Config says what match to run. Def and Seats are required.
type Config struct {
	ID     string
	Def    *game.Definition
	Seed   uint64
	Seats  []SeatSpec
	Hooks  Hooks
	Logger *slog.Logger // nil: discard
	// Tap, if not nil, sees every entry of the inbox when the match takes it, in
	// order, on the owner. The entry and its bytes die when it returns.
	Tap func(tick uint32, e *Entry)
}

// SeatSpec is one place in a match. Its player's game.ID is its index plus one.
type SeatSpec struct {
	Player string // the lobby's id of the player
	Name   string
	Team   int
	Bot    bool
}

// Hooks tell the owner of the match what became of it. They are called on the
// goroutine that runs the tick and must not block; all but Refused at the end of
// what they report. A nil hook is not called.
type Hooks struct {
	// Exactly one of Ended, Failed and Voided is called, once. More about a
	// failure is in Match.Crash.
	// Ending comes before the result goes out: whoever reads the result may ask
	// for another match at once. Ended or Failed follows in the same tick.
	Ending func(m *Match)
	Ended  func(m *Match, reason game.Reason, result any)
	Failed func(m *Match, ref string, stack []byte)
	Voided func(m *Match, reason game.Reason)
	// Seat is called on every change of a seat's state.
	Seat func(m *Match, seat int, from, to SeatState)
	// Refused is called for everything that was not let in, from any goroutine.
	Refused func(layer, reason string)
}

// Link is a player's connection. None of its methods may block.
type Link interface {
	// Msgpack reports whether values are msgpack, else JSON.
	Msgpack() bool
	// Wish is what the client asked of its snapshots.
	Wish() Wish
	// AppendHead appends all of an event's packet that precedes its argument,
	// AppendTail all that follows.
	AppendHead(dst []byte, event string) []byte
	AppendTail(dst []byte) []byte
	// SendLatest sends a packet if nothing is queued before it, Send sends it in
	// order. Both copy.
	SendLatest(packet []byte) bool
	Send(packet []byte) error
	// AppendValue appends a value as Emit would send it, in msgpack. It is used
	// with the compact dialect only.
	AppendValue(dst []byte, v any) ([]byte, error)
	// Emit sends an event with one argument, in order.
	Emit(event string, v any) error
	// Close ends the connection to the match for good.
	Close(reason game.Reason)
	// ResumeToken makes the token that takes the seat back later. The epoch in
	// it comes back through Claim.
	ResumeToken(epoch uint32) string
}

// Wish is what a connection asks of its snapshots. The zero Wish is for the
// plain dialect.
type Wish struct {
	Compact bool   // the compact dialect, granted with msgpack
	Ack     uint32 // tick of the last snapshot that the player holds from an earlier connection, 0: none
	Check   bool   // checksums in some of them
}

// Errors of this package.
var (
	// ErrGone says that the match is over.
	ErrGone = errors.New("match: over")
	// ErrSeatGone says that the seat is not open to the caller: given up, played
	// by a bot, or claimed with a token that a newer one has replaced.
	ErrSeatGone = errors.New("match: the seat is gone")
	// ErrFull says that the inbox took no more.
	ErrFull = errors.New("match: inbox full")
	// ErrBusy says that the match has no time for more players just now.
	ErrBusy = errors.New("match: no time for more players")
	// ErrTooLarge says that a message is longer than its bound.
	ErrTooLarge = errors.New("match: message too large")
)

// New makes a match. It does nothing until it is added to a tick.Scheduler with
// the rate Def.Rules.Tick; the game's Init is called in its first tick.
func New(cfg Config) (*Match, error) {
	if cfg.Def == nil {
		return nil, errors.New("match: no definition")
	}
	rules := cfg.Def.Rules
	if n := len(cfg.Seats); n < 1 || n > rules.Players.Max {
		return nil, fmt.Errorf("match: %d seats, want 1 to %d", n, rules.Players.Max)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Match{cfg: cfg, rules: rules, drv: cfg.Def.New(cfg.Seed)}
	for i, spec := range cfg.Seats {
		if spec.Bot && !m.drv.Bots() {
			return nil, fmt.Errorf("match: seat %d is for a bot, but the game has no Bot method", i)
		}
	}
	m.open()
	return m, nil
}
