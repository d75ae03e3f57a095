package netfault

import (
	"math/rand/v2"
	"slices"
	"time"
)

// segment is a piece of the stream on its way.
type segment struct {
	at   time.Time // when it arrives
	size int
	lost bool // and not mended yet
}

// path decides when segments arrive. It knows no sockets and no clock.
type path struct {
	profile Profile
	back    time.Duration // delay of the other direction
	rng     *rand.Rand

	free    time.Time // when the wire has sent all it was given
	last    time.Time // when the newest segment arrives
	gate    time.Time // when the radio's gate opens next
	bad     bool      // in a burst of loss
	queue   []segment
	missing int // how many of the newest segments are lost and not mended yet
	lost    uint64
}

// put sends a segment of n bytes at time now.
func (p *path) put(n int, now time.Time) {
	leaves := later(now, p.free)
	if p.profile.Rate > 0 {
		leaves = leaves.Add(time.Duration(n) * time.Second / time.Duration(p.profile.Rate))
	}
	p.free = leaves
	s := segment{at: leaves.Add(p.delay()), size: n, lost: p.loses()}
	if s.lost {
		p.lost++
		s.at = s.at.Add(p.timeout())
	} else {
		p.mend(s.at)
	}
	s.at = p.open(later(s.at, p.last))
	p.last = s.at
	p.queue = append(p.queue, s)
	p.missing++
	if !s.lost {
		p.missing = 0
	}
}

// delay draws the delay of one segment.
func (p *path) delay() time.Duration {
	d := p.profile.Delay
	if j := int64(p.profile.Jitter); j > 0 {
		d += time.Duration(p.rng.Int64N(2*j+1) - j)
	}
	return d
}

// loses draws whether the next segment is lost: a chain of two states, in one of
// which everything is.
func (p *path) loses() bool {
	if p.profile.Loss == 0 {
		p.bad = false
		return false
	}
	burst := max(p.profile.Burst, 1)
	if p.bad {
		p.bad = p.rng.Float64() >= 1/burst
	} else {
		p.bad = p.rng.Float64() < p.profile.Loss/(1-p.profile.Loss)/burst
	}
	return p.bad
}

// timeout is how much later a segment comes that nothing follows: Linux waits for
// the round trip and rtoMin, twice as long each time the retransmission is lost
// again.
func (p *path) timeout() time.Duration {
	wait := p.profile.Delay + p.back + rtoMin
	total := wait
	for range retriesMax {
		if p.rng.Float64() >= p.profile.Loss {
			break
		}
		wait *= 2
		total += wait
	}
	return total
}

// mend lets a segment that arrives at seen tell the sender of those lost just
// before it: the acknowledgement travels back, RACK waits a quarter of a round
// trip, and the retransmission travels.
func (p *path) mend(seen time.Time) {
	trip := p.profile.Delay + p.back
	for i := len(p.queue) - min(p.missing, len(p.queue)); i < len(p.queue); i++ {
		s := &p.queue[i]
		s.lost = false
		if p.rng.Float64() >= p.profile.Loss { // else the retransmission is lost, too
			s.at = earlier(s.at, seen.Add(p.back+trip/4+p.profile.Delay))
		}
		if i > 0 {
			s.at = later(s.at, p.queue[i-1].at)
		}
		p.last = s.at
	}
}

// open is the first time from t on at which the gate is open.
func (p *path) open(t time.Time) time.Time {
	if p.profile.SlotMax == 0 {
		return t
	}
	span := int64(p.profile.SlotMax - p.profile.SlotMin)
	if t.Sub(p.gate) > DelayMax {
		p.gate = t // the first segment, or a long silence
	}
	for p.gate.Before(t) {
		p.gate = p.gate.Add(max(p.profile.SlotMin+time.Duration(p.rng.Int64N(span+1)), time.Microsecond))
	}
	return p.gate
}

// take removes what has arrived by now, at most room bytes, and returns its size.
func (p *path) take(now time.Time, room int) int {
	n, size := 0, 0
	for n < len(p.queue) && !p.queue[n].at.After(now) && size+p.queue[n].size <= room {
		size += p.queue[n].size
		n++
	}
	p.queue = slices.Delete(p.queue, 0, n)
	return size
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
