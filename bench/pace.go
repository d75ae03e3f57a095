package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// pacer calls for what players owe on an absolute schedule: one goroutine for all
// of them, so that the load is the same however many there are. One that was held
// up makes up for it, and its lateness is known.
type pacer struct {
	epoch     time.Time
	period    time.Duration
	measuring *atomic.Bool
	lateness  *hdrhistogram.Histogram // owned by run
	stall     func()                  // tests make it late; nil: nobody does
}

// run calls send for each of n players, once a period and evenly spread, with
// when it was due, until ctx is done.
func (p *pacer) run(ctx context.Context, n int, send func(i int, due time.Duration)) {
	start := time.Since(p.epoch)
	due := make([]time.Duration, n)
	for i := range due {
		due[i] = start + p.period*time.Duration(i)/time.Duration(n)
	}
	for ctx.Err() == nil {
		if p.stall != nil {
			p.stall()
		}
		next := time.Since(p.epoch) + p.period
		for i := range due {
			now := time.Since(p.epoch)
			if now >= due[i] {
				if p.measuring.Load() {
					_ = p.lateness.RecordValue(min((now - due[i]).Microseconds(), latencyMaxUs))
				}
				send(i, due[i])
				due[i] += p.period
			}
			next = min(next, due[i])
		}
		if wait := next - time.Since(p.epoch); wait > 0 {
			time.Sleep(wait)
		}
	}
}
