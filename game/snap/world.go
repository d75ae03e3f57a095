package snap

// Encoding is how snapshots are written.
type Encoding uint8

// The encodings of the plain dialect. A compact one is to join them.
const (
	JSON Encoding = iota
	Msgpack
	encodings
)

// Source is one replicated set: its occupancy and memory, and what of it is
// replicated.
type Source struct {
	Rows   *Rows
	Layout Layout
	Cap    int
}

// World is the replicated state of a match: what the sets hold, quantised, and
// when each entity last changed. It belongs to the match's owner.
type World struct {
	tables []table
	tick   uint32 // of the last Diff

	records [encodings][]byte // elements of entities encoded this tick
	bodies  [encodings][]byte // bodies spliced this tick
	picks   []pick
	gone    []uint32

	blank basis  // holds nothing: what a new view builds on
	next  *basis // what a view that takes this tick's snapshot holds, if known
	spare []*basis
}

// NewWorld makes the replicated state of a match. Entities are looked at only in
// Diff.
func NewWorld(sets []Source) *World {
	w := &World{tables: make([]table, len(sets))}
	for i, s := range sets {
		w.tables[i] = newTable(s)
	}
	w.blank.refs = 1
	w.blank.ends = make([]int, len(sets))
	return w
}

// Diff quantises every entity, and stamps those that have changed with the tick.
// It starts the snapshots of the tick; ticks grow from 1.
func (w *World) Diff(tick uint32) {
	w.tick = tick
	for e := range encodings {
		w.records[e], w.bodies[e] = w.records[e][:0], w.bodies[e][:0]
	}
	for i := range w.tables {
		w.tables[i].diff(tick)
	}
	if w.next != nil {
		w.release(w.next)
		w.next = nil
	}
}
