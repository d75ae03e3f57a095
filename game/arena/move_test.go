package arena

import (
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite testdata/move.json")

// golden is testdata/move.json: what a twin of Move in another language must
// reproduce bit by bit. Numbers are written in Go's shortest exact form.
type golden struct {
	About    string        `json:"about"`
	Radius   float64       `json:"radius"`
	MaxSpeed float64       `json:"maxSpeed"`
	Accel    float64       `json:"accel"`
	Friction float64       `json:"friction"`
	Field    goldenField   `json:"field"`
	Headings [][3]float64  `json:"headings"` // angle, x, y
	Paths    []*goldenPath `json:"paths"`
}

type goldenField struct {
	W     float64      `json:"w"`
	H     float64      `json:"h"`
	Walls [][4]float64 `json:"walls"`
}

// goldenPath is one body driven for a while. Keys is one number per step:
// bit 0 up, 1 down, 2 left, 3 right. Out is x, y, vx, vy after each step.
type goldenPath struct {
	DT    float64      `json:"dt"`
	Start [4]float64   `json:"start"`
	Keys  []uint8      `json:"keys"`
	Out   [][4]float64 `json:"out"`
}

func keys(k uint8) Input {
	return Input{Up: k&1 != 0, Down: k&2 != 0, Left: k&4 != 0, Right: k&8 != 0}
}

// replay fills every output of g from its inputs.
func (g *golden) replay(f *Field) {
	for i := range g.Headings {
		h := &g.Headings[i]
		h[1], h[2] = Heading(h[0])
	}
	for _, p := range g.Paths {
		b := Body{p.Start[0], p.Start[1], p.Start[2], p.Start[3]}
		p.Out = make([][4]float64, len(p.Keys))
		for i, k := range p.Keys {
			b = Move(b, keys(k), p.DT, f)
			p.Out[i] = [4]float64{b.X, b.Y, b.VX, b.VY}
		}
	}
}

// makeGolden chooses the inputs: every path runs long enough to meet walls.
func makeGolden(f *Field) *golden {
	g := &golden{
		About:  "golden vectors of arena.Move and arena.Heading; keys: 1 up, 2 down, 4 left, 8 right",
		Radius: ShipRadius, MaxSpeed: MaxSpeed, Accel: accel, Friction: friction,
		Field: goldenField{W: f.W, H: f.H},
	}
	for _, r := range f.Walls {
		g.Field.Walls = append(g.Field.Walls, [4]float64{r.X, r.Y, r.W, r.H})
	}
	for a := -64; a <= 64; a++ {
		g.Headings = append(g.Headings, [3]float64{float64(a) / 20})
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 24 {
		x, y := f.nav.centre(int(f.nav.open[rng.IntN(len(f.nav.open))]))
		p := &goldenPath{DT: []float64{1.0 / 60, 1.0 / 30, 1.0 / 20}[i%3], Start: [4]float64{x, y, 0, 0}}
		for len(p.Keys) < 120 {
			k := uint8(rng.IntN(16))
			for range 4 + rng.IntN(30) {
				p.Keys = append(p.Keys, k)
			}
		}
		g.Paths = append(g.Paths, p)
	}
	g.replay(f)
	return g
}

func TestMoveGolden(t *testing.T) {
	const path = "testdata/move.json"
	f := field()
	if *update {
		b, err := json.Marshal(makeGolden(f))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(b, '\n'), 0o644))
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	var want, got golden
	require.NoError(t, json.Unmarshal(b, &want))
	require.NoError(t, json.Unmarshal(b, &got))
	require.Len(t, want.Field.Walls, len(f.Walls))
	for i, r := range f.Walls {
		require.Equal(t, want.Field.Walls[i], [4]float64{r.X, r.Y, r.W, r.H})
	}
	require.GreaterOrEqual(t, len(want.Paths), 20)
	got.replay(f)
	require.Equal(t, want, got)
	touched := 0
	for _, p := range want.Paths {
		for _, o := range p.Out {
			if !f.inside(o[0], o[1], ShipRadius+0.01) {
				touched++
			}
		}
	}
	require.Greater(t, touched, 100, "the vectors must cover walls")
}

func TestHeading(t *testing.T) {
	for a := -3.2; a <= 3.2; a += 0.0007 {
		x, y := Heading(a)
		require.InDelta(t, math.Cos(a), x, 1e-9)
		require.InDelta(t, math.Sin(a), y, 1e-9)
	}
	for _, a := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 7, -1e300} {
		x, y := Heading(a)
		require.Equal(t, [2]float64{1, 0}, [2]float64{x, y})
	}
}

func TestAngleOfIsTheInverseOfHeading(t *testing.T) {
	for a := -3.1415; a <= 3.1415; a += 0.0011 {
		x, y := math.Cos(a), math.Sin(a)
		require.InDelta(t, a, angleOf(x*300, y*300), 1e-8)
	}
	for _, v := range [][2]float64{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {0, 0}, {1e-300, 0}} {
		require.InDelta(t, math.Atan2(v[1], v[0]), angleOf(v[0], v[1]), 1e-8)
	}
}

func TestMoveReachesMaxSpeedAndStops(t *testing.T) {
	f := field()
	b := Body{X: 100, Y: 100}
	for range 30 {
		b = Move(b, Input{Right: true}, 1.0/60, f)
	}
	require.InDelta(t, MaxSpeed, b.VX, 1e-9)
	require.Zero(t, b.VY)
	for range 30 {
		b = Move(b, Input{Left: true, Right: true}, 1.0/60, f)
	}
	require.Equal(t, 0.0, b.VX, "opposite keys cancel, friction stops the ship")
}

func TestMoveSlidesAlongWalls(t *testing.T) {
	f := field()
	// Below the inner rampart (740..1020 × 420..460), pressing up and right.
	b := Body{X: 760, Y: 460 + ShipRadius}
	for range 30 {
		b = Move(b, Input{Up: true, Right: true}, 1.0/60, f)
		require.InDelta(t, 460+ShipRadius, b.Y, 1e-9)
	}
	require.Greater(t, b.X, 830.0, "the free component of the motion is kept")
}

func TestMoveSlidesOverTheSeamOfTwoWalls(t *testing.T) {
	f, err := NewField(800, 800, []Rect{{360, 160, 200, 80}, {160, 160, 200, 80}})
	require.NoError(t, err)
	b := Body{X: 200, Y: 240 + ShipRadius}
	for range 60 {
		next := Move(b, Input{Up: true, Right: true}, 1.0/30, f)
		if next.X > 560 {
			return
		}
		require.GreaterOrEqual(t, next.VX, b.VX-1e-9, "a seam must not catch the ship at x=%g", b.X)
		b = next
	}
	t.Fatal("the ship never reached the end of the wall")
}

func TestMoveIgnoresSenselessTime(t *testing.T) {
	f := field()
	b := Body{X: 100, Y: 100, VX: 10}
	for _, dt := range []float64{0, -1, math.NaN(), math.Inf(-1)} {
		require.Equal(t, b, Move(b, Input{Down: true}, dt, f))
	}
	require.Equal(t, Move(b, Input{Down: true}, maxMoveTime, f), Move(b, Input{Down: true}, math.Inf(1), f))
}

// TestMoveProperties drives a body anywhere free with any keys and any step:
// it is never too fast, never in a wall and never out of the field.
func TestMoveProperties(t *testing.T) {
	f := field()
	rapid.Check(t, func(t *rapid.T) {
		b := Body{
			X:  rapid.Float64Range(ShipRadius, f.W-ShipRadius).Draw(t, "x"),
			Y:  rapid.Float64Range(ShipRadius, f.H-ShipRadius).Draw(t, "y"),
			VX: rapid.Float64Range(-2*MaxSpeed, 2*MaxSpeed).Draw(t, "vx"),
		}
		if !f.inside(b.X, b.Y, ShipRadius) {
			t.Skip("starts in a wall")
		}
		dt := rapid.SampledFrom([]float64{1.0 / 240, 1.0 / 60, 1.0 / 30, 1.0 / 10, 0.2, 1}).Draw(t, "dt")
		steps := rapid.SliceOfN(rapid.Uint8Range(0, 15), 1, 12).Draw(t, "keys")
		hold := rapid.IntRange(1, 20).Draw(t, "hold")
		for _, k := range steps {
			for range hold {
				was := b
				b = Move(b, keys(k), dt, f)
				if v := length(b.VX, b.VY); v > MaxSpeed+1e-9 {
					t.Fatalf("speed %g", v)
				}
				if !f.inside(b.X, b.Y, ShipRadius-1e-9) {
					t.Fatalf("in a wall: %+v after %+v keys %d dt %g", b, was, k, dt)
				}
				// A push out of a corner may carry a ship round it: the chord of
				// the ship's circle instead of its tangent, at most 6 % further.
				if d := length(b.X-was.X, b.Y-was.Y); d > 1.06*MaxSpeed*min(dt, maxMoveTime)+1e-6 {
					t.Fatalf("moved %g px in %g s", d, dt)
				}
			}
		}
	})
}

// TestMoveLeavesAWall holds that even a body in a wall comes out of it.
func TestMoveLeavesAWall(t *testing.T) {
	f := field()
	for _, r := range f.Walls {
		for _, at := range [][2]float64{{0.5, 0.5}, {0.1, 0.5}, {0.9, 0.9}, {0, 0}} {
			b := Body{X: r.X + r.W*at[0], Y: r.Y + r.H*at[1]}
			for range 3 {
				b = Move(b, Input{}, 1.0/60, f)
			}
			require.True(t, f.inside(b.X, b.Y, ShipRadius-1e-9), "wall %v from %v", r, at)
		}
	}
}

func TestMoveDoesNotAllocate(t *testing.T) {
	f, b := field(), Body{X: 100, Y: 100}
	require.Zero(t, testing.AllocsPerRun(100, func() { b = Move(b, Input{Right: true}, 1.0/60, f) }))
}

func BenchmarkMove(bm *testing.B) {
	f, b := field(), Body{X: 1000, Y: 400}
	for i := range bm.N {
		b = Move(b, keys(uint8(i>>6)&15), 1.0/60, f)
	}
}
