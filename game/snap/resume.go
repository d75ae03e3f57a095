package snap

import "math/bits"

// Resume brings a view back to the snapshot of a tick, the last that a player
// who has lost the connection got: the next snapshot builds on that one. It
// reports false, and the view is empty, if what has left the view since is not
// known any more, or that tick is not one at which the view can have been.
//
// A view that sees everything was exact at that tick, so the player's entities
// are those that were there, with every change since to come. In a view of its
// own interests, what was sent after that tick is not known to have arrived, nor
// what the player had of it before: it is sent in full.
func (w *World) Resume(v *View, tick uint32) bool {
	w.discard(v)
	b := v.base
	switch {
	case tick == 0 || b == nil || tick > b.tick:
	case tick == b.tick && b.own:
		v.own = private{gen: unknown}
		return true
	case b.own:
		if tick >= v.told.floor {
			w.rewindOwn(v, tick)
			return true
		}
	case tick >= v.uniform && tick >= w.deaths.floor:
		w.rewind(v, tick)
		return true
	}
	w.Forget(v)
	return false
}

// rewindOwn leaves in a view of its own interests what was sent by a tick, and
// the rest as something that may be there but is not known.
func (w *World) rewindOwn(v *View, tick uint32) {
	b := v.base
	from, kept := 0, 0
	for i, end := range b.ends {
		for _, e := range b.known[from:end] {
			if e.id == 0 {
				continue
			}
			if e.last > tick {
				e.sent = 0 // it may be there or not, and be anything
			}
			b.known[kept] = e
			kept++
		}
		from, b.ends[i] = end, kept
	}
	b.known, b.tick = b.known[:kept], tick
	v.told.after(tick, func(l loss) { b.gone = append(b.gone, l.removal) })
	v.own = private{gen: unknown}
}

// rewind gives a view that sees everything a basis of its own: what was there at
// a tick, by what was there at the last Diff and what has gone since.
func (w *World) rewind(v *View, tick uint32) {
	b := w.fresh()
	b.tick, b.own = tick, true
	for i := range w.tables {
		t := &w.tables[i]
		for c, live := range t.live {
			for ; live != 0; live &= live - 1 {
				if slot := c*ChunkRows + bits.TrailingZeros64(live); t.born[slot] <= tick {
					b.known = append(b.known, known{
						slot: uint32(slot), gen: t.gen[slot], id: t.id[slot], sent: tick, last: tick,
					})
				}
			}
		}
		b.ends = append(b.ends, len(b.known))
	}
	w.deaths.after(tick, func(d death) {
		if d.born <= tick {
			b.gone = append(b.gone, removal{d.id, whyDestroyed})
		}
	})
	w.drop(v)
	v.base, v.uniform, v.own = b, 0, private{gen: unknown}
}
