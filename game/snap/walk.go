package snap

import "math/bits"

// walk is one comparison of what a player holds with what there is.
type walk struct {
	enc    Encoding
	number uint32
	next   *basis    // collects what the player will hold, if not nil
	out    []byte    // the records, one after the other, and slack
	count  int       // how many there are
	gone   []removal // what is to be forgotten
	missed bool      // the player was not sent all that a Sight showed
	picks  []pick    // with a budget: what there is to send
	stale  bool      // something visible was not sent as it is now
	refs   []ref     // where the records of a set are, for who has its changes up to the tick of
	of     uint32
}

// removal is an entity to be forgotten.
type removal struct {
	id  uint32
	why byte
}

// Why an entity is to be forgotten.
const (
	whyHidden    = 0 // it left the view
	whyDestroyed = 1 // it is no more
)

// compare lists what a holder of b has to be told: the records of entities, and
// ids to be forgotten. v is nil for a view that sees everything without a
// budget; budget is as in Head.
func (w *World) compare(b *basis, v *View, e Encoding, budget int) {
	k := &w.walk
	k.enc, k.number, k.next = e, w.number, nil
	k.out, k.count, k.picks, k.stale = k.out[:0], 0, k.picks[:0], false
	k.gone = append(k.gone[:0], b.gone...)
	var sight *Sight
	k.missed = false
	if v != nil {
		sight, k.next = v.Sight, v.next
		k.missed = sight != nil && b.tick != w.before
	}
	from := 0
	for i := range w.tables {
		held := b.known[from:b.ends[i]]
		from = b.ends[i]
		if budget > 0 {
			w.collectSet(i, held, sight.set(i))
		} else {
			w.walkSet(i, held, sight.set(i))
		}
		if k.next != nil {
			k.next.ends = append(k.next.ends, len(k.next.known))
		}
	}
	if budget > 0 {
		w.choose(v, budget)
	}
	if k.next != nil {
		k.next.told = append(k.next.told[:0], k.gone...)
	}
}

// walkSet walks the visible rows of a set and what is known of it side by side.
func (w *World) walkSet(set int, held []known, s *SetSight) {
	t, k := &w.tables[set], &w.walk
	k.of = unknown
	for c, live := range t.live {
		seen, due := s.words(c, k.number)
		if seen &= live; seen != 0 {
			held = w.walkChunk(set, c, seen, due, held)
		}
	}
	k.loseBefore(t, ^uint32(0), held)
}

// walkChunk is walkSet for one chunk, and returns what is known of those after
// it. It is the innermost loop of a tick: what is held already, and records that
// are there already, are found without a call.
func (w *World) walkChunk(set, c int, seen, due uint64, held []known) []known {
	t, k, tick := &w.tables[set], &w.walk, w.tick
	of, refs, records := k.of, k.refs, w.others[k.enc]
	for ; seen != 0; seen &= seen - 1 {
		i := bits.TrailingZeros64(seen)
		slot := uint32(c*ChunkRows + i)
		e := known{slot: slot, gen: t.gen[slot], id: t.id[slot], sent: tick, last: tick}
		var since uint32
		if len(held) > 0 && held[0].slot == slot && held[0].gen == e.gen && held[0].id != 0 {
			since, e.last = held[0].sent, held[0].last
			held = held[1:]
		} else {
			held, since, e.last = k.meet(t, held, slot, e.gen)
		}
		switch {
		case since != 0 && t.changed[slot] <= since:
		case since == 0 || due>>(i&63)&1 != 0:
			if since != of {
				of, refs = since, w.refs(t, since, k.enc)
			}
			if int(slot) < len(refs) && refs[slot].tick == tick {
				k.add(records, refs[slot].from, refs[slot].end)
			} else {
				from, end := w.locate(set, slot, since, k.enc)
				records = w.others[k.enc]
				k.add(records, from, end)
			}
			e.last = tick
		default:
			e.sent, k.stale = since, true
		}
		if k.next != nil {
			k.next.known = append(k.next.known, e)
		}
	}
	k.of, k.refs = of, refs
	return held
}

// meet passes over what is known of slots up to one. If the entity that is there
// now is among it, it returns the tick up to which the player has its changes, and
// that of the last record.
func (k *walk) meet(t *table, held []known, slot, gen uint32) (rest []known, since, last uint32) {
	held = k.loseBefore(t, slot, held)
	if len(held) == 0 || held[0].slot != slot {
		return held, 0, 0
	}
	if old := held[0]; old.gen == gen && old.id != 0 {
		since, last = old.sent, old.last
	} else {
		k.lose(t, old)
	}
	return held[1:], since, last
}

// loseBefore lists what was held in slots before a given one as gone, and
// returns the rest.
func (k *walk) loseBefore(t *table, slot uint32, held []known) []known {
	for len(held) > 0 && held[0].slot < slot {
		k.lose(t, held[0])
		held = held[1:]
	}
	return held
}

// lose lists an entity as gone, unless the player never held it. Of one that has
// ended since a snapshot that the player was not sent, nobody knows whether it
// was still in view by then: no more is said than that it left.
func (k *walk) lose(t *table, old known) {
	switch {
	case old.id == 0:
	case k.missed || t.holds(old):
		k.gone = append(k.gone, removal{old.id, whyHidden})
	default:
		k.gone = append(k.gone, removal{old.id, whyDestroyed})
	}
}

// holds reports whether an entity is still there.
func (t *table) holds(e known) bool {
	return t.live[e.slot/ChunkRows]>>(e.slot%ChunkRows)&1 != 0 && t.gen[e.slot] == e.gen
}

// add appends a record. Short ones, which most are, are copied as one piece,
// the bytes behind them included.
func (k *walk) add(records []byte, from, end uint32) {
	n := end - from
	k.count++
	at := len(k.out)
	if n > slack || at+slack > cap(k.out) {
		k.out = append(append(k.out, records[from:end]...), make([]byte, slack)...)[:at+int(n)]
		return
	}
	*(*[slack]byte)(k.out[at : at+slack]) = *(*[slack]byte)(records[from : from+slack])
	k.out = k.out[:at+int(n)]
}
