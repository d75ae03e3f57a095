package snap

import (
	"cmp"
	"math/bits"
	"slices"
)

// pick is an entity that is to be sent if the budget has room.
type pick struct {
	score     float32
	set, slot uint32
	at        uint32 // in walk.next.known
	from, end uint32 // of its record in World.others
}

// collectSet is walkSet for a view with a budget: it lists what there is to send
// and leaves everything as unsent.
func (w *World) collectSet(set int, held []known, s *SetSight) {
	t, k := &w.tables[set], &w.walk
	for c, live := range t.live {
		seen, due := s.words(c, k.number)
		for seen &= live; seen != 0; seen &= seen - 1 {
			slot := uint32(c*ChunkRows + bits.TrailingZeros64(seen))
			held = k.loseBefore(t, slot, held)
			e := known{slot: slot, gen: t.gen[slot], sent: w.tick}
			if len(held) > 0 && held[0].slot == slot {
				if old := held[0]; old.gen != e.gen {
					k.lose(t, old)
				} else {
					e = old
				}
				held = held[1:]
			}
			switch {
			case e.id == 0 || e.sent == 0:
				k.pick(w, set, e, 0)
			case t.changed[slot] <= e.sent:
				e.sent = w.tick
			case due&(1<<(slot%ChunkRows)) != 0:
				k.pick(w, set, e, e.sent)
			default:
				k.stale = true
			}
			k.next.known = append(k.next.known, e)
		}
	}
	k.loseBefore(t, ^uint32(0), held)
}

// pick lists an entity, the next one of the list.
func (k *walk) pick(w *World, set int, e known, sent uint32) {
	from, end := w.locate(set, e.slot, sent, k.enc)
	k.picks = append(k.picks, pick{
		score: float32(w.tick - e.sent + 1), set: uint32(set), slot: e.slot,
		at: uint32(len(k.next.known)), from: from, end: end,
	})
}

// choose sends of what was collected as much as the budget has room for: all,
// or what weighs most by weight and time of waiting. The first one goes whatever
// its size, so that nothing can wait for ever. What is left out keeps the tick
// it was sent last, and weighs more next time.
func (w *World) choose(v *View, budget int) {
	k := &w.walk
	total := 0
	for i := range k.picks {
		total += int(k.picks[i].end - k.picks[i].from)
	}
	if total > budget {
		if v.Priority != nil {
			for i := range k.picks {
				p := &k.picks[i]
				p.score *= v.Priority(int(p.set), int(p.slot))
			}
		}
		slices.SortFunc(k.picks, func(a, b pick) int {
			return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.at, b.at))
		})
	}
	for _, p := range k.picks {
		size := int(p.end - p.from)
		if size > budget && k.count > 0 {
			k.stale = true
			k.next.waits = k.next.waits || k.next.known[p.at].id == 0
			continue
		}
		budget -= size
		k.add(w.others[k.enc], p.from, p.end)
		e := &k.next.known[p.at]
		e.sent, e.last, e.id = w.tick, w.tick, w.tables[p.set].id[p.slot]
	}
}
