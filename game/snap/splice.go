package snap

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// Head is the part of a snapshot that differs from player to player.
type Head struct {
	Ack  uint32 // newest input played, 0: none yet
	Lead int    // how early inputs come, in quarter ticks
	Late uint32 // how late the server's tick began, in units of 10 µs
	// Every says that the player is sent every n-th snapshot of the match, and
	// Level how far the server has come in saving work. They are hints to the
	// player, and only the compact dialect has them.
	Every, Level uint8
	// Budget bounds the bytes of entities, 0: no bound. What is left out comes in
	// later snapshots.
	Budget int
	// Events are EventCount events that belong before the state, each as
	// AppendEvent appends it. Only the compact dialect has them.
	Events     []byte
	EventCount int
}

// AppendEvent appends an event, which is a msgpack value, to Head.Events.
func AppendEvent(dst, event []byte) []byte {
	return append(appendVarint(dst, uint32(len(event))), event...)
}

// Append appends the snapshot of this tick for a view, as the argument of its
// event: everything that has changed since the snapshot it last accepted. Only
// Accept changes what the view is taken to hold.
func (w *World) Append(dst []byte, v *View, e Encoding, h Head) []byte {
	w.discard(v)
	if b := v.base; b != nil && e == Compact && w.tick-b.tick > gapMax {
		w.Forget(v)
	}
	b := w.basis(v)
	rest, gone := w.rest(v, b, e, h.Budget)
	own := w.mine(v, b.tick == 0)
	switch e {
	case JSON:
		return w.appendJSONHead(dst, own, h, rest)
	case Msgpack:
		return w.appendMsgpackHead(dst, own, h, rest)
	default:
	}
	w.prefix = w.appendCompactHead(w.prefix[:0], v, b, own, h, gone)
	dst = appendBin(dst, len(w.prefix)+len(rest))
	return append(append(dst, w.prefix...), rest...)
}

// rest returns the part of a message that does not depend on the Head, and
// whether it begins with removals. Views that see everything and build on the
// same snapshot share it.
func (w *World) rest(v *View, b *basis, e Encoding, budget int) (rest []byte, gone bool) {
	switch at := &b.body[e]; {
	case v.Sight != nil || budget > 0:
		v.next = w.fresh()
		v.next.own = true
		w.compare(b, v, e, budget)
	case b.own:
		w.compare(b, nil, e, 0)
	case at.tick == w.tick:
		return w.bodies[e][at.from:at.end], at.gone
	default:
		w.compare(b, nil, e, 0)
		from := len(w.bodies[e])
		w.bodies[e] = w.splice(w.bodies[e], b, e)
		*at = body{tick: w.tick, from: from, end: len(w.bodies[e]), gone: len(w.walk.gone) > 0}
		return w.bodies[e][from:], at.gone
	}
	w.scratch = w.splice(w.scratch[:0], b, e)
	return w.scratch, len(w.walk.gone) > 0
}

func (w *World) splice(dst []byte, b *basis, e Encoding) []byte {
	switch e {
	case JSON:
		return w.spliceJSON(dst, b)
	case Msgpack:
		return w.spliceMsgpack(dst, b)
	default:
		return w.spliceCompact(dst)
	}
}

// The flags of the compact dialect, and its version in the lowest three bits.
const (
	compactVersion = 1
	versionMask    = 7
	flagKey        = 1 << 3
	flagEvents     = 1 << 4
	flagRemovals   = 1 << 5
	flagOwn        = 1 << 6
	flagChecksum   = 1 << 7
)

// ackNone is what stands for an input as old as that, or none at all.
const ackNone = 0xffff

func (w *World) appendCompactHead(dst []byte, v *View, b *basis, own mine, h Head, gone bool) []byte {
	flags := byte(compactVersion)
	set := func(flag byte, on bool) {
		if on {
			flags |= flag
		}
	}
	sum, check := w.checksum(v, b)
	set(flagKey, b.tick == 0)
	set(flagEvents, h.EventCount > 0)
	set(flagRemovals, gone)
	set(flagOwn, own.tell)
	set(flagChecksum, check)
	dst = append(dst, flags)
	if b.tick == 0 {
		dst = binary.LittleEndian.AppendUint32(dst, w.tick)
	} else {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(w.tick))
		dst = appendVarint(dst, w.tick-b.tick)
	}
	ago := uint32(ackNone)
	if h.Ack != 0 && h.Ack <= w.tick {
		ago = min(w.tick-h.Ack, ackNone)
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(ago))
	dst = append(dst, byte(int8(min(max(h.Lead, math.MinInt8), math.MaxInt8))))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(min(h.Late, math.MaxUint16)))
	dst = append(dst, h.Every&15|h.Level<<4)
	if check {
		dst = binary.LittleEndian.AppendUint32(dst, sum)
	}
	if own.tell {
		dst = w.appendOwn(dst, own)
	}
	if h.EventCount > 0 {
		dst = append(appendVarint(dst, uint32(h.EventCount)), h.Events...)
	}
	return dst
}

func (w *World) spliceCompact(dst []byte) []byte {
	k := &w.walk
	if len(k.gone) > 0 {
		dst = appendVarint(dst, uint32(len(k.gone)))
		for _, r := range k.gone {
			dst = appendVarint(dst, r.id<<1|uint32(r.why))
		}
	}
	return append(dst, k.out...)
}

// appendBin appends the head of a msgpack bin.
func appendBin(dst []byte, size int) []byte {
	switch {
	case size <= math.MaxUint8:
		return append(dst, 0xc4, byte(size))
	case size <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, 0xc5), uint16(size))
	}
	return binary.BigEndian.AppendUint32(append(dst, 0xc6), uint32(size))
}

func (w *World) appendMsgpackHead(dst []byte, own mine, h Head, rest []byte) []byte {
	if own.tell {
		dst = append(dst, 0x88, 0xa1, 'o')
		dst = w.appendOwnMsgpack(dst, own)
	} else {
		dst = append(dst, 0x87)
	}
	dst = msgp.AppendUint32(append(dst, 0xa1, 'a'), h.Ack)
	dst = msgp.AppendInt(append(dst, 0xa1, 'd'), h.Lead)
	dst = msgp.AppendUint32(append(dst, 0xa1, 'l'), h.Late)
	return append(dst, rest...)
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

func (w *World) appendJSONHead(dst []byte, own mine, h Head, rest []byte) []byte {
	dst = append(dst, '{')
	if own.tell {
		dst = append(w.appendOwnJSON(append(dst, `"o":`...), own), ',')
	}
	dst = strconv.AppendUint(append(dst, `"a":`...), uint64(h.Ack), 10)
	dst = strconv.AppendInt(append(dst, `,"d":`...), int64(h.Lead), 10)
	dst = strconv.AppendUint(append(dst, `,"l":`...), uint64(h.Late), 10)
	return append(dst, rest...)
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
