package game

// ID names a player or an entity of a match. Both share one space; the first is
// 1, and 0 names nothing. An ID is used again some time after its owner is gone.
type ID uint32

// idKind says who gave out an ID and so when it is free again.
type idKind uint8

const (
	idFree   idKind = iota
	idEntity        // by Add or NewID: free when the entity is deleted
	idPlayer        // by the match: never free
)

// idEntry is where the entity of an ID is.
type idEntry struct {
	slot  int32
	set   int16 // index of the set, -1: none
	kind  idKind
	freed uint32 // tick at which it became free
}

// idTable is the ID space of one match, shared by its sets. Freed IDs queue up
// and are used again in order, after a rest.
type idTable struct {
	entries []idEntry // by ID; the first is unused
	queue   []ID      // freed IDs, oldest at head
	head    int
	born    uint32 // counts entities ever created; the generation of the newest
	tick    uint32
}

func newIDTable() *idTable { return &idTable{entries: make([]idEntry, 1, 64)} }

// take gives out an ID that is not in use, or 0 if there is none.
func (t *idTable) take(kind idKind) ID {
	fresh := len(t.entries) <= IDMax
	if t.head < len(t.queue) {
		id := t.queue[t.head]
		if !fresh || t.tick-t.entries[id].freed >= idRestTicks {
			t.pop()
			t.entries[id] = idEntry{set: -1, kind: kind}
			return id
		}
	}
	if !fresh {
		return 0
	}
	t.entries = append(t.entries, idEntry{set: -1, kind: kind})
	return ID(len(t.entries) - 1)
}

// pop removes the head of the queue and now and then closes the gap it left.
func (t *idTable) pop() {
	t.head++
	if t.head*2 >= len(t.queue) {
		n := copy(t.queue, t.queue[t.head:])
		t.queue, t.head = t.queue[:n], 0
	}
}

// known returns the entry of an ID that is in use, or nil.
func (t *idTable) known(id ID) *idEntry {
	if id == 0 || int(id) >= len(t.entries) || t.entries[id].kind == idFree {
		return nil
	}
	return &t.entries[id]
}

// place records that the entity of an ID is now at a slot of a set, and returns
// its generation.
func (t *idTable) place(id ID, set int16, slot int) uint32 {
	e := &t.entries[id]
	e.set, e.slot = set, int32(slot)
	t.born++
	return t.born
}

// release records that the entity of an ID is gone.
func (t *idTable) release(id ID) {
	e := &t.entries[id]
	e.set = -1
	if e.kind == idEntity {
		e.kind, e.freed = idFree, t.tick
		t.queue = append(t.queue, id)
	}
}
