package sio

import (
	"errors"
	"iter"
	"slices"
	"sync"
)

// Broadcast addresses a set of sockets of one namespace. It is a value: every
// method returns a new one, so that one may be kept and used again, from any
// goroutine.
type Broadcast struct {
	nsp      *Namespace
	rooms    []string // none: everyone
	except   []string
	skip     *Socket // the sender
	only     *Socket // addressed while there are no rooms
	volatile bool
	key      string // see Offer
	local    bool   // this server's sockets only
}

// Broadcast addresses every socket of the namespace but this one.
func (s *Socket) Broadcast() Broadcast { return Broadcast{nsp: s.nsp, skip: s} }

// To addresses the sockets in any of the rooms, except this one.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Volatile addresses this socket alone, with events that are dropped unless
// they can be written at once. With To it addresses rooms, like [Socket.To].
func (s *Socket) Volatile() Broadcast { return Broadcast{nsp: s.nsp, only: s, volatile: true} }

// To adds rooms: a socket in any of them is addressed, once.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.rooms = slices.Concat(b.rooms, rooms)
	if b.only != nil && len(b.rooms) > 0 {
		b.skip, b.only = b.only, nil
	}
	return b
}

// In is To.
func (b Broadcast) In(rooms ...string) Broadcast { return b.To(rooms...) }

// Except leaves out the sockets in any of the rooms.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = slices.Concat(b.except, rooms)
	return b
}

// Volatile drops events for sockets to which they cannot be written at once.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

// Local addresses the sockets of this server alone; see [Adapter].
func (b Broadcast) Local() Broadcast {
	b.local = true
	return b
}

// Sockets iterates over the addressed sockets of this server as of the time of
// the call.
func (b Broadcast) Sockets() iter.Seq[*Socket] {
	var targets []*Socket
	for _, one := range b.spread() {
		targets = one.targets(targets)
	}
	return func(yield func(*Socket) bool) {
		for _, s := range targets {
			if s != b.skip && s.connected() && !yield(s) {
				return
			}
		}
	}
}

func (b Broadcast) offer() Offer { return Offer{Key: b.key, Volatile: b.volatile} }

func (b Broadcast) targets(dst []*Socket) []*Socket {
	b.nsp.mu.RLock()
	defer b.nsp.mu.RUnlock()
	return b.nsp.selectLocked(dst, &b)
}

// targetLists recycles the lists of broadcasts.
var targetLists = sync.Pool{New: func() any { return new([]*Socket) }}

// Emit sends an event to the addressed sockets. The event is encoded once for
// every parser in use, whatever the number of sockets. The error says that it
// cannot be encoded or that the [Adapter] failed, which does not keep it from
// this server's sockets; sockets that cannot be reached are no error.
func (b Broadcast) Emit(event string, args ...any) error {
	payload, err := encodeEvent(event, args)
	if err != nil {
		return err
	}
	if b.nsp.match == nil {
		return b.emit(payload)
	}
	var failed []error
	for _, one := range b.spread() {
		failed = append(failed, one.emit(payload))
	}
	return errors.Join(failed...)
}

func (b Broadcast) emit(payload []byte) error {
	err := b.deliver(payload)
	if a := b.adapter(); a != nil {
		err = errors.Join(err, a.Broadcast(b.travels(), payload))
	}
	return err
}

// deliver sends an encoded event to the addressed sockets of this server.
func (b Broadcast) deliver(payload []byte) (err error) {
	if b.nsp.recovery != nil {
		return b.nsp.recovery.deliver(&b, payload)
	}
	list, ok := targetLists.Get().(*[]*Socket)
	if !ok {
		list = new([]*Socket)
	}
	targets := b.targets((*list)[:0])
	f := frames{h: Header{Type: PacketEvent, Namespace: b.nsp.name}, payload: payload}
	for _, s := range targets {
		if s == b.skip || !s.connected() {
			continue
		}
		if _, err = s.sendFrames(&f, b.offer()); err != nil {
			break
		}
	}
	clear(targets)
	*list = targets
	if cap(targets)*8 <= maxPooled {
		targetLists.Put(list)
	}
	return err
}

// sendFrames sends a broadcast to one socket. The error is of the encoding.
func (s *Socket) sendFrames(f *frames, o Offer) (Outcome, error) {
	if _, err := f.of(s.conn.parser); err != nil {
		return Dropped, err
	}
	s.outgoing(f)
	return s.pass(f, o)
}

// pass is sendFrames without the catch-alls.
func (s *Socket) pass(f *frames, o Offer) (Outcome, error) {
	msgs, err := f.of(s.conn.parser)
	if err != nil {
		return Dropped, err
	}
	outcome, _ := s.put(msgs, o) // the transport reports its own end
	return outcome, nil
}
