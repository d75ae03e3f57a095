// Package client is the Go client of the game server: a player without a
// screen. Bots, tests and the load generator are made of it.
//
// Dial joins /lobby and says hello. Client.Queue waits in a queue until a match
// is found and returns it once its welcome and schema are there. A Match keeps
// a World, the typed table of what the server has said about every entity, and
// sends inputs. When the transport is lost everything is connected again: the
// lobby by its session token, the match by its resume token. The first snapshot
// after that builds on what the World holds, if the server can still say what has
// changed since, and is a full one otherwise.
//
// With the msgpack parser snapshots are in the compact dialect, unless
// Options.Plain asks for the other one. Options.Check has the server send checksums
// of the World now and then; one that does not fit is a bad snapshot.
//
// A bot that always goes up:
//
//	c, err := client.Dial(ctx, url, client.Options{Name: "bot", Msgpack: true, Handlers: client.Handlers{
//		OnSnapshot: func(m *client.Match, _ client.Snapshot) { m.Input(input{Up: true}) },
//	}})
//	m, err := c.Queue(ctx, "arena")
//	result, err := m.Wait(ctx)
//
// Match.Input aims at the tick that the server will have come to when the input is
// there: a clock that the match's time and its snapshots set sees to that. A player
// with a screen asks Match.Due which inputs are due, sends them with
// Match.SendInputs, and shows what a Playback says.
//
// Who may call what: every method of Client and Match is safe from any
// goroutine. The callbacks of Handlers named OnSnapshot, OnEvent and OnResult
// run on the reader, in the order of the wire: they must not block, and may read
// the World; bytes they are given die when they return. All other callbacks run
// one at a time on a goroutine of their own. The World may be read from
// elsewhere only inside Match.View.
//
// In the steady state applying a snapshot and sending an input with
// Match.SendInput allocate nothing with the msgpack parser.
//
// Bounds are in limits.go. A snapshot that breaks the rules of docs/PROTOCOL.md
// ends the connection, as for any other malformed packet.
package client
