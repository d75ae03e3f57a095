// Package sio is a Socket.IO v5 server on top of package engine: namespaces,
// middleware, events with acks in both directions, rooms and broadcasts, for
// clients of the default parser and of the msgpack parser on the same port.
//
// # Who runs what
//
// Package engine reads each connection on one goroutine, the reader. It decodes
// packets and runs the handlers set with [Socket.OnRaw], which must not block.
// All other application code (middleware, OnConnection, [On], [OnAck],
// [Socket.OnArgs], OnDisconnect) runs in order of arrival on a goroutine per
// connection that exists only while there is something to do. It may block; a
// client that sends faster than its handlers return fills the inbox and is
// closed with rate_limited. Panics in application code are recovered, logged
// and counted.
//
// Sends (Emit, SendPacket, broadcasts, Disconnect) are safe from any goroutine
// and never block. No lock is held while one calls the engine or the
// application.
//
// # Bytes from outside
//
// The first message of a connection decides its parser, for good. Every packet
// is checked whole before anything is decoded: one value, bounded depth and
// number of values, valid UTF-8; what fails ends the connection, as does a
// packet that the state of the connection does not allow. What passes is either
// handed on raw or decoded into the handler's type by one strict decoder: JSON
// is turned into msgpack first, so both parsers yield the same value or the same
// refusal, and a refusal there is answered with bad_payload. Every bound is in
// limits.go.
//
// # Declared events
//
// [Namespace.Accepts] and [Namespace.Emits] say once, at setup, which events a
// namespace has and of which types. Handlers are held to it, and
// [Namespace.Events] describes them, check tags included, to whoever writes the
// client's types.
//
// # Namespaces that come and go
//
// The children of a namespace of [Server.OfDynamic] are made when a client asks
// for their name and removed with their last socket. A name becomes a key only
// once it was accepted. [Server.Observe] tells of that, and of everything else.
//
// # Several servers
//
// An [Adapter] for each namespace carries events to the other servers, see
// package sio/adapter. Sockets of this server are served first and whatever
// becomes of the rest.
//
// # Clients that come back
//
// With [Recovery], chosen by namespace, a client that lost its connection
// returns as the socket it was and gets every event it missed, in order and
// before anything new, or is told that it is new; there is nothing between. Such
// a namespace has one order of events, kept under one lock.
//
// # What waits, and what is too much
//
// [Outbox] bounds what waits for one client, an event with a key takes the place
// of an older one that still waits, and [Socket.Offer] tells what became of it.
// [Abuse] bounds what one client sends; it is on by default.
//
// # Two directions
//
// [Decoder] and [Encode] are the codec alone, for both ends of a connection;
// package sio/client is built on them.
//
// # End
//
// [Server.Shutdown] closes every connection and waits for the handlers.
package sio
