package snap

import (
	"errors"
	"fmt"
	"slices"
)

// Errors of a snapshot that cannot be applied.
var (
	// ErrSnapshot is what every refusal of a Mirror wraps.
	ErrSnapshot = errors.New("snap: bad snapshot")
	// ErrBase means that the snapshot builds on a tick the Mirror is not at.
	ErrBase = fmt.Errorf("%w: it builds on another one", ErrSnapshot)
	// ErrChecksum means that the Mirror does not hold what the server says it
	// must hold.
	ErrChecksum = fmt.Errorf("%w: the checksum is another one", ErrSnapshot)
)

// Mirror is what a client holds: a table of entities, filled by the snapshots
// of either dialect. One goroutine uses it. What it is given may be anything:
// after an error it is empty and takes only a full snapshot.
type Mirror struct {
	schema Schema
	tick   uint32
	count  int
	sets   []held
	dense  []place          // by id, of those below denseMax
	sparse map[uint32]place // of the others
	own    ownHeld
}

// held holds the entities of one set, in no particular order.
type held struct {
	ids    []uint32
	values []int32 // as many as fields for each id
	fields []Field
	bools  uint32 // mask of the boolean fields
	most   int
}

// ownHeld is the private state of the client's own entity.
type ownHeld struct {
	set    int // -1: none
	values []int32
}

// place is where an entity is; the zero place is nowhere.
type place struct{ set, next int32 } // row plus one

// denseMax bounds the ids that are looked up in a table.
const denseMax = 1 << 16

// NewMirror returns an empty Mirror.
func NewMirror(s Schema) *Mirror {
	m := &Mirror{schema: s, sets: make([]held, len(s.Sets)), sparse: map[uint32]place{}, own: ownHeld{set: -1}}
	for i, set := range s.Sets {
		t := &m.sets[i]
		t.fields, t.most = set.Fields, set.Cap
		if t.most == 0 {
			t.most = EntitiesMax
		}
		for j, f := range set.Fields {
			if f.Kind == KindBool {
				t.bools |= 1 << j
			}
		}
	}
	return m
}

// Schema returns what the values mean.
func (m *Mirror) Schema() Schema { return m.schema }

// Tick returns the tick of the last snapshot, 0 before the first.
func (m *Mirror) Tick() uint32 { return m.tick }

// Len returns the number of entities in all sets.
func (m *Mirror) Len() int { return m.count }

// Count returns the number of entities in a set.
func (m *Mirror) Count(set int) int {
	if set < 0 || set >= len(m.sets) {
		return 0
	}
	return len(m.sets[set].ids)
}

// At returns an entity of a set by its row, from 0 to Count-1. The order of
// rows changes when entities go. The values are quantised, in the order of the
// schema, and live until the next snapshot.
func (m *Mirror) At(set, row int) (id uint32, values []int32) {
	t := &m.sets[set]
	n := len(t.fields)
	return t.ids[row], t.values[row*n : row*n+n : row*n+n]
}

// Entity returns the entity with that id.
func (m *Mirror) Entity(id uint32) (set int, values []int32, ok bool) {
	p := m.find(id)
	if p.next == 0 {
		return 0, nil, false
	}
	_, values = m.At(int(p.set), int(p.next-1))
	return int(p.set), values, true
}

// Own returns the own fields of the client's entity, and the set it is in.
func (m *Mirror) Own() (set int, values []int32, ok bool) {
	if m.own.set < 0 {
		return 0, nil, false
	}
	return m.own.set, m.own.values, true
}

// SetNamed returns the number of a set, -1 if there is none of that name.
func (m *Mirror) SetNamed(name string) int {
	return slices.IndexFunc(m.schema.Sets, func(s Set) bool { return s.Name == name })
}

// FieldNamed returns the number of a field of a set, -1 if there is none.
func (m *Mirror) FieldNamed(set int, name string) int {
	if set < 0 || set >= len(m.schema.Sets) {
		return -1
	}
	return slices.IndexFunc(m.schema.Sets[set].Fields, func(f Field) bool { return f.Name == name })
}

// Value converts a quantised value of a field to its natural one.
func (m *Mirror) Value(set, field int, q int32) float64 {
	return m.schema.Sets[set].Fields[field].Value(q)
}

// Checksum returns the checksum of what the Mirror holds, as the server makes
// it: docs/PROTOCOL.md says how.
func (m *Mirror) Checksum() (sum uint32) {
	for i := range m.sets {
		for row, id := range m.sets[i].ids {
			_, values := m.At(i, row)
			sum += hashOf(id, i, values)
		}
	}
	if m.own.set >= 0 {
		sum += hashOf(0, m.own.set, m.own.values)
	}
	return sum
}

func hashOf(id uint32, set int, values []int32) uint32 {
	h := mix(mix(hashBasis, id), uint32(set))
	for _, v := range values {
		h = mix(h, uint32(v))
	}
	return finish(h)
}

// Clear forgets everything and keeps the memory.
func (m *Mirror) Clear() {
	m.tick, m.count, m.own.set = 0, 0, -1
	clear(m.sparse)
	for i := range m.sets {
		t := &m.sets[i]
		for _, id := range t.ids {
			if id < uint32(len(m.dense)) {
				m.dense[id] = place{}
			}
		}
		t.ids, t.values = t.ids[:0], t.values[:0]
	}
}

func (m *Mirror) find(id uint32) place {
	if id < uint32(len(m.dense)) {
		return m.dense[id]
	}
	if id < denseMax {
		return place{}
	}
	return m.sparse[id]
}

func (m *Mirror) set(id uint32, p place) {
	switch {
	case id >= denseMax && p.next == 0:
		delete(m.sparse, id)
	case id >= denseMax:
		m.sparse[id] = p
	default:
		if id >= uint32(len(m.dense)) {
			n := max(64, len(m.dense))
			for n <= int(id) {
				n *= 2
			}
			m.dense = append(m.dense, make([]place, n-len(m.dense))...)
		}
		m.dense[id] = p
	}
}

// put returns the values of an entity, which it makes if need be.
func (m *Mirror) put(id uint32, set int) ([]int32, error) {
	p := m.find(id)
	if p.next != 0 && int(p.set) != set {
		m.remove(id) // the id is used again for something else
		p.next = 0
	}
	if p.next != 0 {
		_, values := m.At(set, int(p.next-1))
		return values, nil
	}
	t := &m.sets[set]
	if len(t.ids) >= t.most || m.count >= EntitiesMax {
		return nil, fmt.Errorf("%w: more than %d entities", ErrSnapshot, min(t.most, EntitiesMax))
	}
	m.count++
	row := len(t.ids)
	t.ids = append(t.ids, id)
	t.values = slices.Grow(t.values, len(t.fields))[:len(t.values)+len(t.fields)]
	m.set(id, place{int32(set), int32(row + 1)})
	_, values := m.At(set, row)
	return values, nil
}

// remove forgets an entity, if it is held. The last one of its set takes its
// row.
func (m *Mirror) remove(id uint32) {
	p := m.find(id)
	if p.next == 0 {
		return
	}
	m.set(id, place{})
	m.count--
	t := &m.sets[p.set]
	n, row, last := len(t.fields), int(p.next-1), len(t.ids)-1
	if row != last {
		t.ids[row] = t.ids[last]
		copy(t.values[row*n:row*n+n], t.values[last*n:])
		m.set(t.ids[row], p)
	}
	t.ids, t.values = t.ids[:last], t.values[:last*n]
}

// setOwn makes room for the own fields of a set, or keeps them.
func (m *Mirror) setOwn(set int) {
	n := len(m.schema.Sets[set].Own)
	m.own.set, m.own.values = set, slices.Grow(m.own.values[:0], n)[:n]
}
