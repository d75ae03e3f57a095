package arena

import "math"

// Rect is an axis-aligned rectangle: the top left corner and the size.
type Rect struct{ X, Y, W, H float64 }

// box is a Rect as two corners, which is what the inner loops want.
type box struct{ x0, y0, x1, y1 float64 }

// toward returns the point of the box nearest to a point, as the vector from
// there to the point. Inside it is the null vector.
func (b *box) toward(x, y float64) (dx, dy float64) {
	switch {
	case x < b.x0:
		dx = x - b.x0
	case x > b.x1:
		dx = x - b.x1
	}
	switch {
	case y < b.y0:
		dy = y - b.y0
	case y > b.y1:
		dy = y - b.y1
	}
	return dx, dy
}

// exit returns the shortest way out of the box for a point inside it, as the
// outward normal and the distance; ties go left, right, up, down.
func (b *box) exit(x, y float64) (nx, ny, depth float64) {
	nx, ny, depth = -1, 0, x-b.x0
	if d := b.x1 - x; d < depth {
		nx, ny, depth = 1, 0, d
	}
	if d := y - b.y0; d < depth {
		nx, ny, depth = 0, -1, d
	}
	if d := b.y1 - y; d < depth {
		nx, ny, depth = 0, 1, d
	}
	return nx, ny, depth
}

// sweep returns where the segment from (x, y) along (dx, dy) first enters the
// box grown by pad on every side, as a fraction of the segment. A segment
// that starts inside enters at 0. The corners of the grown box are square: it
// is a little larger than the true sum with a circle.
func (b *box) sweep(x, y, dx, dy, pad float64) (t float64, hit bool) {
	lo, hi := 0.0, 1.0
	lo, hi = slab(lo, hi, x, dx, b.x0-pad, b.x1+pad)
	if lo > hi {
		return 0, false
	}
	lo, hi = slab(lo, hi, y, dy, b.y0-pad, b.y1+pad)
	return lo, lo <= hi
}

// slab cuts the interval [lo, hi] of a ray's parameter down to the part
// strictly between two parallel lines; the result is empty when lo > hi.
func slab(lo, hi, p, d, a, b float64) (from, to float64) {
	if d == 0 {
		if p <= a || p >= b {
			return 1, 0
		}
		return lo, hi
	}
	t0, t1 := (a-p)/d, (b-p)/d
	if t0 > t1 {
		t0, t1 = t1, t0
	}
	if t0 > lo {
		lo = t0
	}
	if t1 < hi {
		hi = t1
	}
	return lo, hi
}

// sweepCircle returns where a point moving from (x, y) along (dx, dy) first
// enters the circle, as a fraction of the way. A start inside enters at 0.
func sweepCircle(x, y, dx, dy, cx, cy, r float64) (t float64, hit bool) {
	fx, fy := x-cx, y-cy
	c := float64(fx*fx) + float64(fy*fy) - float64(r*r)
	if c <= 0 {
		return 0, true
	}
	b := float64(fx*dx) + float64(fy*dy)
	if b >= 0 {
		return 0, false
	}
	a := float64(dx*dx) + float64(dy*dy)
	disc := float64(b*b) - float64(a*c)
	if disc < 0 {
		return 0, false
	}
	t = (-b - math.Sqrt(disc)) / a
	return t, t <= 1
}
