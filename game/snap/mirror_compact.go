package snap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"gameserver/internal/mpcheck"
)

// ApplyCompact applies one snapshot of the compact dialect, the bytes in the
// event's bin. The events that ride in it are for Events, which is to be called
// before, because they come before the state.
func (m *Mirror) ApplyCompact(b []byte) (Snapshot, error) {
	s := Snapshot{Bytes: len(b)}
	r := reader{b: b}
	err := r.whole(m.applyCompact(&r, &s))
	if err != nil {
		m.Clear()
		return Snapshot{}, err
	}
	m.tick = s.Tick
	return s, nil
}

// Events calls yield with each event that rides in a compact snapshot, a checked
// msgpack value. It changes nothing. An error of yield ends it.
func (m *Mirror) Events(b []byte, yield func(event []byte) error) error {
	if len(b) == 0 || b[0]&flagEvents == 0 {
		return nil
	}
	var s Snapshot
	r := reader{b: b}
	return r.whole(m.readFront(&r, &s, false, yield))
}

// whole adds to what went wrong that bytes were missing.
func (r *reader) whole(err error) error {
	if err == nil && r.bad {
		return fmt.Errorf("%w: cut off, or a number that is too large", ErrSnapshot)
	}
	return err
}

func (m *Mirror) applyCompact(r *reader, s *Snapshot) error {
	if err := m.readFront(r, s, true, nil); err != nil {
		return err
	}
	if r.flags&flagRemovals != 0 {
		m.readRemovals(r, s)
	}
	for len(r.b) > 0 && !r.bad {
		if err := m.readRecord(r); err != nil {
			return err
		}
		s.Changed++
	}
	if r.flags&flagChecksum != 0 && !r.bad {
		if s.Checked = m.Checksum() == r.sum; !s.Checked {
			return ErrChecksum
		}
	}
	return nil
}

// readFront reads what comes before the removals.
func (m *Mirror) readFront(r *reader, s *Snapshot, apply bool, event func([]byte) error) error {
	r.flags = r.byte()
	if r.flags&versionMask != compactVersion {
		return fmt.Errorf("%w: version %d", ErrSnapshot, r.flags&versionMask)
	}
	if err := m.readCompactHead(r, s, apply); err != nil {
		return err
	}
	if r.flags&flagChecksum != 0 {
		r.sum = r.u32()
	}
	if r.flags&flagOwn != 0 {
		if err := m.readOwn(r, apply); err != nil {
			return err
		}
	}
	if r.flags&flagEvents != 0 {
		return r.events(s, event)
	}
	return nil
}

func (m *Mirror) readCompactHead(r *reader, s *Snapshot, apply bool) error {
	if r.flags&flagKey != 0 {
		s.Tick = r.u32()
		if s.Tick == 0 {
			return fmt.Errorf("%w: tick 0", ErrSnapshot)
		}
		if apply {
			m.Clear()
		}
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

func (m *Mirror) readOwn(r *reader, apply bool) error {
	set, mask := r.varint(), r.varint()
	if mask == 0 {
		if apply {
			m.own.set = -1
		}
		return nil
	}
	if int64(set) >= int64(len(m.sets)) {
		return fmt.Errorf("%w: own fields of set %d", ErrSnapshot, set)
	}
	fields := m.schema.Sets[set].Own
	all := uint32(1)<<len(fields) - 1
	fresh := m.own.set != int(set) || r.flags&flagKey != 0
	if mask&^all != 0 || fresh && mask != all {
		return fmt.Errorf("%w: own fields %b of %d", ErrSnapshot, mask, len(fields))
	}
	if apply {
		m.setOwn(int(set))
	}
	for ; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros32(mask)
		if v := r.value(fields[i].Kind); apply {
			m.own.values[i] = v
		}
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
	b     []byte
	bad   bool
	flags byte   // of the head
	sum   uint32 // of the head
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
