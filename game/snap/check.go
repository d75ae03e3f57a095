package snap

// sum is a checksum that is asked for more than once in a tick.
type sum struct{ tick, value uint32 }

// mix takes one number into a hash.
func mix(h, v uint32) uint32 { return (h ^ v) * 0x01000193 }

// finish spreads every bit of a hash over all of it.
func finish(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

const hashBasis = 0x811c9dc5

// checksum returns the checksum of what the view's player holds after the
// snapshot of this tick, if it is to have one. It never has one while something
// visible is older than that at the player's.
func (w *World) checksum(v *View, b *basis) (value uint32, ok bool) {
	if !v.Check || b.tick != 0 && w.number%checkEvery != 0 {
		return 0, false
	}
	if v.next != nil {
		if w.walk.stale {
			return 0, false
		}
		from := 0
		for i, end := range v.next.ends {
			for _, e := range v.next.known[from:end] {
				value += w.tables[i].hash(w.now, i, int(e.slot))
			}
			from = end
		}
	} else {
		if w.sum.tick != w.tick {
			w.sum = sum{w.tick, w.total()}
		}
		value = w.sum.value
	}
	if own := v.ownNext; own.gen != 0 {
		t, slot := &w.tables[own.set], int(w.owners[v.Owner].slot)
		h := mix(mix(hashBasis, 0), uint32(own.set))
		for i := range t.own {
			h = mix(h, uint32(t.own[i].ring[0][slot]))
		}
		value += finish(h)
	}
	return value, true
}

// total is the checksum of everything.
func (w *World) total() (value uint32) {
	for i := range w.tables {
		t := &w.tables[i]
		for slot := t.rows.Next(0, ^uint32(0)); slot >= 0; slot = t.rows.Next(slot+1, ^uint32(0)) {
			value += t.hash(w.now, i, slot)
		}
	}
	return value
}

// hash is the part of one entity in a checksum.
func (t *table) hash(row, set, slot int) uint32 {
	h := mix(mix(hashBasis, t.id[slot]), uint32(set))
	for i := range t.columns {
		h = mix(h, uint32(t.columns[i].ring[row][slot]))
	}
	return finish(h)
}
