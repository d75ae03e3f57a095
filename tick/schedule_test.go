package tick

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const day = 24 * int64(time.Hour)

func TestScheduleIsExact(t *testing.T) {
	for hz := int64(MinHz); hz <= MaxHz; hz++ {
		s := schedule{anchor: 12345, rate: rateOf(hz, 1)}
		require.Equal(t, 12345+day, s.due(hz*86400), "%d Hz", hz)
		require.Equal(t, hz*86400, s.last(12345+day), "%d Hz", hz)
		require.Equal(t, hz*86400-1, s.last(12345+day-1), "%d Hz", hz)
	}
}

func TestScheduleAgainstBigNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := schedule{
			anchor: rapid.Int64Range(0, day).Draw(t, "anchor"),
			from:   rapid.Int64Range(0, 1e9).Draw(t, "from"),
			rate:   rateOf(rapid.Int64Range(MinHz, MaxHz).Draw(t, "hz"), rapid.SampledFrom([]float64{1, 0.1, 2. / 3, 5. / 6}).Draw(t, "scale")),
		}
		n := s.from + rapid.Int64Range(0, 100*365*86400*s.rate/1000).Draw(t, "slot") // a century
		want := new(big.Int).Mul(big.NewInt(n-s.from), big.NewInt(kilosecond))
		want.Div(want, big.NewInt(s.rate)).Add(want, big.NewInt(s.anchor))
		require.Equal(t, want.Int64(), s.due(n))
		// last is the inverse of due, at the deadline and just before it.
		require.Equal(t, n, s.last(s.due(n)))
		require.Equal(t, n-1, s.last(s.due(n)-1))
		require.Equal(t, n, s.last(s.due(n+1)-1))
	})
}

func TestDecide(t *testing.T) {
	const ms = int64(time.Millisecond)
	s := schedule{rate: rateOf(100, 1)} // a slot every 10 ms
	five := rule{max: 5}
	for _, c := range []struct {
		name      string
		slot, now int64
		rule      rule
		left      int64
		want      decision
	}{
		{"on the dot", 7, 70 * ms, five, 5, decision{stretch: 1, steps: 1}},
		{"late within the period", 7, 80*ms - 1, five, 5, decision{stretch: 1, steps: 1, late: 10*ms - 1}},
		{"one missed", 7, 80 * ms, five, 5, decision{stretch: 1, steps: 2, late: 10 * ms}},
		{"five missed, the bound", 7, 120 * ms, five, 5, decision{stretch: 1, steps: 6, late: 50 * ms}},
		{"six missed, one past it", 7, 130 * ms, five, 5, decision{stretch: 1, steps: 6, skip: 1, late: 50 * ms}},
		{"twenty missed", 7, 273 * ms, five, 5, decision{stretch: 1, steps: 6, skip: 15, late: 53 * ms}},
		{"allowance used up", 7, 93 * ms, five, 0, decision{stretch: 1, steps: 1, skip: 2, late: 3 * ms}},
		{"no catch-up", 7, 80 * ms, rule{}, 0, decision{stretch: 1, steps: 1, skip: 1}},
		{"slip within the period", 7, 79 * ms, rule{slip: true}, 0, decision{stretch: 1, steps: 1, late: 9 * ms}},
		{"slip", 7, 93 * ms, rule{slip: true}, 0, decision{stretch: 1, steps: 1, slide: 23 * ms, late: 23 * ms}},
		{"stretch within the period", 7, 79 * ms, rule{stretch: 4}, 0, decision{steps: 1, stretch: 1, late: 9 * ms}},
		{"stretch", 7, 93 * ms, rule{stretch: 4}, 0, decision{steps: 1, stretch: 3, late: 3 * ms}},
		{"stretch at the bound", 7, 109 * ms, rule{stretch: 4}, 0, decision{steps: 1, stretch: 4, late: 9 * ms}},
		{"stretch past it", 7, 110 * ms, rule{stretch: 4}, 0, decision{steps: 1, stretch: 4, skip: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, s.decide(c.slot, c.now, c.rule, c.left))
		})
	}
}

func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		policy Policy
		want   rule
		ok     bool
	}{
		{nil, rule{max: DefaultCatchUp}, true},
		{CatchUp{}, rule{max: DefaultCatchUp}, true},
		{CatchUp{Max: -1}, rule{}, true},
		{CatchUp{Max: 1}, rule{max: 1}, true},
		{CatchUp{Max: MaxCatchUp}, rule{max: MaxCatchUp}, true},
		{CatchUp{Max: MaxCatchUp + 1}, rule{}, false},
		{Slip{}, rule{slip: true}, true},
		{Stretch{}, rule{stretch: DefaultStretch}, true},
		{Stretch{Max: -1}, rule{stretch: 1}, true},
		{Stretch{Max: MaxStretch}, rule{stretch: MaxStretch}, true},
		{Stretch{Max: MaxStretch + 1}, rule{}, false},
	} {
		r, err := ruleOf(c.policy)
		require.Equal(t, c.ok, err == nil, "%#v", c.policy)
		if c.ok {
			require.Equal(t, c.want, r, "%#v", c.policy)
		}
	}
}

func TestFreePhase(t *testing.T) {
	const period = 1600
	var phases []int64
	for range 8 {
		phases = append(phases, freePhase(phases, period))
	}
	require.ElementsMatch(t, []int64{0, 800, 400, 1200, 200, 600, 1000, 1400}, phases)
	require.Equal(t, int64(0), freePhase(nil, period))
	// A leaver's place is taken by the next.
	require.Equal(t, int64(700), freePhase([]int64{0, 200, 400, 1000, 1200, 1400}, period))
	// Phases of slower entries count modulo the period.
	require.Equal(t, int64(800), freePhase([]int64{4800, 3200}, period))
}

// TestCoarsePhases has so many entries that each can have no place of its own:
// they share those that are far enough apart for a waking each, evenly.
func TestCoarsePhases(t *testing.T) {
	for hz := int64(MinHz); hz <= MaxHz; hz++ {
		period := second / hz
		var phases, places []int64
		for range 1024 {
			p := freePhase(phases, period)
			phases = append(phases, p)
			places = append(places, coarse(p, period)%period)
		}
		slices.Sort(places)
		least, most, n := 1024, 0, 1
		for i := 1; i < len(places); i++ {
			if places[i]-places[i-1] < 10 { // the nanoseconds that rounding leaves
				n++
				continue
			}
			require.GreaterOrEqual(t, places[i]-places[i-1], int64(wakeEvery)-10, "%d Hz", hz)
			least, most, n = min(least, n), max(most, n), 1
		}
		require.LessOrEqual(t, most, 2*least, "%d Hz", hz)
	}
	require.Equal(t, int64(0), coarse(0, second/60))
	require.InDelta(t, second/60/64, coarse(second/60/64, second/60), 1, "the first 64 stay where they are")
	require.InDelta(t, second/60/64, coarse(second/60/64+second/60/200, second/60), 1)
}
