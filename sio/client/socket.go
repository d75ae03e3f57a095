package client

import (
	"context"
	"errors"
	"slices"

	engine "gameserver/engine/client"
	"gameserver/sio"
)

// Socket is one namespace of a Client.
type Socket struct {
	c   *Client // its mu guards everything below that is not immutable
	nsp string  // immutable

	active    bool // wants to be connected
	joined    bool // CONNECT was sent in this session, and not refused
	connected bool // CONNECT was answered, and the answer is still wanted
	stale     bool // CONNECT is not answered yet, and its answer not wanted
	id        string
	waiters   []chan error // calls of Connect
	buffered  [][]engine.Message
	bufBytes  int
	nextAck   uint32
	acks      map[uint32]*pendingAck

	on             map[string]func(sio.Args)
	raw            map[string]func(*sio.Event)
	onAny          func(string, sio.Args)
	onConnect      func()
	onDisconnect   func(reason string)
	onConnectError func(error)
}

// pendingAck is a call that waits for its acknowledgement.
type pendingAck struct {
	done     chan ackResult // buffered, one result
	buffered bool           // the packet has not been sent
}

type ackResult struct {
	args sio.Args
	err  error
}

func newSocket(c *Client, nsp string) *Socket {
	return &Socket{
		c: c, nsp: nsp,
		acks: map[uint32]*pendingAck{},
		on:   map[string]func(sio.Args){},
		raw:  map[string]func(*sio.Event){},
	}
}

// Namespace returns the name of the namespace.
func (s *Socket) Namespace() string { return s.nsp }

// ID returns the id that the server gave this connection of the Socket, "" when
// it is not connected.
func (s *Socket) ID() string {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.id
}

// Connected reports whether the Socket is connected now.
func (s *Socket) Connected() bool {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.connected
}

// On sets the handler of an event, nil removes it. The arguments are a copy
// and may be kept; Args.Ack answers an event whose sender wants an answer.
func (s *Socket) On(event string, h func(sio.Args)) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if h == nil {
		delete(s.on, event)
		return
	}
	s.on[event] = h
}

// OnRaw sets the handler of an event that runs on the reader, before and
// instead of one set with On; nil removes it. It must not block.
func (s *Socket) OnRaw(event string, h func(*sio.Event)) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if h == nil {
		delete(s.raw, event)
		return
	}
	s.raw[event] = h
}

// OnAny sets the handler of events that have no other.
func (s *Socket) OnAny(h func(event string, a sio.Args)) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.onAny = h
}

// OnConnect sets what is called each time the Socket has been connected.
func (s *Socket) OnConnect(h func()) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.onConnect = h
}

// OnDisconnect sets what is called each time a connected Socket has lost its
// connection: ReasonServer and ReasonClient are final, after any other reason
// the Client reconnects.
func (s *Socket) OnDisconnect(h func(reason string)) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.onDisconnect = h
}

// OnConnectError sets what is called when the server refuses the Socket, with
// a *sio.Error, or when the Client gives up.
func (s *Socket) OnConnectError(h func(error)) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.onConnectError = h
}

// Connect connects the Socket and waits until that is done, the server refuses
// (*sio.Error), the Client gives up, or ctx ends. A lost session is dialled
// again meanwhile. A Connect whose ctx ends undoes itself.
func (s *Socket) Connect(ctx context.Context) error {
	c := s.c
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	if s.connected {
		c.mu.Unlock()
		return nil
	}
	w := make(chan error, 1)
	mine := !s.active
	s.active = true
	s.waiters = append(s.waiters, w)
	n := c.session
	if n == nil {
		c.ensureLocked()
	}
	c.mu.Unlock()
	if n != nil {
		s.join(n)
	}
	select {
	case err := <-w:
		return err
	case <-ctx.Done():
		return s.giveUp(ctx, w, mine)
	}
}

// giveUp ends a Connect whose context has ended.
func (s *Socket) giveUp(ctx context.Context, w chan error, mine bool) error {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case err := <-w:
		return err // it was decided meanwhile
	default:
	}
	s.waiters = slices.DeleteFunc(s.waiters, func(x chan error) bool { return x == w })
	err := ctx.Err()
	if c.session == nil && c.lastErr != nil {
		err = errors.Join(err, c.lastErr)
	}
	if mine && len(s.waiters) == 0 {
		s.leaveLocked(err)
		c.idleLocked()
	}
	return err
}

// Disconnect leaves the namespace. What waited to be sent is dropped.
func (s *Socket) Disconnect() {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.active {
		return
	}
	was := s.connected
	if was {
		s.sendDisconnectLocked()
	}
	s.leaveLocked(ErrDisconnected)
	if was {
		s.postDisconnectLocked(ReasonClient)
	}
	c.idleLocked()
}

func (s *Socket) sendDisconnectLocked() {
	if n := s.c.session; n != nil {
		msgs, err := sio.Encode(s.c.parser(), sio.Header{Type: sio.PacketDisconnect, Namespace: s.nsp})
		if err == nil {
			_ = n.conn.SendAll(msgs)
		}
	}
}

// join sends CONNECT in session n, once.
func (s *Socket) join(n *session) {
	c := s.c
	var auth any
	if c.opts.Auth != nil {
		auth = c.opts.Auth(s.nsp)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != n || !s.active || s.joined {
		return
	}
	var args []any
	if auth != nil {
		args = []any{auth}
	}
	msgs, err := sio.Encode(c.parser(), sio.Header{Type: sio.PacketConnect, Namespace: s.nsp}, args...)
	if err != nil {
		s.refuseLocked(err)
		return
	}
	s.joined = true
	_ = n.conn.SendAll(msgs) // an error is the session's end, which is reported
}

// answeredLocked acts on the answer to CONNECT. It reports whether to send
// another one: the first was given up, and the Socket is wanted again.
func (s *Socket) answeredLocked(ev *sio.Event) (rejoin bool) {
	yes := ev.Type() == sio.PacketConnect
	switch {
	case s.stale:
		if yes {
			s.sendDisconnectLocked()
		}
		s.stale, s.joined = false, false
		return s.active
	case yes:
		s.welcomeLocked(ev)
	default:
		s.joined = false
		s.refuseLocked(connectError(ev))
		s.c.idleLocked()
	}
	return false
}

// welcomeLocked acts on the server's CONNECT.
func (s *Socket) welcomeLocked(ev *sio.Event) {
	if s.connected {
		return
	}
	_ = decodeValue(ev.Parser(), field(ev.Parser(), ev.Data(), "sid"), &s.id)
	s.connected = true
	for _, msgs := range s.buffered {
		_ = s.c.session.conn.SendAll(msgs)
	}
	s.buffered, s.bufBytes = nil, 0
	for _, a := range s.acks {
		a.buffered = false
	}
	s.tellWaitersLocked(nil)
	s.postLocked(func() {
		if h := hook(s, &s.onConnect); h != nil {
			h()
		}
	})
}

// detachLocked notes that the session was lost.
func (s *Socket) detachLocked(reason string) {
	was := s.connected
	s.joined, s.connected, s.stale, s.id = false, false, false, ""
	s.dropAcksLocked(ErrDisconnected, false)
	if was {
		s.postDisconnectLocked(reason)
	}
}

// leaveLocked makes the Socket inactive. A CONNECT that is not answered yet
// stays to be answered.
func (s *Socket) leaveLocked(err error) {
	s.stale = s.joined && !s.connected && s.c.session != nil
	s.joined = s.stale
	s.active, s.connected, s.id = false, false, ""
	s.buffered, s.bufBytes = nil, 0
	s.dropAcksLocked(err, true)
	s.tellWaitersLocked(err)
}

// refuseLocked makes the Socket inactive because it cannot be connected.
func (s *Socket) refuseLocked(err error) {
	if !s.active {
		return
	}
	s.leaveLocked(err)
	s.postLocked(func() {
		if h := hook(s, &s.onConnectError); h != nil {
			h(err)
		}
	})
}

func (s *Socket) tellWaitersLocked(err error) {
	for _, w := range s.waiters {
		w <- err
	}
	s.waiters = nil
}

func (s *Socket) dropAcksLocked(err error, all bool) {
	for id, a := range s.acks {
		if all || !a.buffered {
			delete(s.acks, id)
			a.done <- ackResult{err: err}
		}
	}
}

func (s *Socket) postDisconnectLocked(reason string) {
	s.postLocked(func() {
		if h := hook(s, &s.onDisconnect); h != nil {
			h(reason)
		}
	})
}

// postLocked has a report run after everything that came before it.
func (s *Socket) postLocked(run func()) {
	s.c.inbox.post(run, 0, true)
}

// hook reads a handler.
func hook[T any](s *Socket, h *T) T {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return *h
}
