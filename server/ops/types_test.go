package ops

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/server/tsgen"
	"gameserver/sio"
	"gameserver/tick"
)

var update = flag.Bool("update", false, "write the types that the page is written against")

// TestPageTypesAreFresh compares the types that the page is written against with
// what the dashboard says.
func TestPageTypesAreFresh(t *testing.T) {
	const file = "web/src/generated/protocol.d.ts"
	ns := sio.New(sio.Config{}).Of(Namespace)
	declare(ns)
	text := string(tsgen.Generate(tsgen.Config{
		Command:    "`go test ./server/ops -update`",
		Namespaces: []tsgen.Namespace{{Sockets: ns, Auth: reflect.TypeFor[Auth]()}},
	}))
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(page), text, "go test ./server/ops -run Types -update")
}

// sample is a frame and what is in it, for the tests of the page.
type sample struct {
	Hist  []byte    `json:"hist"`
	Grown [][3]int  `json:"grown"` // histogram, bucket, count
	Ends  []float64 `json:"ends"`  // of buckets 1, 5, 41 and 80 in µs: longer durations are not in them
	Heat  []byte    `json:"heat"`
	Share []float64 `json:"share"` // of the two matches' worst ticks
	State []int     `json:"state"`
	Ticks []byte    `json:"ticks"`
	Took  []float64 `json:"took"` // µs
	Late  []float64 `json:"late"`
	Steps []float64 `json:"steps"`
	Bytes []int     `json:"bytes"`
}

// TestPageReadsWhatIsWritten holds the byte strings to a file that the page's tests
// read too.
func TestPageReadsWhatIsWritten(t *testing.T) {
	const file = "web/test/frame.json"
	var now, base histograms
	now[histLateness][3], now[histDuration][80] = 70_000, 2
	base[histLateness][3], base[histDuration][80] = 1, 1
	s := sample{
		Hist: appendHist(nil, &now, &base), Grown: [][3]int{{histLateness, 3, 69_999}, {histDuration, 80, 1}},
		Heat: appendHeat(nil, []heat{
			{took: share(5*time.Millisecond, 10*time.Millisecond), missed: 3, state: uint8(tick.LevelDilate) | flagStuck},
			{took: share(40*time.Millisecond, 10*time.Millisecond), late: 7, state: flagPaused},
		}),
		Share: []float64{0.5, 4}, State: []int{int(tick.LevelDilate) | flagStuck, flagPaused},
	}
	for _, b := range []int{1, 5, 41, 80} {
		d := time.Microsecond
		for bucketOf(d) <= b && d < time.Minute {
			d += d/1000 + 1
		}
		s.Ends = append(s.Ends, float64(d)/1e3)
	}
	for _, r := range []tick.Record{
		{N: 1, Due: 17e6, Late: 3 * time.Microsecond, Took: 2047 * time.Microsecond, Bytes: 100},
		{N: 2, Due: 33e6, Late: 250 * time.Millisecond, Took: 3 * time.Second, Bytes: 1 << 20, Level: tick.LevelCrawl, Skipped: 300},
	} {
		r.Phases[tick.PhaseStep] = r.Took / 2
		s.Ticks = appendTick(s.Ticks, &r)
		s.Took, s.Late = append(s.Took, micro(r.Took)), append(s.Late, micro(r.Late))
		s.Steps, s.Bytes = append(s.Steps, micro(r.Phases[tick.PhaseStep])), append(s.Bytes, r.Bytes)
	}
	text, err := json.MarshalIndent(s, "", "  ")
	require.NoError(t, err)
	text = append(text, '\n')
	if *update {
		require.NoError(t, os.WriteFile(file, text, 0o600))
	}
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(page), string(text), "go test ./server/ops -run Page -update")
}

// Packed numbers are good to a thousandth, and ordered.
func TestPack(t *testing.T) {
	last := uint16(0)
	for v := int64(0); v < 1<<40; v += 1 + v/97 {
		p := pack(v)
		require.GreaterOrEqual(t, p, last)
		last = p
		if back := int64(p&0x7ff) << (p >> 11); v < 1<<42 {
			require.InDelta(t, v, back, float64(v)/1000+0.5, "%d", v)
		}
	}
	require.Zero(t, pack(-1))
	require.Equal(t, uint16(0xffff), pack(1<<62))
}

func TestBuckets(t *testing.T) {
	require.Zero(t, bucketOf(0))
	require.Zero(t, bucketOf(999))
	require.Equal(t, 1, bucketOf(time.Microsecond))
	require.Equal(t, 5, bucketOf(2*time.Microsecond))
	require.Equal(t, histBuckets-1, bucketOf(time.Hour))
	require.Zero(t, share(0, time.Second))
	require.Equal(t, uint8(1), share(1, time.Second))
	require.Equal(t, uint8(255), share(time.Hour, time.Second))
}

func TestTextsAreCut(t *testing.T) {
	require.Equal(t, "ää", clip("äää", 2))
	require.Equal(t, "äää", clip("äää", 3))
	require.Equal(t, "ä", cut("äää", 3))
	require.Equal(t, "äää", cut("äää", 6))
	game, id := split("a/b/c")
	require.Equal(t, "a/b", game)
	require.Equal(t, "c", id)
	_, id = split("alone")
	require.Equal(t, "alone", id)
}
