package client

import "errors"

// Errors that callers branch on.
var (
	// ErrClosed is returned after Client.Close.
	ErrClosed = errors.New("sio/client: client closed")
	// ErrDisconnected is returned for an acknowledgement that cannot come any
	// more, and for a Connect that ended with the session.
	ErrDisconnected = errors.New("sio/client: disconnected")
	// ErrBufferFull is returned by Emit when too much waits for a connection.
	ErrBufferFull = errors.New("sio/client: too many packets wait for a connection")

	errProtocol = errors.New("sio/client: protocol violation")
	errOverrun  = errors.New("sio/client: handlers do not keep up")
	errDropped  = errors.New("sio/client: dropped")
)

// Reasons given to OnDisconnect besides those of the transport.
const (
	ReasonServer = "io server disconnect"
	ReasonClient = "io client disconnect"
)
