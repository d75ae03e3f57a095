package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/server/client"
)

const ms1 = time.Millisecond

// Whoever hears of a tick hears late; the earliest says when it was due. A
// schedule that was moved is followed within two seconds.
func TestTickClock(t *testing.T) {
	c := tickClock{period: 50 * ms1}
	start := 3 * time.Second
	hear := func(tick uint32, moved, way, late time.Duration) {
		c.heard(tick, start+moved+time.Duration(tick)*50*ms1+way+late, late)
	}
	for tick := range uint32(20) {
		hear(tick, 0, time.Duration(1+tick%7)*ms1, time.Duration(tick%3)*ms1)
	}
	require.Equal(t, start+51*ms1, c.at(1))
	for tick := uint32(20); tick < 70; tick++ {
		hear(tick, 200*ms1, time.Duration(1+tick%7)*ms1, 0)
	}
	require.Equal(t, start+201*ms1+100*50*ms1, c.at(100))
}

// A player who gets tick 1 after 30 ms and tick 2, which was due at 50, at 90, saw
// something 30 to 90 ms old in between; then nothing comes for a second, and every
// millisecond of it counts.
func TestEveryMillisecondHasAnAge(t *testing.T) {
	a := newAges(2, 20)
	a.heard(0, client.Snapshot{Tick: 1}, 50*ms1)
	a.heard(1, client.Snapshot{Tick: 1}, 80*ms1)
	a.begin(80 * ms1)
	a.heard(0, client.Snapshot{Tick: 2}, 100*ms1)
	a.heard(1, client.Snapshot{Tick: 2}, 140*ms1)
	require.EqualValues(t, 60, a.hist.TotalCount())
	require.InDelta(t, 31_000, a.hist.Min(), 50)
	require.InDelta(t, 90_000, a.hist.Max(), 100)
	a.end(1140 * ms1)
	require.EqualValues(t, 1060, a.hist.TotalCount())
	require.InDelta(t, 1_040_000, a.hist.Max(), 1000)
	require.InDelta(t, 510_000, a.hist.ValueAtQuantile(50), 1000)
	a.heard(1, client.Snapshot{Tick: 3}, 2000*ms1)
	require.EqualValues(t, 1060, a.hist.TotalCount(), "nothing counts any more")
}

// The instrument in small: a worse network shows what it must.
func TestLinksShowTheNetwork(t *testing.T) {
	file := filepath.Join(t.TempDir(), "links.json")
	o := linksCmd{
		Profiles: []string{"lan", "bad"}, Game: "w1", Bots: 10, Parser: "msgpack", Dialect: "compact", Time: time.Second,
		Warmup: 1500 * time.Millisecond, Seed: 1, Pin: true, JSON: file,
	}
	require.NoError(t, o.Run(t.Context()))
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var r linksReport
	require.NoError(t, json.Unmarshal(b, &r))
	require.Len(t, r.Rows, 2)
	for _, row := range r.Rows {
		require.GreaterOrEqual(t, row.Report.Age.Count, int64(9*900), "each player, each millisecond")
		require.Positive(t, row.Report.Inputs)
		require.Positive(t, row.Network.Up.Segments)
	}
	bad := r.Rows[1].Report
	require.Greater(t, bad.Age.P50, int64(70_000), "light takes 120 ms, 70 at least")
	require.Greater(t, bad.InputLatency.P50, int64(140_000), "and back")
}
