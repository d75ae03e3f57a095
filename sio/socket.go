package sio

import (
	"bytes"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/engine"
)

// Socket is one connection in one namespace. Its methods are safe from any
// goroutine, except that Data is the application's to guard.
type Socket struct {
	// Data is the application's.
	Data any

	// Immutable after newSocket.
	conn  *conn
	nsp   *Namespace
	id    string
	auth  []byte
	query url.Values // of the handshake, when it is not the connection's
	since time.Time
	done  chan struct{} // closed when the socket ends
	back  *comeback     // nil without recovery

	state  atomic.Uint32 // stateJoining …
	direct atomic.Bool   // events go straight to their handlers
	unused atomic.Bool   // the namespace need not wait for this socket

	entered bool // has been in the namespace; owned by the goroutine of the handlers

	out queue

	mu       sync.RWMutex // guards the following
	handlers map[string]*handler
	unknown  *handler // of all other events, or nil
	onLeave  []func(reason string)
	onLeft   []func(reason string)
	acks     map[uint32]chan Answer
	ears     *ears  // catch-alls and middleware, or nil; never changed, only replaced
	shared   []byte // see Share

	// Guarded by conn.mu.
	early  int  // events in the inbox that came before OnConnection had returned
	opened bool // OnConnection has returned
	deaf   bool // disconnected by the server: what is queued is not handled

	// Guarded by nsp.mu.
	rooms   map[*room]int // rooms joined and the place in them
	place   int           // in nsp.all
	inside  bool
	leftOwn bool
}

// The states of a socket.
const (
	stateJoining uint32 = iota // CONNECT not answered yet
	stateOpen
	stateEnded
)

const idBytes = 15 // 20 characters, as everywhere in this protocol

func newSocket(c *conn, n *Namespace, auth []byte) *Socket {
	s := &Socket{
		conn: c,
		nsp:  n,
		id:   randomID(),
		auth: bytes.Clone(auth),
		done: make(chan struct{}),

		since: time.Now(),
	}
	s.prepare()
	return s
}

// ID returns the id that the client sees too. It is not a credential.
func (s *Socket) ID() string { return s.id }

// Conn returns the connection below, which other namespaces may share.
func (s *Socket) Conn() *engine.Conn { return s.conn.ec }

// Namespace returns the namespace that the socket is in.
func (s *Socket) Namespace() *Namespace { return s.nsp }

// Parser returns the encoding of the connection, never ParserAuto.
func (s *Socket) Parser() Parser { return s.conn.parser }

// RawAuth returns the auth payload of the CONNECT in the encoding of Parser,
// or nil.
func (s *Socket) RawAuth() []byte { return s.auth }

// Auth decodes the auth payload into what into points to, by the rules of
// [On]. Without a payload it leaves into alone.
func (s *Socket) Auth(into any) error {
	return decodeAuth(s.conn.parser, s.auth, into)
}

func decodeAuth(p Parser, auth []byte, into any) error {
	if auth == nil {
		return nil
	}
	if p == ParserJSON {
		var err error
		if auth, err = transcode(nil, auth, nil); err != nil {
			return err
		}
	}
	return decodeInto(into, auth)
}

// unuse tells the namespace that it has a user less.
func (s *Socket) unuse() {
	if s.unused.CompareAndSwap(false, true) {
		s.nsp.release()
	}
}

func (s *Socket) connected() bool { return s.state.Load() == stateOpen }

// begin makes a joined socket visible, unless it has ended meanwhile.
func (s *Socket) begin() bool {
	if !s.open() {
		return false
	}
	s.nsp.enter(s)
	return true
}

func (s *Socket) open() bool {
	if !s.state.CompareAndSwap(stateJoining, stateOpen) {
		return false
	}
	s.conn.srv.count.sockets.Add(1)
	return true
}

// end makes the socket deaf to sends. It reports whether that was news.
func (s *Socket) end() bool {
	was := s.state.Swap(stateEnded)
	if was == stateEnded {
		return false
	}
	if was == stateOpen {
		s.conn.srv.count.sockets.Add(-1)
	}
	close(s.done)
	s.discard()
	s.giveUp()
	return true
}

// leave runs after everything else that came from the client.
func (s *Socket) leave(reason string) {
	s.mu.RLock()
	handlers := s.onLeave
	s.mu.RUnlock()
	for _, h := range handlers {
		s.conn.srv.guard("OnDisconnect", func() { h(reason) })
	}
	s.depart(reason)
	s.mu.RLock()
	handlers = s.onLeft
	s.mu.RUnlock()
	for _, h := range handlers {
		s.conn.srv.guard("OnDisconnected", func() { h(reason) })
	}
	if s.entered {
		s.conn.srv.tell(func(h *Hooks) {
			if h.Disconnected != nil {
				h.Disconnected(s, reason)
			}
		})
	}
	s.unuse()
}

// OnDisconnect adds a function to be called once when the socket has ended, on
// the goroutine of the handlers and before the socket leaves its rooms.
func (s *Socket) OnDisconnect(h func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onLeave = append(s.onLeave, h)
}

// OnDisconnected adds a function to be called after those of OnDisconnect, when
// the socket has left its rooms.
func (s *Socket) OnDisconnected(h func(reason string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onLeft = append(s.onLeft, h)
}

// Disconnect sends DISCONNECT, so that the client does not reconnect by itself,
// and ends the socket with "server namespace disconnect". With closeConn it does
// so for all namespaces of the connection and closes that too. Packets the
// client sent meanwhile are ignored.
func (s *Socket) Disconnect(closeConn bool) {
	if !closeConn {
		s.conn.drop(s)
		return
	}
	c := s.conn
	c.mu.Lock()
	var open []*Socket
	for _, e := range c.entries {
		open = append(open, e.s)
	}
	c.mu.Unlock()
	for _, o := range open {
		c.drop(o)
	}
	c.link.Close(engine.ReasonForced)
}

// drop disconnects one socket.
func (c *conn) drop(s *Socket) {
	if !s.connected() {
		return
	}
	msgs, err := Encode(c.parser, Header{Type: PacketDisconnect, Namespace: s.nsp.name})
	s.flush()
	c.mu.Lock()
	if !s.end() {
		c.mu.Unlock()
		return
	}
	s.deaf = true
	for i := range c.entries {
		if c.entries[i].s == s {
			c.entries[i].state = entryLeft
		}
	}
	c.postLocked(job{kind: jobLeave, s: s, reason: "server namespace disconnect"})
	c.mu.Unlock()
	if err == nil {
		_ = c.send(msgs) // a transport that is gone needs no DISCONNECT
	}
}
