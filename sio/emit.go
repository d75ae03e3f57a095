package sio

import (
	"context"
	"time"
)

// Emit sends an event to this client. Arguments are encoded by their json tags
// in both encodings, []byte as binary. The error is [ErrNotConnected],
// [ErrReserved], one of the transport, or says which argument cannot be encoded.
func (s *Socket) Emit(event string, args ...any) error {
	if !s.connected() {
		return ErrNotConnected
	}
	return s.emit(Header{Type: PacketEvent, Namespace: s.nsp.name}, event, args)
}

func (s *Socket) emit(h Header, event string, args []any) error {
	payload, err := encodeEvent(event, args)
	if err != nil {
		return err
	}
	msgs, err := assemble(s.conn.parser, h, payload)
	if err != nil {
		return err
	}
	return s.conn.send(msgs)
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
		return a, nil
	case <-ctx.Done():
		return Args{}, ctx.Err()
	case <-s.done:
		return Args{}, ErrNotConnected
	case <-t.C:
		return Args{}, ErrAckTimeout
	}
}

// expect reserves an ack id.
func (s *Socket) expect() (uint32, chan Args, error) {
	if !s.connected() {
		return 0, nil, ErrNotConnected
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.acks) >= s.conn.srv.cfg.Limits.PendingAcks {
		return 0, nil, ErrTooManyAcks
	}
	if s.acks == nil {
		s.acks = make(map[uint32]chan Args)
	}
	id := (s.nsp.ids.Add(1) - 1) % maxAckID
	ch := make(chan Args, 1)
	s.acks[id] = ch
	return id, ch, nil
}

func (s *Socket) unexpect(id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.acks, id)
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
	ch <- Args{event: e.clone()} // has room: one send per id
}
