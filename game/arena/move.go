package arena

import "math"

// Input is what a player holds during one tick.
type Input struct {
	Up, Down, Left, Right bool
	Fire                  bool    `in:"edge"`
	Beam                  bool    `in:"edge"`
	Aim                   float64 `in:"-3.2..3.2"`
}

// Body is the part of a ship that Move owns: centre and velocity.
type Body struct{ X, Y, VX, VY float64 }

// Move advances a body by dt seconds under an input and returns it. It is
// pure, total and allocation-free; a body that starts clear of the walls and
// no faster than MaxSpeed stays so. Steps longer than 1/30 s are cut into
// equal substeps, so that a ship never crosses a wall, and steps longer than
// a quarter second count as one.
func Move(b Body, in Input, dt float64, f *Field) Body {
	if !(dt > 0) {
		return b
	}
	if dt > maxMoveTime {
		dt = maxMoveTime
	}
	n := 1.0
	for float64(n*maxSubstep) < dt-1e-9 {
		n++
	}
	h := dt / n
	for ; n > 0; n-- {
		b = accelerate(b, in, h)
		b.X += float64(b.VX * h)
		b.Y += float64(b.VY * h)
		b = collide(b, f)
	}
	return b
}

// direction turns the held keys into a unit vector or the null vector.
// Opposite keys cancel.
func direction(in Input) (x, y float64) {
	if in.Right {
		x++
	}
	if in.Left {
		x--
	}
	if in.Down {
		y++
	}
	if in.Up {
		y--
	}
	if x != 0 && y != 0 {
		x *= invSqrt2
		y *= invSqrt2
	}
	return x, y
}

// accelerate moves the velocity towards the wanted one, in a straight line
// and no further than the engine (or, with no key held, friction) allows.
// Both ends lie in the disc of MaxSpeed, so the way between does too; the
// cut at the end is for rounding and for bodies that came in too fast.
func accelerate(b Body, in Input, dt float64) Body {
	x, y := direction(in)
	dx, dy := float64(x*MaxSpeed)-b.VX, float64(y*MaxSpeed)-b.VY
	rate := accel
	if x == 0 && y == 0 {
		rate = friction
	}
	step := rate * dt
	d := math.Sqrt(float64(dx*dx) + float64(dy*dy))
	if d <= step {
		b.VX += dx
		b.VY += dy
	} else {
		k := step / d
		b.VX += float64(dx * k)
		b.VY += float64(dy * k)
	}
	v2 := float64(b.VX*b.VX) + float64(b.VY*b.VY)
	if v2 > MaxSpeed*MaxSpeed {
		k := MaxSpeed / math.Sqrt(v2)
		b.VX *= k
		b.VY *= k
	}
	return b
}

// collide pushes a body out of what it entered, the deepest contact first
// (so that a ship slides over the seam of two walls), and takes away the part
// of its velocity that points into it.
func collide(b Body, f *Field) Body {
	b = bound(b, f)
	for range maxPushes {
		nx, ny, depth := f.deepest(b.X, b.Y, ShipRadius)
		if depth <= 0 {
			return b
		}
		b.X += float64(nx * depth)
		b.Y += float64(ny * depth)
		into := float64(b.VX*nx) + float64(b.VY*ny)
		if into < 0 {
			b.VX -= float64(nx * into)
			b.VY -= float64(ny * into)
		}
		b = bound(b, f)
	}
	return b
}

// bound keeps a body inside the field.
func bound(b Body, f *Field) Body {
	b.X, b.VX = boundAxis(b.X, b.VX, f.W)
	b.Y, b.VY = boundAxis(b.Y, b.VY, f.H)
	return b
}

func boundAxis(p, v, size float64) (q, w float64) {
	if p < ShipRadius {
		p = ShipRadius
		if v < 0 {
			v = 0
		}
	}
	if p > size-ShipRadius {
		p = size - ShipRadius
		if v > 0 {
			v = 0
		}
	}
	return p, v
}
