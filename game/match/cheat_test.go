package match

import (
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// cheats are ways to send inputs, once a tick, of a player who goes one step with
// each that is played.
func cheats() map[string]func(f *fixture, s *Seat) {
	v := value(1, true)
	each := func(f *fixture, s *Seat, seqs ...int) {
		for _, q := range seqs {
			s.Input(uint32(max(int(f.tick)+q, 0)), f.tick, v)
		}
	}
	return map[string]func(f *fixture, s *Seat){
		"honest":         func(f *fixture, s *Seat) { each(f, s, 1) },
		"late":           func(f *fixture, s *Seat) { each(f, s, -20) },
		"twice the rate": func(f *fixture, s *Seat) { each(f, s, 2*int(f.tick%600), 2*int(f.tick%600)+1) },
		"two at once":    func(f *fixture, s *Seat) { each(f, s, 1, 2) },
		"duplicates":     func(f *fixture, s *Seat) { each(f, s, 1, 1, 1, 1, 0, 0, -1, -1) },
		"the past":       func(f *fixture, s *Seat) { each(f, s, 1, 0, -1, -2, -3, -4, -5, -6, -7, -8, -9, -20, -60) },
		"the future":     func(f *fixture, s *Seat) { each(f, s, 1, 2, 3, 4, 5, 8, 16, 31, 32, 33, 64, 1000) },
		"everything": func(f *fixture, s *Seat) {
			for q := -30; q <= 34; q++ {
				each(f, s, q)
			}
		},
		"compact, four at once": func(f *fixture, s *Seat) {
			s.Compact(compactMessage(f.tick+2, f.tick, 0, compactValue(1, true), nil, nil, nil))
			s.Compact(compactMessage(f.tick+6, f.tick, 0, compactValue(1, true), nil, nil, nil))
		},
		"bursts": func(f *fixture, s *Seat) {
			if f.tick%30 == 0 {
				for q := 1; q <= 60; q++ {
					each(f, s, q)
				}
			}
		},
		"lies about what it saw": func(f *fixture, s *Seat) {
			s.InputAt(f.tick+1, f.tick+50, 255, v)
			s.Ack(f.tick + 1000)
		},
	}
}

// TestSpeedHackGainsNothing plays a minute of each next to an honest player: none
// comes further, and none makes another one slower.
func TestSpeedHackGainsNothing(t *testing.T) {
	const ticks = 3600
	for name, cheat := range cheats() {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, quick(), persons(2))
			var way [2]int
			f.game.step = func(s *game.Step[input]) {
				for p, in := range s.Inputs() {
					way[p.ID-1] += int(in.N)
				}
			}
			a, b := f.attach(0, &link{quiet: true}), f.attach(1, &link{quiet: true})
			f.ticks(1)
			way = [2]int{}
			for range ticks {
				cheat(f, a)
				b.Input(f.tick+1, f.tick, value(1, false))
				f.ticks(1)
			}
			require.LessOrEqual(t, way[0], ticks, "faster than one step a tick")
			require.Equal(t, ticks, way[1], "the honest one")
			t.Logf("%d steps; %+v", way[0], *f.seats[0].in.evidence)
		})
	}
}

// TestEvidence says what each kind of input is counted as.
func TestEvidence(t *testing.T) {
	f, s, _ := inputFixture(t)
	p := f.seats[0].player
	next := f.tick + 1
	s.Input(next, f.tick, value(1, false))
	s.Input(next, f.tick, value(1, false))
	s.Input(next-3, f.tick, value(1, false))
	s.Input(next+InputAhead+1, f.tick, value(1, false))
	s.Input(next+1, f.tick, []byte{0xc0})
	s.Input(next+1, f.tick+100, value(1, false))
	f.ticks(1)
	require.Equal(t, game.Evidence{Inputs: 3, Late: 1, Early: 1, Repeated: 1, Bad: 1, View: 1}, p.Evidence())
	st := f.Stats()
	require.EqualValues(t, []uint64{3, 1, 1, 1, 1}, []uint64{st.Inputs, st.Late, st.Early, st.Repeated, st.Bad})
}

// TestInputBurst: as many as the bucket holds are filed at once, and not one more.
func TestInputBurst(t *testing.T) {
	f, s, _ := inputFixture(t)
	for q := range uint32(InputBurst + 1) {
		s.Input(f.tick+1+q, f.tick, value(1, false))
	}
	f.ticks(1)
	e := f.seats[0].in.evidence
	require.Equal(t, game.Evidence{Inputs: InputBurst, Rate: 1}, *e)
	// Four ticks give back five.
	f.ticks(3)
	for q := range uint32(6) {
		s.Input(f.tick+22+q, f.tick, value(1, false))
	}
	f.ticks(1)
	require.Equal(t, game.Evidence{Inputs: InputBurst + 5, Rate: 2}, *e)
	require.EqualValues(t, 2, f.Stats().Rate)
}

// TestStallIsForgiven: what an honest player sent during a second without a line
// comes at once, and whatever still has its tick ahead is played.
func TestStallIsForgiven(t *testing.T) {
	f, s, out := inputFixture(t)
	f.ticks(60)
	for q := f.tick - 58; q <= f.tick+4; q++ {
		s.Input(q, f.tick-60, value(int(q), q == f.tick-2))
	}
	*out = nil
	next := f.tick + 1
	f.ticks(4)
	require.Equal(t, []played{
		{int32(next), true}, {int32(next + 1), false}, {int32(next + 2), false}, {int32(next + 3), false},
	}, *out)
	require.Zero(t, f.seats[0].in.evidence.Rate)
}

// TestLook: players say what they saw, and are believed within bounds.
func TestLook(t *testing.T) {
	f, s, _ := inputFixture(t)
	const trip = 6
	look := func() uint64 {
		p := f.seats[0].in.now
		return 4*uint64(f.tick) - p // how long ago, in quarter ticks
	}
	play := func(n int, behind uint32, view uint8) {
		for range n {
			s.InputAt(f.tick+1, f.tick+1-trip-behind, view, value(1, false))
			f.ticks(1)
		}
	}
	play(60, 0, 12)
	require.EqualValues(t, 4*trip+12, look(), "what was said")
	f.ticks(3)
	require.EqualValues(t, 4*trip+12, look(), "time goes on without inputs")
	require.Zero(t, f.seats[0].in.evidence.View)

	play(1, 0, 60)
	require.EqualValues(t, 4*trip+60, look(), "just within 200 ms of the guess")
	play(1, 0, 61)
	require.EqualValues(t, 4*trip+12, look(), "beyond: the round trip and one interval")
	require.EqualValues(t, 1, f.seats[0].in.evidence.View)
	require.EqualValues(t, 1, f.Stats().Views)
	play(1, 13, 9)
	require.EqualValues(t, 4*trip+12, look(), "naming an old tick is no way round that")
	require.EqualValues(t, 2, f.seats[0].in.evidence.View)
}

// TestMessagesOfOneSeatMoveNoOther: a seat plays for itself alone, whatever it
// says; nothing in a message names whom it is for.
func TestMessagesOfOneSeatMoveNoOther(t *testing.T) {
	f := newFixture(t, quick(), persons(3))
	var moved [3]int
	f.game.step = func(s *game.Step[input]) {
		for p, in := range s.Inputs() {
			if in != (input{}) {
				moved[p.ID-1]++
			}
		}
	}
	var seats [3]*Seat
	for i := range seats {
		seats[i] = f.attach(i, &link{quiet: true})
	}
	f.ticks(1)
	for i, s := range seats {
		moved = [3]int{}
		for _, cheat := range cheats() {
			for range 5 {
				cheat(f, s)
				s.Request("move", value(1, true), func(any, error) {})
				f.ticks(1)
			}
		}
		f.ticks(InputAhead + 20)
		for j, n := range moved {
			require.Equal(t, i == j, n > 0, "seat %d by seat %d", j, i)
		}
	}
}

// TestMessagesInEveryState sends each message in each state of the match. Inputs
// are acknowledged and not played but in the one, and whatever comes when it is
// over is answered at once.
func TestMessagesInEveryState(t *testing.T) {
	into := map[game.State]func(f *fixture, s []*Seat){
		game.StateOpen:      func(*fixture, []*Seat) {},
		game.StateCountdown: func(f *fixture, _ []*Seat) { f.attach(1, &link{quiet: true}); f.ticks(1) },
		game.StateRunning:   func(f *fixture, _ []*Seat) { f.attach(1, &link{quiet: true}); f.ticks(20) },
		game.StateEnding: func(f *fixture, _ []*Seat) {
			f.attach(1, &link{quiet: true})
			f.ticks(20)
			f.drv.Match().End()
			f.ticks(1)
		},
		game.StateEnded: func(f *fixture, _ []*Seat) {
			f.attach(1, &link{quiet: true})
			f.ticks(20)
			f.drv.Match().End()
			f.ticks(3)
		},
		game.StateVoid: func(f *fixture, _ []*Seat) { f.Stop(game.ReasonDrain); f.ticks(1) },
		game.StateFailed: func(f *fixture, _ []*Seat) {
			f.game.on["handle"] = func(*game.Match, *game.Player) error { panic("here") }
			f.Match.seats[0].link = &link{quiet: true}
			(&Seat{match: f.Match, epoch: 1}).Request("x", nil, func(any, error) {})
			f.ticks(1)
		},
	}
	for state, reach := range into {
		t.Run(state.String(), func(t *testing.T) {
			rules := quick()
			rules.Countdown = 100 * time.Millisecond
			rules.SeatTTL = time.Minute
			f := newFixture(t, rules, persons(2))
			s := []*Seat{f.attach(0, &link{quiet: true})}
			f.ticks(1)
			reach(f, s)
			require.Equal(t, state, f.State())
			var played int
			f.game.step = func(s *game.Step[input]) {
				for _, in := range s.Inputs() {
					played += int(in.N)
				}
			}
			answered := 0
			for range 2 {
				s[0].Input(f.tick+1, f.tick, value(1, true))
				s[0].Compact(compactMessage(f.tick+1, f.tick, 0, compactValue(1, true)))
				s[0].Ack(f.tick)
				s[0].Request("ask", nil, func(any, error) { answered++ })
				f.ticks(1)
			}
			require.Equal(t, 2, answered, "every request is answered once")
			if state == game.StateRunning {
				require.Equal(t, 2, played)
			} else {
				require.Zero(t, played)
			}
			switch state {
			case game.StateOpen, game.StateCountdown, game.StateRunning:
				require.Equal(t, f.tick, f.seats[0].in.applied, "acknowledged")
			default:
			}
		})
	}
}
