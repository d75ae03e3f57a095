package admin

import "time"

// Fixed maxima and intervals.
const (
	statsEvery   = 2 * time.Second
	maxSessions  = 1024           // sign-ins that are remembered; the oldest goes
	sessionLife  = 24 * time.Hour // after which one signs in again
	maxFailures  = 5              // wrong passwords of one address at once; then rate_limited
	failureEvery = 5 * time.Second
	maxAddresses = 4096     // with wrong passwords lately; beyond: every new one is rate_limited
	maxCounted   = 256      // kinds of counts in one second
	maxShown     = 64 << 10 // bytes of an event's argument; a larger one is described
)
