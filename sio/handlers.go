package sio

import "reflect"

// handler is what the application does with one event. One of the functions is
// set.
type handler struct {
	name string
	raw  func(*Event)
	args func(Args)
}

func (s *Socket) register(h *handler) {
	if reserved(h.name) || h.name == "" {
		panic("sio: no client can send the event " + h.name + "; see Socket.OnDisconnect and Namespace.OnConnection")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handlers == nil {
		s.handlers = make(map[string]*handler)
	}
	s.handlers[h.name] = h
}

// OnRaw sets the handler of an event to a function that runs on the reader: it
// must not block, and the event's bytes die when it returns. This is the path
// for messages that come many times a second; it allocates nothing. Each event
// has one handler, the one set last.
//
// Events that arrive before OnConnection has returned wait for it and run, in
// order, on the goroutine of the other handlers; never on both at once.
func (s *Socket) OnRaw(event string, h func(*Event)) {
	s.register(&handler{name: event, raw: h})
}

// OnArgs sets the handler of an event in its general form: any number of
// arguments, and an ack to be sent at any time when the client asked for one.
func (s *Socket) OnArgs(event string, h func(Args)) {
	s.register(&handler{name: event, args: h})
}

// OnUnknown sets a function that is told of each event that has no handler. It
// runs as one set with OnRaw. No answer is sent, and the event is counted either
// way.
func (s *Socket) OnUnknown(h func(*Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unknown = &handler{name: "unknown event", raw: h}
}

// On sets the handler of an event with one argument. The argument is decoded
// into T by the names in its json tags, whatever the parser: names match
// exactly, no key comes twice, integers are whole and in range, numbers are
// finite. A missing argument is the zero T. When the argument does not fit, h is
// not called and the client, if it asked for an ack, gets bad_payload.
//
// Fields of T say more in check tags, joined by commas: "1..24" (a number's
// range, or how many characters, elements or bytes; one end may be open),
// "enum=red|blue", "required". A tag that makes no sense panics here.
func On[T any](s *Socket, event string, h func(T)) {
	mustVet(event, reflect.TypeFor[T]())
	s.nsp.mustMatch(event, reflect.TypeFor[T](), nil)
	s.OnArgs(event, func(a Args) {
		var v T
		if err := a.Decode(0, &v); err != nil {
			s.answer(a, event, nil, err)
			return
		}
		h(v)
	})
}

// OnAck is [On] for events that are answered: the client's ack gets R as it is,
// or {ok:false, err} for an error. An *[Error] is shown to the client; of any
// other it learns only a reference into the log.
func OnAck[T, R any](s *Socket, event string, h func(T) (R, error)) {
	mustVet(event, reflect.TypeFor[T]())
	s.nsp.mustMatch(event, reflect.TypeFor[T](), reflect.TypeFor[R]())
	s.OnArgs(event, func(a Args) {
		var v T
		if err := a.Decode(0, &v); err != nil {
			s.answer(a, event, nil, err)
			return
		}
		r, err := h(v)
		s.answer(a, event, r, err)
	})
}

// answer sends the ack of an event, if one was asked for.
func (s *Socket) answer(a Args, event string, result any, err error) {
	if err != nil {
		shown := public(err)
		if shown == nil {
			shown = s.conn.srv.internal(event, err)
		}
		if shown.Code == codeBadPayload {
			s.conn.srv.count.badPayloads.Add(1)
			s.conn.srv.refused(codeBadPayload)
			defer s.Strike() // the answer comes first
		}
		result = refusal{Err: shown}
	}
	if !a.WantsAck() {
		return
	}
	if err := a.Ack(result); err != nil && s.connected() {
		// The result cannot be encoded; the client must not wait for nothing.
		_ = a.reply.send(refusal{Err: s.conn.srv.internal(event, err)})
	}
}

// receive takes an event from the reader.
func (s *Socket) receive(e *Event) error {
	if !s.direct.Load() {
		queued, err := s.receiveEarly(e)
		if queued || err != nil {
			return err
		}
	}
	s.mu.RLock()
	h, unknown, l := s.handlers[string(e.name)], s.unknown, s.ears
	s.mu.RUnlock()
	switch {
	case h == nil && (l == nil || len(l.uses) == 0):
		s.dispatch(nil, unknown, l, e)
		return nil
	case h != nil && h.raw != nil:
		e.label = h.name
		s.dispatch(h, unknown, l, e)
		return nil
	default:
		return s.conn.post(jobEvent, s, e)
	}
}

// dispatch hands an event to whom it concerns, on the goroutine for that.
func (s *Socket) dispatch(h, unknown *handler, l *ears, e *Event) {
	if (l != nil || s.conn.srv.observed()) && !s.admits(e, l) {
		return
	}
	switch {
	case h == nil:
		s.ignore(unknown, e)
	case h.raw != nil:
		s.callRaw(h, e)
	default:
		s.call(h, e)
	}
}

// receiveEarly queues an event for a socket whose handlers may not be set yet.
func (s *Socket) receiveEarly(e *Event) (queued bool, err error) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.opened && s.early == 0 || c.closed {
		return false, nil
	}
	if !c.inbox.fits(e) {
		return false, errFlood
	}
	s.early++
	c.postLocked(job{kind: jobEarly, s: s, ev: e.clone()})
	return true, nil
}

// settle notes that OnConnection has returned (0) or that an early event was
// handled (-1). When none is left, the reader may call handlers itself.
func (s *Socket) settle(n int) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	s.opened = true
	s.early += n
	if s.early == 0 {
		s.direct.Store(true)
	}
}

// handle runs the handler of a queued event.
func (s *Socket) handle(e *Event) {
	s.mu.RLock()
	h, unknown, l := s.handlers[e.label], s.unknown, s.ears
	s.mu.RUnlock()
	s.conn.mu.Lock()
	deaf := s.deaf
	s.conn.mu.Unlock()
	if !deaf {
		s.dispatch(h, unknown, l, e)
	}
}

// ignore counts an event that has no handler.
func (s *Socket) ignore(unknown *handler, e *Event) {
	s.conn.srv.count.unknown.Add(1)
	s.Strike()
	if unknown != nil {
		s.callRaw(unknown, e)
	}
}

func (s *Socket) callRaw(h *handler, e *Event) {
	defer func() {
		if r := recover(); r != nil {
			s.conn.srv.panicked(h.name, r)
		}
	}()
	h.raw(e)
}

func (s *Socket) call(h *handler, e *Event) {
	a := Args{event: e}
	if e.hasID {
		a.reply = &replyOnce{send: func(args ...any) error { return s.sendAck(e.id, args) }}
	}
	defer func() {
		if r := recover(); r != nil {
			ref := s.conn.srv.panicked(h.name, r)
			if a.WantsAck() {
				_ = a.Ack(refusal{Err: &Error{Code: codeInternal, Msg: "internal error", Ref: ref}})
			}
		}
	}()
	h.args(a)
}

func (s *Socket) sendAck(id uint32, args []any) error {
	if !s.connected() {
		return ErrNotConnected
	}
	h := Header{Type: PacketAck, Namespace: s.nsp.name, ID: id, HasID: true}
	msgs, err := Encode(s.conn.parser, h, args...)
	if err != nil {
		return err
	}
	return s.conn.send(msgs)
}
