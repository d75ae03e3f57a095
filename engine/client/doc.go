// Package client is an Engine.IO v4 client: one ordered, framed session with a
// server over HTTP long-polling, over a WebSocket, or over the first and then
// the second.
//
// Dial performs the handshake and returns a Conn. With the default transport
// the session starts on polling, as the official client does, and moves to a
// WebSocket in the background when the server offers it; messages keep their
// order across the move, and a failed move leaves the session on polling.
//
// Who may call what: Send, SendAll, Close and the accessors are safe from any
// goroutine. The Handler is called by one goroutine at a time: OnMessage for
// every message in order, then OnClose exactly once. OnMessage runs on the
// reader and must not block for long, because heartbeats are answered by the
// same goroutine; the bytes it is given belong to the reader and die when it
// returns. OnMessage may be called before Dial has returned.
//
// Bounds: a message larger than Options.MaxPayload, a malformed frame or a
// malformed packet ends the session. Messages that wait for a poll are bounded
// by Options.MaxBuffered. On a WebSocket nothing is queued: Send returns when
// the kernel has taken the bytes, in one write and without allocating.
//
// Shutdown: Close says goodbye and never blocks. Every goroutine of the Conn
// has ended, and OnClose has returned, when Done is closed.
//
// The package does not reconnect and knows nothing of Socket.IO; package
// sio/client does both.
package client
