package arena

import (
	"fmt"
	"math"
	"math/bits"
)

const (
	navCell   = 80.0
	navMargin = 6.0  // clearance beyond the ship's radius that a free cell has
	navPad    = 17.0 // a little less than the ship's radius: touching a wall is not blocked

	hopHere = 8   // already in the goal's cell
	hopNone = 255 // no way, or not yet known
)

// grid is the coarse map bots find their way with: for every goal cell, the
// neighbour to go to from every other cell. It is filled once per field and
// costs one byte per pair of cells (360 KB for the bundled one).
type grid struct {
	cols, rows int
	free       []bool   // a ship fits at the cell's centre
	near       []uint16 // the free cell nearest to each cell
	open       []uint16 // the free cells, ascending
	next       []uint8  // next[goal*cells+from]: index into hops, hopHere or hopNone
}

// hopAt returns the i-th of the eight steps to a neighbour cell. Straight ones
// come first and cost 10, diagonal ones 14; the opposite of i is i^1 for the
// first four and 11-i for the others.
func hopAt(i int) (dx, dy int) {
	h := [8][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1}}[i]
	return h[0], h[1]
}

func (g *grid) cells() int { return g.cols * g.rows }

// cellAt returns the cell of a point; points outside count as the border's.
func (g *grid) cellAt(x, y float64) int {
	cx := min(max(int(x/navCell), 0), g.cols-1)
	cy := min(max(int(y/navCell), 0), g.rows-1)
	return cy*g.cols + cx
}

func (g *grid) centre(cell int) (x, y float64) {
	return float64((float64(cell%g.cols) + 0.5) * navCell), float64((float64(cell/g.cols) + 0.5) * navCell)
}

// step returns the neighbour of a cell in direction i, or -1 past the border.
func (g *grid) step(cell, i int) int {
	dx, dy := hopAt(i)
	x, y := cell%g.cols+dx, cell/g.cols+dy
	if x < 0 || y < 0 || x >= g.cols || y >= g.rows {
		return -1
	}
	return y*g.cols + x
}

func (g *grid) build(f *Field) error {
	g.cols, g.rows = int(f.W/navCell), int(f.H/navCell)
	n := g.cells()
	g.free = make([]bool, n)
	for c := range n {
		x, y := g.centre(c)
		if g.free[c] = f.inside(x, y, ShipRadius+navMargin); g.free[c] {
			g.open = append(g.open, uint16(c))
		}
	}
	if len(g.open) == 0 {
		return fmt.Errorf("%w: no room for a ship", ErrField)
	}
	g.near = make([]uint16, n)
	for c := range n {
		g.near[c] = g.nearest(f, c)
	}
	links := g.links(f)
	g.next = make([]uint8, n*n)
	for i := range g.next {
		g.next[i] = hopNone
	}
	var q buckets
	q.dist = make([]int32, n)
	for i := range q.offset {
		dx, dy := hopAt(i)
		q.offset[i] = dy*g.cols + dx
	}
	for _, goal := range g.open {
		if reached := g.flow(int(goal), links, &q); reached != len(g.open) {
			return fmt.Errorf("%w: cell %d is reachable from %d of %d cells", ErrField, goal, reached, len(g.open))
		}
	}
	return nil
}

// nearest finds the free cell a ship in a blocked cell should steer for: the
// closest one in plain sight if there is any, else the closest.
func (g *grid) nearest(f *Field, c int) uint16 {
	if g.free[c] {
		return uint16(c)
	}
	x, y := g.centre(c)
	best, bestD, bestSeen := g.open[0], math.Inf(1), false
	for _, o := range g.open {
		ox, oy := g.centre(int(o))
		d := length(ox-x, oy-y)
		if bestSeen && d >= bestD {
			continue
		}
		seen := f.clear(x, y, ox, oy, 0)
		if seen || !bestSeen && d < bestD {
			best, bestD, bestSeen = o, d, seen
		}
	}
	return best
}

// links returns, per cell, a bit for every neighbour a ship can go to.
func (g *grid) links(f *Field) []uint8 {
	links := make([]uint8, g.cells())
	for _, c := range g.open {
		x, y := g.centre(int(c))
		for i := range 8 {
			to := g.step(int(c), i)
			if to < 0 || !g.free[to] {
				continue
			}
			tx, ty := g.centre(to)
			if f.clear(x, y, tx, ty, ShipRadius+1) {
				links[c] |= 1 << i
			}
		}
	}
	return links
}

// buckets is the queue of Dial's algorithm: costs are at most 14 apart.
type buckets struct {
	ring   [16][]uint16
	dist   []int32
	offset [8]int // from a cell to its neighbours
}

// flow fills the row of one goal: the shortest way from everywhere. It
// returns how many cells have one.
func (g *grid) flow(goal int, links []uint8, q *buckets) (reached int) {
	n := g.cells()
	row := g.next[goal*n : goal*n+n]
	for i := range q.dist {
		q.dist[i] = -1
	}
	q.dist[goal], row[goal] = 0, hopHere
	q.ring[0] = append(q.ring[0][:0], uint16(goal))
	for d, idle := int32(0), 0; idle < len(q.ring); d++ {
		b := &q.ring[d%16]
		if len(*b) == 0 {
			idle++
			continue
		}
		idle = 0
		for _, c := range *b {
			if q.dist[c] == d {
				reached++
				g.relax(int(c), d, links, row, q)
			}
		}
		*b = (*b)[:0]
	}
	return reached
}

// relax offers every neighbour of a cell the way through it.
func (g *grid) relax(c int, d int32, links []uint8, row []uint8, q *buckets) {
	for left := links[c]; left != 0; left &= left - 1 {
		i := bits.TrailingZeros8(left)
		to, nd, back := c+q.offset[i], d+10, uint8(i^1)
		if i >= 4 {
			nd, back = d+14, uint8(11-i)
		}
		if q.dist[to] >= 0 && q.dist[to] <= nd {
			continue
		}
		q.dist[to], row[to] = nd, back
		q.ring[nd%16] = append(q.ring[nd%16], uint16(to))
	}
}

// waypoint returns a point to steer for, in a straight line, on the way from
// one place to another: the goal itself when nothing stands between, else the
// furthest cell of the path in sight.
func (f *Field) waypoint(x, y, gx, gy float64) (wx, wy float64) {
	if f.clear(x, y, gx, gy, navPad) {
		return gx, gy
	}
	g := &f.nav
	at := int(g.near[g.cellAt(x, y)])
	goal := int(g.near[g.cellAt(gx, gy)])
	wx, wy = g.centre(at)
	for range maxHops {
		i := g.next[goal*g.cells()+at]
		if i >= hopHere {
			break
		}
		at = g.step(at, int(i))
		cx, cy := g.centre(at)
		if !f.clear(x, y, cx, cy, navPad) {
			break
		}
		wx, wy = cx, cy
	}
	return wx, wy
}
