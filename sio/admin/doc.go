// Package admin speaks the protocol of the official Socket.IO admin UI
// (@socket.io/admin-ui), so that its page shows and steers a [sio.Server]:
// servers and namespaces always, sockets, rooms and events in development mode.
//
// # Who may look
//
// The page signs in with a name and a password, or with the session that a
// former sign-in gave it. Passwords are compared in constant time, or by a
// function of the application, such as one that knows bcrypt. Wrong ones are
// limited per address. Whoever is in sees everything: do not let browsers in
// over plain HTTP, and prefer ReadOnly where the actions are not needed. Session
// ids of connections, cookies, authorization headers and auth payloads are
// secrets of others and never shown.
//
// # Cost
//
// Outside development mode the server counts and sends a few numbers every two
// seconds. In it, every event of every socket is sent to every page while one
// is watching: not for busy servers.
//
// # Who runs what
//
// [Instrument] starts one goroutine, which [UI.Close] ends. Everything else runs
// where the server calls it and does not block.
package admin
