package sio

import (
	"context"
	"time"

	"gameserver/engine"
)

// Emit sends an event to this client. Inside a middleware it precedes the answer
// to the CONNECT, and clients keep it until then. Arguments are encoded by their json tags
// in both encodings, []byte as binary. The error is [ErrNotConnected],
// [ErrReserved], one of the transport, or says which argument cannot be encoded.
func (s *Socket) Emit(event string, args ...any) error {
	if s.state.Load() == stateEnded {
		return ErrNotConnected
	}
	return s.emit(Header{Type: PacketEvent, Namespace: s.nsp.name}, event, args)
}

func (s *Socket) emit(h Header, event string, args []any) error {
	outcome, err := s.offer(h, Offer{}, event, args)
	if err == nil && outcome == Dropped {
		err = ErrDropped
	}
	return err
}

func (s *Socket) offer(h Header, o Offer, event string, args []any) (Outcome, error) {
	payload, err := encodeEvent(event, args)
	if err != nil {
		return Dropped, err
	}
	s.outgoing(&frames{payload: payload})
	var outcome Outcome
	if s.back != nil && !h.HasID {
		outcome, err = s.nsp.recovery.emit(s, o, payload)
	} else {
		var msgs []engine.Message
		if msgs, err = assemble(s.conn.parser, h, payload); err != nil {
			return Dropped, err
		}
		outcome, err = s.put(msgs, o)
	}
	return outcome, err
}

// EmitWithAck sends an event and waits for the client's ack. It ends early when
// ctx does, when the socket disconnects ([ErrNotConnected]) and after
// Limits.AckTimeout ([ErrAckTimeout]). It may be called from any handler but
// one of OnRaw, on whose goroutine acks arrive.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	id, ch, err := s.expect()
	if err != nil {
		return Args{}, err
	}
	defer s.unexpect(id)
	h := Header{Type: PacketEvent, Namespace: s.nsp.name, ID: id, HasID: true}
	if err := s.emit(h, event, args); err != nil {
		return Args{}, err
	}
	t := time.NewTimer(s.conn.srv.cfg.Limits.AckTimeout)
	defer t.Stop()
	select {
	case a := <-ch:
		if a.gone {
			return Args{}, ErrNotConnected
		}
		return a.Args, nil
	case <-ctx.Done():
		return Args{}, ctx.Err()
	case <-s.done:
		return Args{}, ErrNotConnected
	case <-t.C:
		return Args{}, ErrAckTimeout
	}
}

// expect reserves an ack id.
func (s *Socket) expect() (uint32, chan Answer, error) {
	id, ch := s.nsp.nextAck(), make(chan Answer, 1)
	return id, ch, s.expectAs(id, ch)
}

func (n *Namespace) nextAck() uint32 { return (n.ids.Add(1) - 1) % maxAckID }

// expectAs notes where the ack of that id goes. The channel gets exactly one
// value, unless unexpect comes first, and must have room for it.
func (s *Socket) expectAs(id uint32, ch chan Answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.connected() { // asked under the lock, so that giveUp misses nothing
		return ErrNotConnected
	}
	if len(s.acks) >= s.conn.srv.cfg.Limits.PendingAcks {
		s.conn.srv.refused("too_many_acks")
		return ErrTooManyAcks
	}
	if s.acks == nil {
		s.acks = make(map[uint32]chan Answer)
	}
	s.acks[id] = ch
	return nil
}

// giveUp tells all who wait for an ack of a socket that has ended.
func (s *Socket) giveUp() {
	s.mu.Lock()
	acks := s.acks
	s.acks = nil
	s.mu.Unlock()
	for _, ch := range acks {
		ch <- Answer{From: s.id, gone: true}
	}
}

// unexpect reports whether the ack had not come.
func (s *Socket) unexpect(id uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, waits := s.acks[id]
	delete(s.acks, id)
	return waits
}

// acked takes an ack from the reader.
func (s *Socket) acked(e *Event) {
	s.mu.Lock()
	ch := s.acks[e.id]
	delete(s.acks, e.id)
	s.mu.Unlock()
	if ch == nil {
		s.conn.srv.count.unknownAcks.Add(1)
		return
	}
	ch <- Answer{From: s.id, Args: Args{event: e.clone()}} // has room: one send per id
}
