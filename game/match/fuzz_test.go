package match

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzCompact gives a match any bytes for a compact message: they are inputs
// within all bounds, or one refusal.
func FuzzCompact(f *testing.F) {
	f.Add(compactMessage(101, 99, 3, compactValue(5, true)), uint32(100))
	f.Add(compactMessage(103, 99, 255, compactValue(5, true), nil, compactValue(0, false)), uint32(100))
	f.Add(compactMessage(0, 99, 0), uint32(100))
	f.Add(compactMessage(65535, 65535, 0, compactValue(1e6, true)), uint32(65530))
	f.Add(compactMessage(10, 10, 0, compactValue(1e6+1, false)), uint32(5))
	f.Add(compactMessage(101, 99, 3, compactValue(5, true), compactValue(6, false))[:9], uint32(100))
	f.Add([]byte{CompactVersion<<6 | 1 | 1<<3, 0, 0, 0, 0, 0}, uint32(1))
	f.Add([]byte{}, uint32(1))
	fix, s, out := inputFixture(f)
	f.Fuzz(func(t *testing.T, b []byte, tick uint32) {
		fix.tick = min(max(tick, 10), TicksMax-100)
		in := &fix.seats[0].in
		*in = inputs{evidence: in.evidence}
		fix.seats[0].pacer.start(fix.pacing(), fix.tick)
		before, bad := *in.evidence, fix.Stats().Bad
		s.Compact(b)
		*out = (*out)[:0]
		fix.ticks(1)
		got := *in.evidence
		said := got.Inputs - before.Inputs + got.Early - before.Early + got.Repeated - before.Repeated + got.Rate - before.Rate
		require.LessOrEqual(t, said, uint32(CompactInputsMax))
		if fix.Stats().Bad == bad {
			require.GreaterOrEqual(t, len(b), compactHead)
		} else {
			require.Equal(t, before.Bad+1, got.Bad)
		}
		for i, q := range in.seq {
			require.LessOrEqual(t, q, fix.tick+InputAhead)
			require.LessOrEqual(t, in.look[i], 4*uint64(fix.tick))
		}
		for _, p := range *out {
			require.GreaterOrEqual(t, p.N, int32(0))
			require.LessOrEqual(t, p.N, int32(1000000))
		}
		fix.seats[0].pacer.acked = 0
	})
}
