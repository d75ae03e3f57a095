package client

import "math"

// clock says which tick an input made now is for: the one that the server begins
// when the input is there, and a little more. It runs ahead of the server by the
// way of an input plus a lead, which has to be as large as inputs come late and is
// better no larger. What the server tells of how early they came steers it.
//
// It is pure: times are arguments, in milliseconds. The page has a twin of it,
// and both are held to testdata/clock.json; so the arithmetic is plain, and its
// order matters.
type clock struct {
	period  float64 // milliseconds of a tick
	offset  float64 // the tick that is aimed at is now/period + offset
	now     float64 // of the last call
	set     bool    // offset means something
	locked  bool    // what the server says steers it
	fastest float64 // the fastest round trip of the handshake, 0: none yet
	steer   float64 // 1 faster, -1 slower
	streak  float64 // how many errors in a row had the same sign, with that sign
	best    float64 // the fastest of paths
	shifts  int     // inputs in a row that say that the line has become another

	newest uint32 // tick of the newest input
	acked  uint32 // that of the newest one the server has told of
	sends  [clockSends]clockSend
	paths  [clockPaths]clockPath // ring
	first  int
	count  int
}

// clockSend is what the offset was when an input was sent.
type clockSend struct {
	tick   uint32
	offset float64
}

// clockPath says how early inputs would have come with an offset of 0: the
// larger, the faster was their way.
type clockPath struct{ at, early float64 }

const (
	clockSends    = 128
	clockPaths    = 256
	clockWindow   = 5000.0 // milliseconds for which a path counts
	clockMerge    = 20.0   // of paths in so many milliseconds the slowest one counts
	clockLead     = 1.5    // ticks that an input on the fastest path is early
	clockSpare    = 0.5    // ticks that one of the slow paths is early
	clockSlow     = 0.02   // part of the paths that may be slower than those
	clockSlowMost = 6      // which are how many at most
	clockLeadMax  = 150.0  // milliseconds that an input on the fastest path is early at most
	clockAheadMax = 24.0   // and ticks; the server takes no more than 32
	clockFar      = 126    // quarter ticks of lead that say that inputs are too early to be taken
	clockDead     = 1.0    // ticks that inputs may be too early
	clockLate     = 0.5    // ticks that they may be too late: then slow ones miss their tick
	clockDone     = 0.25   // ticks of error that are left over
	clockShifts   = 6      // inputs in a row that are later than that for all that is known to be forgotten
	clockStreak   = 3.0    // errors in a row before anything is done
	clockGain     = 0.1    // change of speed per tick of error
	clockFaster   = 0.05   // most
	clockSlower   = 5000.0 // milliseconds that it takes to get a tick later
	clockJump     = 10.0   // ticks of error that are not steered away but jumped
	clockBurstMax = 4      // inputs due at once after a hiccup
)

func newClock(rate int) clock { return clock{period: 1000 / float64(rate)} }

// advance lets time pass.
func (c *clock) advance(now float64) {
	passed := max(now-c.now, 0)
	c.now += passed
	if c.steer > 0 {
		c.offset += passed / c.period * min(float64(clockGain*c.error()), clockFaster)
	} else if c.steer < 0 {
		c.offset -= min(passed/clockSlower, float64(passed/c.period*clockFaster))
	}
	if c.steer != 0 && float64(c.steer*c.error()) < clockDone {
		c.steer, c.streak = 0, 0
	}
}

// aim is the tick that an input made at the time of the last call is for, with
// the part of it that has passed.
func (c *clock) aim() float64 { return c.now/c.period + c.offset }

// answered takes an answer to the question of what time it is in the match, in
// ticks. Of the answers of a handshake the fastest counts.
func (c *clock) answered(sent, now, tick float64) {
	c.advance(now)
	trip := now - sent
	if c.locked || trip < 0 || c.fastest > 0 && trip >= c.fastest {
		return
	}
	c.fastest = max(trip, 0.001)
	// Half of the round trip passed since; the input will take the other half.
	c.offset = tick + trip/c.period + clockLead - c.now/c.period
	c.set = true
}

// snapshot takes in the head of one: its tick, the newest input played, and how
// early that came, in quarter ticks.
func (c *clock) snapshot(now float64, tick, ack uint32, lead int32) {
	c.advance(now)
	if !c.set {
		c.offset = float64(tick) + 1 + clockLead - c.now/c.period
		c.set = true
	}
	if ack <= c.acked {
		if lead >= clockFar && c.aim() > float64(tick)+1+clockLead {
			// Nothing is taken, so nothing more would be learnt.
			c.offset = float64(tick) + 1 + clockLead - c.now/c.period
			c.newest = tick
			c.count, c.shifts, c.steer, c.streak, c.locked = 0, 0, 0, 0, false
		}
		return
	}
	c.acked = ack
	if s := c.sends[ack%clockSends]; s.tick == ack {
		c.learn(float64(lead)/4 - s.offset)
	}
}

// learn takes in how early an input would have come with an offset of 0, and
// decides whether to steer.
func (c *clock) learn(early float64) {
	for c.count > 0 && c.now-c.paths[c.first].at > clockWindow {
		c.first = (c.first + 1) % clockPaths
		c.count--
	}
	far := clockLeadMax / c.period
	if c.count > 0 && early < c.best-far {
		c.shifts++
	} else {
		c.shifts = 0
	}
	// It takes some to believe that the line is longer, and one that it is shorter.
	if c.shifts >= clockShifts || c.count > 0 && early > c.best+far {
		c.count, c.shifts, c.steer, c.streak, c.locked = 0, 0, 0, 0, false
	}
	last := &c.paths[(c.first+c.count+clockPaths-1)%clockPaths]
	if c.count > 0 && c.now-last.at < clockMerge {
		last.early = min(last.early, early)
	} else {
		if c.count == clockPaths {
			c.first = (c.first + 1) % clockPaths
			c.count--
		}
		c.paths[(c.first+c.count)%clockPaths] = clockPath{c.now, early}
		c.count++
	}
	c.best = c.paths[c.first].early
	for i := range c.count {
		c.best = max(c.best, c.paths[(c.first+i)%clockPaths].early)
	}
	err := c.error()
	switch {
	case err >= -clockDead && err <= clockLate:
		c.streak = 0
		c.locked = c.locked || c.count >= clockStreak
		return
	case float64(err*c.streak) < 0:
		c.streak = 0
	}
	sign := math.Copysign(1, err)
	c.streak += sign
	if math.Abs(c.streak) < clockStreak {
		return
	}
	if !c.locked || math.Abs(err) > clockJump {
		c.offset += err
		c.locked, c.steer, c.streak = true, 0, 0
		return
	}
	c.steer = sign
}

// error is by how many ticks inputs should come earlier: those on the fastest
// path by clockLead, those on slow ones by clockSpare, but none by more than
// clockLeadMax.
func (c *clock) error() float64 {
	if c.count == 0 {
		return 0
	}
	// The slowest ones, in order, as many as it takes: a few.
	var slow [clockSlowMost]float64
	n := 0
	want := int(float64(c.count)*clockSlow) + 1
	for i := range c.count {
		v := c.paths[(c.first+i)%clockPaths].early
		if n == want && v >= slow[n-1] {
			continue
		}
		if n < want {
			n++
		}
		j := n - 1
		for ; j > 0 && slow[j-1] > v; j-- {
			slow[j] = slow[j-1]
		}
		slow[j] = v
	}
	fast := c.best + c.offset
	err := max(clockLead-fast, clockSpare-(slow[n-1]+c.offset))
	return min(err, max(min(clockLeadMax/c.period, clockAheadMax), clockLead)-fast)
}

// due returns the ticks of the inputs to be made now: n of them, the last of
// which is last. Those that a hiccup has left behind are given up.
func (c *clock) due(now float64) (last uint32, n int) {
	c.advance(now)
	aim := int64(math.Floor(c.aim()))
	if !c.set || aim <= int64(c.newest) || aim > math.MaxUint32 {
		return c.newest, 0
	}
	n = int(min(aim-int64(c.newest), clockBurstMax))
	if c.newest == 0 {
		n = 1
	}
	for i := n - 1; i >= 0; i-- {
		c.sent(uint32(aim - int64(i)))
	}
	return uint32(aim), n
}

// sent notes that an input was sent for a tick at the time of the last call. One
// that was sent before its time is no news of the path.
func (c *clock) sent(tick uint32) {
	c.newest = max(c.newest, tick)
	c.sends[tick%clockSends] = clockSend{tick, max(c.offset, float64(tick)-c.now/c.period)}
}

// pace says that ticks are of another length from now on.
func (c *clock) pace(now, period float64) {
	c.advance(now)
	if period <= 0 || period == c.period {
		return
	}
	aim := c.aim()
	c.period = period
	c.offset = aim - c.now/c.period
	c.count, c.shifts, c.steer, c.streak = 0, 0, 0, 0
	c.sends = [clockSends]clockSend{}
}
