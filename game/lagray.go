package game

import "math"

// RayCast returns the first entity that a ray met in the Past, and how far along
// the ray: from (ox, oy) in the direction (dx, dy), which need not be of length
// 1, for at most reach. Each entity is a circle of the given radius; one that the
// ray begins inside of is met at 0. Of two that are met at once it is the one of
// the earlier set, then of the lower slot. filter says who counts, nil all.
func (v Past) RayCast(ox, oy, dx, dy, reach, radius float64, filter func(ID) bool) (id ID, dist float64, ok bool) {
	length := math.Sqrt(float64(dx*dx) + float64(dy*dy))
	if finite := ox + oy + length + radius; v.h == nil || !(length > 0 && reach >= 0 && radius >= 0) ||
		math.IsNaN(finite) || math.IsInf(finite, 0) {
		return 0, 0, false
	}
	reach = min(reach, reachMax)
	r := ray{v: v, filter: filter, x: ox, y: oy, dx: dx / length, dy: dy / length, radius: radius, best: reach, set: -1}
	for i := range v.h.tracks {
		r.cast(&v.h.tracks[i], i)
	}
	if r.set < 0 {
		return 0, 0, false
	}
	return ID(v.h.tracks[r.set].rows.ID[r.slot]), r.best, true
}

// ray is one RayCast on its way.
type ray struct {
	v            Past
	filter       func(ID) bool
	x, y, dx, dy float64
	radius       float64

	best float64 // the distance of what was met first, so far
	set  int     // of that, -1: nothing was met
	slot int
}

func (r *ray) cast(t *track, set int) {
	a := &t.past[r.v.a]
	if a.n > indexMin {
		if a.index.ready(a, &t.past[r.v.b]) {
			r.sweep(t, set, a)
			return
		}
	}
	for slot, era := range a.eras {
		if era != 0 {
			r.meet(t, set, slot)
		}
	}
}

// meet looks whether the ray meets one entity before all others.
func (r *ray) meet(t *track, set, slot int) {
	p, ok := t.at(r.v, slot)
	if !ok {
		return
	}
	fx, fy := float64(p.x)-r.x, float64(p.y)-r.y
	along := float64(fx*r.dx) + float64(fy*r.dy)
	gap := float64(fx*fx) + float64(fy*fy) - float64(r.radius*r.radius)
	dist := 0.0
	if gap > 0 {
		if along < 0 {
			return
		}
		disc := float64(along*along) - gap
		if !(disc >= 0) {
			return
		}
		dist = max(along-math.Sqrt(disc), 0)
	}
	later := set > r.set || set == r.set && slot > r.slot
	if !(dist <= r.best) || r.set >= 0 && dist == r.best && later {
		return
	}
	if r.filter != nil && !r.filter(ID(t.rows.ID[slot])) {
		return
	}
	r.best, r.set, r.slot = dist, set, slot
}

// sweep looks at the cells that the ray passes: in each row of cells, those
// between where it comes in and where it goes out.
func (r *ray) sweep(t *track, set int, a *moment) {
	g := &a.index
	pad := r.radius + float64(g.margin) + float64(g.cell)*1e-3
	y1 := r.y + float64(r.dy*r.best)
	from, to := g.column(min(r.y, y1)-pad, g.y0), g.column(max(r.y, y1)+pad, g.y0)
	for cy := from; cy <= to; cy++ {
		lo, hi := 0.0, r.best
		if top, bottom := g.y0+float64(cy)*g.cell-pad, g.y0+float64(cy+1)*g.cell+pad; r.dy != 0 {
			in, out := (top-r.y)/r.dy, (bottom-r.y)/r.dy
			lo, hi = max(lo, min(in, out)), min(hi, max(in, out))
		}
		if lo > hi {
			continue
		}
		xa, xb := r.x+float64(r.dx*lo), r.x+float64(r.dx*hi)
		first, last := g.column(min(xa, xb)-pad, g.x0), g.column(max(xa, xb)+pad, g.x0)
		for _, slot := range g.order[g.start[cy*indexSide+first]:g.start[cy*indexSide+last+1]] {
			r.meet(t, set, int(slot))
		}
	}
}

// index says which entities of a row are in which cell of a grid over all of
// them. It is made when the first ray asks for it.
type index struct {
	built  bool
	joint  bool    // margin is known
	x0, y0 float64 // corner of the first cell
	cell   float64
	margin float32  // furthest that anything goes until the next row
	start  []uint16 // by cell, where its part of order begins
	order  []uint16 // slots by cell
}

// ready makes the index, if it can be made: not if something is infinitely far
// away.
func (g *index) ready(a, b *moment) bool {
	joint := a != b
	if !g.built {
		g.build(a)
	}
	if joint && !g.joint {
		g.margin = 0
		for slot, era := range a.eras {
			if era != 0 && slot < len(b.eras) && b.eras[slot] == era {
				p, q := a.points[slot], b.points[slot]
				g.margin = max(g.margin, abs32(q.x-p.x), abs32(q.y-p.y))
			}
		}
		g.joint = true
	}
	return g.cell > 0 && !math.IsInf(float64(g.margin), 1) && g.margin == g.margin
}

func (g *index) build(a *moment) {
	g.built, g.joint, g.margin, g.cell = true, false, 0, 0
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for slot, era := range a.eras {
		if era != 0 {
			p := a.points[slot]
			x0, x1 = min(x0, float64(p.x)), max(x1, float64(p.x))
			y0, y1 = min(y0, float64(p.y)), max(y1, float64(p.y))
		}
	}
	size := max(x1-x0, y1-y0)
	if !(size > 0) || math.IsInf(size, 1) { // not a number, too
		return
	}
	g.x0, g.y0, g.cell = x0, y0, size/indexSide
	if g.start == nil {
		g.start = make([]uint16, indexSide*indexSide+1)
	}
	clear(g.start)
	for slot, era := range a.eras {
		if era != 0 {
			g.start[g.of(a.points[slot])+1]++
		}
	}
	for i := 1; i < len(g.start); i++ {
		g.start[i] += g.start[i-1]
	}
	if n := len(a.eras) - len(g.order); n > 0 {
		g.order = append(g.order, make([]uint16, n)...)
	}
	for slot := len(a.eras) - 1; slot >= 0; slot-- {
		if a.eras[slot] != 0 {
			at := &g.start[g.of(a.points[slot])+1]
			*at--
			g.order[*at] = uint16(slot)
		}
	}
	copy(g.start, g.start[1:])
	g.start[len(g.start)-1] = uint16(a.n)
}

func (g *index) of(p point) int {
	return g.column(float64(p.y), g.y0)*indexSide + g.column(float64(p.x), g.x0)
}

// column is the cell of a coordinate, the outermost ones for what is beyond.
func (g *index) column(v, from float64) int {
	return int(min(max((v-from)/g.cell, 0), indexSide-1))
}

func abs32(v float32) float32 { return max(v, -v) }
