package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The search finds every edge, in few tries, and never tries more than it may.
func TestHalveFindsTheEdge(t *testing.T) {
	for most := 1; most <= 130; most++ {
		for edge := 0; edge <= most; edge++ {
			tries := 0
			got := halve(most, func(n int) bool {
				tries++
				require.True(t, n >= 1 && n <= most)
				return n <= edge
			})
			require.Equal(t, edge, got, "of %d", most)
			require.LessOrEqual(t, tries, 14)
		}
	}
}

// The instrument in small: what holds is found, or why it does not.
func TestCapacitySearches(t *testing.T) {
	for _, c := range []struct {
		onTime float64
		most   int
		holds  int
	}{{0.001, 10, 10}} {
		file := filepath.Join(t.TempDir(), "capacity.json")
		o := capacityCmd{
			Workloads: []string{"w1@20"}, OnTime: c.onTime, Latency: time.Minute, Most: c.most, Parser: "msgpack", Dialect: "compact",
			Time: 300 * time.Millisecond, Warmup: 300 * time.Millisecond, Tries: 3, JSON: file,
		}
		require.NoError(t, o.Run(t.Context()))
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var r capacityReport
		require.NoError(t, json.Unmarshal(b, &r))
		require.Len(t, r.Rows, 1)
		require.Equal(t, c.holds, r.Rows[0].Holds, r.Rows[0].Tries)
		require.Positive(t, r.Rows[0].Tries[0].Report.RSS)
	}
	require.Error(t, (&capacityCmd{Most: botsMax + 1, OnTime: 99, Tries: 1, Time: 1}).check())
	require.Error(t, (&capacityCmd{Most: 1, OnTime: 101, Tries: 1, Time: 1}).check())
	require.Error(t, (&capacityCmd{Most: 1, OnTime: 99, Tries: 0, Time: 1}).check())
}
