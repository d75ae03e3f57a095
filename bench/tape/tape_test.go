package tape

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/bench/workload"
)

func spec(tb testing.TB, name string, players, send int) workload.Spec {
	tb.Helper()
	s, err := workload.Named(name, players, send)
	require.NoError(tb, err)
	return s
}

// What players decode is the scene, and a tape is the same twice.
func TestTapesAreTheScene(t *testing.T) {
	for _, d := range Dialects {
		for _, s := range []workload.Spec{spec(t, "w1", 0, 20), spec(t, "w2", 60, 60)} {
			run := func() (*Tape, Sum) {
				sum, frames := NewSum, 0
				o := Options{Spec: s, Dialect: d, Snapshots: 100, Sample: 5}
				o.Each = func(f *Frame) error {
					frames++
					require.Len(t, f.Rows, s.Entities)
					require.Len(t, f.Seats, 5)
					for _, seat := range f.Seats {
						require.Positive(t, seat.Bytes)
						if d != JSON && s.Radius == 0 {
							require.Len(t, seat.Visible, s.Players)
						}
						sum = (sum ^ seat.Sum) * 16777619
					}
					return nil
				}
				tape, err := Record(o)
				require.NoError(t, err)
				require.Equal(t, 100, frames)
				require.Len(t, tape.Sizes, 100)
				require.Len(t, tape.Sizes[0], s.Players)
				return tape, sum
			}
			first, sum := run()
			second, again := run()
			require.Equal(t, first.Sizes, second.Sizes)
			require.Equal(t, sum, again)
			require.Greater(t, first.PerSecond(), float64(s.Send*20))
		}
	}
}

// Players see who is near, all of them and nobody from afar; with bands it is the
// same, but costs less.
func TestPlayersSeeWhoIsNear(t *testing.T) {
	var perSecond []float64
	for _, bands := range []bool{false, true} {
		s := spec(t, "w2", 100, 60)
		s.Bands = bands
		seen := 0
		tape, err := Record(Options{Spec: s, Dialect: Msgpack, Snapshots: 120, Sample: 10, Each: func(f *Frame) error {
			for i, seat := range f.Seats {
				me := f.Bodies[i]
				near := map[uint32]bool{}
				for _, id := range seat.Visible {
					near[id] = true
				}
				seen += len(near)
				for j, b := range f.Bodies {
					d := math.Hypot(b.X-me.X, b.Y-me.Y)
					// It takes a few ticks until somebody who has come near is seen, and
					// half a second until one who has just come may be gone again.
					if d < s.Radius-100 && !near[uint32(j+1)] || d > 1.2*s.Radius+400 && near[uint32(j+1)] {
						return fmt.Errorf("player %d, %v px from %d: %v", i, d, j, near[uint32(j+1)])
					}
				}
			}
			return nil
		}})
		require.NoError(t, err)
		require.InDelta(t, 40, float64(seen)/120/10, 15)
		perSecond = append(perSecond, tape.PerSecond())
	}
	require.Less(t, perSecond[1], perSecond[0])
}

func TestBounds(t *testing.T) {
	for _, n := range []int{0, SnapshotsMax + 1} {
		_, err := Record(Options{Spec: spec(t, "w1", 0, 0), Dialect: Msgpack, Snapshots: n})
		require.Error(t, err)
	}
}

func TestFrameBytes(t *testing.T) {
	for n, want := range map[int]int{0: 2, 125: 127, 126: 130, 65535: 65539, 65536: 65546} {
		require.Equal(t, want, FrameBytes(n))
	}
}
