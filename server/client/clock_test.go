package client

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/clock.json anew")

// shapes are matches, and how often their players look at the clock.
var shapes = []struct {
	rate, every int
	frame       float64
}{{60, 3, 1000.0 / 60}, {60, 1, 1000.0 / 144}, {30, 1, 16}, {128, 2, 8}}

// TestClockKeepsInputsInTime plays over every line, for eight times forty
// seconds: once the clock has had its time, no more inputs than said come late,
// they do not come earlier than they need, and the clock is not steered to and
// fro.
func TestClockKeepsInputsInTime(t *testing.T) {
	const seeds, seconds = 8, 40
	for _, n := range networks {
		for _, shape := range shapes {
			for _, handshake := range []bool{true, false} {
				name := fmt.Sprintf("%s, %d Hz, every %d, handshake %v", n.name, shape.rate, shape.every, handshake)
				var late, sent, turns int
				var leads []float64
				for seed := range uint64(seeds) {
					s := &clockSim{network: n, rate: shape.rate, every: shape.every, frame: shape.frame, handshake: handshake}
					s.run(seed, seconds, n.convergence)
					late, sent, turns = late+s.late, sent+s.sent, turns+s.turns
					leads = append(leads, s.leads...)
				}
				slices.Sort(leads)
				median := leads[len(leads)/2] * 1000 / float64(shape.rate)
				t.Logf("%s: %.2f %% late, half are %.0f ms early, %d turns in %d s",
					name, 100*float64(late)/float64(sent), median, turns, seeds*seconds)
				require.Greater(t, sent, seeds*(seconds-5)*shape.rate*9/10, name)
				require.LessOrEqual(t, float64(late)/float64(sent), n.late, name)
				require.LessOrEqual(t, median, n.early+2500/float64(shape.rate), name)
				require.LessOrEqual(t, turns, seeds*seconds/5, name)
			}
		}
	}
}

// TestClockConverges says how long it takes: the first input is in time with a
// handshake, and soon without.
func TestClockConverges(t *testing.T) {
	for _, n := range networks[:3] {
		for seed := range uint64(8) {
			s := &clockSim{network: n, rate: 60, every: 3, frame: 1000.0 / 60, handshake: true}
			s.run(seed, 1, 0.25)
			require.LessOrEqual(t, s.late, 1, "%s with a handshake of a quarter of a second", n.name)
			s = &clockSim{network: n, rate: 60, every: 3, frame: 1000.0 / 60}
			s.run(seed, 2, 0.5)
			require.LessOrEqual(t, s.late, 3, "%s without", n.name)
		}
	}
}

// TestClockFollowsTheLine: a line that becomes longer, shorter, and longer by far
// is followed within seconds.
func TestClockFollowsTheLine(t *testing.T) {
	s := &clockSim{network: networks[1], rate: 60, every: 3, frame: 1000.0 / 60, handshake: true}
	s.changes = map[float64]float64{10: 40, 20: 10, 30: 250, 40: 10}
	s.run(1, 50, 0)
	bad := func(from, to float64) (late, all int) {
		for i, at := range s.times {
			if at >= from && at < to {
				all++
				if s.leads[i] < 0 {
					late++
				}
			}
		}
		return late, all
	}
	for _, second := range []float64{9, 12, 15, 19, 21, 25, 29, 33, 38, 43, 49} {
		late, all := bad(second, second+1)
		require.LessOrEqual(t, late, 1, "of %d in second %v", all, second)
		require.GreaterOrEqual(t, all, 55, "in second %v", second)
	}
	for i, at := range s.times {
		if at > 49 { // the lead is back where it was, by a tick in five seconds
			require.Less(t, s.leads[i], 6.0)
		}
	}
}

// TestClockComesBackFromTooFarAhead: inputs that are so early that the server
// takes none say so too.
func TestClockComesBackFromTooFarAhead(t *testing.T) {
	for _, shape := range shapes {
		s := &clockSim{network: networks[1], rate: shape.rate, every: shape.every, frame: shape.frame, handshake: true, wrong: 100}
		s.run(1, 6, 2)
		require.Greater(t, s.sent, 3*shape.rate)
		require.LessOrEqual(t, s.late, s.sent/100)
	}
	// Lines so bad that the lead is as large as it gets stay within what is taken.
	s := &clockSim{network: networks[4], rate: 240, every: 12, frame: 4, handshake: true}
	s.run(1, 20, 4)
	require.Greater(t, s.sent, 14*240)
	for _, lead := range s.leads {
		require.LessOrEqual(t, lead, 33.0)
	}
}

// TestClockOfASlowerMatch: ticks that become longer are no error to steer away.
func TestClockOfASlowerMatch(t *testing.T) {
	c := newClock(50)
	c.answered(0, 10, 100)
	c.snapshot(20, 101, 0, 0)
	aim := c.aim()
	require.InDelta(t, 100+0.5+1.5+0.5, aim, 1e-9)
	c.pace(20, 25)
	require.InDelta(t, aim, c.aim(), 1e-9)
	c.advance(45)
	require.InDelta(t, aim+1, c.aim(), 1e-9)
	c.pace(45, 0)
	c.pace(45, 25)
	require.InDelta(t, aim+1, c.aim(), 1e-9)
}

func TestClockGivesUpWhatAHiccupLeftBehind(t *testing.T) {
	c := newClock(50)
	last, n := c.due(5)
	require.Zero(t, last+uint32(n), "nothing is known yet")
	c.answered(0, 10, 100)
	last, n = c.due(10)
	require.Equal(t, []any{uint32(102), 1}, []any{last, n})
	last, n = c.due(11)
	require.Equal(t, []any{uint32(102), 0}, []any{last, n}, "one for each tick")
	last, n = c.due(30)
	require.Equal(t, []any{uint32(103), 1}, []any{last, n})
	last, n = c.due(1030)
	require.Equal(t, []any{uint32(153), clockBurstMax}, []any{last, n})
	last, n = c.due(900)
	require.Equal(t, []any{uint32(153), 0}, []any{last, n}, "time does not go back")
}

func TestPlayback(t *testing.T) {
	for _, n := range networks {
		s := &clockSim{network: n, rate: 60, every: 3, frame: 1000.0 / 60}
		s.run(3, 30, 5)
		least, most := 1.7*50.0, 200.0
		require.GreaterOrEqual(t, s.play.Delay(), least, n.name)
		require.LessOrEqual(t, s.play.Delay(), most, n.name)
		require.LessOrEqual(t, float64(s.starved)/float64(s.frames), n.starved, n.name)
		t.Logf("%s: %.0f ms behind, %.2f %% of frames past the newest snapshot", n.name, s.play.Delay(), 100*float64(s.starved)/float64(s.frames))
	}
	p := NewPlayback(60, 3)
	require.Zero(t, p.Advance(5))
	require.Zero(t, p.View(0))
	require.EqualValues(t, 255, p.View(1000))
}

// golden is a trace that the clocks of Go and of TypeScript are held to.
type golden struct {
	Name  string   `json:"name"`
	Rate  int      `json:"rate"`
	Every int      `json:"every"`
	Trace []traced `json:"trace"`
}

func round(v float64) float64 { return math.Round(v*1e6) / 1e6 }

func traces() []golden {
	var out []golden
	for i, n := range networks {
		shape := shapes[i%len(shapes)]
		s := &clockSim{network: n, rate: shape.rate, every: shape.every, frame: 16, handshake: i%2 == 0}
		s.pace = 2
		s.run(uint64(i), 3, 0)
		for j := range s.trace {
			for k, v := range s.trace[j].Want {
				s.trace[j].Want[k] = round(v)
			}
		}
		out = append(out, golden{n.name, shape.rate, shape.every, s.trace})
	}
	return out
}

// TestClockGolden replays the traces of the file, which the page's test does too.
func TestClockGolden(t *testing.T) {
	const file = "testdata/clock.json"
	if *update {
		var b strings.Builder
		b.WriteString("[\n")
		for i, g := range traces() {
			if i > 0 {
				b.WriteString(",\n")
			}
			fmt.Fprintf(&b, "{\"name\":%q,\"rate\":%d,\"every\":%d,\"trace\":[\n", g.Name, g.Rate, g.Every)
			for j, e := range g.Trace {
				line, err := json.Marshal(e)
				require.NoError(t, err)
				if j > 0 {
					b.WriteString(",\n")
				}
				b.Write(line)
			}
			b.WriteString("]}")
		}
		b.WriteString("]\n")
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	}
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var all []golden
	require.NoError(t, json.Unmarshal(raw, &all))
	require.Len(t, all, len(networks))
	frames := 0
	for _, g := range all {
		c, p := newClock(g.Rate), NewPlayback(g.Rate, g.Every)
		newest := uint32(0)
		for i, e := range g.Trace {
			switch e.Op {
			case "answered":
				c.answered(e.Args[0], e.At, e.Args[1])
			case "snapshot":
				newest = uint32(e.Args[0])
				c.snapshot(e.At, newest, uint32(e.Args[1]), int32(e.Args[2]))
				p.Arrived(e.At, newest, e.Args[3])
			case "pace":
				c.pace(e.At, e.Args[0])
			case "frame":
				last, n := c.due(e.At)
				shown := p.Advance(e.At)
				got := []float64{float64(last), float64(n), round(c.aim()), round(shown), round(p.Delay()), float64(p.View(newest))}
				require.InDeltaSlice(t, e.Want, got, 2e-6, "%s, call %d", g.Name, i)
				frames++
			default:
				t.Fatalf("unknown call %q", e.Op)
			}
		}
	}
	require.Greater(t, frames, 500)
}
