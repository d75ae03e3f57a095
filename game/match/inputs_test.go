package match

import (
	"math/rand/v2"
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// played is what a seat's player did in one tick.
type played struct {
	N    int32
	Fire bool
}

// inputFixture is a running match of one player that records what is played.
func inputFixture(tb testing.TB) (*fixture, *Seat, *[]played) {
	tb.Helper()
	f := newFixture(tb, quick(), persons(1))
	var out []played
	f.game.step = func(s *game.Step[input]) {
		for _, in := range s.Inputs() {
			out = append(out, played(in))
		}
	}
	s := f.attach(0, &link{quiet: true})
	f.ticks(100)
	out = nil
	return f, s, &out
}

func TestInputIsPlayedAtItsTick(t *testing.T) {
	f, s, out := inputFixture(t)
	next := f.tick + 1
	s.Input(next+2, 0, value(3, true))
	s.Input(next, 0, value(1, true))
	f.ticks(4)
	require.Equal(t, []played{{1, true}, {1, false}, {3, true}, {3, false}}, *out)
	require.Equal(t, next+2, f.seats[0].in.applied)
}

func TestInputWindow(t *testing.T) {
	f, s, out := inputFixture(t)
	next := f.tick + 1
	s.Input(next+InputAhead, 0, value(2, false))
	s.Input(next+InputAhead+1, 0, value(3, false))
	f.ticks(1)
	require.EqualValues(t, 1, f.Stats().Early)
	require.EqualValues(t, 1, f.Stats().Inputs)
	f.ticks(InputAhead)
	require.EqualValues(t, 2, (*out)[InputAhead].N)
	f.ticks(1)
	require.EqualValues(t, 2, (*out)[InputAhead+1].N, "repeated; the one beyond the window is gone")

	// Behind: the edge of an input older than what was played counts within the
	// window, and not one tick past it.
	next = f.tick + 1
	s.Input(next, 0, value(5, false))
	f.ticks(1)
	*out = nil
	s.Input(next+1-InputBehind, 0, value(6, true))
	f.ticks(1)
	require.Equal(t, []played{{5, false}}, *out, "T-8 is outside")
	s.Input(next+3-InputBehind, 0, value(6, true))
	f.ticks(1)
	require.Equal(t, []played{{5, false}, {5, true}}, *out, "T-7 is inside: its edge, not its state")
}

func TestLateInputIsPlayedNext(t *testing.T) {
	f, s, out := inputFixture(t)
	for range 30 { // a client without clock sync, 20 ticks behind
		s.Input(f.tick-20, 0, value(int(f.tick), f.tick%10 == 0))
		f.ticks(1)
	}
	for i, p := range *out {
		require.EqualValues(t, 100+i, p.N, "every one is played once, in order")
		require.Equal(t, i%10 == 0, p.Fire)
	}
	require.EqualValues(t, 30, f.Stats().Late)
	require.Equal(t, -84, f.seats[0].in.lead, "21 ticks late, less next to nothing")
}

func TestBunchedLateInputsAreOneInput(t *testing.T) {
	f, s, out := inputFixture(t)
	for i := range uint32(10) { // a burst cannot gain speed
		s.Input(f.tick-5+i%5, 0, value(int(i), i == 1))
	}
	f.ticks(2)
	require.Equal(t, []played{{4, true}, {4, false}}, *out)
}

func TestMissingInputRepeatsThenRests(t *testing.T) {
	f, s, out := inputFixture(t)
	s.Input(f.tick+1, 0, value(9, true))
	f.ticks(12)
	want := []played{{9, true}}
	for range 9 { // 150 ms at 60 Hz
		want = append(want, played{9, false})
	}
	require.Equal(t, append(want, played{}, played{}), *out)
}

func TestDroppedPlayerIsNeutralAtOnce(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	var got []int32
	f.game.step = func(s *game.Step[input]) { got = append(got, s.Input(s.Match.Player(1)).N) }
	s := f.attach(0, &link{quiet: true})
	f.attach(1, &link{quiet: true})
	f.ticks(1)
	s.Input(2, 0, value(4, false))
	f.ticks(1)
	s.Detach()
	f.ticks(1)
	require.Equal(t, []int32{0, 4, 0}, got)
}

func TestInputBeforeTheStartIsAcknowledgedAndDropped(t *testing.T) {
	f := newFixture(t, quick(), persons(2))
	l := &link{}
	s := f.attach(0, l)
	f.ticks(1)
	s.Input(3, 0, value(4, true))
	f.ticks(2)
	require.Equal(t, game.StateOpen, f.State())
	require.EqualValues(t, 3, l.last.A)
	require.NotContains(t, f.game.log, "step")
}

func TestLead(t *testing.T) {
	m := &Match{rules: game.Rules{Tick: 50}} // 20 ms
	ms := int64(time.Millisecond)
	for _, c := range []struct {
		ahead uint32
		early int64 // of arrival before the tick began
		want  int
	}{{0, 0, 0}, {0, 5 * ms, 1}, {0, 19 * ms, 3}, {3, 10 * ms, 14}, {31, 10 * ms, 126}, {32, 0, 127}} {
		m.tick, m.started = 100, 1000*ms
		var in inputs
		m.note(&in, arrival{seq: 100 + c.ahead, at: m.started - c.early})
		require.Equal(t, c.want, in.lead)
	}
	in := inputs{}
	m.note(&in, arrival{seq: 98, at: m.started - 10*ms})
	require.Equal(t, -6, in.lead, "two ticks late, less the half it waited")
	m.note(&in, arrival{seq: 104, at: m.started})
	require.Equal(t, -6, in.lead, "the least of the interval")
	m.note(&in, arrival{seq: 1, at: m.started})
	require.Equal(t, -127, in.lead)
}

// TestResendsAndOrderChangeNothing: whatever is sent again, however often, and
// in whatever order it comes between two ticks, the same is played.
func TestResendsAndOrderChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type sent struct{ after, seq int } // ticks after the start; seq relative to it
		var plan []sent
		for after := range rapid.IntRange(1, 30).Draw(rt, "ticks") { // within the rate
			for range rapid.IntRange(0, 2).Draw(rt, "inputs") {
				plan = append(plan, sent{after, after + rapid.IntRange(-30, InputAhead).Draw(rt, "seq")})
			}
		}
		resends := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 0, 60).Draw(rt, "resends")
		delays := rapid.SliceOfN(rapid.IntRange(0, 45), len(resends), len(resends)).Draw(rt, "delays")
		seed := rapid.Uint64().Draw(rt, "order")

		run := func(resend bool) ([]played, uint32) {
			f, s, out := inputFixture(t)
			all := append([]sent(nil), plan...)
			if resend {
				for i, r := range resends {
					if len(plan) > 0 {
						p := plan[r%len(plan)]
						all = append(all, sent{p.after + delays[i], p.seq})
					}
				}
				rand.New(rand.NewPCG(seed, 1)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			}
			start := int(f.tick) + 1
			for after := range 90 {
				for _, p := range all {
					if p.after == after {
						s.Input(uint32(start+p.seq), 0, value(100+p.seq, p.seq%3 == 0))
					}
				}
				f.ticks(1)
			}
			require.Zero(rt, f.Stats().InboxFull)
			return *out, f.seats[0].in.applied
		}
		once, ack := run(false)
		again, ackAgain := run(true)
		require.Equal(rt, once, again)
		require.Equal(rt, ack, ackAgain)
	})
}
