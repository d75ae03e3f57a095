package match

// PaceState is how a connection keeps up with its snapshots.
type PaceState uint8

// The states. In the first four it is given every snapshot of the match, or each
// second, third or sixth.
const (
	PaceFull PaceState = iota
	PaceHalf
	PaceThird
	PaceSixth
	PaceSilent  // promised to say what it sees and does not: given each sixth
	PaceStalled // says that it sees nothing new: given one a second
	PaceStates  // how many there are
)

// String returns the state in lower snake case.
func (s PaceState) String() string {
	names := [PaceStates + 1]string{"full", "half", "third", "sixth", "silent", "stalled", "unknown"}
	return names[min(s, PaceStates)]
}

// cadence is how many snapshots of the match there are for one of the
// connection's.
func (s PaceState) cadence() uint32 { return [PaceStates]uint32{1, 2, 3, 6, 6, 6}[s] }

// pacer decides how often a connection is given a snapshot. What it was given
// and has not acknowledged is bounded: a browser's socket takes everything, so
// its buffers say nothing. A client that promises to acknowledge is held to it;
// of any other only what it says counts against it, never that it is silent.
// Ticks go in and decisions come out.
type pacer struct {
	state  PaceState
	resume PaceState // what follows on PaceSilent and PaceStalled
	wants  bool      // a snapshot was due and has not been given for want of credit

	began uint32 // tick in which the connection came
	acks  bool   // the client says what it has seen, when it speaks
	vows  bool   // it acknowledges all snapshots, playing or not
	acked uint32 // newest tick that it has seen
	sent  uint32 // newest tick that the link has taken, 0: none
	spoke uint32 // tick in which it last said anything

	flight [FlightMax]uint32 // ticks of snapshots that were not acknowledged, a ring
	oldest uint32            // of them all, which only grow
	next   uint32

	least  uint32 // smallest round trip in ticks, 0: none yet
	recent uint32 // that of this window
	window uint32 // tick at which the window began
	smooth uint32 // smoothed round trip, in eighths of a tick

	since       uint32 // tick of the last change of state
	met, missed uint32 // moments since the last judgement at which the one before was served, and was not
	late        bool   // the one that is owed now has been counted
	judged      uint32 // tick of that
	calm        uint32 // tick since which no moment was missed
	stuck       uint32 // tick since which it has no credit or its socket refuses, 0: it flows
	rise        uint32 // ticks without a miss that the next rise takes
}

// pacing is what the pacers of a match have in common.
type pacing struct {
	hz    uint32 // ticks a second
	every uint32 // ticks between two snapshots
}

// start prepares for a new connection.
func (p *pacer) start(r pacing, tick uint32) {
	*p = pacer{began: tick, since: tick, judged: tick, calm: tick, window: tick, spoke: tick, rise: PaceRise * r.hz}
}

// ack notes that the client spoke in this tick and has seen another one.
func (p *pacer) ack(r pacing, tick, seen uint32) {
	p.spoke = tick
	if seen == 0 || seen > tick {
		return
	}
	p.acks = true
	if seen <= p.acked {
		return
	}
	p.acked = seen
	for p.oldest != p.next && p.flight[p.oldest%FlightMax] <= seen {
		p.oldest++
	}
	if seen >= p.began { // else it was seen over a former connection
		p.measure(r, tick, tick-seen)
	}
	p.stuck = 0
	if p.state >= PaceSilent {
		p.enter(p.resume, tick)
	}
}

// measure takes a round trip in: from a snapshot's tick to the input that
// acknowledged it. The smallest one grows slowly when the line gets longer: a line
// that is full looks the same, and then waiting is what fills it.
func (p *pacer) measure(r pacing, tick, trip uint32) {
	trip = min(max(trip, 1), tripMax*r.hz)
	if tick-p.window >= PaceWindow*r.hz {
		if p.recent > p.least {
			p.least += min(p.recent-p.least, 1+p.least/8)
		}
		p.recent, p.window = 0, tick
	}
	if p.recent == 0 || trip < p.recent {
		p.recent = trip
	}
	if p.least == 0 || trip < p.least {
		p.least = trip
	}
	if p.smooth == 0 {
		p.smooth = 8 * trip
	} else {
		p.smooth += trip - p.smooth/8
	}
}

// credit is how many snapshots may be on their way, and inFlight how many are:
// were, when it last spoke, for one that does not acknowledge them all.
func (p *pacer) credit(r pacing) (allowed, inFlight uint32) {
	interval := r.every * p.state.cadence()
	slack := (r.hz*PaceSlackMs + 999) / 1000
	allowed = (p.least + 2*interval + slack + interval - 1) / interval
	inFlight = p.next - p.oldest
	if !p.vows {
		for inFlight > 0 && (!p.acks || p.flight[(p.oldest+inFlight-1)%FlightMax] > p.spoke) {
			inFlight--
		}
	}
	return min(allowed, FlightMax), inFlight
}

// moment reports whether a snapshot is due by the cadence, and judges how the
// connection keeps up. pending says that the last one that was due is still to
// be given.
func (p *pacer) moment(r pacing, tick uint32, pending bool) bool {
	if tick%(r.every*p.state.cadence()) != 0 {
		return false
	}
	if p.acks && p.state < PaceSilent {
		switch {
		case !pending:
			p.met++
		case !p.late: // a long wait is one miss: stalls are another matter
			p.missed++
			fallthrough
		default:
			p.late, p.calm = true, tick
		}
		p.judge(r, tick)
	}
	return true
}

// judge slows down who misses more than a quarter of the moments of a second, and
// speeds up who has missed none for a while. Who could not bear the last rise has
// to wait twice as long for the next one.
func (p *pacer) judge(r pacing, tick uint32) {
	if p.state > PaceFull && tick-max(p.calm, p.since) >= p.rise {
		p.enter(p.state-1, tick)
		return
	}
	moments := p.met + p.missed
	if tick-p.judged < r.hz || moments < judgedMin {
		return
	}
	if 4*p.missed > moments && p.state < PaceSixth {
		if tick-p.since < p.rise && p.resume == p.state+1 {
			p.rise = min(2*p.rise, PaceRiseMax*r.hz)
		}
		p.enter(p.state+1, tick)
		return
	}
	p.met, p.missed, p.judged = 0, 0, tick
	if p.state == PaceFull && tick-p.since >= PaceRiseMax*r.hz {
		p.rise = PaceRise * r.hz
	}
}

// enter changes the state. resume remembers the one before.
func (p *pacer) enter(s PaceState, tick uint32) {
	p.resume, p.state, p.since = p.state, s, tick
	p.met, p.missed, p.judged = 0, 0, tick
}

// ready reports whether a snapshot that is owed may be given in this tick.
func (p *pacer) ready(r pacing, tick uint32) bool {
	if !p.acks {
		return true // the socket alone says when it is full
	}
	switch p.state {
	case PaceSilent:
		return true
	case PaceStalled:
		return tick-max(p.sent, p.since) >= r.hz
	case PaceFull, PaceHalf, PaceThird, PaceSixth, PaceStates:
	}
	if allowed, inFlight := p.credit(r); inFlight >= allowed {
		p.hold(r, tick)
		return false
	}
	return true
}

// took notes that the link took the snapshot of this tick, refused that it did
// not.
func (p *pacer) took(tick uint32) {
	p.sent, p.stuck, p.late = tick, 0, false
	p.flight[p.next%FlightMax] = tick
	if p.next++; p.next-p.oldest > FlightMax {
		p.oldest++
	}
}

func (p *pacer) refused(r pacing, tick uint32) {
	if p.vows && p.state != PaceStalled {
		p.hold(r, tick)
	}
}

// hold notes that nothing can be given in this tick. Who has been stuck for a
// second is stalled, and comes back one step slower; who has merely fallen silent
// comes back as they were.
func (p *pacer) hold(r pacing, tick uint32) {
	if p.stuck == 0 {
		p.stuck = tick
	}
	if tick-p.stuck < PaceStuck*r.hz {
		return
	}
	was := p.state
	if p.vows && tick-p.spoke >= PaceStuck*r.hz && was < PaceSilent {
		p.enter(PaceSilent, tick)
		p.resume = was
	} else {
		p.enter(PaceStalled, tick)
		p.resume = min(was+1, PaceSixth)
	}
	p.stuck = 0
}

// lost reports whether a stalled connection is to be given up.
func (p *pacer) lost(r pacing, tick uint32) bool {
	return p.state == PaceStalled && tick-p.since >= PaceGiveUp*r.hz
}
