package client

import "time"

// Every bound of the package, and what happens at it.
const (
	// namesMax bounds the event names kept to avoid allocating them again;
	// others are allocated each time.
	namesMax = 64

	// helloTimeout bounds the hello after a reconnect.
	helloTimeout = 10 * time.Second
	// partTimeout bounds the wait for the server's DISCONNECT after a result,
	// and the goodbye to a queue whose caller has gone.
	partTimeout = 2 * time.Second
	// handshakeCalls is how often a match is asked for its time, handshakeEvery how
	// long after one another, and handshakeTimeout how long that may take.
	handshakeCalls   = 5
	handshakeEvery   = 50 * time.Millisecond
	handshakeTimeout = 2 * time.Second
	// ackAfter is after how many milliseconds without an input a snapshot is
	// acknowledged by itself.
	ackAfter = 40
)
