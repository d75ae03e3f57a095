package snap

import (
	"fmt"
	"math"

	"github.com/tinylib/msgp/msgp"

	"gameserver/internal/mpcheck"
)

// Snapshot is the head of a snapshot.
type Snapshot struct {
	Tick    uint32 // of this state
	Base    uint32 // tick it builds on, 0 if on nothing
	Ack     uint32 // newest input applied
	Lead    int32  // how early that came, in quarter ticks; negative: late
	Late    uint32 // how late the server's tick began, in units of 10 µs
	Every   uint8  // the client is sent every n-th snapshot, 0: it was not said
	Level   uint8  // how far the server has come in saving work
	Checked bool   // it had a checksum, which was right
	Events  int    // events in it
	Changed int    // entities that are new or changed
	Removed int    // entities to forget
	Bytes   int    // size of the snapshot, without the packet around it
}

// parts are the lists of a snapshot, still encoded.
type parts struct {
	changed, removed, own []byte
}

// Apply applies one snapshot of the plain dialect, the argument of the event in
// msgpack.
func (m *Mirror) Apply(b []byte) (Snapshot, error) {
	s, p, err := readHead(b)
	if err == nil && s.Base != 0 && s.Base != m.tick {
		err = ErrBase
	}
	if err == nil {
		if s.Base == 0 {
			m.Clear()
		}
		err = m.applyRemoved(p.removed, &s)
	}
	if err == nil {
		err = m.applyOwn(p.own)
	}
	if err == nil {
		err = m.applyChanged(p.changed, &s)
	}
	if err != nil {
		m.Clear()
		return Snapshot{}, err
	}
	m.tick = s.Tick
	return s, nil
}

// readHead reads the map that a snapshot is. Keys it does not know are skipped.
func readHead(b []byte) (s Snapshot, p parts, err error) {
	s.Bytes = len(b)
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		var key []byte
		if key, b, err = msgp.ReadStringZC(b); err != nil {
			break
		}
		rest, ok := skipFlat(b)
		if !ok {
			if rest, err = mpcheck.Skip(b); err != nil {
				break
			}
		}
		value := b[:len(b)-len(rest)]
		b = rest
		if len(key) == 1 {
			err = s.field(key[0], value, &p)
		}
	}
	switch {
	case err != nil:
		return s, p, fmt.Errorf("%w: %w", ErrSnapshot, err)
	case len(b) > 0:
		return s, p, fmt.Errorf("%w: bytes after it", ErrSnapshot)
	case s.Tick == 0 || s.Base >= s.Tick:
		return s, p, fmt.Errorf("%w: tick %d on %d", ErrSnapshot, s.Tick, s.Base)
	}
	return s, p, nil
}

func (s *Snapshot) field(key byte, v []byte, p *parts) (err error) {
	switch key {
	case 't':
		s.Tick, _, err = msgp.ReadUint32Bytes(v)
	case 'b':
		s.Base, _, err = msgp.ReadUint32Bytes(v)
	case 'a':
		s.Ack, _, err = msgp.ReadUint32Bytes(v)
	case 'd':
		s.Lead, _, err = msgp.ReadInt32Bytes(v)
	case 'l':
		s.Late, _, err = msgp.ReadUint32Bytes(v)
	case 'e':
		p.changed = v
	case 'r':
		p.removed = v
	case 'o':
		p.own = v
	}
	return err
}

// applyRemoved applies [[id, why]…].
func (m *Mirror) applyRemoved(b []byte, s *Snapshot) error {
	if len(b) == 0 {
		return nil
	}
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		var parts, id uint32
		if parts, b, err = msgp.ReadArrayHeaderBytes(b); err != nil {
			break
		}
		if parts != 2 {
			return fmt.Errorf("%w: removal of %d parts", ErrSnapshot, parts)
		}
		if id, b, err = msgp.ReadUint32Bytes(b); err != nil {
			break
		}
		if _, b, err = msgp.ReadUint32Bytes(b); err != nil {
			break
		}
		m.remove(id)
		s.Removed++
	}
	if err != nil {
		return fmt.Errorf("%w: removals: %w", ErrSnapshot, err)
	}
	return nil
}

// applyOwn applies [set, …all own fields], or [].
func (m *Mirror) applyOwn(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err == nil && n == 0 {
		m.own.set = -1
		return nil
	}
	var set uint32
	if err == nil {
		set, b, err = msgp.ReadUint32Bytes(b)
	}
	if err != nil {
		return fmt.Errorf("%w: own fields: %w", ErrSnapshot, err)
	}
	if int64(set) >= int64(len(m.sets)) || int(n) != 1+len(m.schema.Sets[set].Own) {
		return fmt.Errorf("%w: %d own fields of set %d", ErrSnapshot, n-1, set)
	}
	m.setOwn(int(set))
	for i, f := range m.schema.Sets[set].Own {
		if m.own.values[i], b, err = readValue(f.Kind, b); err != nil {
			return fmt.Errorf("%w: own fields: %w", ErrSnapshot, err)
		}
	}
	return nil
}

// applyChanged applies [[id, set, …values]…].
func (m *Mirror) applyChanged(b []byte, s *Snapshot) error {
	if len(b) == 0 {
		return nil
	}
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		b, err = m.applyEntity(b)
		s.Changed++
	}
	if err != nil {
		return fmt.Errorf("%w: entity %d: %w", ErrSnapshot, s.Changed-1, err)
	}
	return nil
}

func (m *Mirror) applyEntity(b []byte) (rest []byte, err error) {
	parts, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, err
	}
	if parts < 2 {
		return nil, fmt.Errorf("%d parts", parts)
	}
	var id, set uint32
	if id, b, err = msgp.ReadUint32Bytes(b); err != nil {
		return nil, err
	}
	if set, b, err = msgp.ReadUint32Bytes(b); err != nil {
		return nil, err
	}
	if id == 0 || int64(set) >= int64(len(m.sets)) {
		return nil, fmt.Errorf("id %d in set %d", id, set)
	}
	fields := m.schema.Sets[set].Fields
	if int(parts) != 2+len(fields) {
		return nil, fmt.Errorf("%d values, want %d", parts-2, len(fields))
	}
	values, err := m.put(id, int(set))
	if err != nil {
		return nil, err
	}
	for i := range values {
		if values[i], b, err = readValue(fields[i].Kind, b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readValue reads one quantised value.
func readValue(k Kind, b []byte) (v int32, rest []byte, err error) {
	switch k {
	case KindBool:
		var x bool
		x, rest, err = msgp.ReadBoolBytes(b)
		if x {
			v = 1
		}
	case KindUint:
		var x uint32
		x, rest, err = msgp.ReadUint32Bytes(b)
		v = int32(x)
	case KindInt, KindFloat:
		var x int64
		x, rest, err = msgp.ReadInt64Bytes(b)
		if err == nil && (x < math.MinInt32 || x > math.MaxInt32) {
			err = fmt.Errorf("value %d out of range", x)
		}
		v = int32(x) //nolint:gosec // checked
	default:
		err = fmt.Errorf("field of kind %v", k)
	}
	return v, rest, err
}

// skipFlat is mpcheck.Skip for a number, a boolean, or arrays of arrays of
// those, as the lists of a snapshot are; it gives up on anything else.
func skipFlat(b []byte) (rest []byte, ok bool) {
	missing := uint64(1)
	for missing > 0 {
		if len(b) == 0 {
			return nil, false
		}
		var size int
		switch c := b[0]; {
		case c <= 0x7f || c >= 0xe0 || c == 0xc2 || c == 0xc3:
			size = 1
		case c&0xf0 == 0x90:
			size = 1
			missing += uint64(c & 0x0f)
		case c == 0xcc || c == 0xd0:
			size = 2
		case c == 0xcd || c == 0xd1:
			size = 3
		case c == 0xce || c == 0xd2:
			size = 5
		case c == 0xdc && len(b) >= 3:
			size = 3
			missing += uint64(b[1])<<8 | uint64(b[2])
		default:
			return nil, false
		}
		if len(b) < size {
			return nil, false
		}
		b = b[size:]
		missing--
	}
	return b, true
}
