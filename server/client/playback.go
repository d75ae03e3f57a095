package client

import (
	"math"
	"slices"
)

// Playback says which tick a screen shows: one interval between snapshots ago,
// and as much more as they come late, so that there is nearly always one to go
// towards. It gets there by playing a little faster or slower and never jumps,
// unless it is hopelessly far away.
//
// Times are arguments, in milliseconds. Held to testdata/clock.json as the page's
// is.
type Playback struct {
	period   float64
	interval float64 // between snapshots, in milliseconds
	samples  [playSamples]float64
	sorted   [playSamples]float64
	count    int
	next     int
	late     int     // samples in a row that say that the server's schedule has moved
	base     float64 // smallest of samples: how late the fastest snapshot was
	goal     float64 // delay to come to, in milliseconds
	delay    float64
	now      float64
	tick     float64
	began    bool
}

const (
	playSamples  = 64
	playDelayMin = 1.7   // in intervals
	playDelayMax = 200.0 // milliseconds
	playStretch  = 0.1   // play between 0.9 and 1.1 times as fast
	playGain     = 0.06  // change of speed per tick of error
	playDead     = 0.25  // ticks of error that are left alone
	playJump     = 250.0 // milliseconds of error that are jumped
	playShift    = 100.0 // milliseconds that the server's schedule has moved…
	playShifts   = 6     // …if so many snapshots in a row say so
	playUp       = 300.0 // milliseconds in which most of a longer delay is there
	playDown     = 5000.0
	playFew      = 8 // samples below which snapshots are taken to be an interval late
	playPart     = 0.95
)

// NewPlayback returns one for a match: ticks a second, and ticks between
// snapshots.
func NewPlayback(rate, every int) *Playback {
	period := 1000 / float64(rate)
	interval := float64(period * float64(every))
	return &Playback{period: period, interval: interval, goal: 2 * interval, delay: 2 * interval}
}

// Arrived tells that the snapshot of a tick, begun so many milliseconds late by
// the server, came at a time.
func (p *Playback) Arrived(now float64, tick uint32, late float64) {
	at := now - late - float64(float64(tick)*p.period)
	if p.count > 0 && at > p.base+playShift {
		p.late++
	} else {
		p.late = 0
	}
	if p.late >= playShifts {
		p.count, p.next, p.late = 0, 0, 0
	}
	p.samples[p.next] = at
	p.next = (p.next + 1) % playSamples
	p.count = min(p.count+1, playSamples)
	view := p.sorted[:p.count]
	copy(view, p.samples[:p.count])
	slices.Sort(view)
	p.base = view[0]
	excess := view[min(p.count-1, int(float64(p.count)*playPart))] - p.base
	if p.count < playFew {
		excess = p.interval
	}
	least := float64(p.interval * playDelayMin)
	p.goal = min(max(p.interval+excess+p.period/2, least), max(playDelayMax, least))
}

// Advance moves the screen to a time and returns the tick to show, a fraction.
func (p *Playback) Advance(now float64) float64 {
	if p.count == 0 {
		return p.tick
	}
	passed := 0.0
	if p.began {
		passed = max(now-p.now, 0)
	}
	p.now = now
	// A freeze is worse than a little more delay: up fast, down slowly.
	slope := playDown
	if p.goal > p.delay {
		slope = playUp
	}
	p.delay += float64((p.goal - p.delay) * (passed / (slope + passed)))
	goal := (now - p.base - p.delay) / p.period
	step := passed / p.period
	err := goal - (p.tick + step)
	if !p.began || float64(math.Abs(err)*p.period) > playJump {
		p.began, p.tick = true, goal
		return p.tick
	}
	speed := 1.0
	if math.Abs(err) > playDead {
		speed += min(max(float64(err*playGain), -playStretch), playStretch)
	}
	p.tick += float64(step * speed)
	return p.tick
}

// Delay returns how far the screen is behind the newest possible state, in
// milliseconds.
func (p *Playback) Delay() float64 { return p.delay }

// View returns how far the screen is behind the newest snapshot, in quarter
// ticks: what Match.SendInput and its like are told.
func (p *Playback) View(newest uint32) uint8 {
	behind := math.Floor((float64(newest)-max(p.tick, 0))*4 + 0.5)
	return uint8(min(max(behind, 0), math.MaxUint8)) //nolint:gosec // bounded
}
