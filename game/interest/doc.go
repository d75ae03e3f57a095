// Package interest works out who sees what: for each viewer of a match, which
// entities are within reach, and how often each of them is worth sending.
//
// # What it owns
//
// A Field holds where the entities of a match are, in a uniform grid whose cells
// are half the radius wide. An Eye holds what one viewer sees, as a bit for each
// slot of each set: its Sight, which package snap reads. Whoever has no bit does
// not exist for that viewer.
//
// # The rules
//
// An entity comes into view within the radius and leaves beyond 1.2 times as
// much, and not before it was in view for the dwell. One that was just born, or
// that moved by more than a cell at once, is judged afresh: within the radius or
// not at all. A rule of the game's may hide what is within reach; what it hides
// is hidden at once, dwell or not. A viewer always sees the entity of its own.
//
// A viewer is judged anew when it has crossed into another sub-cell, an eighth of
// the radius wide, and every so many ticks, those of different viewers in
// different ticks. In between only what is new is looked at, and the rule is
// asked again about what is in view.
//
// What an Eye holds depends on nothing but the positions and the rule's answers
// of what is within its own reach, and on the tick: nothing that a viewer may not
// see changes when or how it sees the rest.
//
// # Use
//
// Update once a tick, after World.Diff; then Look for each viewer who is to be
// sent a snapshot. An Eye that was not looked through in a tick is judged anew
// the next time. All of it belongs to the owner of the match, reads no clock,
// and allocates nothing once the sets have stopped growing.
package interest
