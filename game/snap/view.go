package snap

import "math/bits"

// View is what one player may see, and what that player holds: the entities of
// the last snapshot that the player's connection took. The zero View holds
// nothing and sees everything.
type View struct {
	// Sight says what may be seen; nil is everything.
	Sight *Sight
	// Priority weighs the entities of a view against each other when a budget
	// leaves some out: what has waited n ticks counts n times its weight, which
	// is above 0. Nil weighs all the same. It is called only then.
	Priority func(set, slot int) float32
	// Owner is the player's id. The own fields of the entity of that id are sent
	// to this view, whether the entity is visible or not.
	Owner uint32
	// Check asks for a checksum of what the player must hold, now and then. Only
	// the compact dialect has one.
	Check bool

	own     private    // what the player holds of the own fields
	ownNext private    // and will, if the snapshot of ownNext.tick is taken
	told    ring[loss] // removals, for a view of its own interests
	uniform uint32     // tick since which it sees everything in every snapshot, 0: it does not
	base    *basis     // what the player holds; nil: nothing
	next    *basis     // what they hold if the snapshot of tick next.tick is taken; only of own interests
}

// known is an entity that a player holds, or that waits for room in a budget.
type known struct {
	slot uint32
	gen  uint32 // which of the slot's rows
	id   uint32 // 0: it was not sent yet and waits since the tick sent
	sent uint32 // tick up to which the player has its changes, 0: what they have is not known
	last uint32 // tick of the last record that was sent of it
}

// basis is the contents of a View. Views that see everything and have the same
// history share one, and with it the body of every message built on it; a view
// of its own interests has its own. A basis that is shared does not change any
// more.
type basis struct {
	tick  uint32  // of the snapshot, 0: none
	known []known // by set, then by slot
	ends  []int   // per set, where its part of known ends
	refs  int
	own   bool      // belongs to one view
	waits bool      // something visible was never sent, for want of room
	gone  []removal // what the player holds besides and is to forget
	told  []removal // what the snapshot that led here made the player forget
	body  [encodings]body
}

// body says where the message that builds on a basis is in World.bodies.
type body struct {
	tick      uint32 // valid in this tick
	from, end int
	gone      bool // it begins with removals
}

// private is what a player holds of the own fields: those of which entity, up to
// which tick.
type private struct {
	gen, tick uint32 // gen 0: nothing
	set       int
}

// unknown is the generation of whatever a player may hold.
const unknown = ^uint32(0)

// loss is a removal that a player was sent.
type loss struct {
	removal
	tick uint32
}

func (l loss) when() uint32 { return l.tick }

func (b *basis) reset(tick uint32) {
	b.tick, b.refs, b.own, b.waits, b.body = tick, 1, false, false, [encodings]body{}
	b.known, b.ends, b.gone, b.told = b.known[:0], b.ends[:0], b.gone[:0], b.told[:0]
}

// Waits reports whether there is something that the player may see and was never
// sent, because the budget of the snapshot that was accepted last had no room.
func (v *View) Waits() bool { return v.base != nil && v.base.waits }

func (w *World) basis(v *View) *basis {
	if v.base == nil {
		return &w.blank
	}
	return v.base
}

// Accept records that the snapshot of this tick, as last appended for the view,
// is on its way to the player and cannot be lost.
func (w *World) Accept(v *View) {
	v.own = v.ownNext
	if v.next != nil && v.next.tick == w.tick {
		v.told.most = lossesMax
		if v.base == nil || v.uniform != 0 {
			v.told.reset(w.tick)
		}
		for _, r := range v.next.told {
			v.told.add(loss{r, w.tick})
		}
		w.drop(v)
		v.base, v.next, v.uniform = v.next, nil, 0
		return
	}
	if w.next == nil {
		w.next = w.everything()
	}
	w.next.refs++
	if v.base == nil || v.uniform == 0 {
		v.uniform = w.tick
	}
	w.drop(v)
	v.base = w.next
}

// drop lets go of what the view builds on.
func (w *World) drop(v *View) {
	if v.base != nil {
		w.release(v.base)
		v.base = nil
	}
}

// Forget empties the view: the player's next snapshot is a full one.
func (w *World) Forget(v *View) {
	w.drop(v)
	w.discard(v)
	v.own, v.uniform = private{}, 0
}

// discard forgets a snapshot that was not taken.
func (w *World) discard(v *View) {
	if v.next != nil {
		w.release(v.next)
		v.next = nil
	}
}

func (w *World) release(b *basis) {
	if b.refs--; b.refs == 0 {
		w.spare = append(w.spare, b)
	}
}

// fresh returns an empty basis.
func (w *World) fresh() *basis {
	var b *basis
	if n := len(w.spare); n > 0 {
		b, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		b = &basis{}
	}
	b.reset(w.tick)
	return b
}

// everything is the basis of a player who sees all entities and has just been
// sent what had changed.
func (w *World) everything() *basis {
	b := w.fresh()
	for i := range w.tables {
		t := &w.tables[i]
		for c, live := range t.live {
			for ; live != 0; live &= live - 1 {
				slot := c*ChunkRows + bits.TrailingZeros64(live)
				b.known = append(b.known, known{
					slot: uint32(slot), gen: t.gen[slot], id: t.id[slot], sent: w.tick, last: w.tick,
				})
			}
		}
		b.ends = append(b.ends, len(b.known))
	}
	return b
}
