package snap

import (
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// Head is the part of a snapshot that differs from player to player.
type Head struct {
	Ack  uint32 // newest input played
	Lead int    // how early inputs come, in quarter ticks
	Late uint32 // how late the server's tick began, in units of 10 µs
	// Budget bounds the bytes of entities, 0: no bound. What is left out comes in
	// later snapshots.
	Budget int
}

// Append appends the snapshot of this tick for a view: everything that has
// changed since the snapshot it last accepted. Only Accept changes the view.
func (w *World) Append(dst []byte, v *View, e Encoding, h Head) []byte {
	shared := w.rest(v, e, h.Budget)
	if e == Msgpack {
		dst = append(dst, 0x87, 0xa1, 'a')
		dst = msgp.AppendUint32(dst, h.Ack)
		dst = append(dst, 0xa1, 'd')
		dst = msgp.AppendInt(dst, h.Lead)
		dst = append(dst, 0xa1, 'l')
		dst = msgp.AppendUint32(dst, h.Late)
		return append(dst, shared...)
	}
	dst = append(dst, `{"a":`...)
	dst = strconv.AppendUint(dst, uint64(h.Ack), 10)
	dst = append(dst, `,"d":`...)
	dst = strconv.AppendInt(dst, int64(h.Lead), 10)
	dst = append(dst, `,"l":`...)
	dst = strconv.AppendUint(dst, uint64(h.Late), 10)
	return append(dst, shared...)
}

// rest returns the part of a message that does not depend on the Head. Views
// that see everything and build on the same snapshot share it.
func (w *World) rest(v *View, e Encoding, budget int) []byte {
	if v.next != nil { // was not taken
		w.release(v.next)
		v.next = nil
	}
	b := w.basis(v)
	if v.Sight != nil || budget > 0 {
		v.next = w.fresh()
		v.next.own = true
		w.compare(b, v, e, budget)
		w.scratch = w.splice(w.scratch[:0], b, e)
		return w.scratch
	}
	if b.own {
		w.compare(b, nil, e, 0)
		w.scratch = w.splice(w.scratch[:0], b, e)
		return w.scratch
	}
	if b.body[e].tick != w.tick {
		w.compare(b, nil, e, 0)
		from := len(w.bodies[e])
		w.bodies[e] = w.splice(w.bodies[e], b, e)
		b.body[e] = body{tick: w.tick, from: from, end: len(w.bodies[e])}
	}
	return w.bodies[e][b.body[e].from:b.body[e].end]
}

func (w *World) splice(dst []byte, b *basis, e Encoding) []byte {
	if e == Msgpack {
		return w.spliceMsgpack(dst, b)
	}
	return w.spliceJSON(dst, b)
}

func (w *World) spliceMsgpack(dst []byte, b *basis) []byte {
	k := &w.walk
	dst = append(dst, 0xa1, 't')
	dst = msgp.AppendUint32(dst, w.tick)
	dst = append(dst, 0xa1, 'b')
	dst = msgp.AppendUint32(dst, b.tick)
	dst = append(dst, 0xa1, 'r')
	dst = msgp.AppendArrayHeader(dst, uint32(len(k.gone)))
	for _, r := range k.gone {
		dst = append(dst, 0x92)
		dst = msgp.AppendUint32(dst, r.id)
		dst = append(dst, r.why)
	}
	dst = append(dst, 0xa1, 'e')
	dst = msgp.AppendArrayHeader(dst, uint32(k.count))
	return append(dst, k.out...)
}

func (w *World) spliceJSON(dst []byte, b *basis) []byte {
	k := &w.walk
	dst = append(dst, `,"t":`...)
	dst = strconv.AppendUint(dst, uint64(w.tick), 10)
	dst = append(dst, `,"b":`...)
	dst = strconv.AppendUint(dst, uint64(b.tick), 10)
	dst = append(dst, `,"r":[`...)
	for i, r := range k.gone {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		dst = strconv.AppendUint(dst, uint64(r.id), 10)
		dst = append(dst, ',', '0'+r.why, ']')
	}
	dst = append(dst, `],"e":[`...)
	if k.count > 0 {
		dst = append(dst, k.out[1:]...) // each element begins with a comma
	}
	return append(dst, `]}`...)
}

// record returns the encoding of an entity for a player who has its changes up
// to a tick; 0 is one who does not hold it.
func (w *World) record(set int, slot, sent uint32, e Encoding) []byte {
	from, end := w.locate(set, slot, sent, e)
	return w.records[e][from:end]
}

// locate returns where in World.records a record is, encoding it the first time
// it is asked for in a tick.
func (w *World) locate(set int, slot, _ uint32, e Encoding) (from, end uint32) {
	t := &w.tables[set]
	r := &t.encoded[e]
	if r.tick[slot] != w.tick {
		r.tick[slot] = w.tick
		r.from[slot] = uint32(len(w.records[e]))
		if e == Msgpack {
			w.records[e] = t.appendMsgpack(w.records[e], uint32(set), slot)
		} else {
			w.records[e] = t.appendJSON(w.records[e], uint32(set), slot)
		}
		r.end[slot] = uint32(len(w.records[e]))
	}
	return r.from[slot], r.end[slot]
}

func (t *table) appendMsgpack(dst []byte, set, slot uint32) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(2+len(t.columns)))
	dst = msgp.AppendUint32(dst, t.rows.ID[slot])
	dst = msgp.AppendUint32(dst, set)
	for i, col := range t.columns {
		switch v := col[slot]; t.layout.Columns[i].kind {
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

func (t *table) appendJSON(dst []byte, set, slot uint32) []byte {
	dst = append(dst, ',', '[')
	dst = strconv.AppendUint(dst, uint64(t.rows.ID[slot]), 10)
	dst = append(dst, ',')
	dst = strconv.AppendUint(dst, uint64(set), 10)
	for i, col := range t.columns {
		dst = append(dst, ',')
		switch v := col[slot]; t.layout.Columns[i].kind {
		case KindBool:
			dst = strconv.AppendBool(dst, v != 0)
		case KindUint:
			dst = strconv.AppendUint(dst, uint64(uint32(v)), 10)
		default:
			dst = strconv.AppendInt(dst, int64(v), 10)
		}
	}
	return append(dst, ']')
}
