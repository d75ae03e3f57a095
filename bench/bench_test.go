package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The whole instrument in small: a server process, ten bots, a second.
func TestBenchPlaysAndMeasures(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	o := playCmd{Bots: 10, Size: 5, Time: time.Second, Warmup: 4 * time.Second, Parser: "msgpack", Dialect: "compact", Tick: 60, Game: "arena", JSON: file}
	require.NoError(t, o.Run(t.Context()))
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var r report
	require.NoError(t, json.Unmarshal(b, &r))
	require.Positive(t, r.Ticks)
	require.Positive(t, r.Snapshots)
	require.Positive(t, r.InputLatency.Count)
	require.Positive(t, r.BytesIn)
	require.Positive(t, r.RSS)
	require.Equal(t, r.Ticks, r.Lateness.Count, "every expected tick has a lateness")
	require.Zero(t, r.Disconnects)
}

func TestOnlyLoopbackIsATarget(t *testing.T) {
	for address, ok := range map[string]bool{
		"http://127.0.0.1:3000": true, "http://localhost:1": true, "http://[::1]:1": true, "http://127.9.9.9:2": true,
		"http://10.0.0.1:3000": false, "http://example.com": false, "http://0.0.0.0:1": false, "::": false,
	} {
		require.Equal(t, ok, isLoopback(address), address)
	}
	require.Error(t, (&playCmd{Bots: 1, Time: time.Second, Size: 2, Game: "arena", URL: "http://10.0.0.1:1"}).check())
}

func TestBounds(t *testing.T) {
	good := playCmd{Bots: botsMax, Time: playMax, Size: 64, Game: "arena"}
	require.NoError(t, good.check())
	for _, bad := range []func(*playCmd){
		func(o *playCmd) { o.Bots++ }, func(o *playCmd) { o.Time++ }, func(o *playCmd) { o.Size++ },
		func(o *playCmd) { o.Bots = 0 }, func(o *playCmd) { o.Size = 1 },
	} {
		o := good
		bad(&o)
		require.Error(t, o.check())
	}
}

// The difference of two accounts is what came between them.
func TestSinceSubtracts(t *testing.T) {
	h := since([][2]int64{{1000, 5}, {2000, 1}}, [][2]int64{{1000, 7}, {2000, 1}, {9000000, 3}})
	require.EqualValues(t, 5, h.TotalCount())
	require.InDelta(t, 9000, h.Max(), 10)
}

// A late answer shows in the histogram from when the input was due.
func TestStampsKeepTickAndTime(t *testing.T) {
	for _, at := range []time.Duration{0, latencyUnit, time.Hour, 10 * time.Hour} {
		tick, got := unstamp(stamp(1<<31+7, at))
		require.EqualValues(t, 1<<31+7, tick)
		require.Equal(t, at.Truncate(latencyUnit), got)
	}
}

// A workload brings its own numbers; what does not fill its matches is refused.
func TestWorkloadsBringTheirNumbers(t *testing.T) {
	o := playCmd{Bots: 200, Game: "w2", Send: 20, Time: time.Second}
	require.NoError(t, o.resolve())
	require.Equal(t, 200, o.Size)
	require.Equal(t, 60, o.Tick)
	require.NoError(t, o.check())
	for _, bad := range []playCmd{{Bots: 11, Game: "w1"}, {Bots: 10, Game: "w1", Send: 7}, {Bots: 499, Game: "w3"}} {
		require.Error(t, bad.resolve())
	}
}
