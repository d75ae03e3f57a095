package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	engine "gameserver/engine/client"
	"gameserver/sio"
)

// Emit sends an event. While the Socket is not connected the event waits.
func (s *Socket) Emit(event string, args ...any) error {
	msgs, err := s.encode(sio.Header{Type: sio.PacketEvent}, event, args)
	if err != nil {
		return err
	}
	return s.send(msgs, nil)
}

// EmitWithAck sends an event and waits for its acknowledgement. It fails when
// ctx ends, and with ErrDisconnected when the session does.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (sio.Args, error) {
	c := s.c
	c.mu.Lock()
	if len(s.acks) >= acksMax {
		c.mu.Unlock()
		return sio.Args{}, sio.ErrTooManyAcks
	}
	id := s.nextAck
	s.nextAck = (s.nextAck + 1) & ackIDMask
	a := &pendingAck{done: make(chan ackResult, 1)}
	s.acks[id] = a
	c.mu.Unlock()

	msgs, err := s.encode(sio.Header{Type: sio.PacketEvent, ID: id, HasID: true}, event, args)
	if err == nil {
		err = s.send(msgs, a)
	}
	if err == nil {
		select {
		case r := <-a.done:
			return r.args, r.err
		case <-ctx.Done():
			err = fmt.Errorf("sio/client: %s: %w", event, ctx.Err())
		}
	}
	c.mu.Lock()
	if s.acks[id] == a {
		delete(s.acks, id)
	}
	c.mu.Unlock()
	return sio.Args{}, err
}

// Call sends an event with one argument and decodes the one argument of its
// acknowledgement into out, unless that is nil. A negative acknowledgement,
// {ok: false, err}, is returned as *sio.Error.
func (s *Socket) Call(ctx context.Context, event string, in, out any) error {
	a, err := s.EmitWithAck(ctx, event, in)
	if err != nil {
		return err
	}
	var head struct {
		OK  *bool      `json:"ok"`
		Err *sio.Error `json:"err"`
	}
	if a.Decode(0, &head) == nil && head.OK != nil && !*head.OK {
		if head.Err == nil {
			head.Err = &sio.Error{Code: "internal", Msg: "refused without a reason"}
		}
		return head.Err
	}
	if out == nil {
		return nil
	}
	if err := a.Decode(0, out); err != nil {
		return fmt.Errorf("sio/client: acknowledgement of %s: %w", event, err)
	}
	return nil
}

// encode encodes an event. A reserved name is refused here, because the server
// would close the connection over it.
func (s *Socket) encode(h sio.Header, event string, args []any) ([]engine.Message, error) {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return nil, sio.ErrReserved
	}
	h.Namespace = s.nsp
	all := make([]any, 0, 1+len(args))
	return sio.Encode(s.c.parser(), h, append(append(all, event), args...)...)
}

// send sends a packet now, or keeps it until the Socket is connected.
func (s *Socket) send(msgs []engine.Message, a *pendingAck) error {
	c := s.c
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	if !s.connected {
		defer c.mu.Unlock()
		return s.bufferLocked(msgs, a)
	}
	conn := c.session.conn
	c.mu.Unlock()
	err := conn.SendAll(msgs)
	if errors.Is(err, engine.ErrClosed) {
		return ErrDisconnected // which the Socket is about to learn
	}
	return err
}

func (s *Socket) bufferLocked(msgs []engine.Message, a *pendingAck) error {
	size := 0
	for _, m := range msgs {
		size += len(m.Data)
	}
	if len(s.buffered) >= bufferedMax || size > bufferedBytesMax-s.bufBytes {
		return ErrBufferFull
	}
	s.buffered = append(s.buffered, msgs)
	s.bufBytes += size
	if a != nil {
		a.buffered = true
	}
	return nil
}

// eventUnlock hands an event to its handler and unlocks Client.mu.
func (s *Socket) eventUnlock(ev *sio.Event) error {
	if h := s.raw[ev.Name()]; h != nil {
		s.c.mu.Unlock()
		h(ev)
		return nil
	}
	h := s.on[ev.Name()]
	other := s.onAny
	s.c.mu.Unlock()
	if h == nil && other == nil {
		return nil
	}
	name := ev.Name()
	a := ev.Args(s.replier(ev))
	run := func() { h(a) }
	if h == nil {
		run = func() { other(name, a) }
	}
	if !s.c.inbox.post(run, len(ev.Data()), false) {
		return overrun(s.nsp)
	}
	return nil
}

// replier returns what answers an event, nil if nobody waits for that.
func (s *Socket) replier(ev *sio.Event) func(...any) error {
	id, ok := ev.AckID()
	if !ok {
		return nil
	}
	return func(args ...any) error {
		msgs, err := sio.Encode(s.c.parser(), sio.Header{Type: sio.PacketAck, Namespace: s.nsp, ID: id, HasID: true}, args...)
		if err != nil {
			return err
		}
		if !s.Connected() {
			return sio.ErrNotConnected
		}
		return s.send(msgs, nil)
	}
}

// ackedLocked ends the call that an acknowledgement is for, if there is one.
func (s *Socket) ackedLocked(ev *sio.Event) {
	id, _ := ev.AckID()
	if a := s.acks[id]; a != nil {
		delete(s.acks, id)
		a.done <- ackResult{args: ev.Args(nil)}
	}
}

// AppendEventHead appends what comes before the single argument of an event
// packet. The argument is then appended in the encoding of the client's
// parser, and after it AppendEventTail.
func (s *Socket) AppendEventHead(dst []byte, event string) []byte {
	if s.c.opts.Msgpack {
		dst = append(dst, 0x83, 0xa4, 't', 'y', 'p', 'e', byte(sio.PacketEvent))
		dst = msgp.AppendString(append(dst, 0xa3, 'n', 's', 'p'), s.nsp)
		return msgp.AppendString(append(dst, 0xa4, 'd', 'a', 't', 'a', 0x92), event)
	}
	dst = append(dst, '0'+byte(sio.PacketEvent))
	if s.nsp != "/" {
		dst = append(append(dst, s.nsp...), ',')
	}
	return append(appendQuoted(append(dst, '['), event), ',')
}

// AppendEventTail appends what comes after the argument.
func (s *Socket) AppendEventTail(dst []byte) []byte {
	if s.c.opts.Msgpack {
		return dst
	}
	return append(dst, ']')
}

// SendPacket sends a packet built that way, now or not at all: without a
// connection it fails with sio.ErrNotConnected. It allocates nothing and does
// not keep the bytes.
func (s *Socket) SendPacket(packet []byte) error {
	c := s.c
	c.mu.Lock()
	if !s.connected {
		c.mu.Unlock()
		return sio.ErrNotConnected
	}
	conn := c.session.conn
	c.mu.Unlock()
	err := conn.Send(packet, c.opts.Msgpack)
	if errors.Is(err, engine.ErrClosed) {
		return sio.ErrNotConnected // as the Socket is about to learn
	}
	return err
}

// appendQuoted appends a JSON string.
func appendQuoted(dst []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			b, _ := json.Marshal(text) // a string always encodes
			return append(dst, b...)
		}
	}
	return append(append(append(dst, '"'), text...), '"')
}
