package main

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"gameserver/server/client"
)

// ages measures how old what players see is. Player 0 is the reference: it sits
// beside the server, and from what it gets the time of each tick is known. For
// all others a sample is taken in each millisecond, whether something came or not:
// a player who gets nothing sees something older and older.
type ages struct {
	period time.Duration // of a tick

	mu       sync.Mutex // guards the following
	clock    tickClock
	hist     *hdrhistogram.Histogram
	sampled  []time.Duration // by player: until when
	showing  []uint32        // by player: the newest tick
	measured bool
}

// tickClock knows when ticks were due, from when they were heard of: the earliest
// of the last one to two seconds counts, so that a schedule that was moved is
// followed.
type tickClock struct {
	period     time.Duration
	now, last  time.Duration // of tick 0, as this block and the last one say
	blockEnds  time.Duration
	known, old bool
}

// heard takes in that a tick was heard of at a time, when the server said that it
// had begun it late by as much.
func (c *tickClock) heard(tick uint32, at, late time.Duration) {
	zero := at - late - time.Duration(tick)*c.period
	switch {
	case !c.known || at >= c.blockEnds:
		c.last, c.old = c.now, c.known
		c.now, c.known, c.blockEnds = zero, true, at+time.Second
	case zero < c.now:
		c.now = zero
	}
}

// at is when a tick was due.
func (c *tickClock) at(tick uint32) time.Duration {
	zero := c.now
	if c.old {
		zero = min(zero, c.last)
	}
	return zero + time.Duration(tick)*c.period
}

func newAges(players, rate int) *ages {
	period := time.Second / time.Duration(rate)
	return &ages{
		period: period, clock: tickClock{period: period}, hist: newHistogram(),
		sampled: make([]time.Duration, players), showing: make([]uint32, players),
	}
}

// begin starts sampling.
func (a *ages) begin(now time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.measured = true
	for i := range a.sampled {
		a.sampled[i] = now
	}
}

// end samples what is still owed, and stops.
func (a *ages) end(now time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.sampled {
		a.sampleLocked(i, now)
	}
	a.measured = false
}

// heard takes in a snapshot of one player.
func (a *ages) heard(player int, s client.Snapshot, now time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if player == 0 {
		a.clock.heard(s.Tick, now, time.Duration(s.Late)*10*time.Microsecond)
	}
	a.sampleLocked(player, now)
	a.showing[player] = s.Tick
}

// sampleLocked takes the samples of a player's milliseconds up to now, in which the
// player saw one and the same tick.
func (a *ages) sampleLocked(player int, now time.Duration) {
	if !a.measured || player == 0 || a.showing[player] == 0 || !a.clock.known {
		return
	}
	due := a.clock.at(a.showing[player])
	first := max(a.sampled[player], now-latencyMaxUs*time.Microsecond)
	for first += time.Millisecond; first <= now; first += time.Millisecond {
		_ = a.hist.RecordValue(max((first - due).Microseconds(), 1))
	}
	a.sampled[player] = first - time.Millisecond
}
