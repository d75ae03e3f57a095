// Package snap turns typed sets of entities into snapshots: what changed since
// the last one that a player's connection took.
//
// # What it owns
//
// A World holds the replicated state of one match. For each set there is a
// table with one column of 32-bit integers per replicated field, indexed by
// slot, and per slot the tick of its last change and the generation of the row
// that was there. Columns are pointer-free. Rows is the set's side: which slots
// are in use, by whom, and where their memory is.
//
// # A tick
//
//	Diff(tick)                    quantise every row, compare, stamp what changed
//	Append(dst, view, …)          one player's message
//	Accept(view)                  the player's connection took it
//
// Nothing marks a row as changed; Diff finds out. Append encodes an entity at
// most once per tick and encoding, puts the elements together once for all views
// that build on the same snapshot, and then copies. It does not change the view:
// without Accept the message never was, and the next one is built on the last
// that was accepted, removals included. That a socket's stream is reliable and
// ordered is what makes "accepted" as good as "received".
//
// # Room for what comes next
//
// A view's basis lists each entity with its own lastSent, so that entities may
// be sent at different cadences, or not at all to a viewer who may not see them;
// such a view has a basis of its own. More record kinds are further encodings of
// an element, and stamps per group of fields go beside those per row.
//
// # Memory
//
// After the first ticks nothing is allocated. All methods belong to the owner of
// the match.
package snap
