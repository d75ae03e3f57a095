// Package game is what the author of a game sees: one Go type with a Step
// method, typed sets of replicated entities, typed inputs, and a Match to talk
// to. Everything else — sockets, lobby, ticks, snapshots, reconnects — happens
// outside and reaches the game only as calls to its methods.
//
// # A game
//
// A game is a struct with the method
//
//	Step(s *game.Step[Input])
//
// where Input is a struct of the author's. Register infers both types. Further
// methods are optional and found once, by type assertion: see Initer, Joiner,
// Dropper, Resumer, Leaver, Handler, Botter, Worlder, Eyer, Seer and Closer. A
// method that has one of those names but another signature is refused at
// Register, because it would silently never be called.
//
// # Order of calls
//
// Every call for one match comes from one goroutine at a time, at a tick
// boundary, in this order within a tick:
//
//	Init → {Join | Resume | Drop | Leave | Handle}* → After functions → Bot* → Step → replication
//
// Init is first and once. Step is called only while the match is running; in
// every other state the world stands still, snapshots flow, and inputs are
// acknowledged and dropped. Close is last and exactly once, except after a
// panic or an error from Init, when nothing more is called at all.
//
// # Determinism
//
// A game has no clock, starts no goroutines, and draws random numbers from
// Match.Rand only. Sets iterate by ascending slot, players by ascending ID, and
// inputs with the players. A game that keeps to this and does not range over
// maps gives the same world for the same seed and the same inputs.
//
// # Replication
//
// Exported fields of type Set are replicated to the players: each field of the
// row type that carries a snap tag is quantised, compared with what it was, and
// sent when it changed. The author never marks anything dirty.
//
//	type Ship struct {
//		X, Y     float32 `snap:"q=0.05"` // quantised in steps of 0.05
//		HP       uint8   `snap:""`       // as it is
//		Ammo     int     `snap:"own"`    // for the player whose ID the ship has, and nobody else
//		cooldown int                     // stays on the server
//	}
//	type Arena struct {
//		Ships game.Set[Ship] `snap:"cap=64"`
//	}
//
// Replicated integers are 32 bits wide on the wire; an int or uint beyond that
// saturates. The wire name of a set or a field is its json tag, else its Go
// name in lower camel case.
//
// # Who sees what
//
// Everybody sees everything, unless the tags of a set or Rules.Interest say
// otherwise. The tag own keeps a set to the player whose ID an entity has, team to
// that player's team. With the tags x and y on two fields of its rows a set has
// positions, and with a Radius players are sent what is near: see Interest. Eye
// and Sees are for cameras and fog of war. What a player may not see is not sent,
// in no form; what a game says in events is the game's own affair.
//
//	type Ship struct {
//		X float32 `snap:"q=0.05,x"`
//		Y float32 `snap:"q=0.05,y"`
//	}
//	type Arena struct {
//		Ships game.Set[Ship] `snap:"cap=64,lag"`
//		Hands game.Set[Card] `snap:"own"`
//	}
//
// # What players saw
//
// Players see the world late. A set with the tag lag is kept for a while, and
// Match.Rewind gives its positions as one player saw them when making the input
// that is played, so that a shot hits what was in its way on that player's screen:
//
//	v := s.Match.Rewind(p)
//	id, dist, ok := v.RayCast(x, y, dx, dy, reach, radius, nil)
//
// # Types for clients
//
// The command types of every game server writes TypeScript for its clients. It
// knows sets and inputs by itself; Rules.Samples tells it the rest.
//
// # Failure
//
// A panic in any method ends that match and nothing else. Mistakes that can be
// seen in the types panic at Register, with one sentence that names the field.
package game
