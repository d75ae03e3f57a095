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
	// leadMax is how far ahead of the newest tick seen Input may aim; the
	// server takes 32.
	leadMax = 24
)
