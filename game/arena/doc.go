// Package arena is the bundled game: a top-down shooter for 2 to 64 ships in
// a walled field, played in rounds of three minutes.
//
// The package is plain game code in the sense of package game: it has no
// clock, no goroutine, no log and no random source but the match's own, so a
// match is a function of its seed and its inputs. Every callback runs on the
// match's owner; nothing here is safe for use from two goroutines, except a
// [Field], which is never written after [NewField] and is shared by matches.
//
// # The rules
//
// A ship accelerates in eight directions and aims in any. It fires a shot
// every 0.22 s while fire is held; a shot flies 1.1 s or until it meets a
// wall or another ship, and takes 20 of 100 hit points. Every 1.8 s it has a
// beam that hits at once whom its player saw in its way, up to 900 px, and takes
// 40: it looks back at where the others were on that player's screen, and asks
// the present about shields and lives. Whoever takes the
// last point scores the kill; the ship returns after 3 s, far from living
// enemies, with a shield of 1.5 s that its own first shot ends. A ship that
// took no damage for 5 s regenerates. Ships pass through each other, so that
// a client can predict its own without knowing the rest.
//
// The round ends by time. Players are ranked by kills, then fewer deaths,
// then damage done, then the lower id.
//
// # Move
//
// [Move] is the one function that both the server and a predicting client
// run. It uses nothing but + − × ÷ √ and comparisons on float64, every
// product that feeds an addition is rounded on its own (an explicit
// conversion forbids the compiler to fuse), and its order of operations is
// part of its contract: a twin in another language gives the same bits.
// testdata/move.json holds golden vectors for it and for [Heading].
//
// # Replicated state
//
// Sets of an [Arena], in order: ships (the id is the player's id), shots, round
// (one entity), beams, and scores. Ships, shots and beams have places: in matches
// of more than 16 players one sees 1400 px far, with [Options.Fog] not through
// walls. Events: "hit" [HitEvent], "kill" [KillEvent], "spawn"
// [SpawnEvent]. The welcome's world is a [World], the result a [Result].
package arena
