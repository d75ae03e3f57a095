// Package match runs one match of a game: it takes what players send, steps the
// game, and sends them what has changed.
//
// # Ownership
//
// A Match is a tick.Task. Whoever calls Tick owns the match during the call, and
// no two calls run at the same time; the game, the seats and the replicated
// state have no locks. Everything that happens outside joins a bounded inbox,
// from any goroutine and without blocking, and is taken by the next tick: the
// methods of Seat, and Match.Attach, Claim, Stop, Stats, State, ID and Crash.
// Links and hooks are called by the owner and must not block.
//
// # A tick
//
// In this order: the inbox is drained (claims, connections, requests, inputs,
// departures, in the order they came); seats whose time is up are given away and
// the game's kicks are carried out; the match moves along its life; each player's
// input for the tick is chosen; the game steps; what it said is sent; the
// replicated state is compared with what it was; the view of each player who is
// due a snapshot is brought up to date; one message per player is put together
// and offered to its link; where things are is kept for Match.Rewind.
//
// # Connections
//
// The first message on a link is welcome, then schema, then events and
// snapshots, of which the first is full and comes at the end of the same tick.
// The last one is result, then Close. A newer connection takes the seat from an
// older one, which is closed as replaced; each has an epoch, and what a stale one
// still says is dropped and counted. The game's Resume is called before anything
// the new connection sent is looked at.
//
// # Snapshots
//
// A snapshot that the link does not take is forgotten. The next one is built, at
// the next tick, on the last that was taken: nothing is lost, a removal
// included, and a slow connection gets fewer bytes, not more.
//
// # Failure
//
// A panic in the game ends this match and nothing else. Nothing of the tick in
// which it happened is sent, or if it was in Eye or Sees its events only; the game is not called again, the connections are
// closed as failed, and Match.Crash tells what happened.
//
// A game that does not return cannot be ended. Whoever finds that out calls
// [Match.Abandon], from another goroutine: from then on everybody is refused and
// no hook tells of an end. Should the game return after all, its owner clears up.
//
// # Overload
//
// Tick.Level says how far to reduce the work, and what each level sheds stands at
// the one place where it is taken over, shed.go. Clients are told of every change,
// and of a tick that lasts longer than it should, by the event match:pace.
//
// # The end
//
// After Hooks.Ended, Failed or Voided, of which exactly one is called, Tick
// returns false. Everything that still waited has been answered with ErrGone, and
// so is everything that comes later.
package match
