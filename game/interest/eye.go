package interest

import (
	"math"
	"math/bits"

	"gameserver/game/snap"
)

// Eye is what one viewer sees. The zero Eye has seen nothing yet.
type Eye struct {
	// Sight is what the last Look found. It is for reading, until the next Update.
	Sight snap.Sight

	young  [][2][]uint64 // by set: what came into view in this period of Dwell ticks, and in the last
	period uint32
	seen   uint32 // Update that the last Look saw, 0: none
	judged uint32 // tick of the last judgement
	cx, cy int16  // sub-cell
	last   Viewer // of that judgement
}

// Viewer is where a viewer stands.
type Viewer struct {
	Number    int // among all viewers, passed to the rule
	Team      int
	Set, Slot int  // of the entity of its own; Set is -1 if there is none
	Blind     bool // it has no place, and sees nothing that is Near but its own
	At        Point
}

// Forget makes the next Look a first one.
func (e *Eye) Forget() { e.seen = 0 }

// Look brings what a viewer sees up to date with the last Update.
func (f *Field) Look(e *Eye, v Viewer) {
	if e.Sight.Sets == nil {
		e.Sight.Sets = make([]snap.SetSight, len(f.layers))
		e.young = make([][2][]uint64, len(f.layers))
	}
	e.age((f.tick + uint32(v.Number)) / f.cfg.Dwell)
	anew := f.due(e, v)
	for i := range f.layers {
		l, s := &f.layers[i], &e.Sight.Sets[i]
		switch l.Kind {
		case All:
			s.Bands[0] = l.Rows.Live
		case Own:
			s.Bands[0] = grown(s.Bands[0], len(l.Rows.Live))
			clear(s.Bands[0])
			if v.Set == i {
				s.Bands[0][v.Slot/64] |= 1 << (v.Slot % 64)
			}
		case Team:
			s.Bands[0] = f.team(v.Team).sets[i]
		case Near:
			g := glance{f: f, l: l, e: e, v: v, set: i, bands: &s.Bands, young: &e.young[i]}
			g.look(anew)
		}
	}
	e.seen = f.seq
}

// age begins another period: what came into view in the one before the last may
// leave now.
func (e *Eye) age(period uint32) {
	if e.seen != 0 && period == e.period {
		return
	}
	for i := range e.young {
		y := &e.young[i]
		if y[0], y[1] = y[1], y[0]; e.seen == 0 || period != e.period+1 {
			clear(y[1])
		}
		clear(y[0])
	}
	e.period = period
}

// Weight says how much an entity matters to the viewer: the nearer the more, and
// its own above all.
func (e *Eye) Weight(set, slot int) float32 {
	if e.last.Set == set && e.last.Slot == slot {
		return weightOwn
	}
	for b, words := range e.Sight.Sets[set].Bands {
		if slot/64 < len(words) && words[slot/64]>>(slot%64)&1 != 0 {
			return weights[b]
		}
	}
	return 0
}

// due reports whether a viewer is to be judged anew, and begins that.
func (f *Field) due(e *Eye, v Viewer) bool {
	cx, cy := cellOf(v.At.X, f.sub), cellOf(v.At.Y, f.sub)
	turn := (f.tick+uint32(v.Number))/f.every != (e.judged+uint32(v.Number))/f.every
	same := v.Blind == e.last.Blind && v.Set == e.last.Set && v.Slot == e.last.Slot
	if e.seen != 0 && e.seen == f.seq-1 && !turn && cx == e.cx && cy == e.cy && same {
		return false
	}
	e.judged, e.cx, e.cy, e.last = f.tick, cx, cy, v
	return true
}

// band is that of an entity in view, by the square of its distance.
func (f *Field) band(d float32) int {
	b := 1
	switch {
	case d <= f.full:
		b = 0
	case d > f.enter:
		b = 3
	case d > f.middle:
		b = 2
	}
	if f.far && b > 0 {
		b = min(b+1, snap.NumBands-1)
	}
	return b
}

// glance is one look of one viewer at one set.
type glance struct {
	f     *Field
	l     *layer
	e     *Eye
	v     Viewer
	set   int
	bands *[snap.NumBands][]uint64
	young *[2][]uint64
}

func (g *glance) look(anew bool) {
	words := len(g.l.live)
	for b := range g.bands {
		g.bands[b] = grown(g.bands[b], words)
		g.l.next[b] = grown(g.l.next[b], words)
	}
	g.young[0], g.young[1] = grown(g.young[0], words), grown(g.young[1], words)
	if anew {
		g.judge()
	} else {
		g.glimpse()
	}
	if g.v.Set == g.set {
		w, bit := g.v.Slot/64, uint64(1)<<(g.v.Slot%64)
		for b := range g.bands {
			g.bands[b][w] &^= bit
		}
		g.bands[0][w] |= bit
	}
}

// judge looks at everything within reach, and at what is held by its dwell.
func (g *glance) judge() {
	for b := range g.l.next {
		clear(g.l.next[b])
	}
	if !g.v.Blind {
		g.walk(0)
		for w, live := range g.l.live {
			now := g.l.next[0][w] | g.l.next[1][w] | g.l.next[2][w] | g.l.next[3][w]
			held := g.held(w) &^ now & (g.young[0][w] | g.young[1][w]) & live
			for ; held != 0; held &= held - 1 {
				slot := int32(w*64 + bits.TrailingZeros64(held))
				if g.l.nodes[slot].since <= g.e.seen && g.may(slot) {
					g.l.next[g.f.band(math.MaxFloat32)][w] |= held & -held
				}
			}
		}
	}
	for w := range g.l.live {
		old := g.held(w)
		now := g.l.next[0][w] | g.l.next[1][w] | g.l.next[2][w] | g.l.next[3][w]
		g.young[0][w] = (g.young[0][w] | now&^old) & now
	}
	*g.bands, g.l.next = g.l.next, *g.bands
}

// glimpse looks at what is new, forgets what is gone, and asks the rule again.
func (g *glance) glimpse() {
	l := g.l
	if l.died || len(l.fresh) > 0 {
		g.forget()
	}
	if g.v.Blind {
		return
	}
	if g.f.cfg.Rule != nil {
		g.ask()
	}
	if len(l.fresh) == 0 {
		return
	}
	for b := range l.next {
		clear(l.next[b])
	}
	if len(l.fresh) > freshMax {
		g.walk(g.f.seq)
	} else {
		for _, slot := range l.fresh {
			g.consider(slot, &l.nodes[slot])
		}
	}
	for w := range l.live {
		for b := range g.bands {
			g.bands[b][w] |= l.next[b][w]
			g.young[0][w] |= l.next[b][w]
		}
	}
}

// forget takes what is gone, and what is judged afresh, out of view.
func (g *glance) forget() {
	for b := range g.bands {
		band := g.bands[b]
		for w, live := range g.l.live {
			band[w] &= live
		}
		for _, slot := range g.l.fresh {
			band[slot/64] &^= 1 << (slot % 64)
		}
	}
}

// ask takes what the rule hides out of view.
func (g *glance) ask() {
	for w := range g.l.live {
		for view := g.held(w); view != 0; view &= view - 1 {
			if bit := view & -view; !g.may(int32(w*64 + bits.TrailingZeros64(view))) {
				for b := range g.bands {
					g.bands[b][w] &^= bit
				}
			}
		}
	}
}

// walk considers every entity within reach that was born or has jumped at an
// Update or later.
func (g *glance) walk(since uint32) {
	l, at, reach := g.l, g.v.At, g.f.reach
	x0, x1 := cellOf(at.X-reach, l.cell), cellOf(at.X+reach, l.cell)
	y0, y1 := cellOf(at.Y-reach, l.cell), cellOf(at.Y+reach, l.cell)
	for cy := int(y0); cy <= int(y1); cy++ {
		for cx := int(x0); cx <= int(x1); cx++ {
			for slot := l.heads[l.bucket(int16(cx), int16(cy))]; slot >= 0; {
				n := &l.nodes[slot]
				if n.cx == int16(cx) && n.cy == int16(cy) && n.since >= since {
					g.consider(slot, n)
				}
				slot = n.next
			}
		}
	}
}

// consider puts an entity into next if it is to be seen.
func (g *glance) consider(slot int32, n *node) {
	dx, dy := n.x-g.v.At.X, n.y-g.v.At.Y
	d := float32(dx*dx) + float32(dy*dy)
	if d > g.f.leave {
		return
	}
	w, bit := slot/64, uint64(1)<<(slot%64)
	if d > g.f.enter && (n.since > g.e.seen || g.held(int(w))&bit == 0) {
		return
	}
	if g.f.cfg.Rule != nil && !g.may(slot) {
		return
	}
	g.l.next[g.f.band(d)][w] |= bit
	if n.since > g.e.seen {
		g.young[0][w] |= bit
	}
}

// held is a word of what has been in view until now.
func (g *glance) held(w int) uint64 {
	return g.bands[0][w] | g.bands[1][w] | g.bands[2][w] | g.bands[3][w]
}

// may asks the rule.
func (g *glance) may(slot int32) bool {
	if g.f.cfg.Rule == nil || g.v.Set == g.set && g.v.Slot == int(slot) {
		return true
	}
	return g.f.cfg.Rule(g.v.Number, g.set, int(slot))
}
