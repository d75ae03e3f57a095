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

	base *basis // what the player holds; nil: nothing
	next *basis // what they hold if the snapshot of tick next.tick is taken; only of own interests
}

// known is an entity that a player holds, or that waits for room in a budget.
type known struct {
	slot uint32
	gen  uint32 // which of the slot's rows
	id   uint32 // 0: it was not sent yet and waits since the tick sent
	sent uint32 // tick up to which the player has its changes
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
	own   bool // belongs to one view
	body  [encodings]body
}

// body says where the message that builds on a basis is in World.bodies.
type body struct {
	tick      uint32 // valid in this tick
	from, end int
}

func (b *basis) reset(tick uint32) {
	b.tick, b.refs, b.own, b.body = tick, 1, false, [encodings]body{}
	b.known, b.ends = b.known[:0], b.ends[:0]
}

func (w *World) basis(v *View) *basis {
	if v.base == nil {
		return &w.blank
	}
	return v.base
}

// Accept records that the snapshot of this tick, as last appended for the view,
// is on its way to the player and cannot be lost.
func (w *World) Accept(v *View) {
	if v.next != nil && v.next.tick == w.tick {
		if v.base != nil {
			w.release(v.base)
		}
		v.base, v.next = v.next, nil
		return
	}
	if w.next == nil {
		w.next = w.everything()
	}
	w.next.refs++
	w.Forget(v)
	v.base = w.next
}

// Forget empties the view: the player's next snapshot is a full one.
func (w *World) Forget(v *View) {
	if v.base != nil {
		w.release(v.base)
		v.base = nil
	}
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
		for c, live := range t.rows.Live {
			for ; live != 0; live &= live - 1 {
				slot := c*ChunkRows + bits.TrailingZeros64(live)
				b.known = append(b.known, known{
					slot: uint32(slot), gen: t.gen[slot], id: t.rows.ID[slot], sent: w.tick,
				})
			}
		}
		b.ends = append(b.ends, len(b.known))
	}
	return b
}
