package arena

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDefaultFieldIsSymmetrical(t *testing.T) {
	f := field()
	has := func(r Rect) bool {
		return slices.Contains(f.Walls, r)
	}
	for _, r := range f.Walls {
		require.True(t, has(Rect{f.W - r.X - r.W, r.Y, r.W, r.H}), "no image of %v left to right", r)
		require.True(t, has(Rect{r.X, f.H - r.Y - r.H, r.W, r.H}), "no image of %v top to bottom", r)
		require.True(t, r.X >= 0 && r.Y >= 0 && r.X+r.W <= f.W && r.Y+r.H <= f.H, "%v lies outside", r)
	}
}

// TestDefaultFieldHasNoTraps holds that two walls, or a wall and the border,
// either touch or leave room for a ship: in a narrower gap a ship would shake.
func TestDefaultFieldHasNoTraps(t *testing.T) {
	f := field()
	gap := func(a, b box) float64 {
		dx := max(a.x0-b.x1, b.x0-a.x1, 0)
		dy := max(a.y0-b.y1, b.y0-a.y1, 0)
		return length(dx, dy)
	}
	for i, a := range f.boxes {
		for _, b := range f.boxes[i+1:] {
			if g := gap(a, b); g > 0 {
				require.Greater(t, g, 2*ShipRadius+2, "%v and %v", a, b)
			}
		}
		for _, g := range []float64{a.x0, a.y0, f.W - a.x1, f.H - a.y1} {
			if g > 0 {
				require.Greater(t, g, 2*ShipRadius+2, "%v and the border", a)
			}
		}
	}
}

func TestNewFieldRefuses(t *testing.T) {
	crowd := func(n int) []Rect {
		walls := make([]Rect, n)
		for i := range walls {
			walls[i] = Rect{2, 2, 1, 1}
		}
		return walls
	}
	for name, c := range map[string]struct {
		w, h  float64
		walls []Rect
	}{
		"too small":  {navCell - 1, 800, nil},
		"too large":  {navCell * maxCells, 2 * navCell, nil},
		"no area":    {800, 800, []Rect{{100, 100, 0, 10}}},
		"walled in":  {800, 800, []Rect{{400, 0, 20, 800}}},
		"full":       {800, 800, []Rect{{0, 0, 800, 800}}},
		"many walls": {800, 800, crowd(maxWalls + 1)},
	} {
		_, err := NewField(c.w, c.h, c.walls)
		require.ErrorIs(t, err, ErrField, name)
	}
	_, err := NewField(800, 800, crowd(maxWalls))
	require.NoError(t, err)
	_, err = NewField(navCell*maxCells/2, 2*navCell, nil)
	require.NoError(t, err, "the largest grid")
}

// TestWaypointsLeadToTheGoal follows waypoints from anywhere to anywhere in
// straight lines: every leg is free for a ship and the goal is reached.
func TestWaypointsLeadToTheGoal(t *testing.T) {
	f := field()
	rapid.Check(t, func(t *rapid.T) {
		x, y := f.nav.centre(int(rapid.SampledFrom(f.nav.open).Draw(t, "from")))
		gx, gy := f.nav.centre(int(rapid.SampledFrom(f.nav.open).Draw(t, "to")))
		for range 40 {
			wx, wy := f.waypoint(x, y, gx, gy)
			if !f.clear(x, y, wx, wy, navPad) {
				t.Fatalf("the leg from %g,%g to %g,%g meets a wall", x, y, wx, wy)
			}
			if x, y = wx, wy; x == gx && y == gy {
				return
			}
		}
		t.Fatal("never arrived")
	})
}

func TestEveryCellHasAWayOut(t *testing.T) {
	f := field()
	for c := range f.nav.cells() {
		n := f.nav.near[c]
		require.True(t, f.nav.free[n])
		if f.nav.free[c] {
			require.Equal(t, c, int(n))
		}
	}
}

// TestSweepAgreesWithSampling walks segments point by point and compares.
func TestSweepAgreesWithSampling(t *testing.T) {
	b := box{100, 100, 180, 140}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.Float64Range(0, 300)
		x, y := at.Draw(t, "x"), at.Draw(t, "y")
		dx, dy := at.Draw(t, "x1")-x, at.Draw(t, "y1")-y
		pad := rapid.Float64Range(0, 20).Draw(t, "pad")
		u, hit := b.sweep(x, y, dx, dy, pad)
		const n = 500
		for i := range n + 1 {
			s := float64(i) / n
			px, py := x+dx*s, y+dy*s
			in := px > b.x0-pad && px < b.x1+pad && py > b.y0-pad && py < b.y1+pad
			if in && (!hit || s < u-1e-9) {
				t.Fatalf("inside at %g, but sweep says %g %v", s, u, hit)
			}
		}
		if hit {
			px, py := x+dx*u, y+dy*u
			const e = 1e-6
			if px < b.x0-pad-e || px > b.x1+pad+e || py < b.y0-pad-e || py > b.y1+pad+e {
				t.Fatalf("the hit at %g is outside", u)
			}
		}
	})
}

func TestSweepCircle(t *testing.T) {
	u, hit := sweepCircle(0, 0, 100, 0, 50, 0, 10)
	require.True(t, hit)
	require.InDelta(t, 0.4, u, 1e-12)
	_, hit = sweepCircle(0, 0, 100, 0, 50, 10.001, 10)
	require.False(t, hit, "passes beside it")
	_, hit = sweepCircle(0, 0, 39, 0, 50, 0, 10)
	require.False(t, hit, "ends before it")
	_, hit = sweepCircle(0, 0, -100, 0, 50, 0, 10)
	require.False(t, hit, "flies away")
	u, hit = sweepCircle(45, 0, -100, 0, 50, 0, 10)
	require.True(t, hit && u == 0, "starts inside")
}

func BenchmarkNewField(b *testing.B) {
	for range b.N {
		DefaultField()
	}
}
