package engine

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	protocol           = 4
	protocolText       = "4"
	transportPolling   = "polling"
	transportWebSocket = "websocket"
)

// Server is an Engine.IO server. It is an http.Handler for any path.
type Server struct {
	cfg      Config
	upgrader *upgrader
	origins  originList
	limiter  *limiter
	started  time.Time
	stats    counters
	frames   sync.Pool // of *frameBuf
	blocks   sync.Pool // of *block
	squeezer sync.Pool // of *squeezer

	mu sync.Mutex
	// mu guards the following; no other lock is taken under it.
	conns    map[string]*Conn
	sockets  map[*wsConn]struct{} // until they are closed
	slots    int                  // sessions, and handshakes under way
	refs     int                  // sessions and their goroutines
	shutting bool                 // no new sessions
	idle     chan struct{}
}

type counters struct {
	polling, websocket, opened, closed, upgrades atomic.Int64
	packetsIn, packetsOut, bytesIn, bytesOut     atomic.Int64
	outbox, refused, slow, panics                atomic.Int64
}

// frameBuf is a buffer in which frames are composed.
type frameBuf struct{ b []byte }

// New returns a Server. It panics if cfg.Open is nil.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg.withDefaults(), conns: make(map[string]*Conn), sockets: make(map[*wsConn]struct{}), idle: make(chan struct{})}
	s.upgrader = newUpgrader(&s.cfg)
	s.limiter, s.started = newLimiter(s.cfg.Abuse, maxQuotas), time.Now()
	s.origins, _ = newOriginList(s.cfg.Origins) // validated
	return s
}

// Stats returns the counters of the server.
func (s *Server) Stats() Stats {
	c := &s.stats
	return Stats{
		Polling: c.polling.Load(), WebSocket: c.websocket.Load(),
		Opened: c.opened.Load(), Closed: c.closed.Load(), Upgrades: c.upgrades.Load(),
		PacketsIn: c.packetsIn.Load(), PacketsOut: c.packetsOut.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		OutboxBytes: c.outbox.Load(), Refused: c.refused.Load(),
		SlowConsumers: c.slow.Load(), Panics: c.panics.Load(),
	}
}

// Shutdown refuses new sessions, closes all others with ReasonServerShutdown and
// waits for their goroutines. If ctx ends first, sockets are closed without
// goodbye and the error of ctx is returned.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	first := !s.shutting
	s.shutting = true
	if first && s.refs == 0 {
		close(s.idle)
	}
	s.mu.Unlock()
	for _, c := range s.sessions() {
		c.close(ReasonServerShutdown)
		c.endLinger()
	}
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
		s.killAll()
		return ctx.Err()
	}
}

// killAll closes every WebSocket without waiting for its goodbye.
func (s *Server) killAll() {
	s.mu.Lock()
	all := make([]*wsConn, 0, len(s.sockets))
	for w := range s.sockets {
		all = append(all, w)
	}
	s.mu.Unlock()
	for _, w := range all {
		w.ob.kill()
	}
}

func (s *Server) sessions() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Conn, 0, len(s.conns))
	for _, c := range s.conns {
		all = append(all, c)
	}
	return all
}

// reserve takes the place of a session; false if there is none.
func (s *Server) reserve() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shutting || s.slots >= s.cfg.MaxConns {
		return false
	}
	s.slots++
	s.refs++
	return true
}

// release ends what reserve or retain began.
func (s *Server) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refs--; s.refs == 0 && s.shutting {
		close(s.idle)
	}
	if s.refs < 0 {
		panic("engine: more ends than beginnings")
	}
}

// freeSlot gives back the place of a session, here and in its network.
func (s *Server) freeSlot(p pass) {
	s.limiter.leave(p)
	s.mu.Lock()
	s.slots--
	s.mu.Unlock()
}

// retain keeps Shutdown waiting until release; false if it waits no more.
func (s *Server) retain() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shutting && s.refs == 0 {
		return false
	}
	s.refs++
	return true
}

// spawn runs f on a goroutine that Shutdown waits for. The caller must hold a
// reference.
func (s *Server) spawn(f func()) {
	s.mu.Lock()
	s.refs++
	s.mu.Unlock()
	go func() {
		defer s.release()
		f()
	}()
}

// open makes a session in the place that reserve took; from here on closing it
// gives the place back. The caller starts it with start. If it is refused, all
// places are given back.
func (s *Server) open(req *request, from entrance) (*Conn, *refusal) {
	c := newConn(s, req.id, from)
	c.pass, c.dialect = req.pass, req.dialect
	if no := s.admit(c); no != nil {
		s.freeSlot(req.pass)
		s.release()
		return nil, no
	}
	s.stats.opened.Add(1)
	s.stats.polling.Add(1)
	return c, nil
}

// admit puts a session into the table.
func (s *Server) admit(c *Conn) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shutting {
		return refuseOverload()
	}
	if s.conns[c.id] != nil {
		s.cfg.Logger.Error("engine: Config.NewID repeats itself")
		return refuseRequest()
	}
	s.conns[c.id] = c
	return nil
}

// start calls Open behind the gate, so that a Conn closed inside it still gets
// its OnClose afterwards.
func (s *Server) start(c *Conn) {
	if !c.gate.enter() {
		// Closed by Shutdown before it began: nobody was told of it.
		return
	}
	defer c.leave()
	defer s.recovered("open", c)
	c.handler = s.cfg.Open(c)
}

func (s *Server) lookup(sid string) *Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[sid]
}

// track remembers a socket for killAll, untrack forgets it.
func (s *Server) track(w *wsConn) {
	s.mu.Lock()
	s.sockets[w] = struct{}{}
	s.mu.Unlock()
}

func (s *Server) untrack(w *wsConn) {
	s.mu.Lock()
	delete(s.sockets, w)
	s.mu.Unlock()
}

// forget takes a session out of the table.
func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	delete(s.conns, c.id)
	s.mu.Unlock()
}

// closedConn counts the end of a session.
func (s *Server) closedConn(c *Conn) {
	s.stats.closed.Add(1)
	if c.ws.Load() != nil {
		s.stats.websocket.Add(-1)
	} else {
		s.stats.polling.Add(-1)
	}
	c.unhold()
}

func (s *Server) refused(layer, reason string) {
	s.stats.refused.Add(1)
	s.cfg.Refused(layer, reason)
}

// recovered is deferred around callbacks: a panic in one ends its Conn and
// nothing else.
func (s *Server) recovered(where string, c *Conn) {
	e := recover()
	if e == nil {
		return
	}
	s.stats.panics.Add(1)
	s.cfg.Logger.Error("engine: panic in a callback", slog.String("where", where),
		slog.Any("panic", e), slog.String("stack", string(debug.Stack())))
	if c != nil {
		c.close(ReasonInternal)
	}
}

func (s *Server) frame() *frameBuf {
	f, ok := s.frames.Get().(*frameBuf)
	if !ok {
		return new(frameBuf)
	}
	f.b = f.b[:0]
	return f
}

func (s *Server) putFrame(f *frameBuf) {
	if cap(f.b) <= maxPooledFrame {
		s.frames.Put(f)
	}
}
