package client

import (
	"errors"
	"fmt"
	"slices"

	"gameserver/game/snap"
)

// Errors of a snapshot that cannot be applied.
var (
	// ErrSnapshot is what every refusal of World.Apply wraps.
	ErrSnapshot = errors.New("server/client: bad snapshot")
	// ErrBase means that the snapshot builds on a tick the World is not at.
	ErrBase = fmt.Errorf("%w: it builds on another one", ErrSnapshot)
)

// World is a table of entities, filled by snapshots. One goroutine uses it.
type World struct {
	schema snap.Schema
	tick   uint32
	sets   []table
	index  map[uint32]place
}

// table holds the entities of one set, in no particular order.
type table struct {
	ids    []uint32
	values []int32 // len(fields) for each id
	fields int
}

// place is where an entity is.
type place struct{ set, row int32 }

// NewWorld returns an empty World.
func NewWorld(s snap.Schema) *World {
	w := &World{schema: s, sets: make([]table, len(s.Sets)), index: map[uint32]place{}}
	for i, set := range s.Sets {
		w.sets[i].fields = len(set.Fields)
	}
	return w
}

// Schema returns what the values mean.
func (w *World) Schema() snap.Schema { return w.schema }

// Tick returns the tick of the last snapshot, 0 before the first.
func (w *World) Tick() uint32 { return w.tick }

// Len returns the number of entities in all sets.
func (w *World) Len() int { return len(w.index) }

// Count returns the number of entities in a set.
func (w *World) Count(set int) int {
	if set < 0 || set >= len(w.sets) {
		return 0
	}
	return len(w.sets[set].ids)
}

// At returns an entity of a set by its row, from 0 to Count-1. The order of
// rows changes when entities go. The values are quantised, in the order of the
// schema, and live until the next snapshot.
func (w *World) At(set, row int) (id uint32, values []int32) {
	t := &w.sets[set]
	n := t.fields
	return t.ids[row], t.values[row*n : row*n+n : row*n+n]
}

// Entity returns the entity with that id.
func (w *World) Entity(id uint32) (set int, values []int32, ok bool) {
	p, ok := w.index[id]
	if !ok {
		return 0, nil, false
	}
	_, values = w.At(int(p.set), int(p.row))
	return int(p.set), values, true
}

// SetNamed returns the number of a set, -1 if there is none of that name.
func (w *World) SetNamed(name string) int {
	return slices.IndexFunc(w.schema.Sets, func(s snap.Set) bool { return s.Name == name })
}

// FieldNamed returns the number of a field of a set, -1 if there is none.
func (w *World) FieldNamed(set int, name string) int {
	if set < 0 || set >= len(w.schema.Sets) {
		return -1
	}
	return slices.IndexFunc(w.schema.Sets[set].Fields, func(f snap.Field) bool { return f.Name == name })
}

// Value converts a quantised value of a field to its natural one.
func (w *World) Value(set, field int, q int32) float64 {
	return w.schema.Sets[set].Fields[field].Value(q)
}

// clear forgets every entity and keeps the memory.
func (w *World) clear() {
	w.tick = 0
	clear(w.index)
	for i := range w.sets {
		t := &w.sets[i]
		t.ids, t.values = t.ids[:0], t.values[:0]
	}
}

// put returns the values of an entity, which it makes if need be.
func (w *World) put(id uint32, set int) ([]int32, error) {
	p, ok := w.index[id]
	if ok && int(p.set) != set {
		w.remove(id) // the id is used again for something else
		ok = false
	}
	if ok {
		_, values := w.At(set, int(p.row))
		return values, nil
	}
	if len(w.index) >= entitiesMax {
		return nil, fmt.Errorf("%w: more than %d entities", ErrSnapshot, entitiesMax)
	}
	t := &w.sets[set]
	row := len(t.ids)
	t.ids = append(t.ids, id)
	t.values = slices.Grow(t.values, t.fields)[:len(t.values)+t.fields]
	w.index[id] = place{set: int32(set), row: int32(row)} //nolint:gosec // bounded by SetsMax and entitiesMax
	_, values := w.At(set, row)
	return values, nil
}

// remove forgets an entity. The last one of its set takes its row.
func (w *World) remove(id uint32) {
	p, ok := w.index[id]
	if !ok {
		return
	}
	delete(w.index, id)
	t := &w.sets[p.set]
	n, row, last := t.fields, int(p.row), len(t.ids)-1
	if row != last {
		t.ids[row] = t.ids[last]
		copy(t.values[row*n:row*n+n], t.values[last*n:])
		w.index[t.ids[row]] = p
	}
	t.ids, t.values = t.ids[:last], t.values[:last*n]
}
