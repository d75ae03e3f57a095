package snap

import (
	"math/bits"
	"slices"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// The kinds of compact records, as the low bits of what follows the id.
const (
	recordDelta = 0 // differences, mask in the higher bits
	recordSome  = 1 // absolute values, mask in the higher bits
	recordFull  = 1 // the whole varint: set and all fields
)

// slack is how many bytes may be written behind a record, so that short ones are
// copied in one piece.
const slack = 16

// refs returns where the records of a set are for players who have its changes up
// to a tick; 0 is those who do not hold them. It is nil if that depends on the
// entity.
func (w *World) refs(t *table, sent uint32, e Encoding) []ref {
	if e != Compact || sent == 0 {
		return t.full[e]
	}
	if age := w.age(sent); age >= 0 {
		return t.delta[age]
	}
	return nil
}

// locate returns where in World.others the record of an entity is, for a player
// who has its changes up to a tick; 0 is one who does not hold it. A record is
// made the first time it is asked for in a tick. It may be empty.
func (w *World) locate(set int, slot, sent uint32, e Encoding) (from, end uint32) {
	t := &w.tables[set]
	refs := w.refs(t, sent, e)
	if refs == nil {
		return w.partial(t, slot, sent)
	}
	r := &refs[slot]
	if r.tick == w.tick {
		return r.from, r.end
	}
	w.begin(r, e)
	switch {
	case e == JSON:
		w.others[e] = w.appendJSON(w.others[e], set, slot)
	case e == Msgpack:
		w.others[e] = w.appendMsgpack(w.others[e], set, slot)
	case sent == 0:
		w.others[e] = w.appendFull(w.others[e], set, slot)
	default:
		w.others[e] = w.appendDelta(w.others[e], t, slot, w.age(sent))
	}
	w.end(r, e)
	return r.from, r.end
}

// age returns the row of the rings that has the values of a tick, -1 if none
// has. Most of those who ask in a tick ask for the same one.
func (w *World) age(tick uint32) int {
	if w.asked == tick {
		return w.answer
	}
	w.asked, w.answer = tick, -1
	for i, t := range w.times {
		if t == tick {
			w.answer = i
		}
	}
	return w.answer
}

func (w *World) begin(r *ref, e Encoding) {
	r.tick, r.from = w.tick, uint32(len(w.others[e]))
	w.encodes++
}

// end also sees to it that there is slack behind the record.
func (w *World) end(r *ref, e Encoding) {
	b := w.others[e]
	r.end = uint32(len(b))
	if cap(b)-len(b) < slack {
		w.others[e] = slices.Grow(b, slack)
	}
}

// partial returns the absolute record of what has changed since a tick.
func (w *World) partial(t *table, slot, sent uint32) (from, end uint32) {
	var mask uint32
	for i := range t.columns {
		if t.columns[i].stamp[slot] > sent {
			mask |= 1 << i
		}
	}
	if mask == 0 {
		return 0, 0
	}
	head := &t.some[slot]
	if head.tick != w.tick {
		head.tick, head.from = w.tick, 0
	}
	for i := head.from; i != 0; i = w.partials[i-1].next {
		if p := &w.partials[i-1]; p.mask == mask {
			return p.from, p.end
		}
	}
	var r ref
	w.begin(&r, Compact)
	dst := appendVarint(w.others[Compact], t.id[slot])
	dst = appendVarint(dst, mask<<1|recordSome)
	for m := mask; m != 0; m &= m - 1 {
		i := bits.TrailingZeros32(m)
		dst = appendValue(dst, t.layout.Columns[i].kind, t.columns[i].ring[w.now][slot])
	}
	w.others[Compact] = dst
	w.end(&r, Compact)
	w.partials = append(w.partials, partial{mask: mask, from: r.from, end: r.end, next: head.from})
	head.from = uint32(len(w.partials))
	return r.from, r.end
}

// appendDelta appends the difference to what the entity was in a row of the
// rings, which may be nothing.
func (w *World) appendDelta(dst []byte, t *table, slot uint32, age int) []byte {
	now, old := w.now%ringLen, age%ringLen
	var mask uint32
	for i := range t.columns {
		ring := &t.columns[i].ring
		mask |= uint32(differs(ring[now][slot], ring[old][slot])) << (i & 31)
	}
	if mask == 0 {
		return dst
	}
	from := len(dst)
	dst = slices.Grow(dst, (2+FieldsMax)*varintMax)
	b := dst[from:cap(dst)]
	n := putVarint(b, 0, t.id[slot])
	n = putVarint(b, n, mask<<1|recordDelta)
	for mask &^= t.bools; mask != 0; mask &= mask - 1 {
		ring := &t.columns[bits.TrailingZeros32(mask)].ring
		n = putVarint(b, n, zigzag(ring[now][slot]-ring[old][slot]))
	}
	return dst[:from+n]
}

func (w *World) appendFull(dst []byte, set int, slot uint32) []byte {
	t := &w.tables[set]
	dst = appendVarint(dst, t.id[slot])
	dst = append(dst, recordFull)
	dst = appendVarint(dst, uint32(set))
	for i := range t.columns {
		dst = appendValue(dst, t.layout.Columns[i].kind, t.columns[i].ring[w.now][slot])
	}
	return dst
}

// appendValue appends an absolute value of the compact dialect.
func appendValue(dst []byte, k Kind, v int32) []byte {
	switch k {
	case KindBool:
		return append(dst, byte(v&1))
	case KindUint:
		return appendVarint(dst, uint32(v))
	case KindInt, KindFloat:
	}
	return appendVarint(dst, zigzag(v))
}

func zigzag(v int32) uint32 { return uint32(v<<1) ^ uint32(v>>31) }

// varintMax is the longest varint.
const varintMax = 5

// putVarint is appendVarint where there is room for sure.
func putVarint(b []byte, n int, v uint32) int {
	for v >= 0x80 {
		b[n] = byte(v) | 0x80
		v >>= 7
		n++
	}
	b[n] = byte(v)
	return n + 1
}

func appendVarint(dst []byte, v uint32) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	return appendLong(dst, v)
}

func appendLong(dst []byte, v uint32) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

func (w *World) appendMsgpack(dst []byte, set int, slot uint32) []byte {
	t := &w.tables[set]
	dst = msgp.AppendArrayHeader(dst, uint32(2+len(t.columns)))
	dst = msgp.AppendUint32(dst, t.id[slot])
	dst = msgp.AppendUint32(dst, uint32(set))
	return appendMsgpackFields(dst, t.columns, t.layout.Columns, w.now, slot)
}

func appendMsgpackFields(dst []byte, columns []column, plan []Column, row int, slot uint32) []byte {
	for i := range columns {
		switch v := columns[i].ring[row][slot]; plan[i].kind {
		case KindBool:
			dst = append(dst, 0xc2|byte(v&1))
		case KindUint:
			dst = msgp.AppendUint32(dst, uint32(v))
		default:
			dst = msgp.AppendInt32(dst, v)
		}
	}
	return dst
}

// appendJSON begins the element with a comma.
func (w *World) appendJSON(dst []byte, set int, slot uint32) []byte {
	t := &w.tables[set]
	dst = append(dst, ',', '[')
	dst = strconv.AppendUint(dst, uint64(t.id[slot]), 10)
	dst = append(dst, ',')
	dst = strconv.AppendUint(dst, uint64(set), 10)
	dst = appendJSONFields(dst, t.columns, t.layout.Columns, w.now, slot)
	return append(dst, ']')
}

func appendJSONFields(dst []byte, columns []column, plan []Column, row int, slot uint32) []byte {
	for i := range columns {
		dst = append(dst, ',')
		switch v := columns[i].ring[row][slot]; plan[i].kind {
		case KindBool:
			dst = strconv.AppendBool(dst, v != 0)
		case KindUint:
			dst = strconv.AppendUint(dst, uint64(uint32(v)), 10)
		default:
			dst = strconv.AppendInt(dst, int64(v), 10)
		}
	}
	return dst
}
