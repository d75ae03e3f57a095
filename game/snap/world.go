package snap

// Encoding is how snapshots are written.
type Encoding uint8

// The encodings: two of the plain dialect, and the compact one.
const (
	JSON Encoding = iota
	Msgpack
	Compact // a msgpack bin of records, see docs/PROTOCOL.md
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
// when each field of each entity last changed. It belongs to the match's owner.
type World struct {
	tables  []table
	tick    uint32            // of the last Diff
	before  uint32            // of the one before
	number  uint32            // of the snapshots of that tick
	between bool              // the last Diff was between two of the cadence
	now     int               // row of the rings that has the values of that tick
	times   [ringLen]uint32   // ticks of the rows
	asked   uint32            // the last question to age, 0: none
	answer  int               // and the answer
	owners  []owner           // by id: entities with own fields
	deaths  ring[death]       // of entities
	others  [encodings][]byte // entities encoded this tick
	bodies  [encodings][]byte // bodies spliced this tick

	partials []partial
	prefix   []byte // the part of a message before the body
	scratch  []byte // a body that is not shared
	walk     walk
	sum      sum // of everything
	encodes  int // how many records were made, for tests

	blank basis  // holds nothing: what a new view builds on
	next  *basis // what a view that takes this tick's snapshot holds, if known
	spare []*basis
}

// owner is where the entity of an id was born last.
type owner struct{ set, slot int32 }

// death is an entity that is no more.
type death struct{ tick, born, id uint32 }

func (d death) when() uint32 { return d.tick }

// NewWorld makes the replicated state of a match. Entities are looked at only in
// Diff.
func NewWorld(sets []Source) *World {
	w := &World{tables: make([]table, len(sets))}
	for i, s := range sets {
		w.tables[i] = newTable(s)
	}
	w.deaths.most = deathsMax
	w.blank.refs = 1
	w.blank.ends = make([]int, len(sets))
	return w
}

// Diff quantises every entity, and stamps those that have changed with the tick.
// It starts the snapshots of the tick; ticks grow from 1. number is that of the
// snapshot in the cadence of the match, which says which bands of a Sight are
// due. It is the same again when somebody is sent a snapshot between two ticks
// of the cadence; the values of such a tick are not kept beyond the next one.
func (w *World) Diff(tick, number uint32) {
	last := w.now
	if !w.between {
		w.now = (w.now + 1) % ringLen
	}
	w.between = number == w.number && w.tick != 0
	w.before, w.tick, w.number, w.times[w.now] = w.tick, tick, number, tick
	w.asked = 0
	for e := range encodings {
		w.others[e], w.bodies[e] = w.others[e][:0], w.bodies[e][:0]
	}
	w.partials = w.partials[:0]
	for i := range w.tables {
		w.diff(i, last, w.now)
	}
	if w.next != nil {
		w.release(w.next)
		w.next = nil
	}
}

// own notes where the entity of a player is born.
func (w *World) own(id uint32, set, slot int) {
	for len(w.owners) <= int(id) {
		w.owners = append(w.owners, owner{set: -1})
	}
	w.owners[id] = owner{int32(set), int32(slot)}
}

// Column returns the quantised values of a field of a set, by slot, as of the
// last Diff. They are for reading, until the next Diff. Only those of slots in
// use mean anything.
func (w *World) Column(set, field int) []int32 { return w.tables[set].columns[field].ring[w.now] }

// Live returns which slots of a set are in use, a bit each, 64 to a word.
func (w *World) Live(set int) []uint64 { return w.tables[set].rows.Live }

// ring keeps the newest of what has a tick.
type ring[T interface{ when() uint32 }] struct {
	list  []T
	at    int // the oldest, once the list is full
	most  int
	floor uint32 // all that is newer is there
}

func (r *ring[T]) add(v T) {
	if len(r.list) < r.most {
		r.list = append(r.list, v)
		return
	}
	r.floor = max(r.floor, r.list[r.at].when())
	r.list[r.at] = v
	r.at = (r.at + 1) % r.most
}

// after calls yield for what is newer than a tick, oldest first.
func (r *ring[T]) after(tick uint32, yield func(T)) {
	for i := range r.list {
		if v := r.list[(r.at+i)%len(r.list)]; v.when() > tick {
			yield(v)
		}
	}
}

func (r *ring[T]) reset(floor uint32) { r.list, r.at, r.floor = r.list[:0], 0, floor }
