package sio

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/engine"
)

// Outbox bounds what waits for one client in one namespace, before the transport
// has taken it. The zero value leaves that to Engine.OutboxBytes, except for
// events behind one with a key; see [Offer].
type Outbox struct {
	Bytes   int      // 256 KiB
	Packets int      // 1024
	Full    Overflow // what happens beyond
}

// Overflow is what happens to an event that does not fit into an [Outbox].
type Overflow uint8

const (
	// OverflowClose closes the connection with slow_consumer.
	OverflowClose Overflow = iota
	// OverflowDrop drops the event; Emit returns [ErrDropped].
	OverflowDrop
)

// ErrDropped is returned by Emit for an event that found the [Outbox] full.
var ErrDropped = errors.New("sio: event dropped")

// Outcome is what became of an event.
type Outcome uint8

const (
	// Closed is an event for a socket that is gone, or goes because of it.
	Closed Outcome = iota
	// Sent is an event that the transport took with nothing ahead of it.
	Sent
	// Queued is an event that waits behind others.
	Queued
	// Coalesced is an event that took the place of an older one of its key.
	Coalesced
	// Dropped is an event that nobody will see.
	Dropped
)

// String returns the outcome in a word.
func (o Outcome) String() string {
	return [...]string{"closed", "sent", "queued", "coalesced", "dropped"}[min(o, Dropped)]
}

// Offer says how to send an event.
type Offer struct {
	// Key names what the event is the latest state of. While one of the same key
	// waits, it is replaced in its place, or with [Recovery] at the end.
	Key string
	// Volatile drops the event unless it can be written at once.
	Volatile bool
}

// Offer sends an event as Emit does and tells what became of it. The error says
// that it cannot be encoded, or why the outcome is Closed.
func (s *Socket) Offer(o Offer, event string, args ...any) (Outcome, error) {
	if s.state.Load() == stateEnded {
		return Closed, ErrNotConnected
	}
	return s.offer(Header{Type: PacketEvent, Namespace: s.nsp.name}, o, event, args)
}

// Key sends events as [Offer] with that key does.
func (b Broadcast) Key(key string) Broadcast {
	b.key = key
	return b
}

// Waiting is what waits for a client.
type Waiting struct {
	Packets, Bytes int // in this namespace
	ConnBytes      int // of the connection, taken by the transport already
	// Drained is closed once all of it has left, or the socket has ended: a time
	// to send more.
	Drained <-chan struct{}
}

// Waiting returns what waits for the client right now.
func (s *Socket) Waiting() Waiting {
	q := &s.out
	q.mu.Lock()
	defer q.mu.Unlock()
	w := Waiting{Packets: q.packets, Bytes: q.bytes, ConnBytes: s.conn.link.Buffered()}
	if w.Packets == 0 && w.ConnBytes == 0 || q.ended {
		w.Drained = closedChan()
		return w
	}
	if q.drained == nil {
		q.drained = make(chan struct{})
	}
	s.armLocked()
	w.Drained = q.drained
	return w
}

func closedChan() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}

// queue holds the packets of one socket that the transport has not been given
// yet. Its mutex is held over sends, which never block.
type queue struct {
	busy atomic.Bool // something waits

	mu sync.Mutex
	// mu guards the following.
	items   []waiting // a packet without messages has been taken away
	base    uint64    // number of items[0]
	keys    map[string]uint64
	packets int
	bytes   int
	ended   bool
	timer   *time.Timer
	drained chan struct{}
}

type waiting struct {
	msgs  []engine.Message
	key   string
	bytes int
}

// put sends a packet or lets it wait.
func (s *Socket) put(msgs []engine.Message, o Offer) (Outcome, error) {
	q, cfg := &s.out, &s.conn.srv.cfg.Outbox
	bounded := cfg.Bytes > 0 || cfg.Packets > 0
	if !bounded && o == (Offer{}) && !q.busy.Load() {
		return s.transmit(msgs)
	}
	q.mu.Lock()
	switch {
	case q.ended:
		q.mu.Unlock()
		return Closed, ErrNotConnected
	case o.Volatile:
		defer q.mu.Unlock()
		if q.packets > 0 || !s.latest(msgs) {
			s.conn.srv.count.dropped.Add(1)
			return Dropped, nil
		}
		return Sent, nil
	case q.packets == 0 && s.passes(o.Key != ""):
		defer q.mu.Unlock()
		return s.transmit(msgs)
	}
	outcome := s.waitLocked(waiting{msgs: msgs, key: o.Key, bytes: sizeOf(msgs)})
	q.mu.Unlock()
	switch outcome {
	case Closed:
		s.conn.srv.refused("slow_consumer")
		s.conn.link.Close(engine.ReasonSlowConsumer)
		return Closed, engine.ErrSlow
	case Coalesced:
		s.conn.srv.count.coalesced.Add(1)
	case Dropped:
		s.conn.srv.count.dropped.Add(1)
	case Sent, Queued:
	}
	return outcome, nil
}

// passes reports whether the transport may be given a packet. One with a key
// could not be replaced there.
func (s *Socket) passes(keyed bool) bool {
	n := s.conn.link.Buffered()
	return n == 0 || !keyed && n < lowWater
}

// transmit gives a packet to the transport.
func (s *Socket) transmit(msgs []engine.Message) (Outcome, error) {
	writable := s.conn.link.Writable()
	switch err := s.conn.send(msgs); {
	case errors.Is(err, engine.ErrTooLarge):
		return Dropped, err
	case err != nil:
		return Closed, err
	case writable:
		return Sent, nil
	}
	return Queued, nil
}

func (s *Socket) latest(msgs []engine.Message) bool {
	l := s.conn.link
	if len(msgs) == 1 {
		return l.SendLatest(msgs[0].Data, msgs[0].Binary)
	}
	return l.Writable() && l.SendAll(msgs) == nil
}

func sizeOf(msgs []engine.Message) (n int) {
	for _, m := range msgs {
		n += len(m.Data)
	}
	return n
}

// waitLocked queues a packet. Closed means that there is no room and that this
// is the end.
func (s *Socket) waitLocked(w waiting) Outcome {
	q, cfg := &s.out, s.conn.srv.cfg.Outbox
	outcome := Queued
	at, found := q.keys[w.key]
	var old waiting
	if found {
		old = q.items[at-q.base]
		outcome = Coalesced
	}
	packets, bytes := q.packets, q.bytes+w.bytes-old.bytes
	if !found {
		packets++
	}
	if packets > orDefault(cfg.Packets, defaultOutboxPackets) || bytes > orDefault(cfg.Bytes, defaultOutboxBytes) {
		if cfg.Full == OverflowDrop {
			return Dropped
		}
		return Closed
	}
	s.countWaiting(packets-q.packets, bytes-q.bytes)
	q.packets, q.bytes = packets, bytes
	switch {
	case found && s.back == nil:
		q.items[at-q.base] = w
		return outcome
	case found: // offsets must stay in order
		q.items[at-q.base] = waiting{}
		q.closeGapsLocked()
	}
	q.items = append(q.items, w)
	if w.key != "" {
		if q.keys == nil {
			q.keys = make(map[string]uint64)
		}
		q.keys[w.key] = q.base + uint64(len(q.items)) - 1
	}
	q.busy.Store(true)
	s.armLocked()
	return outcome
}

// closeGapsLocked moves packets together once most places are empty: a client
// that does not read while one key is replaced again and again would make the
// queue grow otherwise.
func (q *queue) closeGapsLocked() {
	if len(q.items) < 2*q.packets+minGaps {
		return
	}
	kept := q.items[:0]
	for _, w := range q.items {
		if w.msgs == nil {
			continue
		}
		if w.key != "" {
			q.keys[w.key] = q.base + uint64(len(kept))
		}
		kept = append(kept, w)
	}
	clear(q.items[len(kept):])
	q.items = kept
}

func orDefault(v, def int) int {
	if v > 0 {
		return v
	}
	return def
}

func (s *Socket) countWaiting(packets, bytes int) {
	s.conn.srv.count.waiting.Add(int64(packets))
	s.conn.srv.count.waitingBytes.Add(int64(bytes))
}

// armLocked looks after the transport soon; it does not say by itself when it
// has room.
func (s *Socket) armLocked() {
	if s.out.timer == nil {
		s.out.timer = time.AfterFunc(pumpEvery, s.pump)
	}
}

// pump gives the transport what waits, as far as it takes it.
func (s *Socket) pump() {
	q := &s.out
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timer = nil
	if q.ended {
		return
	}
	s.giveLocked(false)
	switch {
	case q.packets > 0 || q.drained != nil && s.conn.link.Buffered() > 0:
		s.armLocked()
	case q.drained != nil:
		close(q.drained)
		q.drained = nil
	}
}

// giveLocked gives the transport packets, all of them or as long as it has room.
func (s *Socket) giveLocked(all bool) {
	q := &s.out
	n := 0
	for n < len(q.items) && (all || s.conn.link.Buffered() < lowWater) {
		w := q.items[n]
		q.items[n] = waiting{}
		n++
		if w.msgs == nil {
			continue
		}
		q.packets--
		q.bytes -= w.bytes
		s.countWaiting(-1, -w.bytes)
		if w.key != "" {
			delete(q.keys, w.key)
		}
		_ = s.conn.send(w.msgs) // the transport reports its own end
	}
	q.base += uint64(n)
	q.items = q.items[n:]
	if len(q.items) == 0 {
		q.items = nil
		q.busy.Store(false)
	}
}

// flush gives the transport all that waits.
func (s *Socket) flush() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.giveLocked(true)
}

// discard forgets what waits, at the end of the socket.
func (s *Socket) discard() {
	q := &s.out
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	s.countWaiting(-q.packets, -q.bytes)
	q.items, q.keys, q.packets, q.bytes = nil, nil, 0, 0
	if q.timer != nil {
		q.timer.Stop()
	}
	if q.drained != nil {
		close(q.drained)
		q.drained = nil
	}
}
