// Package server is the doorstep: the only package that sees both towers. It
// carries the lobby and the matches to Socket.IO clients and wraps them in a
// process with a page, metrics, a command line and an orderly end.
//
// A game author's program is
//
//	srv := server.New(server.Config{})
//	game.Register(srv, "duel", func() *Duel { return &Duel{} }, game.Rules{})
//	srv.Main()
//
// # Namespaces
//
// /lobby belongs to players: CONNECT names them, hello and the queue events are
// typed handlers over package lobby. /match belongs to seats: CONNECT presents
// a token, the match decides whether it may sit, and from then on inputs go
// from the reader straight into the match's inbox without an allocation.
// Several sockets may be one player in /lobby; one socket holds a seat in
// /match, the newest.
//
// What a client may send is bounded by meters, and what cannot be understood is
// a strike; sio.Abuse keeps count, and both end in a close code of docs/PROTOCOL.md.
//
// # Goroutines
//
// The lobby has one, the scheduler its workers, the HTTP servers theirs, and the
// writer of crash files one if there is a folder for them, the dashboard (package
// ops) one that sleeps while nobody watches. Hooks
// of a match run on its owner and only enqueue: they tell the lobby, which
// speaks from its own goroutine. Handlers run on the goroutine of their
// connection. Nothing here holds a lock across a send.
//
// # The end
//
// [Server.Shutdown] does it in one order: not ready, server:drain to every
// lobby socket, no new tickets; matches end and deliver their results; Socket.IO
// closes, then the dashboard, on which operators have seen it; the listeners close;
// the scheduler stops; crash files are on disk. Its context bounds it all.
package server
