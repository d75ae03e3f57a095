package snap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"gameserver/internal/mpcheck"
)

// ApplyCompact applies one snapshot of the compact dialect, the bytes in the
// event's bin. event, which may be nil, is called with each event that is in it,
// a checked msgpack value that lives until it returns, before the entities
// change.
func (m *Mirror) ApplyCompact(b []byte, event func([]byte) error) (Snapshot, error) {
	s := Snapshot{Bytes: len(b)}
	r := reader{b: b}
	err := m.applyCompact(&r, &s, event)
	if err == nil && r.bad {
		err = fmt.Errorf("%w: cut off, or a number of more than 32 bits", ErrSnapshot)
	}
	if err != nil {
		m.Clear()
		return Snapshot{}, err
	}
	m.tick = s.Tick
	return s, nil
}

func (m *Mirror) applyCompact(r *reader, s *Snapshot, event func([]byte) error) error {
	flags := r.byte()
	if flags&versionMask != compactVersion {
		return fmt.Errorf("%w: version %d", ErrSnapshot, flags&versionMask)
	}
	if err := m.readCompactHead(r, s, flags); err != nil {
		return err
	}
	var sum uint32
	if flags&flagChecksum != 0 {
		sum = r.u32()
	}
	if flags&flagOwn != 0 {
		if err := m.readOwn(r); err != nil {
			return err
		}
	}
	if flags&flagEvents != 0 {
		if err := r.events(s, event); err != nil {
			return err
		}
	}
	if flags&flagRemovals != 0 {
		m.readRemovals(r, s)
	}
	for len(r.b) > 0 && !r.bad {
		if err := m.readRecord(r); err != nil {
			return err
		}
		s.Changed++
	}
	if flags&flagChecksum != 0 && !r.bad {
		if s.Checked = m.Checksum() == sum; !s.Checked {
			return ErrChecksum
		}
	}
	return nil
}

func (m *Mirror) readCompactHead(r *reader, s *Snapshot, flags byte) error {
	if flags&flagKey != 0 {
		s.Tick = r.u32()
		if s.Tick == 0 {
			return fmt.Errorf("%w: tick 0", ErrSnapshot)
		}
		m.Clear()
	} else {
		low, step := r.u16(), r.varint()
		s.Base, s.Tick = m.tick, m.tick+step
		if m.tick == 0 || step == 0 || s.Tick < m.tick || uint16(s.Tick) != low {
			return ErrBase
		}
	}
	if ago := uint32(r.u16()); ago != ackNone && ago < s.Tick {
		s.Ack = s.Tick - ago
	}
	s.Lead = int32(int8(r.byte()))
	s.Late = uint32(r.u16())
	pace := r.byte()
	s.Every, s.Level = pace&15, pace>>4
	return nil
}

func (m *Mirror) readOwn(r *reader) error {
	set, mask := r.varint(), r.varint()
	if mask == 0 {
		m.own.set = -1
		return nil
	}
	if int64(set) >= int64(len(m.sets)) {
		return fmt.Errorf("%w: own fields of set %d", ErrSnapshot, set)
	}
	fields := m.schema.Sets[set].Own
	all := uint32(1)<<len(fields) - 1
	if mask&^all != 0 || m.own.set != int(set) && mask != all {
		return fmt.Errorf("%w: own fields %b of %d", ErrSnapshot, mask, len(fields))
	}
	m.setOwn(int(set))
	for ; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		m.own.values[i] = r.value(fields[i].Kind)
	}
	return nil
}

func (m *Mirror) readRemovals(r *reader, s *Snapshot) {
	for n := r.varint(); n > 0 && !r.bad; n-- {
		m.remove(r.varint() >> 1)
		s.Removed++
	}
}

var errRecord = fmt.Errorf("%w: record", ErrSnapshot)

func (m *Mirror) readRecord(r *reader) error {
	id, kind := r.varint(), r.varint()
	if kind == recordFull && id != 0 {
		return m.readFull(r, id)
	}
	p := m.find(id)
	switch {
	case r.bad:
		return nil
	case p.next == 0:
		return fmt.Errorf("%w of id %d, which is not held", errRecord, id)
	}
	t := &m.sets[p.set]
	n := len(t.fields)
	values := t.values[int(p.next-1)*n : int(p.next)*n]
	mask := kind >> 1
	if mask == 0 || mask>>n != 0 {
		return fmt.Errorf("%w of fields %b of %d", errRecord, mask, n)
	}
	if kind&1 == recordSome {
		for ; mask != 0; mask &= mask - 1 {
			i := bits.TrailingZeros32(mask)
			values[i] = r.value(t.fields[i].Kind)
		}
		return nil
	}
	for flip := mask & t.bools; flip != 0; flip &= flip - 1 {
		values[bits.TrailingZeros32(flip)] ^= 1
	}
	for mask &^= t.bools; mask != 0; mask &= mask - 1 {
		values[bits.TrailingZeros32(mask)] += unzigzag(r.varint())
	}
	return nil
}

func (m *Mirror) readFull(r *reader, id uint32) error {
	set := r.varint()
	switch {
	case r.bad:
		return nil
	case id > IDMax:
		return fmt.Errorf("%w of id %d", errRecord, id)
	case int64(set) >= int64(len(m.sets)):
		return fmt.Errorf("%w of set %d", errRecord, set)
	}
	values, err := m.put(id, int(set))
	if err != nil {
		return err
	}
	for i := range values {
		values[i] = r.value(m.sets[set].fields[i].Kind)
	}
	return nil
}

func unzigzag(v uint32) int32 { return int32(v>>1) ^ -int32(v&1) }

// reader takes numbers from bytes. After the first that is not there, or not
// right, it is bad and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) fail() { r.b, r.bad = nil, true }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) u16() uint16 {
	if len(r.b) < 2 {
		r.fail()
		return 0
	}
	v := binary.LittleEndian.Uint16(r.b)
	r.b = r.b[2:]
	return v
}

func (r *reader) u32() uint32 {
	if len(r.b) < 4 {
		r.fail()
		return 0
	}
	v := binary.LittleEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *reader) varint() uint32 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := uint32(r.b[0])
		r.b = r.b[1:]
		return v
	}
	return r.long()
}

func (r *reader) long() (v uint32) {
	for i, c := range r.b {
		if i == 4 && c > 0x0f || i > 4 {
			break
		}
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.b = r.b[i+1:]
			return v
		}
	}
	r.fail()
	return 0
}

// value reads an absolute value.
func (r *reader) value(k Kind) int32 {
	switch k {
	case KindBool:
		v := r.byte()
		if v > 1 {
			r.fail()
		}
		return int32(v & 1)
	case KindUint:
		return int32(r.varint())
	case KindInt, KindFloat:
	}
	return unzigzag(r.varint())
}

var errEvents = errors.New("snap: more events than a snapshot holds")

// events reads the events and hands them on.
func (r *reader) events(s *Snapshot, event func([]byte) error) error {
	n := r.varint()
	if n > EventsMax {
		return fmt.Errorf("%w: %w", ErrSnapshot, errEvents)
	}
	for ; n > 0 && !r.bad; n-- {
		size := int64(r.varint())
		if size > int64(len(r.b)) {
			r.fail()
			break
		}
		e := r.b[:size]
		r.b = r.b[size:]
		if err := mpcheck.Check(e, mpcheck.Limits{}); err != nil {
			return fmt.Errorf("%w: event: %w", ErrSnapshot, err)
		}
		if event != nil {
			if err := event(e); err != nil {
				return fmt.Errorf("%w: event: %w", ErrSnapshot, err)
			}
		}
		s.Events++
	}
	return nil
}
