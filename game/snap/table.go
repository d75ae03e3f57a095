package snap

import (
	"math/bits"
)

// table is one set as it was at the last Diff: a column of 32-bit integers per
// field, and stamps. Nothing in it holds a pointer for the collector to follow.
type table struct {
	rows    *Rows
	layout  Layout
	columns []column // replicated to everybody
	own     []column // to the player of the row's id; only their first ring row is used
	bools   uint32   // mask of the boolean columns

	live    []uint64 // per chunk: the rows that the columns hold
	gen     []uint32 // birth of the row that the columns hold
	id      []uint32 // its id
	born    []uint32 // tick at which it was there first
	changed []uint32 // tick at which it was born or last changed, own fields aside
	owned   []uint32 // tick at which an own field last changed

	full  [encodings][]ref // the whole row
	delta [ringLen][]ref   // the difference to a row of the ring
	some  []ref            // changed fields, absolute: from is the first in World.partials
}

// column is one field: its values at the last snapshots, and when each row's
// last changed.
type column struct {
	ring  [ringLen][]int32
	stamp []uint32
}

// ref says where a record is in World.records.
type ref struct {
	tick      uint32 // valid in this tick
	from, end uint32
}

// partial is an absolute record of some fields of a row. Those of one row are a
// list.
type partial struct {
	mask      uint32
	from, end uint32
	next      uint32 // index plus one
}

func newTable(s Source) table {
	t := table{
		rows: s.Rows, layout: s.Layout,
		columns: make([]column, len(s.Layout.Columns)), own: make([]column, len(s.Layout.Own)),
	}
	for i, c := range s.Layout.Columns {
		if c.kind == KindBool {
			t.bools |= 1 << i
		}
	}
	return t
}

// grow makes room for as many slots as the set has.
func (t *table) grow() {
	n := len(t.rows.ID) - len(t.gen)
	if n == 0 {
		return
	}
	for i := range t.columns {
		c := &t.columns[i]
		for j := range c.ring {
			c.ring[j] = append(c.ring[j], make([]int32, n)...)
		}
		c.stamp = append(c.stamp, make([]uint32, n)...)
	}
	for i := range t.own {
		t.own[i].ring[0] = append(t.own[i].ring[0], make([]int32, n)...)
		t.own[i].stamp = append(t.own[i].stamp, make([]uint32, n)...)
	}
	t.live = append(t.live, make([]uint64, n/ChunkRows)...)
	for _, s := range []*[]uint32{&t.gen, &t.id, &t.born, &t.changed, &t.owned} {
		*s = append(*s, make([]uint32, n)...)
	}
	for i := range t.full {
		t.full[i] = append(t.full[i], make([]ref, n)...)
	}
	for i := range t.delta {
		t.delta[i] = append(t.delta[i], make([]ref, n)...)
	}
	t.some = append(t.some, make([]ref, n)...)
}

// diff brings the table up to the set. The values of the last Diff are in one
// row of the ring, and the new ones go to another, or the same.
func (w *World) diff(set int, last, now int) {
	t := &w.tables[set]
	t.grow()
	for c, live := range t.rows.Live {
		was := t.live[c]
		if live|was == 0 {
			continue
		}
		from := c * ChunkRows
		changed := w.births(set, c, live)
		base := t.rows.Base[c]
		for i := range t.columns {
			col := &t.columns[i]
			old := (*[ChunkRows]int32)(col.ring[last][from:])
			next := (*[ChunkRows]int32)(col.ring[now][from:])
			set := t.layout.Columns[i].diff(base, t.layout.Stride, live, old, next)
			changed |= set
			stamp((*[ChunkRows]uint32)(col.stamp[from:]), set, w.tick)
		}
		stamp((*[ChunkRows]uint32)(t.changed[from:]), changed, w.tick)
		if len(t.own) > 0 {
			w.diffOwn(t, c, live)
		}
	}
}

func (w *World) diffOwn(t *table, c int, live uint64) {
	from := c * ChunkRows
	var changed uint64
	for i := range t.own {
		col := &t.own[i]
		values := (*[ChunkRows]int32)(col.ring[0][from:])
		set := t.layout.Own[i].diff(t.rows.Base[c], t.layout.Stride, live, values, values)
		changed |= set
		stamp((*[ChunkRows]uint32)(col.stamp[from:]), set, w.tick)
	}
	stamp((*[ChunkRows]uint32)(t.owned[from:]), changed, w.tick)
}

// births notes which rows of a chunk are others than before, and remembers those
// that are no more. It returns the new ones.
func (w *World) births(set, c int, live uint64) (born uint64) {
	t := &w.tables[set]
	from := c * ChunkRows
	ids := (*[ChunkRows]uint32)(t.rows.ID[from:])
	gens, gen := (*[ChunkRows]uint32)(t.rows.Gen[from:]), (*[ChunkRows]uint32)(t.gen[from:])
	was := t.live[c]
	t.live[c] = live
	for word := live; word != 0; word &= word - 1 {
		if i := bits.TrailingZeros64(word) & (ChunkRows - 1); gen[i] != gens[i] {
			born |= 1 << i
		}
	}
	if was&^live|born == 0 {
		return 0
	}
	for word := was & (^live | born); word != 0; word &= word - 1 {
		slot := from + bits.TrailingZeros64(word)
		w.deaths.add(death{tick: w.tick, born: t.born[slot], id: t.id[slot]})
	}
	for word := born; word != 0; word &= word - 1 {
		i := bits.TrailingZeros64(word)
		gen[i], t.id[from+i], t.born[from+i] = gens[i], ids[i], w.tick
		if id := ids[i]; len(t.own) > 0 && id <= OwnersMax {
			w.own(id, set, from+i)
		}
	}
	return born
}

// stamp writes the tick to the rows that are set.
func stamp(to *[ChunkRows]uint32, set uint64, tick uint32) {
	if set == ^uint64(0) {
		for i := range to {
			to[i] = tick
		}
		return
	}
	for ; set != 0; set &= set - 1 {
		to[bits.TrailingZeros64(set)&(ChunkRows-1)] = tick
	}
}
