package arena

import (
	"errors"
	"fmt"
	"math"
)

// Field is a playing field: its size, its walls, and the navigation grid that
// bots follow. It is immutable after NewField and may be shared.
type Field struct {
	W, H  float64
	Walls []Rect

	boxes []box
	nav   grid
}

// ErrField is wrapped by every error of NewField.
var ErrField = errors.New("arena: unusable field")

// NewField prepares a field of the given size and walls. Every place a ship
// fits must be reachable from every other, and a passage must be either
// closed or wide enough for a ship.
func NewField(w, h float64, walls []Rect) (*Field, error) {
	if len(walls) > maxWalls {
		return nil, fmt.Errorf("%w: %d walls, at most %d", ErrField, len(walls), maxWalls)
	}
	if cells := (w / navCell) * (h / navCell); !(w >= navCell && h >= navCell && cells <= maxCells) {
		return nil, fmt.Errorf("%w: size %g×%g", ErrField, w, h)
	}
	f := &Field{W: w, H: h, Walls: walls, boxes: make([]box, len(walls))}
	for i, r := range walls {
		if !(r.W > 0 && r.H > 0) {
			return nil, fmt.Errorf("%w: wall %d is empty", ErrField, i)
		}
		f.boxes[i] = box{r.X, r.Y, r.X + r.W, r.Y + r.H}
	}
	if err := f.nav.build(f); err != nil {
		return nil, err
	}
	return f, nil
}

// DefaultField is the bundled field of 2400×1600, mirrored in both axes: a
// block in the middle, pillars and lanes around it, bunkers in the corners.
func DefaultField() *Field {
	quarter := []Rect{
		{260, 260, 280, 40}, {260, 260, 40, 200}, // bunker
		{740, 100, 40, 200},  // lane divider
		{740, 420, 280, 40},  // inner rampart
		{500, 580, 40, 120},  // gate post
		{880, 640, 80, 80},   // pillar
		{80, 640, 80, 80},    // edge pillar
		{1060, 180, 140, 40}, // half of the roof over the middle
		{660, 740, 40, 60},   // half of the side shutter
		{1120, 720, 80, 80},  // quarter of the middle block
	}
	f, err := NewField(FieldWidth, FieldHeight, mirror(quarter))
	if err != nil {
		panic(err) // a constant of this package, held by a test
	}
	return f
}

// mirror completes the walls of the top left quarter to the whole field.
// Walls that touch an axis are joined with their image over it.
func mirror(quarter []Rect) []Rect {
	const w, h = FieldWidth, FieldHeight
	var all []Rect
	for _, r := range quarter {
		crossX, crossY := r.X+r.W == w/2, r.Y+r.H == h/2
		if crossX {
			r.W *= 2
		}
		if crossY {
			r.H *= 2
		}
		all = append(all, r)
		if !crossX {
			all = append(all, Rect{w - r.X - r.W, r.Y, r.W, r.H})
		}
		if !crossY {
			all = append(all, Rect{r.X, h - r.Y - r.H, r.W, r.H})
		}
		if !crossX && !crossY {
			all = append(all, Rect{w - r.X - r.W, h - r.Y - r.H, r.W, r.H})
		}
	}
	return all
}

// deepest returns the deepest contact of a circle with the walls: the normal
// that points out of the wall and how far along it the circle must move.
// Depth is 0 when it touches none; of equal depths the first wall wins.
func (f *Field) deepest(x, y, r float64) (nx, ny, depth float64) {
	for i := range f.boxes {
		b := &f.boxes[i]
		dx, dy := b.toward(x, y)
		d2 := float64(dx*dx) + float64(dy*dy)
		if d2 >= r*r {
			continue
		}
		if d2 == 0 {
			ex, ey, out := b.exit(x, y)
			if out += r; out > depth {
				nx, ny, depth = ex, ey, out
			}
			continue
		}
		d := math.Sqrt(d2)
		if r-d > depth {
			nx, ny, depth = dx/d, dy/d, r-d
		}
	}
	return nx, ny, depth
}

// sweep returns the part of the segment from (x, y) along (dx, dy) that a
// circle of radius pad can travel before it meets a wall, as a fraction.
func (f *Field) sweep(x, y, dx, dy, pad float64) (t float64, hit bool) {
	t = 1
	span := box{min(x, x+dx) - pad, min(y, y+dy) - pad, max(x, x+dx) + pad, max(y, y+dy) + pad}
	for i := range f.boxes {
		b := &f.boxes[i]
		if b.x1 < span.x0 || b.x0 > span.x1 || b.y1 < span.y0 || b.y0 > span.y1 {
			continue
		}
		if u, ok := b.sweep(x, y, dx, dy, pad); ok && u <= t {
			t, hit = u, true
		}
	}
	return t, hit
}

// clear reports whether a circle of radius pad can travel straight from one
// point to another.
func (f *Field) clear(x0, y0, x1, y1, pad float64) bool {
	_, hit := f.sweep(x0, y0, x1-x0, y1-y0, pad)
	return !hit
}

// inside reports whether a circle lies in the field and outside every wall.
func (f *Field) inside(x, y, r float64) bool {
	if x < r || y < r || x > f.W-r || y > f.H-r {
		return false
	}
	_, _, depth := f.deepest(x, y, r)
	return depth <= 0
}
