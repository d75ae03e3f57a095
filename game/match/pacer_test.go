package match

import (
	"fmt"
	"slices"
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// line is a connection as the pacer sees it: snapshots go down, what was seen
// comes up. Everything is in ticks.
type line struct {
	pacing
	p pacer

	tick    uint32
	owed    bool
	queue   []uint32                 // snapshots on their way
	ups     []arrivalOf              // what the client has said
	takes   func(t uint32) uint32    // when a snapshot given now gets there
	speaks  func(t uint32) bool      // whether the client says in this tick what it has seen
	refuses func(t uint32) bool      // whether the socket does
	lies    func(seen uint32) uint32 // nil: it does not
	vows    bool
	up      uint32 // ticks from the client to the server
	arrives uint32 // when the last of queue does
	seen    uint32
	given   []uint32
	states  []string // with the ticks of the changes
	busiest uint32
	broken  bool
}

type arrivalOf struct{ at, seen uint32 }

func newLine(trip uint32) *line {
	l := &line{pacing: pacing{hz: 60, every: 3}, vows: true, up: trip / 2}
	l.takes = func(t uint32) uint32 { return t + trip - trip/2 }
	l.speaks = func(uint32) bool { return true }
	l.refuses = func(uint32) bool { return false }
	l.p.start(l.pacing, 0)
	return l
}

// run goes on for n ticks, in the order of Match.Tick.
func (l *line) run(n int) *line {
	for range n {
		l.step()
	}
	return l
}

func (l *line) step() {
	l.tick++
	t, was := l.tick, l.p.state
	for len(l.ups) > 0 && l.ups[0].at <= t {
		l.p.ack(l.pacing, t, l.ups[0].seen)
		l.p.vows = l.vows
		l.ups = l.ups[1:]
	}
	pending := l.owed || l.p.wants
	want := l.p.moment(l.pacing, t, pending) || pending
	l.owed = want && l.p.ready(l.pacing, t)
	l.p.wants = want && !l.owed
	if l.owed {
		if l.refuses(t) {
			l.p.refused(l.pacing, t)
		} else {
			if allowed, flying := l.p.credit(l.pacing); l.p.acks && l.p.state < PaceSilent && flying >= allowed {
				l.states = append(l.states, fmt.Sprintf("%d of %d in flight at %d", flying, allowed, t))
				l.broken = true
			}
			l.p.took(t)
			l.owed = false
			l.given = append(l.given, t)
			l.arrives = max(l.arrives, l.takes(t))
			l.queue = append(l.queue, l.arrives)
			l.busiest = max(l.busiest, uint32(len(l.queue)))
		}
	}
	// The client is on the other side of the same tick.
	sent := len(l.given) - len(l.queue)
	for len(l.queue) > 0 && l.queue[0] <= t {
		l.queue = l.queue[1:]
		l.seen = l.given[sent]
		sent++
	}
	if l.seen > 0 && l.speaks(t) {
		says := l.seen
		if l.lies != nil {
			says = l.lies(says)
		}
		l.ups = append(l.ups, arrivalOf{t + max(l.up, 1), says})
	}
	if l.p.state != was {
		l.states = append(l.states, fmt.Sprintf("%v at %d", l.p.state, t))
	}
}

// gap is the longest time between two snapshots in the last n ticks.
func (l *line) gap(n uint32) uint32 {
	last, most := l.tick-n, uint32(0)
	for _, t := range append(slices.Clone(l.given), l.tick) {
		if t > l.tick-n {
			most, last = max(most, t-last), t
		}
	}
	return most
}

func TestPacerKeepsUp(t *testing.T) {
	for _, trip := range []uint32{0, 1, 6, 20, 60} {
		l := newLine(trip).run(600)
		require.Empty(t, l.states, "trip %d", trip)
		require.EqualValues(t, 3, l.gap(500), "every one, in time")
		require.InDelta(t, max(trip, 1)+1, l.p.least, 1)
		allowed, flying := l.p.credit(l.pacing)
		require.Less(t, flying, allowed)
		require.Equal(t, (l.p.least+2*3+4+2)/3, allowed, "the trip, two intervals and 60 ms")
	}
}

// TestPacerBoundsWhatIsOnItsWay: when nothing is acknowledged any more, no more
// than the credit goes out, and what follows is one fresh snapshot.
func TestPacerBoundsWhatIsOnItsWay(t *testing.T) {
	l := newLine(6)
	stall := func(from, to uint32) func(uint32) uint32 {
		return func(t uint32) uint32 {
			if t >= from && t < to {
				return to
			}
			return t + 3
		}
	}
	l.takes = stall(300, 340)
	l.run(360)
	require.Empty(t, l.states, "two thirds of a second change nothing")
	require.LessOrEqual(t, l.busiest, uint32(6))
	l.run(240)
	require.EqualValues(t, 3, l.gap(200))
}

// trouble is a line that has some, for so many ticks, and the states that follow.
type trouble struct {
	line func() *line
	run  int
	want []string
}

func troubles() map[string]trouble {
	return map[string]trouble{
		"a client that sees nothing new is stalled after a second, and back at half": {
			line: func() *line {
				l := newLine(6)
				l.takes = func(t uint32) uint32 {
					if t > 300 && t < 600 {
						return 600
					}
					return t + 3
				}
				return l
			},
			run: 1000, want: []string{"stalled", "half", "full"},
		},
		"one that has promised to speak, and does not, gets a sixth and is as before when it does": {
			line: func() *line {
				l := newLine(6)
				l.speaks = func(t uint32) bool { return t < 300 || t > 900 }
				return l
			},
			run: 1000, want: []string{"silent", "full"},
		},
		"one that has not promised may be silent": {
			line: func() *line {
				l := newLine(6)
				l.vows = false
				l.speaks = func(t uint32) bool { return t < 300 || t > 900 }
				return l
			},
			run: 1000,
		},
		"one that never says what it sees is left to its socket": {
			line: func() *line {
				l := newLine(6)
				l.speaks = func(uint32) bool { return false }
				l.takes = func(t uint32) uint32 { return t + 10_000 }
				l.refuses = func(t uint32) bool { return t > 300 && t < 900 }
				return l
			},
			run: 2000,
		},
		"a socket that refuses is a stall for one that promised": {
			line: func() *line {
				l := newLine(6)
				l.refuses = func(t uint32) bool { return t > 300 && t < 500 }
				return l
			},
			run: 1000, want: []string{"stalled", "half", "full"},
		},
		"acknowledging what has not been sent is of no use": {
			line: func() *line {
				l := newLine(6)
				l.lies = func(seen uint32) uint32 { return seen + 1000 }
				return l
			},
			run: 1000,
		},
		"always the same": {
			line: func() *line {
				l := newLine(6)
				l.lies = func(seen uint32) uint32 { return min(seen, 9) }
				return l
			},
			run: 700, want: []string{"stalled"},
		},
	}
}

func TestPacerStates(t *testing.T) {
	for name, c := range troubles() {
		t.Run(name, func(t *testing.T) {
			l := c.line().run(c.run)
			var got []string
			for _, s := range l.states {
				var state string
				_, err := fmt.Sscan(s, &state)
				require.NoError(t, err)
				got = append(got, state)
			}
			require.Equal(t, c.want, got, "%v", l.states)
		})
	}
}

// TestPacerGivesUp closes who has been stalled for twelve seconds, and not a tick
// before.
func TestPacerGivesUp(t *testing.T) {
	l := newLine(6)
	l.takes = func(t uint32) uint32 {
		if t > 300 {
			return 1 << 30
		}
		return t + 3
	}
	for l.p.state != PaceStalled {
		l.run(1)
	}
	before := len(l.given)
	for range PaceGiveUp*60 - 1 {
		l.run(1)
		require.False(t, l.p.lost(l.pacing, l.tick))
	}
	l.run(1)
	require.True(t, l.p.lost(l.pacing, l.tick))
	require.InDelta(t, PaceGiveUp, len(l.given)-before, 1, "one a second to find out")
	require.Less(t, l.tick-300, uint32(15*60))
}

// TestPacerFindsTheCadence: a line that carries only so many snapshots a second is
// given about as many, and does not try in vain all the time.
func TestPacerFindsTheCadence(t *testing.T) {
	for cost, want := range map[uint32]PaceState{5: PaceHalf, 10: PaceThird, 16: PaceSixth} {
		t.Run(want.String(), func(t *testing.T) {
			l := newLine(6)
			var free uint32
			l.takes = func(t uint32) uint32 { // one after the other, cost ticks each
				free = max(free, t) + cost
				return free + 3
			}
			l.run(60 * 60)
			settled := map[PaceState]int{}
			changes := len(l.states)
			for range 60 * 60 {
				l.run(1)
				settled[l.p.state]++
			}
			require.Greater(t, settled[want], 60*60/2, "%v", settled)
			require.LessOrEqual(t, len(l.states)-changes, 8, "%v", l.states)
			require.LessOrEqual(t, l.busiest, uint32(12))
		})
	}
}

// TestPacerAlwaysRecovers: whatever a line has gone through, a good one brings
// every snapshot again; what is on its way is always bounded.
func TestPacerAlwaysRecovers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := newLine(rapid.Uint32Range(0, 40).Draw(rt, "trip"))
		l.every = rapid.SampledFrom([]uint32{1, 2, 3, 6, 60}).Draw(rt, "every")
		l.vows = rapid.Bool().Draw(rt, "vows")
		good := l.takes
		for range rapid.IntRange(1, 6).Draw(rt, "troubles") {
			kind := rapid.IntRange(0, 3).Draw(rt, "kind")
			until := l.tick + rapid.Uint32Range(1, 900).Draw(rt, "for")
			switch kind {
			case 0:
				l.takes = func(t uint32) uint32 { return max(until, good(t)) }
			case 1:
				l.speaks = func(uint32) bool { return false }
			case 2:
				l.refuses = func(t uint32) bool { return t%7 != 0 }
			case 3:
				cost := rapid.Uint32Range(1, 30).Draw(rt, "cost")
				l.takes = func(t uint32) uint32 { return max(l.arrives, t) + cost }
			}
			l.run(int(until - l.tick))
			l.takes, l.speaks, l.refuses = good, newLine(0).speaks, newLine(0).refuses
		}
		// Every interrupted rise may have doubled the time that one takes.
		l.run(int(60*PaceRiseMax*4 + 60*l.every))
		if l.broken || l.p.state != PaceFull || l.gap(10*l.every) > l.every {
			rt.Fatalf("%v, gap %d, %v", l.p.state, l.gap(10*l.every), l.states)
		}
	})
}

// TestPaceOfASeat sees the same from outside.
func TestPaceOfASeat(t *testing.T) {
	rules := quick()
	f := newFixture(t, rules, persons(2))
	l := &link{}
	s := f.attach(0, l)
	f.attach(1, &link{})
	ack := func(n int, seen func() uint32) {
		for range n {
			s.Ack(seen())
			f.ticks(1)
		}
	}
	f.ticks(1)
	ack(120, func() uint32 { return l.last.T })
	require.Equal(t, Pace{State: PaceFull, Cadence: 1, Trip: 1, InFlight: 0}, f.Pace(0))
	require.Equal(t, Pace{Cadence: 1}, f.Pace(1))
	require.Equal(t, [PaceStates]int{PaceFull: 2}, f.Stats().Paces)
	require.Equal(t, Pace{}, f.Pace(2))

	stuck := l.last.T
	ack(90, func() uint32 { return stuck })
	require.Equal(t, PaceStalled, f.Pace(0).State)
	require.NotZero(t, f.Stats().SnapshotsHeld)
	before := l.last.T
	ack(1, func() uint32 { return l.last.T })
	require.Equal(t, PaceHalf, f.Pace(0).State)
	ack(6, func() uint32 { return l.last.T })
	require.Greater(t, l.last.T, before)

	stuck = l.last.T
	for f.Pace(0).State != PaceStalled {
		ack(1, func() uint32 { return stuck })
	}
	ack(60*PaceGiveUp-1, func() uint32 { return stuck })
	require.Zero(t, l.closed)
	ack(1, func() uint32 { return stuck })
	require.Equal(t, game.ReasonSlowConsumer, l.closed)
	require.Equal(t, SeatDropped, f.seats[0].state, "the seat is held")
	back := &link{}
	f.attach(0, back)
	f.ticks(1)
	require.Zero(t, back.last.B, "and a full snapshot waits for who comes back")
	require.Contains(t, f.game.log, "resume 1")
}
