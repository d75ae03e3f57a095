package match

import (
	"sync/atomic"
	"time"

	"gameserver/game"
	"gameserver/game/interest"
	"gameserver/game/snap"
	"gameserver/tick"
)

// Match runs one match of a game. It is a tick.Task: whoever calls Tick owns it,
// and all that is not said to be for any goroutine belongs to that owner.
type Match struct {
	cfg   Config
	rules game.Rules
	drv   game.Driver
	world *snap.World
	field *interest.Field // nil if everybody sees everything
	teams bool            // some of it by team
	base  time.Time       // when the match was made; immutable

	inbox inbox
	stats counters // atomics
	shown atomic.Uint32
	crash atomic.Pointer[Crash]

	batch  *batch // being drained
	next   int    // the entry of batch that comes next
	seats  []seat
	census [seatStates]int // seats by state
	people int             // seats that were made for persons
	paces  paces           // atomics

	tick    uint32
	state   game.State
	until   uint32 // tick at which state changes by itself, 0: open
	why     game.Reason
	level   tick.Level
	length  time.Duration // of a tick, in real time
	empty   uint32        // tick since which nobody is left, 0: somebody is
	started int64         // when this tick began
	zero    atomic.Int64  // when tick 0 would have been due, see Clock
	span    atomic.Int64  // length
	notices []notice      // of the framework, for this tick
	history history
	packets packets
	packed  []byte // an event in msgpack
	forked  forked

	told atomic.Bool // one of the hooks Ended, Failed and Voided was called, or the match was abandoned
	lost atomic.Bool // it was abandoned
}

// seat is a place in the match.
type seat struct {
	index  int
	spec   SeatSpec
	state  SeatState
	player *game.Player // from the first Join on, until it is gone
	until  uint32       // tick at which waiting or holding ends

	link    Link // nil unless connected
	enc     snap.Encoding
	epoch   uint32 // of link, or of the last one
	newest  uint32 // highest epoch among the connections taken from the inbox
	token   uint32 // epoch of the token link came with
	claimed uint32 // lowest epoch of the tokens claimed since, or noClaim
	oldest  uint32 // tokens of lower epochs are void

	spent   uint64 // of the allowance for requests, in requests by tick rate
	spentAt uint32 // tick of spent

	in      inputs
	pacer   pacer
	joining uint32 // tick until which it may be told of the world in parts, 0: it has been
	mail    mail
	post    post
	view    snap.View
	eye     eye
	owed    bool // the last snapshot was refused, or none was sent yet
}

const noClaim = ^uint32(0)

func (m *Match) open() {
	m.base = time.Now()
	m.world = snap.NewWorld(m.drv.Sets())
	m.field = m.newField()
	m.inbox.init(len(m.cfg.Seats))
	m.seats, m.paces = make([]seat, len(m.cfg.Seats)), make(paces, len(m.cfg.Seats))
	for i, spec := range m.cfg.Seats {
		m.seats[i] = seat{index: i, spec: spec, claimed: noClaim, until: m.rules.Ticks(m.rules.SeatTTL)}
		if m.field != nil {
			m.seats[i].view.Priority = m.seats[i].eye.Weight
		}
		if !spec.Bot {
			m.people++
		}
	}
	m.census[SeatReserved] = len(m.seats)
	m.history.init()
}

// ID returns the id of the match. Any goroutine may call it.
func (m *Match) ID() string { return m.cfg.ID }

// State returns where the match is in its life. Any goroutine may call it.
func (m *Match) State() game.State { return game.State(m.shown.Load()) }

// now is the time on the match's own clock.
func (m *Match) now() int64 { return int64(time.Since(m.base)) }

// period is the time from one tick to the next.
func (m *Match) period() int64 {
	if m.length > 0 {
		return int64(m.length)
	}
	return int64(time.Second) / int64(m.rules.Tick)
}

// Clock returns the time of the match in 256ths of a tick: 256 T when tick T is
// due. Any goroutine may call it.
func (m *Match) Clock() uint64 {
	tick := int64(m.stats.tick.Load())
	if tick == 0 {
		return 0
	}
	// These may be of the tick before: then the bounds are what is right.
	passed := (m.now() - m.zero.Load()) * 256 / m.span.Load()
	return uint64(min(max(passed, 256*tick), 256*(tick+1)))
}

// Tick runs one tick and reports whether there is to be another. It implements
// tick.Task.
func (m *Match) Tick(t *tick.Tick) (more bool) {
	if m.state.Final() {
		return false
	}
	finished := false
	defer m.trap(&finished, &more)

	t.Begin(tick.PhaseInput)
	m.begin(t.Late)
	m.shed(t)
	m.drain()
	m.cutSlow()
	m.expireSeats()
	m.settle()
	if m.state.Final() {
		finished = true
		return false
	}
	m.takeInputs()

	t.Begin(tick.PhaseStep)
	m.step()
	if m.lost.Load() {
		return false // trap does the rest
	}

	t.Begin(tick.PhaseEvents)
	m.flush()

	t.Begin(tick.PhaseEncode)
	m.publish(t)

	t.Begin(tick.PhaseRecord)
	m.drv.Record()

	finished = true
	return true
}

// begin starts the tick; the first one starts the game.
func (m *Match) begin(late time.Duration) {
	m.tick++
	m.started = m.now()
	m.span.Store(m.period())
	m.zero.Store(m.started - int64(late) - int64(m.tick)*m.period())
	m.stats.tick.Store(m.tick)
	m.drv.Advance(m.tick, m.state)
	if m.tick > 1 {
		return
	}
	if err := m.drv.Init(); err != nil {
		m.fail("init: "+err.Error(), nil)
		return
	}
	for i := range m.seats {
		if m.seats[i].spec.Bot {
			m.seatBot(&m.seats[i])
		}
	}
}

// step advances the world, if it is moving, and looks whether that was the last
// time.
func (m *Match) step() {
	if m.state == game.StateRunning {
		m.drv.Step()
	}
	switch {
	case m.state == game.StateEnding:
	case m.drv.Ended():
		m.end(game.ReasonEnded)
	case m.rules.MaxTicks > 0 && m.drv.Steps() >= m.rules.MaxTicks:
		m.end(game.ReasonEnded)
	}
}
