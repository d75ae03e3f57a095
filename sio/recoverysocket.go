package sio

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/tinylib/msgp/msgp"

	"gameserver/engine"
	"gameserver/internal/mpcheck"
)

var errHeld = errors.New("sio: too many events before the answer to the CONNECT")

// prepare takes what concerns recovery out of the auth payload of a new socket.
func (s *Socket) prepare() {
	if s.nsp.recovery == nil || s.conn.v2 {
		return
	}
	s.back = &comeback{left: make(chan struct{})}
	if s.auth == nil {
		return
	}
	b := s.auth
	if s.conn.parser == ParserJSON {
		var err error
		if b, err = transcode(nil, b, nil); err != nil {
			return
		}
	}
	n, b, err := msgp.ReadMapHeaderBytes(b)
	var rest []byte
	kept := uint32(0)
	for ; n > 0 && err == nil; n-- {
		var key, after []byte
		if key, after, err = msgp.ReadStringZC(b); err != nil {
			return
		}
		next, _ := mpcheck.Skip(after) // checked on arrival
		switch value := after[:len(after)-len(next)]; string(key) {
		case "pid":
			s.back.asked = stringOr(value)
		case "offset":
			s.back.offset = stringOr(value)
		default:
			rest = append(rest, b[:len(b)-len(next)]...)
			kept++
		}
		b = next
	}
	if s.back.asked == "" && s.back.offset == "" {
		return
	}
	s.auth = s.stripped(append(msgp.AppendMapHeader(nil, kept), rest...))
}

// stripped is the auth payload in the encoding of the connection, given in
// msgpack without the keys of recovery.
func (s *Socket) stripped(b []byte) []byte {
	if s.conn.parser == ParserMsgpack {
		return b
	}
	var all map[string]json.RawMessage
	d := json.NewDecoder(bytes.NewReader(s.auth))
	if err := d.Decode(&all); err != nil {
		return nil
	}
	delete(all, "pid")
	delete(all, "offset")
	text, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return text
}

func stringOr(value []byte) string {
	text, _, err := msgp.ReadStringBytes(value)
	if err != nil {
		return ""
	}
	return text
}

// claim looks for the socket that the client wants to be again. It runs before
// the middleware, on the goroutine of the handlers.
func (s *Socket) claim() {
	if s.back == nil || s.back.asked == "" {
		return
	}
	r := s.nsp.recovery
	r.mu.Lock()
	if old := r.live[s.back.asked]; old != nil && old.conn != s.conn {
		r.mu.Unlock()
		s.replace(old)
		r.mu.Lock()
	}
	defer r.unlock()
	now := time.Now()
	r.trimLocked(now)
	r.expireLocked(now)
	at := r.gone[s.back.asked]
	if at == nil || sessionAt(at).claimed {
		s.conn.srv.count.unrecovered.Add(1)
		return
	}
	k := sessionAt(at)
	from, ok := r.position(s.back.offset, &k.standing)
	if ok {
		_, ok = r.missedLocked(k, from)
	}
	if !ok {
		r.forgetLocked(k)
		s.conn.srv.count.unrecovered.Add(1)
		return
	}
	k.claimed = true
	s.id, s.Data, s.shared = k.id, k.data, k.shared
	s.back.session, s.back.recovered = k, true
}

// replace ends the connection that the client has given up before us, and waits
// until its handlers are done.
func (s *Socket) replace(old *Socket) {
	old.conn.link.Close(engine.ReasonReplaced)
	t := time.NewTimer(replaceWait)
	defer t.Stop()
	select {
	case <-old.back.left:
	case <-s.done:
	case <-t.C:
	}
}

// unclaim lets the client try again.
func (s *Socket) unclaim() {
	if s.back == nil || s.back.session == nil {
		return
	}
	s.nsp.recovery.mu.Lock()
	s.back.session.claimed = false
	s.nsp.recovery.mu.Unlock()
}

// trusted reports whether the middleware need not be asked.
func (s *Socket) trusted() bool { return s.Recovered() && !s.nsp.recovery.cfg.RunMiddleware }

// greet answers the CONNECT and lets the socket in. It reports whether the
// socket has not ended meanwhile.
func (s *Socket) greet() bool {
	if s.back != nil {
		return s.nsp.recovery.greet(s)
	}
	var answer []any
	if !s.conn.v2 {
		answer = []any{map[string]any{"sid": s.id}}
	}
	msgs, err := Encode(s.conn.parser, Header{Type: PacketConnect, Namespace: s.nsp.name}, answer...)
	if err == nil {
		err = s.conn.send(msgs)
	}
	if err != nil { // the transport is gone; OnClose ends the socket
		s.conn.srv.log.Debug("connect not sent", slog.Any("err", err))
	}
	return s.begin()
}

// connected is the answer to a CONNECT, in the order that reads best.
type connected struct {
	SID string `json:"sid"`
	PID string `json:"pid"`
}

// greet sends what the client missed, what the middleware emitted and the
// answer, at once: a client keeps events that precede the answer, and would get
// them twice if the connection broke in between.
func (r *recovery) greet(s *Socket) bool {
	r.mu.Lock()
	missed, rooms := r.restoreLocked(s)
	r.nsp.enter(s)
	var joined []roomChange
	r.nsp.mu.Lock()
	for _, name := range rooms {
		if news, err := r.nsp.joinLocked(s, name); err == nil && news {
			joined = append(joined, roomChange{s: s, room: name, in: true, edge: len(r.nsp.byName[name].members) == 1})
		}
	}
	r.nsp.mu.Unlock()

	h := Header{Type: PacketEvent, Namespace: r.nsp.name}
	var all []engine.Message
	add := func(payload []byte) {
		if msgs, err := assemble(s.conn.parser, h, payload); err == nil {
			all = append(all, msgs...)
		}
	}
	for _, seq := range missed {
		add(r.entryLocked(seq).payload)
		if seq > s.back.start && (len(s.back.runs) == 0 || s.back.runs[len(s.back.runs)-1].to < seq) {
			s.back.note(seq, r.evictedLocked())
		}
	}
	for _, payload := range s.back.held {
		add(r.enterLocked(payload, logged{only: s.id}))
		s.back.note(r.seq, r.evictedLocked())
	}
	s.back.held, s.back.heldBytes = nil, 0
	msgs, err := Encode(s.conn.parser, Header{Type: PacketConnect, Namespace: r.nsp.name},
		connected{s.id, s.back.pid})
	if err == nil {
		err = s.conn.send(append(all, msgs...))
	}
	if err != nil { // the transport is gone; OnClose ends the socket
		s.conn.srv.log.Debug("connect not sent", slog.Any("err", err))
	}
	in := s.open()
	r.unlock()
	s.conn.srv.tellRooms(joined)
	return in
}

// restoreLocked makes s the socket it claims to be, or a new one.
func (r *recovery) restoreLocked(s *Socket) (missed []uint64, rooms []string) {
	b := s.back
	if k := b.session; k != nil {
		from, ok := r.position(b.offset, &k.standing)
		if ok {
			missed, ok = r.missedLocked(k, from)
		}
		r.forgetLocked(k)
		b.session, b.recovered = nil, ok
		if ok {
			b.standing = k.standing
			s.leftOwn = true // unless it is among its rooms
			rooms = k.rooms
			s.conn.srv.count.recovered.Add(1)
		} else { // forgotten while the middleware ran
			s.Data, s.shared = nil, nil
			s.conn.srv.count.unrecovered.Add(1)
		}
	}
	if b.pid == "" {
		b.standing = standing{pid: randomID(), start: r.seq}
	}
	r.live[b.pid] = s
	return missed, rooms
}

// enterLocked gives an event its number and its place in the log, and returns
// the payload with the offset.
func (r *recovery) enterLocked(payload []byte, e logged) []byte {
	r.seq++
	e.payload = r.marked(payload)
	r.appendLocked(e)
	return e.payload
}

// marked is a payload with the offset of r.seq as its last argument.
func (r *recovery) marked(payload []byte) []byte {
	n, rest, err := msgp.ReadArrayHeaderBytes(payload)
	if err != nil {
		return payload // our own encoding is an array
	}
	b := append(msgp.AppendArrayHeader(make([]byte, 0, len(payload)+markBytes), n+1), rest...)
	return msgp.AppendString(b, r.offset(r.seq))
}

// depart takes the socket out of its namespace, for good or until the client
// comes back.
func (s *Socket) depart(reason string) {
	r := s.nsp.recovery
	if s.back == nil {
		s.nsp.exit(s)
		return
	}
	r.mu.Lock()
	if s.back.pid != "" {
		if recoverable(reason) {
			r.keepLocked(s)
		}
		delete(r.live, s.back.pid)
	}
	left := s.nsp.remove(s)
	r.unlock()
	close(s.back.left)
	s.conn.srv.tellRooms(left)
}

// emit sends an event to one socket.
func (r *recovery) emit(s *Socket, o Offer, payload []byte) (Outcome, error) {
	r.mu.Lock()
	defer r.unlock()
	switch s.state.Load() {
	case stateEnded:
		return Closed, ErrNotConnected
	case stateJoining:
		if o.Volatile {
			return Dropped, nil
		}
		if s.back.heldBytes+len(payload) > maxHeld {
			return Dropped, errHeld
		}
		s.back.held, s.back.heldBytes = append(s.back.held, payload), s.back.heldBytes+len(payload)
		return Queued, nil
	}
	if o.Volatile {
		payload = r.marked(payload)
	} else {
		payload = r.enterLocked(payload, logged{only: s.id})
		s.back.note(r.seq, r.evictedLocked())
	}
	msgs, err := assemble(s.conn.parser, Header{Type: PacketEvent, Namespace: r.nsp.name}, payload)
	if err != nil {
		return Dropped, err
	}
	return s.put(msgs, o)
}

// deliver is Broadcast.deliver with offsets.
func (r *recovery) deliver(b *Broadcast, payload []byte) error {
	r.mu.Lock()
	f := frames{h: Header{Type: PacketEvent, Namespace: r.nsp.name}, payload: payload}
	if b.volatile {
		f.payload = r.marked(payload)
	} else {
		e := logged{rooms: b.rooms, except: b.except}
		if b.skip != nil {
			e.skip = b.skip.id
		}
		f.payload = r.enterLocked(payload, e)
	}
	bare := frames{h: f.h, payload: payload} // for those who do not know recovery
	evicted := r.evictedLocked()
	targets := b.targets(nil)
	sent := targets[:0]
	var failed error
	for _, s := range targets {
		if s == b.skip {
			continue
		}
		if s.back != nil && !b.volatile {
			s.back.note(r.seq, evicted)
		}
		if !s.connected() {
			continue
		}
		own := &f
		if s.back == nil {
			own = &bare
		}
		if _, err := s.pass(own, b.offer()); err != nil {
			failed = err
			continue
		}
		sent = append(sent, s)
	}
	r.unlock()
	for _, s := range sent {
		s.outgoing(&bare)
	}
	return failed
}

// unnumbered notes that an event without an offset is sent.
func (s *Socket) unnumbered() {
	if s.back == nil || s.back.unmarked.Load() {
		return
	}
	s.back.unmarked.Store(true)
}
