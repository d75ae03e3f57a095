package snap

import "math/bits"

// View is what one player holds: the entities of the last snapshot that the
// player's connection took. The zero View holds nothing.
type View struct{ base *basis }

// known is an entity that a player holds.
type known struct {
	slot     uint32
	gen      uint32 // which of the slot's rows
	id       uint32
	lastSent uint32 // tick up to which its changes were sent
}

// basis is the contents of a View. Views with the same history share one, and
// with it the body of every message built on it; a view of its own interests is
// to have its own. A basis that is shared does not change any more.
type basis struct {
	tick  uint32  // of the snapshot, 0: none
	known []known // by set, then by slot
	ends  []int   // per set, where its part of known ends
	refs  int
	body  [encodings]body
}

// body says where the message that builds on a basis is in World.bodies.
type body struct {
	tick      uint32 // valid in this tick
	from, end int
}

// pick is an entity that goes into a message.
type pick struct{ set, slot uint32 }

func (w *World) basis(v *View) *basis {
	if v.base == nil {
		return &w.blank
	}
	return v.base
}

// Accept records that the snapshot of this tick, as last appended for the view,
// is on its way to the player and cannot be lost.
func (w *World) Accept(v *View) {
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
}

func (w *World) release(b *basis) {
	if b.refs--; b.refs == 0 {
		w.spare = append(w.spare, b)
	}
}

// everything is the basis of a player who sees all entities and has just been
// sent what had changed.
func (w *World) everything() *basis {
	var b *basis
	if n := len(w.spare); n > 0 {
		b, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		b = &basis{}
	}
	b.tick, b.refs, b.body = w.tick, 1, [encodings]body{}
	b.known, b.ends = b.known[:0], b.ends[:0]
	for i := range w.tables {
		t := &w.tables[i]
		for c, live := range t.rows.Live {
			for ; live != 0; live &= live - 1 {
				slot := c*ChunkRows + bits.TrailingZeros64(live)
				b.known = append(b.known, known{
					slot: uint32(slot), gen: t.gen[slot], id: t.rows.ID[slot], lastSent: w.tick,
				})
			}
		}
		b.ends = append(b.ends, len(b.known))
	}
	return b
}

// compare lists what a holder of b has to be told: entities to be sent in full,
// and ids to be forgotten.
func (w *World) compare(b *basis) {
	w.picks, w.gone = w.picks[:0], w.gone[:0]
	from := 0
	for i := range w.tables {
		w.compareSet(uint32(i), b.known[from:b.ends[i]])
		from = b.ends[i]
	}
}

// compareSet walks the live rows of a set and what is known of it side by side.
func (w *World) compareSet(set uint32, held []known) {
	t := &w.tables[set]
	for c, live := range t.rows.Live {
		for ; live != 0; live &= live - 1 {
			slot := uint32(c*ChunkRows + bits.TrailingZeros64(live))
			held = w.forgetBefore(slot, held)
			if len(held) > 0 && held[0].slot == slot {
				k := held[0]
				held = held[1:]
				if k.gen == t.gen[slot] {
					if t.changed[slot] > k.lastSent {
						w.picks = append(w.picks, pick{set, slot})
					}
					continue
				}
				w.gone = append(w.gone, k.id)
			}
			w.picks = append(w.picks, pick{set, slot})
		}
	}
	w.forgetBefore(^uint32(0), held)
}

// forgetBefore lists what was held in slots before a given one as gone, and
// returns the rest.
func (w *World) forgetBefore(slot uint32, held []known) []known {
	for len(held) > 0 && held[0].slot < slot {
		w.gone = append(w.gone, held[0].id)
		held = held[1:]
	}
	return held
}
