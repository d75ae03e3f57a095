package snap

import (
	"math/bits"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// mine is what there is to tell a view of its own fields.
type mine struct {
	tell      bool
	set, slot int
	mask      uint32 // 0: there are none any more
}

// mine compares the own fields that a player holds with what there is, and notes
// in the view what it will hold.
func (w *World) mine(v *View, key bool) (m mine) {
	held := v.own
	if key {
		held = private{}
	}
	v.ownNext = private{}
	if v.Owner == 0 || int64(v.Owner) >= int64(len(w.owners)) {
		return mine{tell: held.gen != 0}
	}
	o := w.owners[v.Owner]
	if o.set < 0 {
		return mine{tell: held.gen != 0}
	}
	m.set, m.slot = int(o.set), int(o.slot)
	t := &w.tables[m.set]
	if t.live[m.slot/ChunkRows]>>(m.slot%ChunkRows)&1 == 0 || t.id[m.slot] != v.Owner {
		return mine{tell: held.gen != 0}
	}
	v.ownNext = private{gen: t.gen[m.slot], tick: w.tick, set: m.set}
	if held.gen != v.ownNext.gen {
		m.tell, m.mask = true, uint32(1)<<len(t.own)-1
		return m
	}
	if t.owned[m.slot] <= held.tick {
		return mine{}
	}
	for i := range t.own {
		if t.own[i].stamp[m.slot] > held.tick {
			m.mask |= 1 << i
		}
	}
	m.tell = m.mask != 0
	return m
}

// appendOwn appends the own section of the compact dialect.
func (w *World) appendOwn(dst []byte, m mine) []byte {
	dst = appendVarint(dst, uint32(m.set))
	dst = appendVarint(dst, m.mask)
	t := &w.tables[m.set]
	for mask := m.mask; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		dst = appendValue(dst, t.layout.Own[i].kind, t.own[i].ring[0][m.slot])
	}
	return dst
}

// appendOwnMsgpack appends [set, …all own fields], or [] if there are none.
func (w *World) appendOwnMsgpack(dst []byte, m mine) []byte {
	if m.mask == 0 {
		return append(dst, 0x90)
	}
	t := &w.tables[m.set]
	dst = msgp.AppendArrayHeader(dst, uint32(1+len(t.own)))
	dst = msgp.AppendUint32(dst, uint32(m.set))
	return appendMsgpackFields(dst, t.own, t.layout.Own, 0, uint32(m.slot))
}

func (w *World) appendOwnJSON(dst []byte, m mine) []byte {
	if m.mask == 0 {
		return append(dst, '[', ']')
	}
	t := &w.tables[m.set]
	dst = append(dst, '[')
	dst = strconv.AppendUint(dst, uint64(m.set), 10)
	dst = appendJSONFields(dst, t.own, t.layout.Own, 0, uint32(m.slot))
	return append(dst, ']')
}
