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
	before uint32 // of the one before
	number uint32 // of the snapshots of that tick

	records [encodings][]byte // entities encoded this tick
	bodies  [encodings][]byte // bodies spliced this tick
	scratch []byte            // a body that is not shared
	walk    walk

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
// It starts the snapshots of the tick; ticks grow from 1. number is that of the
// snapshot in the cadence of the match, which says which bands of a Sight are
// due. It is the same again when somebody is sent a snapshot between two ticks
// of the cadence.
func (w *World) Diff(tick, number uint32) {
	w.before, w.tick, w.number = w.tick, tick, number
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

// Column returns the quantised values of a field of a set, by slot, as of the
// last Diff. They are for reading, until the next Diff. Only those of slots in
// use mean anything.
func (w *World) Column(set, field int) []int32 { return w.tables[set].columns[field] }

// Live returns which slots of a set are in use, a bit each, 64 to a word.
func (w *World) Live(set int) []uint64 { return w.tables[set].rows.Live }
