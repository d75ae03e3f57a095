package sio

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// Namespace is one of the channels that share a connection.
type Namespace struct {
	// Immutable after newNamespace.
	srv  *Server
	name string
	ids  atomic.Uint32 // ack ids

	mu     sync.RWMutex // guards the following
	uses   []func(*Socket) error
	opens  []func(*Socket)
	all    room
	byID   map[string]*Socket
	byName map[string]*room
}

func newNamespace(s *Server, name string) *Namespace {
	return &Namespace{
		srv:    s,
		name:   name,
		byID:   make(map[string]*Socket),
		byName: make(map[string]*room),
	}
}

// Name returns the name, with its slash.
func (n *Namespace) Name() string { return n.name }

// Use adds a middleware. It decides about every CONNECT, in order of addition,
// on the goroutine of that connection's handlers, so it may block. The client
// is told an *[Error]; any other error it sees as code internal.
func (n *Namespace) Use(m func(*Socket) error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.uses = append(slices.Clip(n.uses), m)
}

// OnConnection adds a function to be called with every socket after its CONNECT
// was sent; this is where event handlers are set. Events that come meanwhile
// wait.
func (n *Namespace) OnConnection(h func(*Socket)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opens = append(slices.Clip(n.opens), h)
}

func (n *Namespace) middleware() []func(*Socket) error {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.uses
}

func (n *Namespace) connectionHandlers() []func(*Socket) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.opens
}

// Sockets iterates over the sockets connected at the time of the call.
func (n *Namespace) Sockets() iter.Seq[*Socket] { return n.everyone().Sockets() }

// Emit sends an event to every socket of the namespace.
func (n *Namespace) Emit(event string, args ...any) error { return n.everyone().Emit(event, args...) }

// To addresses the sockets in any of the rooms.
func (n *Namespace) To(rooms ...string) Broadcast { return n.everyone().To(rooms...) }

// Except addresses the sockets in none of the rooms.
func (n *Namespace) Except(rooms ...string) Broadcast { return n.everyone().Except(rooms...) }

func (n *Namespace) everyone() Broadcast { return Broadcast{nsp: n} }
