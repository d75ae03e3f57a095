// Package client is a Socket.IO v5 client: namespaces multiplexed on one
// Engine.IO session, reconnection, acknowledgements both ways, and the default
// (JSON) and msgpack parsers.
//
// A Client owns the session, as the Manager of the official client does; a
// Socket is one namespace on it. Nothing is dialled before the first
// Socket.Connect. When the transport is lost every active Socket reports the
// reason to OnDisconnect and the Client dials again, with exponential backoff
// and jitter, and connects every active Socket again; the auth payload is asked
// for each time. A Socket that the server disconnected or refused is not
// connected again until Connect is called. When no active Socket is left the
// session is closed.
//
// Who may call what: every method is safe from any goroutine. OnRaw handlers
// run on the reader: they must not block and the bytes they are given die when
// they return. All other handlers of a Client run one at a time, in the order
// of what they report, on a goroutine that exists only while something waits;
// they may block, also in EmitWithAck. When more waits than the inbox holds the
// session ends and is dialled again, so that a stuck handler cannot make memory
// grow.
//
// What is emitted while a Socket is not connected waits, up to a bound, and is
// sent when it is. AppendEventHead, AppendEventTail and SendPacket are the hot
// path for an event that is sent very often: they allocate nothing, and such a
// packet never waits.
//
// Shutdown: Client.Close disconnects every Socket and does not block; Done is
// closed when the last handler has returned and every goroutine has ended.
package client
