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
}

// whyDestroyed is the reason of a removal: the entity is no more. 0, it left the
// view, belongs to interest management.
const whyDestroyed = 1

// Append appends the snapshot of this tick for a view: everything that has
// changed since the snapshot it last accepted. Only Accept changes the view.
func (w *World) Append(dst []byte, v *View, e Encoding, h Head) []byte {
	b := w.basis(v)
	if b.body[e].tick != w.tick {
		w.splice(b, e)
	}
	shared := w.bodies[e][b.body[e].from:b.body[e].end]
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

// splice builds the part of the message that all views on one basis share.
func (w *World) splice(b *basis, e Encoding) {
	w.compare(b)
	from := len(w.bodies[e])
	if e == Msgpack {
		w.bodies[e] = w.spliceMsgpack(w.bodies[e], b)
	} else {
		w.bodies[e] = w.spliceJSON(w.bodies[e], b)
	}
	b.body[e] = body{tick: w.tick, from: from, end: len(w.bodies[e])}
}

func (w *World) spliceMsgpack(dst []byte, b *basis) []byte {
	dst = append(dst, 0xa1, 't')
	dst = msgp.AppendUint32(dst, w.tick)
	dst = append(dst, 0xa1, 'b')
	dst = msgp.AppendUint32(dst, b.tick)
	dst = append(dst, 0xa1, 'r')
	dst = msgp.AppendArrayHeader(dst, uint32(len(w.gone)))
	for _, id := range w.gone {
		dst = append(dst, 0x92)
		dst = msgp.AppendUint32(dst, id)
		dst = append(dst, whyDestroyed)
	}
	dst = append(dst, 0xa1, 'e')
	dst = msgp.AppendArrayHeader(dst, uint32(len(w.picks)))
	for _, p := range w.picks {
		dst = append(dst, w.element(p, Msgpack)...)
	}
	return dst
}

func (w *World) spliceJSON(dst []byte, b *basis) []byte {
	dst = append(dst, `,"t":`...)
	dst = strconv.AppendUint(dst, uint64(w.tick), 10)
	dst = append(dst, `,"b":`...)
	dst = strconv.AppendUint(dst, uint64(b.tick), 10)
	dst = append(dst, `,"r":[`...)
	for i, id := range w.gone {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '[')
		dst = strconv.AppendUint(dst, uint64(id), 10)
		dst = append(dst, `,1]`...)
	}
	dst = append(dst, `],"e":[`...)
	for i, p := range w.picks {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, w.element(p, JSON)...)
	}
	return append(dst, `]}`...)
}

// element returns the array element of an entity, encoding it the first time it
// is asked for in a tick.
func (w *World) element(p pick, e Encoding) []byte {
	t := &w.tables[p.set]
	r := &t.encoded[e]
	if r.tick[p.slot] != w.tick {
		r.tick[p.slot] = w.tick
		r.from[p.slot] = uint32(len(w.records[e]))
		if e == Msgpack {
			w.records[e] = t.appendMsgpack(w.records[e], p)
		} else {
			w.records[e] = t.appendJSON(w.records[e], p)
		}
		r.end[p.slot] = uint32(len(w.records[e]))
	}
	return w.records[e][r.from[p.slot]:r.end[p.slot]]
}

func (t *table) appendMsgpack(dst []byte, p pick) []byte {
	dst = msgp.AppendArrayHeader(dst, uint32(2+len(t.columns)))
	dst = msgp.AppendUint32(dst, t.rows.ID[p.slot])
	dst = msgp.AppendUint32(dst, p.set)
	for i, col := range t.columns {
		switch v := col[p.slot]; t.layout.Columns[i].kind {
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

func (t *table) appendJSON(dst []byte, p pick) []byte {
	dst = append(dst, '[')
	dst = strconv.AppendUint(dst, uint64(t.rows.ID[p.slot]), 10)
	dst = append(dst, ',')
	dst = strconv.AppendUint(dst, uint64(p.set), 10)
	for i, col := range t.columns {
		dst = append(dst, ',')
		switch v := col[p.slot]; t.layout.Columns[i].kind {
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
