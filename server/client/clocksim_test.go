package client

import (
	"math"
	"math/rand/v2"
)

// path is one direction of a line: what is put in comes out in order, later.
type path struct {
	rand   *rand.Rand
	ms     float64 // the way
	jitter float64 // up to so much more, mostly less
	loss   float64 // of 1: then it takes a round trip more, and so does what follows
	last   float64 // when the last thing came out
}

// comesOut says when something does that is put in now.
func (p *path) comesOut(now float64) float64 {
	at := now + p.ms + p.jitter*p.rand.Float64()*p.rand.Float64()*2
	if p.rand.Float64() < p.loss {
		at += 2*p.ms + 10
	}
	p.last = max(p.last, at)
	return p.last
}

// network is a line between a player and a match.
type network struct {
	name        string
	ms, jitter  float64 // of one direction
	loss        float64
	convergence float64 // seconds that the clock has to find out
	late        float64 // part of the inputs that may be late from then on
	early       float64 // milliseconds that half of them may be earlier than need be on a good line
	starved     float64 // part of the frames that may have nothing to go towards
}

// networks are the profiles that netcode is judged by: half of the round trip,
// and its spread, for each direction.
var networks = []network{
	{name: "lan", ms: 0.2, jitter: 0.2, convergence: 0.5, late: 0.001, early: 0, starved: 0.001},
	{name: "fibre", ms: 10, jitter: 1, loss: 0.0005, convergence: 0.5, late: 0.005, early: 5, starved: 0.001},
	{name: "wifi", ms: 15, jitter: 10, loss: 0.005, convergence: 1, late: 0.01, early: 20, starved: 0.01},
	{name: "4g", ms: 30, jitter: 25, loss: 0.01, convergence: 2, late: 0.01, early: 65, starved: 0.02},
	{name: "bad", ms: 60, jitter: 50, loss: 0.03, convergence: 3, late: 0.03, early: 120, starved: 0.05},
}

// traced is one call of the clock or the playback, as both implementations
// replay it.
type traced struct {
	Op   string    `json:"op"`
	At   float64   `json:"at"`
	Args []float64 `json:"args,omitempty"`
	Want []float64 `json:"want,omitempty"`
}

// clockSim is a player and a match in virtual time.
type clockSim struct {
	network
	rate, every int
	frame       float64 // milliseconds between the player's frames
	clock       clock
	play        *Playback
	handshake   bool
	trace       []traced

	changes map[float64]float64 // of ms, by the second
	wrong   float64             // ticks by which answers are
	pace    float64             // the second in which ticks become a fifth longer, 0: never

	// From settled on.
	sent, late int
	leads      []float64 // how early inputs came, in ticks
	times      []float64 // when, in seconds
	turns      int       // changes of direction of the steering
	starved    int       // frames in which there was nothing to go towards
	frames     int
	newest     uint32
}

type inFlight struct {
	at   float64
	tick uint32
	sent float64
	q    float64 // of an answer
	ack  uint32
	lead int32
	ping bool
}

// world is the server's side of a clockSim, and what is on its way.
type world struct {
	*clockSim
	up, down    *path
	period      float64
	start, skew float64 // the player's time is the server's and skew
	t           float64
	due         float64 // when the next tick is
	tick        uint32
	lead        float64
	heard       bool
	acked       uint32
	belated     uint32 // newest input that came after its tick
	arrived     map[uint32]bool
	ups, downs  []inFlight
	settled     bool
}

// run plays for a number of seconds and counts from settled on.
func (s *clockSim) run(seed uint64, seconds, settled float64) {
	r := rand.New(rand.NewPCG(seed, 1))
	w := &world{
		clockSim: s, arrived: map[uint32]bool{}, tick: 1000, period: 1000 / float64(s.rate), skew: math.Floor(1e5 * r.Float64()),
		up:   &path{rand: r, ms: s.ms, jitter: s.jitter, loss: s.loss},
		down: &path{rand: r, ms: s.ms, jitter: s.jitter, loss: s.loss},
	}
	s.clock, s.play = newClock(s.rate), NewPlayback(s.rate, s.every)
	w.start = math.Floor(1000 * w.period)
	w.due = w.start + w.period
	pings, frame, steer, paced := 0, w.start, 0.0, false
	for w.t = w.start; w.t < w.start+seconds*1000; w.t += 0.25 {
		second := (w.t - w.start) / 1000
		w.settled = second >= settled
		if ms, ok := s.changes[second]; ok {
			w.up.ms, w.down.ms = ms, ms
		}
		w.serve()
		w.receive()
		if s.pace > 0 && second >= s.pace && !paced {
			paced = true
			w.period *= 1.2
			s.clock.pace(w.t+w.skew, w.period)
			s.trace = append(s.trace, traced{Op: "pace", At: w.t + w.skew, Args: []float64{w.period}})
		}
		if s.handshake && pings < 5 && w.t >= w.start+50*float64(pings) {
			w.ups = append(w.ups, inFlight{at: w.up.comesOut(w.t), ping: true, sent: w.t + w.skew})
			pings++
		}
		if w.t < frame {
			continue
		}
		frame += s.frame
		w.look()
		if s.clock.steer != 0 && s.clock.steer != steer {
			if w.settled && steer != 0 {
				s.turns++
			}
			steer = s.clock.steer
		}
	}
}

// serve takes what has come to the server, and ticks.
func (w *world) serve() {
	for len(w.ups) > 0 && w.ups[0].at <= w.t {
		in := w.ups[0]
		w.ups = w.ups[1:]
		now := float64(w.tick) + 1 - (w.due-w.t)/w.period
		if in.ping {
			w.downs = append(w.downs, inFlight{at: w.down.comesOut(w.t), ping: true, sent: in.sent, q: math.Floor(now*256)/256 + w.wrong})
			continue
		}
		early := float64(in.tick) - now
		if quarters := min(max(math.Floor(early*4), -127), 127); !w.heard || quarters < w.lead {
			w.lead, w.heard = quarters, true
		}
		if in.tick > w.tick+1+32 {
			continue // the server does not take it
		}
		w.arrived[in.tick] = true
		if in.tick <= w.tick {
			w.belated = max(w.belated, in.tick)
		}
		if !w.settled {
			continue
		}
		w.sent++
		w.leads, w.times = append(w.leads, early), append(w.times, (w.t-w.start)/1000)
		if early < 0 {
			w.late++
		}
	}
	for w.t >= w.due {
		w.tick++
		w.due += w.period
		if w.arrived[w.tick] {
			w.acked = w.tick
		} else {
			w.acked = max(w.acked, w.belated) // late ones are played as well
		}
		if w.tick%uint32(w.every) == 0 {
			w.downs = append(w.downs, inFlight{at: w.down.comesOut(w.t), tick: w.tick, ack: w.acked, lead: int32(w.lead)})
			w.heard = false
		}
	}
}

// receive takes what has come to the player.
func (w *world) receive() {
	now := w.t + w.skew
	for len(w.downs) > 0 && w.downs[0].at <= w.t {
		d := w.downs[0]
		w.downs = w.downs[1:]
		if d.ping {
			w.clock.answered(d.sent, now, d.q)
			w.trace = append(w.trace, traced{Op: "answered", At: now, Args: []float64{d.sent, d.q}})
			continue
		}
		w.newest = d.tick
		w.clock.snapshot(now, d.tick, d.ack, d.lead)
		w.play.Arrived(now, d.tick, 0)
		w.trace = append(w.trace, traced{
			Op: "snapshot", At: now, Args: []float64{float64(d.tick), float64(d.ack), float64(d.lead), 0},
		})
	}
}

// look is a frame of the player's.
func (w *world) look() {
	now := w.t + w.skew
	last, n := w.clock.due(now)
	for i := range n {
		w.ups = append(w.ups, inFlight{at: w.up.comesOut(w.t), tick: last - uint32(n-1-i)})
	}
	shown := w.play.Advance(now)
	if w.settled {
		w.frames++
		if w.newest > 0 && shown > float64(w.newest) {
			w.starved++
		}
	}
	w.trace = append(w.trace, traced{Op: "frame", At: now, Want: []float64{
		float64(last), float64(n), w.clock.aim(), shown, w.play.Delay(), float64(w.play.View(w.newest)),
	}})
}
