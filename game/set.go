package game

import (
	"iter"
	"reflect"
	"unsafe"

	"gameserver/game/snap"
)

// Set holds the entities of one kind. As an exported field of a game's struct
// it is replicated to the players. Rows are values of the author's type, at
// addresses that stay the same until the row is deleted.
//
// The zero Set is ready for use. A Set belongs to its match's owner and must not
// be copied.
type Set[T any] struct {
	rows  snap.Rows
	ids   *idTable
	index int16
	limit int
	hops  []uint32 // by slot, of Teleport: the number of births at the last one
}

// Add puts a new entity into the set and returns its ID, or 0 if the set is
// full.
func (s *Set[T]) Add(v T) ID {
	s.ready()
	if s.rows.Len() >= s.limit {
		return 0
	}
	id := s.ids.take(idEntity)
	if id != 0 {
		s.insert(id, v)
	}
	return id
}

// Put puts the entity of an ID that NewID or a Player gave into the set, or
// replaces its value if it is there already. It returns false if the set is
// full, the ID is not in use, or its entity is in another set.
func (s *Set[T]) Put(id ID, v T) bool {
	s.ready()
	e := s.ids.known(id)
	switch {
	case e == nil || e.set >= 0 && e.set != s.index:
		return false
	case e.set == s.index:
		*s.at(int(e.slot)) = v
		return true
	case s.rows.Len() >= s.limit:
		return false
	}
	s.insert(id, v)
	return true
}

// Mut returns the entity of an ID, to be read or changed in place, or nil if it
// is not in the set.
func (s *Set[T]) Mut(id ID) *T {
	slot := s.find(id)
	if slot < 0 {
		return nil
	}
	return s.at(slot)
}

// Del removes the entity of an ID and reports whether it was there.
func (s *Set[T]) Del(id ID) bool {
	slot := s.find(id)
	if slot < 0 {
		return false
	}
	s.rows.Remove(slot)
	s.ids.release(id)
	return true
}

// Len returns the number of entities.
func (s *Set[T]) Len() int { return s.rows.Len() }

// All yields the entities by ascending slot, the same way for the same history.
// Entities may be deleted meanwhile, the current one too; those added meanwhile
// are not visited.
func (s *Set[T]) All() iter.Seq2[ID, *T] {
	return func(yield func(ID, *T) bool) {
		last := s.born()
		for slot := s.rows.Next(0, last); slot >= 0; slot = s.rows.Next(slot+1, last) {
			if !yield(ID(s.rows.ID[slot]), s.at(slot)) {
				return
			}
		}
	}
}

func (s *Set[T]) insert(id ID, v T) {
	slot := s.rows.Reserve(s.limit)
	if s.rows.Base[slot/snap.ChunkRows] == nil {
		s.rows.Base[slot/snap.ChunkRows] = unsafe.Pointer(new([snap.ChunkRows]T))
	}
	s.rows.Insert(slot, uint32(id), s.ids.place(id, s.index, slot))
	*s.at(slot) = v
}

func (s *Set[T]) find(id ID) int {
	if s.ids == nil {
		return -1
	}
	e := s.ids.known(id)
	if e == nil || e.set != s.index {
		return -1
	}
	return int(e.slot)
}

func (s *Set[T]) at(slot int) *T {
	chunk := (*[snap.ChunkRows]T)(s.rows.Base[slot/snap.ChunkRows])
	return &chunk[slot%snap.ChunkRows]
}

func (s *Set[T]) born() uint32 {
	if s.ids == nil {
		return 0
	}
	return s.ids.born
}

// ready gives a set that is not part of a match an ID space of its own.
func (s *Set[T]) ready() {
	if s.ids == nil {
		s.bind(newIDTable(), 0, CapDefault)
	}
}

// replicated is a Set with its row type erased.
type replicated interface {
	rowType() reflect.Type
	bound() bool
	bind(ids *idTable, index int16, limit int) *snap.Rows
	hopped() []uint32
}

var _ replicated = (*Set[struct{}])(nil)

func (s *Set[T]) rowType() reflect.Type { return reflect.TypeFor[T]() }

func (s *Set[T]) bound() bool { return s.ids != nil }

func (s *Set[T]) bind(ids *idTable, index int16, limit int) *snap.Rows {
	s.ids, s.index, s.limit = ids, index, limit
	return &s.rows
}
