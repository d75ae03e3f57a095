// Package lobby puts players together: it holds their tickets, forms groups
// and remembers who sits in which match.
//
// The package knows neither sockets nor matches. It calls two interfaces that
// it declares: [Matches] creates a match for a [Group], and [Notifier] carries
// an event to a player wherever that player is connected. Everything here
// belongs to the player and not to a connection: a ticket, a seat and the
// answers to repeated requests survive a reconnect.
//
// # Ownership
//
// One mutex guards all state; it is held for the change alone and never across
// a call to Matches or Notifier. Every exported method of [Lobby] may be called
// from any goroutine, returns at once, and never calls out. What a change wants
// to tell is queued in order; the goroutine inside [Lobby.Run] delivers it, so
// Matches and Notifier are called by that goroutine alone, in the order of the
// changes. They must not block.
//
// # Tickets
//
// A ticket is searching, then offered (its group waits for the match to be
// made), then seated; or it is cancelled. Each ends exactly once, as seated or
// cancelled. An offered ticket can no longer be withdrawn (too_late) and falls
// back to searching, its age kept, when the match cannot be made. A player has
// at most one live ticket and at most one match, and never both.
//
// A player whose last connection is gone is detached: the ticket waits for
// [Config.Grace] and is not matched meanwhile, then it is cancelled. A seat is
// not the lobby's to take away: it lasts until the match says that it is gone.
//
// # Time
//
// Nothing polls. For each queue and each player the next moment at which
// anything can change is known, and Run sleeps until the first of them.
//
// # Shutdown
//
// [Lobby.Drain] refuses new tickets and cancels those that search. Run returns
// when its context ends; what was queued but not delivered is dropped.
package lobby
