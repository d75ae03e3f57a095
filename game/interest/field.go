package interest

import (
	"math"
	"math/bits"

	"gameserver/game/snap"
)

// Kind is who may see the entities of a set.
type Kind uint8

// The kinds.
const (
	All  Kind = iota // everybody, wherever they are
	Own              // the player whose ID the entity has
	Team             // the players in the team of that player
	Near             // whoever is near
)

// Set describes one replicated set to a Field.
type Set struct {
	Rows *snap.Rows
	Kind Kind
	// X and Y are the columns of the position and QX and QY what one step of them
	// is worth, of a set that is Near.
	X, Y   int
	QX, QY float64
	Cap    int
}

// Config says what a Field is about.
type Config struct {
	Sets []Set
	// Radius is how far viewers see, and Full within what distance everything is
	// refreshed in every snapshot.
	Radius, Full float64
	// Every is the number of ticks between two judgements of a viewer that does
	// not move, Dwell the number of ticks an entity stays in view at least.
	Every, Dwell uint32
	// Rule, if not nil, says whether a viewer may see an entity within reach.
	Rule func(viewer int, set, slot int) bool
}

// Columns is where positions come from: a *snap.World.
type Columns interface{ Column(set, field int) []int32 }

// Field is where the entities of a match are.
type Field struct {
	cfg    Config
	layers []layer
	tick   uint32
	seq    uint32 // number of the last Update
	step   uint32 // ticks since the one before
	far    bool
	every  uint32

	enter, leave, full, middle float32 // squares of distances
	cell                       float32
	sub                        float32
	reach                      float32
	teams                      []team
}

// team is what the members of a team see of one another.
type team struct {
	number int
	sets   [][]uint64 // by set, nil unless it is a Team's
}

// NewField makes a Field for sets that are still empty, or not.
func NewField(c Config) *Field {
	f := &Field{cfg: c, layers: make([]layer, len(c.Sets)), every: c.Every}
	r := float32(c.Radius)
	f.cell, f.sub = r/cellsPerRadius, r/(cellsPerRadius*subCells)
	f.reach = r * leaveRatio
	full := float32(c.Full)
	middle := (full + r) / 2
	if full >= r { // nothing is put off: not what is about to leave, either
		full = float32(math.Inf(1))
	}
	f.enter, f.leave = float32(r*r), float32(f.reach*f.reach)
	f.full, f.middle = float32(full*full), float32(middle*middle)
	for i, s := range c.Sets {
		f.layers[i] = layer{Set: s}
		if s.Kind == Near {
			f.layers[i].open(f.cell)
		}
	}
	return f
}

// Thin reduces the work and the traffic: far lowers everything but what is
// nearest by one band, sparse judges half as often.
func (f *Field) Thin(far, sparse bool) {
	f.far, f.every = far, f.cfg.Every
	if sparse {
		f.every *= 2
	}
}

// Update takes in where everything is now. Ticks grow.
func (f *Field) Update(tick uint32, from Columns) {
	f.step, f.tick = tick-f.tick, tick
	f.seq++
	for i := range f.layers {
		if l := &f.layers[i]; l.Kind == Near {
			l.update(f.seq, from.Column(i, l.X), from.Column(i, l.Y))
		}
	}
	for i := range f.teams {
		for _, words := range f.teams[i].sets {
			clear(words)
		}
	}
}

// Member says that the entity at a slot of a set belongs to a member of a team.
// It is called after Update, for each.
func (f *Field) Member(number, set, slot int) {
	if set < 0 || f.layers[set].Kind != Team {
		return
	}
	words := &f.team(number).sets[set]
	*words = grown(*words, slot/64+1)
	(*words)[slot/64] |= 1 << (slot % 64)
}

// team returns what a team sees. There are as many at most as there are players.
func (f *Field) team(number int) *team {
	for i := range f.teams {
		if f.teams[i].number == number {
			return &f.teams[i]
		}
	}
	f.teams = append(f.teams, team{number: number, sets: make([][]uint64, len(f.layers))})
	return &f.teams[len(f.teams)-1]
}

// At returns where the entity at a slot is, if it has a place.
func (f *Field) At(set, slot int) (p Point, ok bool) {
	if set < 0 || f.layers[set].Kind != Near || slot >= len(f.layers[set].nodes) {
		return p, false
	}
	n := &f.layers[set].nodes[slot]
	return Point{n.x, n.y}, true
}

// Point is a place, in the units of the game.
type Point struct{ X, Y float32 }

// layer is one set of the field.
type layer struct {
	Set
	cell  float32
	nodes []node // by slot, those of dead entities too
	live  []uint64
	heads []int32 // by bucket: the first slot of a list, -1: none
	fresh []int32 // slots of what was born or has jumped since the last Update
	died  bool    // something was gone at the last Update

	next [snap.NumBands][]uint64 // what a judgement finds
}

// node is one entity in the grid.
type node struct {
	x, y       float32
	cx, cy     int16
	next, prev int32  // in the list of its bucket, -1: none
	gen        uint32 // of the row, as snap.Rows counts
	since      uint32 // Update at which it was born, or last jumped
}

func (l *layer) open(cell float32) {
	n := 1 << bits.Len(uint(max(l.Cap, 1)-1))
	l.cell, l.heads = cell, make([]int32, min(max(n, bucketsMin), bucketsMax))
	for i := range l.heads {
		l.heads[i] = -1
	}
}

// update brings the grid up to date with the set.
func (l *layer) update(seq uint32, xs, ys []int32) {
	l.fresh, l.died = l.fresh[:0], false
	rows := l.Rows
	if n := len(rows.ID) - len(l.nodes); n > 0 {
		l.nodes = append(l.nodes, make([]node, n)...)
		l.live = append(l.live, make([]uint64, len(rows.Live)-len(l.live))...)
	}
	for c, live := range rows.Live {
		was := l.live[c]
		for gone := was &^ live; gone != 0; gone &= gone - 1 {
			l.unlink(int32(c*64 + bits.TrailingZeros64(gone)))
			l.died = true
		}
		l.live[c] = live
		for ; live != 0; live &= live - 1 {
			bit := bits.TrailingZeros64(live)
			slot := int32(c*64 + bit)
			n := &l.nodes[slot]
			x := float32(float64(xs[slot]) * l.QX)
			y := float32(float64(ys[slot]) * l.QY)
			switch {
			case was&(1<<bit) == 0:
				l.place(n, slot, x, y, seq)
				n.gen = rows.Gen[slot]
			case n.gen != rows.Gen[slot]:
				l.unlink(slot)
				l.place(n, slot, x, y, seq)
				n.gen = rows.Gen[slot]
			case x != n.x || y != n.y:
				l.move(n, slot, x, y, seq)
			}
		}
	}
}

// place puts something new into the grid.
func (l *layer) place(n *node, slot int32, x, y float32, seq uint32) {
	n.x, n.y, n.since = x, y, seq
	n.cx, n.cy = cellOf(x, l.cell), cellOf(y, l.cell)
	l.link(n, slot)
	l.fresh = append(l.fresh, slot)
}

// move changes the cell of an entity that has crossed into another one, and
// counts one that is further than a neighbour as come anew.
func (l *layer) move(n *node, slot int32, x, y float32, seq uint32) {
	jumped := abs(x-n.x) > l.cell || abs(y-n.y) > l.cell
	n.x, n.y = x, y
	if cx, cy := cellOf(x, l.cell), cellOf(y, l.cell); cx != n.cx || cy != n.cy {
		l.unlink(slot)
		n.cx, n.cy = cx, cy
		l.link(n, slot)
	}
	if jumped {
		n.since = seq
		l.fresh = append(l.fresh, slot)
	}
}

func (l *layer) link(n *node, slot int32) {
	head := &l.heads[l.bucket(n.cx, n.cy)]
	n.next, n.prev = *head, -1
	if *head >= 0 {
		l.nodes[*head].prev = slot
	}
	*head = slot
}

func (l *layer) unlink(slot int32) {
	n := &l.nodes[slot]
	if n.next >= 0 {
		l.nodes[n.next].prev = n.prev
	}
	if n.prev >= 0 {
		l.nodes[n.prev].next = n.next
	} else {
		l.heads[l.bucket(n.cx, n.cy)] = n.next
	}
}

func (l *layer) bucket(cx, cy int16) uint32 {
	h := (uint32(uint16(cx))*0x9e3779b1 ^ uint32(uint16(cy))*0x85ebca6b)
	return (h ^ h>>15) & uint32(len(l.heads)-1)
}

// cellOf is the number of the cell that a coordinate is in.
func cellOf(v, size float32) int16 {
	c := v / size
	switch {
	case c >= cellMax:
		return cellMax
	case c <= -cellMax:
		return -cellMax
	}
	i := int16(c)
	if float32(i) > c {
		i--
	}
	return i
}

func abs(v float32) float32 {
	if v < 0 {
		return -v
	}
	return v
}

// grown returns words with at least n of them.
func grown(words []uint64, n int) []uint64 {
	if n > len(words) {
		words = append(words, make([]uint64, n-len(words))...)
	}
	return words
}
