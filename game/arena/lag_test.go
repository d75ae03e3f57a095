package arena

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/tick"

	"github.com/stretchr/testify/require"
)

// wire is a connection with a delay. Packets are JSON, and arrive a while after
// they were sent; all times are milliseconds of the match.
type wire struct {
	delay float64
	now   float64 // of the tick that is sending
	down  []packet
}

type packet struct {
	at   float64
	body []byte
}

func (w *wire) Wish() match.Wish                        { return match.Wish{} }
func (w *wire) AppendValue([]byte, any) ([]byte, error) { panic("plain") }
func (w *wire) Msgpack() bool                           { return false }
func (w *wire) AppendHead(dst []byte, _ string) []byte  { return dst }
func (w *wire) AppendTail(dst []byte) []byte            { return dst }
func (w *wire) ResumeToken(uint32) string               { return "" }
func (w *wire) Send([]byte) error                       { return nil }
func (w *wire) Emit(string, any) error                  { return nil }
func (w *wire) Close(game.Reason)                       {}

func (w *wire) SendLatest(p []byte) bool {
	w.down = append(w.down, packet{w.now + w.delay, append([]byte(nil), p...)})
	return true
}

// screen is what a client knows of the target, and shows of it.
type screen struct {
	seen []sight // by tick, the newest ones
}

type sight struct {
	tick uint32
	x, y float64
}

func (c *screen) newest() sight { return c.seen[len(c.seen)-1] }

// show is where the target is drawn at a time in ticks: between two snapshots, or
// at the newest one.
func (c *screen) show(at float64) (x, y float64) {
	for i := len(c.seen) - 1; i > 0; i-- {
		if a, b := c.seen[i-1], c.seen[i]; float64(a.tick) <= at && at <= float64(b.tick) {
			k := (at - float64(a.tick)) / float64(b.tick-a.tick)
			return a.x + (b.x-a.x)*k, a.y + (b.y-a.y)*k
		}
	}
	return c.newest().x, c.newest().y
}

// receive takes in what has arrived by now. Ships are set 0.
func (c *screen) receive(w *wire, now float64, target game.ID) error {
	for len(w.down) > 0 && w.down[0].at <= now {
		var s struct {
			T uint32
			E [][]any
		}
		if err := json.Unmarshal(w.down[0].body, &s); err != nil {
			return err
		}
		w.down = w.down[1:]
		at := sight{tick: s.T}
		if len(c.seen) > 0 {
			at.x, at.y = c.newest().x, c.newest().y
		}
		for _, e := range s.E {
			if e[0].(float64) == float64(target) && e[1].(float64) == 0 {
				at.x, at.y = e[2].(float64)*0.1, e[3].(float64)*0.1
			}
		}
		c.seen = append(c.seen[max(0, len(c.seen)-31):], at)
	}
	return nil
}

// shooting is an input on its way up.
type shooting struct {
	at    float64
	s, k  uint32
	view  uint8
	value []byte
}

// marksman plays one match: a player with a round trip of rtt milliseconds, whose
// screen shows the world 100 ms late to have something to interpolate, who stands
// still and fires with a steady hand's error at where it sees a target that runs
// about. It returns how many of the shots hit.
func marksman(t *testing.T, rtt float64, rewind time.Duration, shots int) (hits int) {
	t.Helper()
	const (
		period   = 1000.0 / 60
		frame    = 7.0   // from the server's tick to the client's picture
		interval = 10    // pictures from shot to shot
		late     = 100.0 // of what is shown, behind what may have come
	)
	open, err := NewField(FieldWidth, FieldHeight, nil)
	require.NoError(t, err)
	var c catcher
	var a *Arena
	register(&c, Options{Field: open, Rewind: rewind, Round: time.Hour}, func(made *Arena) { a = made })
	c.def.Rules.Countdown = 0
	m, err := match.New(match.Config{ID: "m", Def: c.def, Seed: 1, Seats: []match.SeatSpec{{Name: "ann"}, {Name: "bob"}}})
	require.NoError(t, err)
	w := &wire{delay: rtt / 2}
	ann, err := m.Attach(0, w)
	require.NoError(t, err)
	bob, err := m.Attach(1, &wire{delay: math.Inf(1)})
	require.NoError(t, err)
	legs, hand := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4))
	var up []shooting
	var see screen
	var run Input
	turn, fired := uint32(0), 0
	for n := uint32(1); fired < shots; n++ {
		now := float64(n) * period
		for len(up) > 0 && up[0].at <= now {
			ann.InputAt(up[0].s, up[0].k, up[0].view, up[0].value)
			up = up[1:]
		}
		bob.Input(n, n-1, appendInput(nil, run))
		w.now = now
		require.True(t, m.Tick(new(tick.Tick)))
		me, target := a.Ships.Mut(1), a.Ships.Mut(2)
		if n == 1 {
			me.setBody(Body{X: 400, Y: 800})
			target.setBody(Body{X: 850, Y: 800})
		}
		if target.HP < MaxHP {
			hits++
		}
		me.shieldEnd, target.shieldEnd, me.beamAt, target.HP = 0, 0, 0, MaxHP
		if n >= turn {
			turn = n + 15 + uint32(legs.IntN(40))
			run = anyWay(legs, target)
		}
		// The client's picture comes a little after the server's tick.
		now += frame
		require.NoError(t, see.receive(w, now, 2))
		if n < 60 {
			continue
		}
		play := (now - rtt/2 - late) / period
		x, y := see.show(play)
		aim := math.Atan2(y-me.Y, x-me.X)
		off := hand.NormFloat64() * 0.8 * ShipRadius / math.Hypot(x-me.X, y-me.Y)
		in := Input{Aim: wrapAngle(aim + off), Beam: n%interval == 0}
		if in.Beam {
			fired++
		}
		arrives := now + rtt/2
		k := see.newest().tick
		view := uint8(math.Round(4 * max(float64(k)-play, 0)))
		up = append(up, shooting{arrives, uint32(math.Ceil(arrives / period)), k, view, appendInput(nil, in)})
	}
	return hits
}

// anyWay is a direction to run in that leads not too far from where it began.
func anyWay(r *rand.Rand, ship *Ship) Input {
	_, _, in := octant(r.IntN(8))
	in.Left, in.Right = in.Left && ship.X > 800, in.Right && ship.X < 900
	in.Up, in.Down = in.Up && ship.Y > 600, in.Down && ship.Y < 1000
	return in
}

// TestLagCompensation holds that who is far from the server hits as often as who
// is near. With a round trip of 250 ms what is seen is 350 to 367 ms old when the
// shot is played: what the screen is late and the wait for the next tick come on
// top. At 350 ms it is more than the 400 ms that are looked back.
//
//	go test ./game/arena -run TestLagCompensation -v
func TestLagCompensation(t *testing.T) {
	const shots = 1500
	var table strings.Builder
	fmt.Fprintf(&table, "%d shots each; hits in %%\n%6s %8s %8s\n", shots, "rtt", "rewind", "without")
	rate := map[float64][2]float64{}
	for _, rtt := range []float64{0, 50, 100, 150, 250, 350} {
		var r [2]float64
		for i, rewind := range []time.Duration{0, -1} {
			r[i] = 100 * float64(marksman(t, rtt, rewind, shots)) / shots
		}
		rate[rtt] = r
		fmt.Fprintf(&table, "%4.0fms %8.1f %8.1f\n", rtt, r[0], r[1])
	}
	t.Log(table.String())
	// The hand's error is drawn anew for each shot: the standard error of the
	// difference of two rates of 1500 shots is 1.5 points.
	const tolerance = 3.0
	for _, rtt := range []float64{50, 100, 150, 250} {
		require.InDelta(t, rate[0][0], rate[rtt][0], tolerance, "at %v ms", rtt)
	}
	require.InDelta(t, 79, rate[0][0], tolerance, "the hand's own error: a circle of 1.25 standard deviations")
	require.Less(t, rate[150][1], rate[0][0]/2, "without, a running target is missed")
	require.Less(t, rate[250][1], rate[0][0]/3)
	require.Less(t, rate[350][0], rate[0][0]-5, "and nobody looks back for ever")
}
