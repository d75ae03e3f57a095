// Package snap turns typed sets of entities into snapshots: what changed since
// the last one that a player's connection took.
//
// # What it owns
//
// A World holds the replicated state of one match. For each set there is a
// table with a column of 32-bit integers per replicated field, indexed by slot:
// its values at the last eight snapshots of the match, the tick of each row's last
// change, and the generation of the row that was there. Columns are pointer-free.
// Rows is the set's side: which slots are in use, by whom, and where their memory
// is. A Mirror is the other end: what a client holds, filled by snapshots.
//
// # A tick
//
//	Diff(tick, number)            quantise every row, compare, stamp what changed
//	Append(dst, view, …)          one player's message
//	Accept(view)                  the player's connection took it
//
// Nothing marks a row as changed; Diff finds out. Append makes each record of an
// entity at most once per tick, puts the records together once for all views that
// see everything and build on the same snapshot, and then copies. It does not
// change what the view is taken to hold: without Accept the message never was, and
// the next one is built on the last that was accepted, removals included. That a
// socket's stream is reliable and ordered is what makes "accepted" as good as
// "received".
//
// # Records
//
// The plain dialect has one record of an entity: all of its fields. The compact
// one has three. A difference is for whoever has the values of one of the last
// eight snapshots; it depends on that snapshot and on nothing else of the player.
// An absolute one has the fields that have changed since an older tick. A full one
// is for whoever does not hold the entity. docs/PROTOCOL.md has the bytes, and
// testdata/golden snapshots in order with what they lead to, for decoders in any
// language.
//
// # Views
//
// A Sight says which entities a view may see and how often. Nothing of what it
// does not show is looked at when the snapshot is put together. Such a view has a
// list of its own of what its player holds, with the tick up to which each entity
// was sent. With a budget some of what is due is left for later, by weight and
// waiting. The own fields of a player's entity are told to that player alone.
//
// A view outlives its connection: Resume brings it back to the last snapshot that
// the player says to have, if what has left it since is still known.
//
// # Memory
//
// After the first ticks nothing is allocated. All methods belong to the owner of
// the match.
package snap
