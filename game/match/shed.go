package match

import (
	"time"

	"gameserver/game"
	"gameserver/tick"
)

// pace is what clients are told when the match does less than it could, or its
// time passes more slowly.
type pace struct {
	Level  string `json:"level"`
	Length int64  `json:"length"` // of a tick, in microseconds of real time
}

// shed takes over how far the governor asks the match to reduce its work. The
// levels mean, each with those before it:
//
//	far      seats that look on from afar get fewer snapshots (pace), and what
//	         is not near comes to everybody less often (look)
//	sparse   everybody gets half as many, and is looked at half as often
//	quality  the game's Quality is called, with 1, and with more at each level
//	refuse   a running match lets nobody in who was not there before
//	dilate   time passes more slowly, which the scheduler sees to
//	crawl
//
// What is never shed: inputs, acknowledgements, reliable events.
func (m *Match) shed(t *tick.Tick) {
	if t.Level == m.level && t.Length == m.length {
		return
	}
	known := m.length != 0
	was := m.level
	m.level, m.length = t.Level, t.Length
	if quality(m.level) != quality(was) {
		// What the game does next depends on it, so a recording has to have it.
		if m.cfg.Tap != nil {
			m.cfg.Tap(m.tick, &Entry{Kind: KindLevel, S: uint32(m.level)})
		}
		m.drv.Quality(quality(m.level))
	}
	if known || m.level != tick.LevelFull {
		m.notices = append(m.notices, m.notice())
	}
}

// quality is what the game is told of a level.
func quality(l tick.Level) int { return int(max(l, tick.LevelSparse) - tick.LevelSparse) }

func (m *Match) notice() notice {
	return notice{"match:pace", pace{Level: m.level.String(), Length: int64(m.length / time.Microsecond)}}
}

// brief tells a new connection of a pace that is not the usual one.
func (m *Match) brief(s *seat) {
	if m.level != tick.LevelFull {
		n := m.notice()
		_ = m.say(s, &saying{v: []any{m.tick, n.name, n.data}})
	}
}

// full reports whether a running match takes nobody who has not been there.
func (m *Match) full(s *seat) bool {
	return m.level >= tick.LevelRefuse && s.state == SeatReserved && m.state == game.StateRunning
}

// fork calls part for ranges that cover 0 to n-1, at the same time as one
// another where workers of the scheduler are idle, and returns when all calls
// have. Parts must not touch the same things; none may touch the seats or the
// game but those it was given. A range has forkRange elements, so that what one
// part costs outweighs handing it over; below two ranges, and for a match that is
// not worth it, all is done in one call.
func (m *Match) fork(t *tick.Tick, n int, part func(from, to int)) {
	if n < 2*forkRange || !worthForking(t, n) {
		part(0, n)
		return
	}
	f := &m.forked
	f.n, f.part = n, part
	if f.run == nil {
		f.run = func(i int) { f.part(i*forkRange, min((i+1)*forkRange, f.n)) }
	}
	defer func() { f.part = nil }()
	t.Fork((n+forkRange-1)/forkRange, f.run)
}

// forked is the part of a fork that is used again, so that it allocates nothing.
type forked struct {
	n    int
	part func(from, to int)
	run  func(i int)
}

// worthForking reports whether a match is big: it has many seats, or its ticks
// take more than forkCost of their time.
func worthForking(t *tick.Tick, n int) bool {
	return n > forkSeats || float64(t.Cost) > forkCost*float64(t.Length)
}
