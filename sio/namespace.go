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

	match  func(name string, auth func(into any) error) bool // of a dynamic namespace, which has no sockets itself
	parent *Namespace                                        // of a child of one
	remote Adapter                                           // nil when there is no other server
	born   sync.Once                                         // hooks were told

	recovery *recovery // nil: clients do not come back

	// Guarded by srv.mu.
	children map[*Namespace]struct{}
	users    int  // sockets that are, or may come to be, in a child
	pinned   bool // named by the application: never removed

	mu         sync.RWMutex // guards the following
	uses       []func(*Socket) error
	opens      []func(*Socket)
	serverSide map[string]func(Args)
	takes      map[string]declaration // by event: what clients may send
	sends      map[string]declaration // by event: what the server sends
	all        room
	byID       map[string]*Socket
	byName     map[string]*room
}

func newNamespace(s *Server, name string) *Namespace {
	n := &Namespace{
		srv:    s,
		name:   name,
		byID:   make(map[string]*Socket),
		byName: make(map[string]*room),
	}
	if s.cfg.Recovery != nil {
		if cfg := s.cfg.Recovery(name); cfg != nil {
			n.recovery = newRecovery(n, *cfg)
		}
	}
	if s.cfg.Adapter != nil {
		n.remote = s.cfg.Adapter(local{n})
	}
	return n
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
	uses := n.uses
	n.mu.RUnlock()
	if n.parent != nil {
		return slices.Concat(n.parent.middleware(), uses)
	}
	return uses
}

func (n *Namespace) connectionHandlers() []func(*Socket) {
	n.mu.RLock()
	opens := n.opens
	n.mu.RUnlock()
	if n.parent != nil {
		return slices.Concat(n.parent.connectionHandlers(), opens)
	}
	return opens
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
