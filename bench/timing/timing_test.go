package timing

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// sum is how many ticks a result has a lateness of.
func sum(late [][2]int64) (n int64) {
	for _, b := range late {
		n += b[1]
	}
	return n
}

// TestEveryTickIsOwed runs each method in virtual time, where nothing is late and
// nothing may be missing.
func TestEveryTickIsOwed(t *testing.T) {
	for _, method := range Methods {
		if method == "ours --realtime" {
			continue // there is none in a bubble
		}
		synctest.Test(t, func(t *testing.T) {
			r, err := Run(t.Context(), method, 3, 50, 2*time.Second)
			require.NoError(t, err)
			require.InDelta(t, 3*50*2, r.Expected, 3, method)
			require.Equal(t, r.Expected, sum(r.Late))
			require.Equal(t, r.Expected, r.OnTime)
			require.Less(t, Quantile(r.Late, 1), time.Microsecond)
		})
	}
	_, err := Run(t.Context(), "hope", 1, 50, time.Second)
	require.Error(t, err)
	_, err = Run(t.Context(), Methods[0], MaxMatches+1, 50, time.Second)
	require.Error(t, err)
}

// TestNothingIsHidden stalls once for 200 ms of ten ticks: each of them counts as
// late as it was, whether it ran or not.
func TestNothingIsHidden(t *testing.T) {
	for _, ends := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			all, err := newMatches(1, 2, 50)
			require.NoError(t, err)
			l := newLoops(all, 50, time.Second)
			stalled := false
			l.loop(t.Context(), all, l.start, func(due time.Time) {
				time.Sleep(time.Until(due))
				if !stalled && due.After(l.from.Add(500*time.Millisecond)) {
					stalled = true
					time.Sleep(200 * time.Millisecond)
					if ends {
						time.Sleep(time.Minute)
					}
				}
			})
			var late [][2]int64
			for d, n := range l.late.All() {
				late = append(late, [2]int64{int64(d), int64(n)})
			}
			require.EqualValues(t, 50, sum(late))
			require.EqualValues(t, 50, l.owed)
			if ends {
				require.Greater(t, Quantile(late, 1), time.Minute-time.Second)
				require.InDelta(t, 26, l.onTime, 1)
				return
			}
			require.InDelta(t, 40, l.onTime, 1)
			require.InEpsilon(t, 200*time.Millisecond, Quantile(late, 1), 0.02)
			require.InEpsilon(t, 100*time.Millisecond, Quantile(late, 0.9), 0.25)
		})
	}
}

func TestCapacityFindsTheEdge(t *testing.T) {
	for _, edge := range []int{1, 17, 100, 1000, MaxMatches} {
		tried, unlucky := 0, true
		h, err := Capacity(t.Context(), Loads[0], 0.999, time.Second, func(_ context.Context, _ Load, n int, _ time.Duration) (Held, error) {
			require.LessOrEqual(t, n, MaxMatches)
			tried++
			if n <= edge && !unlucky {
				return Held{N: n, OnTime: 1}, nil
			}
			unlucky = n <= edge && !unlucky // every other time it fails for another reason
			return Held{N: n, OnTime: 0.5}, nil
		})
		require.NoError(t, err)
		require.LessOrEqual(t, h.N, edge)
		require.GreaterOrEqual(t, h.N, edge-1-edge/40)
		require.Less(t, tried, 100)
	}
	broken := errors.New("broken")
	_, err := Capacity(t.Context(), Loads[0], 1, 1, func(context.Context, Load, int, time.Duration) (Held, error) { return Held{}, broken })
	require.ErrorIs(t, err, broken)
}

// TestTryHoldsALittle is the real thing, in small and in virtual time.
func TestTryHoldsALittle(t *testing.T) {
	for _, l := range Loads {
		synctest.Test(t, func(t *testing.T) {
			h, err := Try(t.Context(), l, 5, time.Second)
			require.NoError(t, err)
			require.InDelta(t, 1, h.OnTime, 0)
			require.Equal(t, 5, h.N)
		})
	}
}

// TestBesideABadMatch is about the account; what comes out is the machine's.
func TestBesideABadMatch(t *testing.T) {
	for _, bad := range Bad {
		r, err := Beside(t.Context(), bad, 2, 200*time.Millisecond, false)
		require.NoError(t, err)
		require.Positive(t, r.Before.P50)
		require.Positive(t, r.During.Worst)
		require.LessOrEqual(t, r.During.OnTime, 1.0)
	}
}

func TestQuantile(t *testing.T) {
	late := [][2]int64{{10, 98}, {20, 1}, {30, 1}}
	require.EqualValues(t, 10, Quantile(late, 0.5))
	require.EqualValues(t, 20, Quantile(late, 0.98))
	require.EqualValues(t, 30, Quantile(late, 0.99))
	require.EqualValues(t, 30, Quantile(late, 1))
	require.Zero(t, Quantile(nil, 1))
}
