package arena

import "math"

const (
	pi     = 3.141592653589793
	halfPi = 1.5707963267948966
	twoPi  = 6.283185307179586
	// invSqrt2 is the component of a unit diagonal.
	invSqrt2 = 0.7071067811865476
)

// Heading returns the unit vector of an angle in radians (0 is +x, a quarter
// turn is +y, which points down on the screen). It is the Taylor polynomial
// of the sine of degree 13 after reflection into ±π/2, built from + − × only,
// so that a twin in another language gives the same bits; each component is
// within 1e-9 of the true one. Angles beyond ±2π point to +x.
func Heading(angle float64) (x, y float64) {
	if !(angle >= -twoPi && angle <= twoPi) {
		return 1, 0
	}
	a := wrapAngle(angle)
	abs := a
	if abs < 0 {
		abs = -abs
	}
	x = sinHalf(halfPi - abs)
	switch {
	case a > halfPi:
		y = sinHalf(pi - a)
	case a < -halfPi:
		y = sinHalf(-pi - a)
	default:
		y = sinHalf(a)
	}
	return x, y
}

// sinHalf is the sine for |x| ≤ π/2: x − x³/3! + x⁵/5! … + x¹³/13!. The first
// term left out, x¹⁵/15!, bounds the error by 6.7e-10.
func sinHalf(x float64) float64 {
	x2 := x * x
	p := 1.0 / 6227020800
	p = float64(p*x2) - 1.0/39916800
	p = float64(p*x2) + 1.0/362880
	p = float64(p*x2) - 1.0/5040
	p = float64(p*x2) + 1.0/120
	p = float64(p*x2) - 1.0/6
	p = float64(p*x2) + 1
	return x * p
}

// wrapAngle brings an angle within ±3π into ±π.
func wrapAngle(a float64) float64 {
	if a > pi {
		a -= twoPi
	} else if a < -pi {
		a += twoPi
	}
	return a
}

// angleOf is the inverse of Heading: the angle of a vector, within 1e-8, in
// ±π; the null vector has angle 0. The arctangent halves its argument twice
// with a square root, then sums its series to t⁹.
func angleOf(x, y float64) float64 {
	ax, ay := x, y
	if ax < 0 {
		ax = -ax
	}
	if ay < 0 {
		ay = -ay
	}
	if ax == 0 && ay == 0 {
		return 0
	}
	steep := ay > ax
	t := ay / max(ax, 1e-300)
	if steep {
		t = ax / ay
	}
	t /= 1 + math.Sqrt(1+float64(t*t))
	t /= 1 + math.Sqrt(1+float64(t*t))
	t2 := t * t
	p := 1.0 / 9
	p = float64(p*t2) - 1.0/7
	p = float64(p*t2) + 1.0/5
	p = float64(p*t2) - 1.0/3
	p = float64(p*t2) + 1
	a := 4 * float64(t*p)
	if steep {
		a = halfPi - a
	}
	if x < 0 {
		a = pi - a
	}
	if y < 0 {
		a = -a
	}
	return a
}

// length is the Euclidean length of a vector.
func length(x, y float64) float64 {
	return math.Sqrt(float64(x*x) + float64(y*y))
}
