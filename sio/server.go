package sio

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/engine"
)

// Config configures a [Server]. The zero value works.
type Config struct {
	// Engine is the transport below. Its Open belongs to this package and its
	// Logger and Refused default to those here.
	Engine engine.Config
	// ConnectTimeout is how long a connection may live without having joined a
	// namespace; 45 s. Then it is closed with auth_timeout.
	ConnectTimeout time.Duration
	// Limits bounds what one connection may cost.
	Limits Limits
	// Abuse bounds what one connection may send.
	Abuse Abuse
	// Outbox bounds what waits for one client in one namespace.
	Outbox Outbox
	// Recovery says for which namespaces, and how, clients that lost their
	// connection may return as the socket they were. Nil, or a nil answer: they
	// may not. It must not use the server.
	Recovery func(namespace string) *Recovery
	// Adapter returns what connects a namespace of this server to the other
	// servers of a cluster. It must not block, nor use the server yet. Nil: there
	// are no others.
	Adapter func(Local) Adapter
	// MaxChildren bounds the children of dynamic namespaces that exist at once;
	// 10 000. Beyond it a CONNECT is refused with too_many_namespaces.
	MaxChildren int
	// KeepChildren keeps children of dynamic namespaces that nobody is in.
	KeepChildren bool
	// RefuseEIO3 tells which namespaces refuse Socket.IO v2 clients, where
	// Engine lets them in at all. Nil: none does.
	RefuseEIO3 func(namespace string) bool
	// ClientFiles holds the client's bundles, which are served by their official
	// names (socket.io.min.js …) below the path of the server. Nil: none are.
	ClientFiles fs.FS
	// Logger takes what handlers did wrong and what was refused; nil discards.
	Logger *slog.Logger
	// Refused is called for everything this layer refuses, with reasons from a
	// small fixed set, as a hook for metrics. It must not block.
	Refused func(layer, reason string)
}

// Server is a Socket.IO server: an http.Handler for the path /socket.io/.
type Server struct {
	// Immutable after New.
	cfg    Config
	engine *engine.Server
	log    *slog.Logger
	count  counters
	busy   busy
	files  *clientFiles
	hooks  atomic.Pointer[[]Hooks]
	replay int // bytes of missed events that a connection can take at once

	mu       sync.RWMutex // guards the following
	nsps     map[string]*Namespace
	dynamic  []*Namespace // in the order in which they are asked
	children int          // of all of them
}

// New returns a server with the namespace "/".
func New(cfg Config) *Server {
	cfg.Limits = cfg.Limits.withDefaults()
	cfg.Abuse.withDefaults()
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = 45 * time.Second
	}
	if cfg.MaxChildren <= 0 {
		cfg.MaxChildren = defaultChildren
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Engine.Logger == nil {
		cfg.Engine.Logger = cfg.Logger
	}
	if cfg.Engine.Refused == nil {
		cfg.Engine.Refused = cfg.Refused
	}
	s := &Server{cfg: cfg, log: cfg.Logger, nsps: make(map[string]*Namespace), files: newClientFiles(cfg.ClientFiles)}
	s.replay = defaultReplay
	if cfg.Engine.OutboxBytes > 0 {
		s.replay = cfg.Engine.OutboxBytes / 2
	}
	cfg.Engine.Open = func(c *engine.Conn) engine.Handler { return s.accept(c, c) }
	s.engine = engine.New(cfg.Engine)
	s.Of("/")
	return s
}

// ServeHTTP serves the Engine.IO requests below the path it is mounted on, and
// Config.ClientFiles.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.files == nil || !s.files.serve(w, r) {
		s.engine.ServeHTTP(w, r)
	}
}

// Engine returns the transport, for its statistics.
func (s *Server) Engine() *engine.Server { return s.engine }

// Shutdown closes every connection, sockets seeing the reason "server shutting
// down", waits until all handlers have returned or ctx ends, and closes the adapters.
// It does not stop the HTTP listener.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.engine.Shutdown(ctx); err != nil {
		return err
	}
	if err := s.busy.wait(ctx); err != nil {
		return err
	}
	return s.closeAdapters()
}

func (s *Server) refused(reason string) {
	s.count.refused.Add(1)
	if s.cfg.Refused != nil {
		s.cfg.Refused("sio", reason)
	}
}

// recovered logs a panic of the application and returns the reference under
// which the log has it, or "" when there was none. Use: defer around the call.
func (s *Server) panicked(where string, value any) (ref string) {
	ref = newRef()
	s.count.panics.Add(1)
	s.refused("panic")
	s.log.Error("handler panicked",
		slog.String("where", where), slog.String("ref", ref),
		slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
	return ref
}

// guard calls f and survives its panic.
func (s *Server) guard(where string, f func()) (ref string) {
	defer func() {
		if r := recover(); r != nil {
			ref = s.panicked(where, r)
		}
	}()
	f()
	return ""
}

// busy counts the goroutines that run handlers.
type busy struct {
	mu   sync.Mutex // guards the following
	n    int
	idle chan struct{} // closed when n returns to 0; nil while nobody waits
}

func (b *busy) add() {
	b.mu.Lock()
	b.n++
	b.mu.Unlock()
}

func (b *busy) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n--; b.n == 0 && b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
}

func (b *busy) wait(ctx context.Context) error {
	b.mu.Lock()
	if b.n == 0 {
		b.mu.Unlock()
		return nil
	}
	if b.idle == nil {
		b.idle = make(chan struct{})
	}
	idle := b.idle
	b.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
