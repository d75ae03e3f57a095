package sio

import "slices"

// ears are the middleware and catch-alls of a socket.
type ears struct {
	uses []func(*Socket, *Event) error
	in   []func(*Event)
	out  []func(*Event)
}

// listen replaces the ears by a changed copy.
func (s *Socket) listen(change func(*ears)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var e ears
	if s.ears != nil {
		e = *s.ears
	}
	change(&e)
	s.ears = &e
}

// Use adds a middleware for the events of this socket, those without a handler
// included. An error keeps the event from its handler; the client that asked for
// an ack is told as [OnAck] would. It may block, except on events whose handler
// was set with OnRaw: it runs where they do.
func (s *Socket) Use(m func(*Socket, *Event) error) {
	s.listen(func(e *ears) { e.uses = append(slices.Clip(e.uses), m) })
}

// OnAny adds a function that sees every event that passed the middleware, before
// its handler and on the same goroutine. For events without a handler that may
// be the reader, so it must not block. The event's bytes die when it returns.
func (s *Socket) OnAny(h func(*Event)) {
	s.listen(func(e *ears) { e.in = append(slices.Clip(e.in), h) })
}

// OnAnyOutgoing adds a function that sees every event sent to this socket, also
// by broadcasts, but not by SendPacket. It runs on the sender's goroutine and
// must not block. Arguments are msgpack, whatever the parser of the socket.
func (s *Socket) OnAnyOutgoing(h func(*Event)) {
	s.listen(func(e *ears) { e.out = append(slices.Clip(e.out), h) })
}

// Once is [Socket.OnArgs] for the next event of that name alone.
func (s *Socket) Once(event string, h func(Args)) {
	own := &handler{name: event}
	own.args = func(a Args) {
		if s.remove(own) {
			h(a)
		}
	}
	s.register(own)
}

// Off removes the handlers of events; without a name all of them, OnUnknown,
// middleware and catch-alls included. Those of the end of the socket remain.
func (s *Socket) Off(events ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(events) == 0 {
		clear(s.handlers)
		s.unknown, s.ears = nil, nil
	}
	for _, name := range events {
		delete(s.handlers, name)
	}
}

// remove reports whether h was the handler still.
func (s *Socket) remove(h *handler) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handlers[h.name] != h {
		return false
	}
	delete(s.handlers, h.name)
	return true
}

// admits runs the middleware and then the catch-alls.
func (s *Socket) admits(e *Event, l *ears) bool {
	if l != nil {
		for _, m := range l.uses {
			if err := s.screen(m, e); err != nil {
				s.refuseEvent(e, err)
				return false
			}
		}
		for _, h := range l.in {
			s.conn.srv.guard("OnAny", func() { h(e) })
		}
	}
	if s.conn.srv.observed() {
		s.conn.srv.tell(func(h *Hooks) {
			if h.Received != nil {
				h.Received(s, e)
			}
		})
	}
	return true
}

func (s *Socket) screen(m func(*Socket, *Event) error, e *Event) (err error) {
	if ref := s.conn.srv.guard("packet middleware", func() { err = m(s, e) }); ref != "" {
		return &Error{Code: codeInternal, Msg: "internal error", Ref: ref}
	}
	return err
}

// refuseEvent answers an event that a middleware refused.
func (s *Socket) refuseEvent(e *Event, err error) {
	s.conn.srv.refused("event_refused")
	shown := public(err)
	if shown == nil {
		shown = s.conn.srv.internal("packet middleware", err)
	}
	if e.hasID {
		_ = s.sendAck(e.id, []any{refusal{Err: shown}}) // a transport that is gone needs no answer
	}
}

// outgoing tells the catch-alls of an event that is about to be sent.
func (s *Socket) outgoing(f *frames) {
	s.mu.RLock()
	l := s.ears
	s.mu.RUnlock()
	watched := s.conn.srv.observed()
	if !watched && (l == nil || len(l.out) == 0) {
		return
	}
	e := f.event()
	if e == nil {
		return
	}
	if l != nil {
		for _, h := range l.out {
			s.conn.srv.guard("OnAnyOutgoing", func() { h(e) })
		}
	}
	if watched {
		s.conn.srv.tell(func(h *Hooks) {
			if h.Sent != nil {
				h.Sent(s, e)
			}
		})
	}
}

// event is the packet as catch-alls see it; nil if it cannot be shown.
func (f *frames) event() *Event {
	f.seen.Do(func() {
		if e, err := ownEvent(f.payload); err == nil {
			f.own = e
		}
	})
	return f.own
}
