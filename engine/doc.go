// Package engine is an Engine.IO v4 server: sessions over HTTP long-polling and
// WebSocket, and the upgrade from the first to the second. With
// Config.AllowEIO3 it serves clients of v3 too, each session in its own
// revision.
//
// # What it owns
//
// A [Conn] is one session. It outlives its transport: a client that starts with
// polling and upgrades keeps its Conn, its order of messages and its Handler.
// The package owns the sockets, the heartbeat, the framing and every limit on
// what a client may send before anything above sees it. It knows nothing of
// Socket.IO.
//
// # Reading
//
// Every byte of a WebSocket passes a push parser (the guard) before the
// WebSocket library sees it, so lengths, masks, fragments and floods are judged
// before anything is allocated. Messages are handed to [Handler].OnMessage on
// the goroutine that reads; it must not block and must copy what it keeps. Two
// calls of one Conn never overlap, and OnClose comes exactly once, after the
// last OnMessage.
//
// # Writing
//
// Nothing here blocks on a slow client. A write is one non-blocking write(2)
// under the mutex of the connection; what the kernel does not take goes to an
// outbox bounded in bytes, which a goroutine flushes and then ends. There are
// three lanes: control (heartbeat, pong, close; never dropped), reliable
// ([Conn.Send]; overflow closes the Conn with [ReasonSlowConsumer]) and latest
// ([Conn.SendLatest]; accepted only when nothing is queued ahead of it). All
// send methods may be called from any goroutine, also from inside a callback.
//
// # Who may connect
//
// Browsers let any page open a WebSocket or send a simple POST to any server,
// with the user's address and cookies. So every request is held to one rule,
// whatever its transport. An Origin passes if it is the requested host, is
// listed in Config.Origins, or is another port of this machine while the
// connection itself is on loopback. No Origin passes as well, because only
// browsers send one, unless Config.RequireOrigin is set or the browser says
// that a foreign page asks. "null" never passes. Config.CheckOrigin replaces
// the rule. What passes is also told to the browser (CORS); cookies are allowed
// for listed pages only.
//
// A Server is a plain http.Handler that serves any path: middleware of any kind
// goes around it, for WebSockets too, as long as the http.ResponseWriter it
// passes on can be hijacked through http.ResponseController.
//
// # What one network may do
//
// [Abuse] bounds new sessions, concurrent sessions and guesses at session ids
// per IPv4 address and IPv6 /64 and /48, in bounded memory. Who a client is
// behind proxies, Config.TrustedProxies tells. On one WebSocket, at most 8
// control frames may come between two data messages and 20 within ten seconds.
//
// # Compression
//
// Polling answers of a kilobyte and more are compressed with gzip or deflate for
// clients that ask. The WebSocket extension permessage-deflate is never granted.
// It keeps a window of up to 32 KiB per direction and connection, several times
// what an idle session costs here, and compresses each broadcast again for each
// client; a few bytes from a client that has not even authenticated can inflate
// to a megabyte; it takes the meaning from one reserved bit, and with it the
// guard's chance to judge lengths before anything is allocated; and what games
// send is small and already packed.
//
// # JSONP
//
// A query with j=digits polls by script elements and forms, for browsers too old
// for anything else. Such a request of a foreign page carries no Origin, so in
// browsers that say where a request comes from (Sec-Fetch-Site) it is refused.
//
// # Ending
//
// [Conn.Close] never blocks: what was sent before it is flushed for a bounded
// time, then the close is announced and the socket ends. [Server.Shutdown]
// refuses new sessions, closes all Conns and waits for their goroutines.
package engine
