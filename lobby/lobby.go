package lobby

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Matches makes matches. Create is called by the goroutine in Run and must not
// block for long. The match has the id that the group names; what happens to
// it is told by Opened, Freed, Ended, Voided and Failed, which may be called
// even before Create returns.
type Matches interface {
	Create(Group) error // ErrOverloaded: not now
}

// Notifier carries an event to every connection of a player, if there is one.
// Notify is called by the goroutine in Run and must not block. The payload is
// one of the types of wire.go and is not changed afterwards.
type Notifier interface {
	Notify(player, event string, payload any)
}

// Group is the answer to several tickets: one match to be made.
type Group struct {
	Match string // id of the match
	Queue string
	Game  string
	Seats []Seat // players first, then bots
}

// Seat is one place in a Group.
type Seat struct {
	Player string // lobby id, empty for a bot
	Name   string
	Team   int
	Bot    bool
}

// Queue describes one queue.
type Queue struct {
	Name      string        // unique
	Game      string        // name of the game; Name when empty
	Min, Max  int           // players of a match; default 2 and 8
	Bots      bool          // bots may take empty seats
	Fill      int           // seats that bots fill up to; default DefaultFill, within Min and Max
	FillAfter time.Duration // default DefaultFillAfter
	SeatTTL   time.Duration // default DefaultSeatTTL
}

// Config describes a lobby. Queues, Matches and Notifier are required; the
// zero value of the rest works.
type Config struct {
	Queues     []Queue
	Matches    Matches
	Notifier   Notifier
	Keys       *Keys         // nil: keys with a random secret
	Grace      time.Duration // default DefaultGrace
	MaxPlayers int           // default MaxPlayers
	MaxTickets int           // default MaxTickets
	Logger     *slog.Logger  // nil discards
}

// Stats counts what a lobby holds and what it did.
type Stats struct {
	Players   int            // known now, attached or not
	Attached  int            // with a connection
	Searching map[string]int // tickets by queue
	Offered   int            // tickets whose match is being made
	Matches   int            // live, as far as the lobby was told
	Seated    uint64         // tickets that ended in a seat
	Cancelled uint64         // tickets that ended without one
	Requeued  uint64         // tickets that went back to searching
	Made      uint64         // matches made
	Pending   int            // notifications not yet delivered
}

// Lobby is the matchmaker. Its methods may be called from any goroutine.
type Lobby struct {
	matches  Matches
	notifier Notifier
	keys     *Keys
	wake     chan struct{} // capacity 1: something was queued or an alarm moved

	mu   sync.Mutex // guards core
	core core
}

// New returns a lobby that does nothing until Run is called. It panics when the
// configuration is wrong, because queues are part of the program.
func New(cfg Config) *Lobby {
	if cfg.Matches == nil || cfg.Notifier == nil {
		panic("lobby: Config needs Matches and Notifier")
	}
	if cfg.Keys == nil {
		keys, err := NewKeys(nil)
		if err != nil {
			panic(err)
		}
		cfg.Keys = keys
	}
	l := &Lobby{
		matches:  cfg.Matches,
		notifier: cfg.Notifier,
		keys:     cfg.Keys,
		wake:     make(chan struct{}, 1),
	}
	l.core.init(cfg)
	return l
}

// NewID returns a new id for a player, from a cryptographic source.
func NewID() string {
	return strings.ToLower(rand.Text()[:20])
}

// Run delivers what the lobby has to say and wakes it when time has come. It
// returns nil when ctx ends. Run must be called once.
func (l *Lobby) Run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		effects, next, ok := l.advance()
		for _, e := range effects {
			l.deliver(e)
		}
		if len(effects) > 0 {
			if ctx.Err() != nil {
				return nil
			}
			continue
		}
		if ok {
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// advance fires what is due and takes what is to be delivered.
func (l *Lobby) advance() (effects []effect, next time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.core.alarms.fire(time.Now())
	effects, l.core.out = l.core.out, nil
	next, ok = l.core.alarms.next()
	return effects, next, ok
}

// deliver calls out; no lock is held.
func (l *Lobby) deliver(e effect) {
	if e.group == nil {
		l.notifier.Notify(e.player, e.event, e.payload)
		return
	}
	err := l.matches.Create(*e.group)
	l.change(func(now time.Time) { l.core.commit(e.group.Match, err, now) })
}

// change runs f under the mutex and wakes Run.
func (l *Lobby) change(f func(now time.Time)) {
	func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		f(time.Now())
	}()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Attach says that the player has one more connection. The first one ends the
// detached state. A player in a match is told about the seat again.
func (l *Lobby) Attach(player, name string) (err error) {
	l.change(func(now time.Time) { err = l.core.attach(player, name, now) })
	return err
}

// Detach says that the player has one connection less. Each Attach that
// succeeded needs one Detach.
func (l *Lobby) Detach(player string) {
	l.change(func(now time.Time) { l.core.detach(player, now) })
}

// Active returns what the player has going on.
func (l *Lobby) Active(player string) Active {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.core.active(player, time.Now())
}

// Join asks for a match and returns the ticket. Joining the same queue again,
// or with a rid (may be empty) that was used for it before, returns the same
// ticket, even one that is over: a client draws a new rid for each wish.
func (l *Lobby) Join(player, queue, rid string) (ticket string, err error) {
	l.change(func(now time.Time) { ticket, err = l.core.join(player, queue, rid, now) })
	return ticket, err
}

// Leave withdraws the ticket, or the player's only one when ticket is empty.
func (l *Lobby) Leave(player, ticket string) (err error) {
	l.change(func(now time.Time) { err = l.core.leave(player, ticket, now) })
	return err
}

// Drain refuses tickets from now on and cancels those that search.
func (l *Lobby) Drain() {
	l.change(func(now time.Time) { l.core.drain(now) })
}

// Opened says that a player has taken a seat under the given epoch, so that
// the seat can be offered again to a client that lost its token.
func (l *Lobby) Opened(match string, seat int, epoch uint32) {
	l.change(func(time.Time) { l.core.opened(match, seat, epoch) })
}

// Freed says that a seat is gone for its player, who may search again.
func (l *Lobby) Freed(match string, seat int) {
	l.change(func(time.Time) { l.core.freed(match, seat) })
}

// Ended says that a match is over: its players are free.
func (l *Lobby) Ended(match string) {
	l.change(func(now time.Time) { l.core.close(match, outcome{kind: outcomeEnded}, now) })
}

// Voided says that a match was called off before it ran. Players that are still
// in it search again with their age kept.
func (l *Lobby) Voided(match, reason string) {
	l.change(func(now time.Time) {
		l.core.close(match, outcome{kind: outcomeVoid, reason: reason}, now)
	})
}

// Failed says that a match broke. Players that are still in it search again
// with their age kept, MaxAttempts times at most; ref is for their report.
func (l *Lobby) Failed(match, reason, ref string) {
	l.change(func(now time.Time) {
		l.core.close(match, outcome{kind: outcomeFailed, reason: reason, ref: ref}, now)
	})
}

// Keys returns the keys that seal the tokens of this lobby.
func (l *Lobby) Keys() *Keys {
	return l.keys
}

// Stats returns a copy of the counters.
func (l *Lobby) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.core.statistics()
}
