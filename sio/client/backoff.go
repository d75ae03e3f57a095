package client

import (
	"cmp"
	"time"
)

// Backoff says when a lost session is dialled again. The zero value waits 1 s,
// 2 s, 4 s, then 5 s each time, each shifted by up to half either way, for ever.
type Backoff struct {
	Min         time.Duration // first delay; 1 s
	Max         time.Duration // longest delay before jitter; 5 s
	Factor      float64       // growth; 2
	Jitter      float64       // share of the delay that is random, 0 to 1; 0.5, negative: none
	MaxAttempts int           // attempts without success before giving up; 0: no end
	Disabled    bool          // do not dial again
}

func (b Backoff) withDefaults() Backoff {
	b.Min = cmp.Or(b.Min, time.Second)
	b.Max = max(cmp.Or(b.Max, 5*time.Second), b.Min)
	b.Factor = max(cmp.Or(b.Factor, 2), 1)
	b.Jitter = min(max(cmp.Or(b.Jitter, 0.5), 0), 1)
	return b
}

// delay returns how long to wait before the attempt with that number, counted
// from 0. The random number is in [0, 1).
func (b Backoff) delay(attempt int, random float64) time.Duration {
	d := float64(b.Min)
	for range attempt {
		d *= b.Factor
		if d >= float64(b.Max) {
			break
		}
	}
	d = min(d, float64(b.Max))
	return time.Duration(d * (1 + b.Jitter*(2*random-1)))
}
