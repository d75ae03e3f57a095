// Package tsgen writes TypeScript declarations of the events that namespaces
// declare and of the games behind them, for the official socket.io-client:
//
//	import { io, type Socket } from "socket.io-client";
//	import type { Lobby, Match } from "./protocol";
//
//	const lobby: Socket<Lobby.ServerToClientEvents, Lobby.ClientToServerEvents> = io("/lobby");
//	const answer = await lobby.emitWithAck("queue:join", { queue: "arena" });
//	if (answer.ok) console.log(answer.ticket);
//	else console.log(answer.err.code);
//
// [Generate] is a pure function: the same declarations give the same bytes, in
// an order that does not depend on maps.
//
// # What becomes what
//
// Named Go structs become interfaces under their names, their first letter in
// upper case; a name that is taken gets that of its package in front. What both
// sides send has two: Name as the server sends it, NameIn as clients do. In what
// clients send a field is optional unless its check tag says required; in what
// the server sends, unless it is there always. What Go may send as null is
// "| null" (pointers, and lists and maps, nil in Go) unless the check tag says
// required. Ranges are comments, enums are unions, []byte is Uint8Array |
// ArrayBuffer, a time is a string, what encodes itself is unknown.
//
// An ack is typed by its answer: one with a boolean field ok is
// Ack<Answer>, which is ({ ok: true } & Answer) | { ok: false; err: ErrorReply };
// to any other type a refusal is added.
//
// # Games
//
// A namespace may carry several games. Where its events hold a value that is the
// game's own, their Go types say so by one of the markers, [World] for example,
// and its interfaces take the game as a type parameter:
// Match.ServerToClientEvents<ArenaGame>. Without it they are of any game that is
// registered.
package tsgen
