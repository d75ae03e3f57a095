package server

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/engine"
	"gameserver/game"
	"gameserver/lobby"
	"gameserver/server/flight"
	"gameserver/server/ops"
	"gameserver/sio"
	"gameserver/tick"
)

// Config configures a Server. Its zero value works: players on :3000, metrics
// on 127.0.0.1:9090, no page.
type Config struct {
	// Listen is the address for players; ":3000" if empty.
	Listen string
	// Admin is the address for metrics, profiles and health; 127.0.0.1:9090 if
	// empty, nothing is opened if "none". Main takes an empty flag for that.
	Admin string
	// AdminToken is asked for on the admin address; required unless that is
	// loopback.
	AdminToken string
	// TLSCert and TLSKey name PEM files; both or none.
	TLSCert, TLSKey string
	// Origins are other origins whose pages may connect; "*" is all of them.
	Origins []string
	// TrustedProxies are the networks of the proxies in front, whose word on a
	// client's address is taken; limits per network need it there.
	TrustedProxies []netip.Prefix
	// Secret seals session and seat tokens, at least 16 bytes; random if empty.
	Secret []byte
	// Page is the web client, index.html and what it needs; nil for none. The
	// comment <!--dashboard--> in it becomes a link to the dashboard when both are
	// on this machine.
	Page fs.FS
	// QueueFill is the wait after which bots fill a match; 5 s if zero.
	QueueFill time.Duration
	// DrainTimeout bounds Run's orderly end; 10 s if zero.
	DrainTimeout time.Duration
	// MaxConns bounds connections; the descriptor limit minus 512 if zero.
	MaxConns int
	// MaxMatches bounds live matches; the constant of that name if zero.
	MaxMatches int
	// Workers is the number of goroutines that tick matches; one per core if
	// zero.
	Workers int
	// Realtime lets matches tick on threads of real-time priority where the
	// system allows it; where not, the log says why, once.
	Realtime bool
	// CrashDir is where a file is written about each match that fails, at most
	// MaxCrashFiles; nothing is written if empty, except that Main takes a folder
	// of its own among the temporary ones.
	CrashDir string
	// TraceDir is where the flight recorder saves what led to a late tick, within
	// the bounds of server/flight; it is off if empty, except that Main takes a
	// folder of its own among the temporary ones.
	TraceDir string
	// TraceOver is how late or long a tick must be for that; one period of its own
	// if zero.
	TraceOver time.Duration
	// TraceEvery is the shortest time between two saves; 30 s if zero.
	TraceEvery time.Duration
	// Logger takes what an operator should know; nil discards. Main replaces it.
	Logger *slog.Logger
	// Version is what Main prints for --version; the build's own if empty.
	Version string
	// Flags is a pointer to a struct of more flags for Main, tagged for kong;
	// nil for none.
	Flags any
	// Setup is called by Main once the flags are known and before anything is
	// opened: the place to register games whose rules are flags. Nil for none.
	Setup func(*Server) error

	ready func(url string) // called by Run once players can connect
}

// Server is a game server. It implements game.Registry.
type Server struct {
	cfg     Config // immutable after start
	log     *slog.Logger
	games   map[string]*game.Definition // immutable after start
	order   []string                    // names of games as registered
	metrics *metrics

	ready    atomic.Bool // new players are welcome
	draining atomic.Bool

	starting sync.Once // guards the making of the following
	started  atomic.Bool
	io       *sio.Server
	lobby    *lobby.Lobby
	hub      *hub
	matches  *matches
	ticks    *tick.Scheduler
	overload *overload
	crashes  *crashes
	flight   *flight.Recorder // nil: off
	ops      *ops.Dashboard
	opsURL   atomic.Pointer[string] // of the dashboard, if it is on this machine only
	endLobby context.CancelFunc
	lobbyEnd chan struct{} // closed when the lobby's goroutine is gone

	mu      sync.Mutex // guards the following
	servers []*http.Server

	profiling bool       // the whole run; immutable after start
	tracing   sync.Mutex // held while /debug/trace takes and sends one
	traceRate pacer

	ending sync.Once
	ended  error
}

// New returns a server that does nothing yet. Register games, then call Main,
// Run, Serve or Handler.
func New(cfg Config) *Server {
	if cfg.Listen == "" {
		cfg.Listen = ":3000"
	}
	if cfg.Admin == "" {
		cfg.Admin = "127.0.0.1:9090"
	}
	if cfg.QueueFill == 0 {
		cfg.QueueFill = lobby.DefaultFillAfter
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = DefaultDrainTimeout
	}
	if cfg.MaxMatches <= 0 {
		cfg.MaxMatches = MaxMatches
	}
	s := &Server{cfg: cfg, games: make(map[string]*game.Definition), metrics: newMetrics()}
	s.setLogger(cfg.Logger)
	return s
}

func (s *Server) setLogger(log *slog.Logger) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s.log = log
}

// RegisterGame implements game.Registry; authors call game.Register. Each game
// gets a queue of its name. It panics once the server has started.
func (s *Server) RegisterGame(d *game.Definition) {
	if s.started.Load() {
		panic("server: game " + d.Name + " is registered after the start")
	}
	if s.games[d.Name] != nil {
		panic("server: game " + d.Name + " is registered twice")
	}
	s.games[d.Name] = d
	s.order = append(s.order, d.Name)
}

// Handler returns what serves players: Socket.IO, the page and health. It
// starts the server's goroutines; Shutdown ends them.
func (s *Server) Handler() (http.Handler, error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	s.ready.Store(!s.draining.Load())
	return s.publicMux(), nil
}

// start makes the parts and starts their goroutines, once.
func (s *Server) start() (err error) {
	s.starting.Do(func() {
		keys, kerr := lobby.NewKeys(s.cfg.Secret)
		if kerr != nil {
			err = kerr
			return
		}
		if err = s.startFlight(); err != nil {
			return
		}
		s.overload = newOverload(s)
		s.crashes = newCrashes(s.cfg.CrashDir, version(s.cfg.Version), s.log)
		s.hub = newHub(s.log)
		s.matches = newMatches(s)
		s.ticks = tick.New(s.watched(s.ticking()))
		s.ticks.Label(s.profiling)
		s.lobby = lobby.New(lobby.Config{
			Queues:   s.queues(),
			Matches:  s.matches,
			Notifier: s.hub,
			Keys:     keys,
			Logger:   s.log,
		})
		s.io = sio.New(sio.Config{
			Engine:         s.engineConfig(),
			ConnectTimeout: ConnectTimeout,
			Abuse:          abuse(),
			Limits:         sio.Limits{Inbox: MaxInbox},
			// Engine refuses Socket.IO v2 already; were it let in one day, the
			// lobby and the matches stay closed to it.
			RefuseEIO3: func(string) bool { return true },
			Logger:     s.log,
			Refused:    s.metrics.refuse,
		})
		s.serveLobby()
		s.serveMatches()
		s.ops = s.dashboard()
		s.metrics.observe(s)

		ctx, cancel := context.WithCancel(context.Background())
		s.endLobby, s.lobbyEnd = cancel, make(chan struct{})
		go func() {
			defer close(s.lobbyEnd)
			_ = s.lobby.Run(ctx)
		}()
		s.started.Store(true)
	})
	if err == nil && !s.started.Load() {
		err = fmt.Errorf("server: did not start")
	}
	return err
}

// queues returns one queue for each game.
func (s *Server) queues() []lobby.Queue {
	list := make([]lobby.Queue, 0, len(s.order))
	for _, name := range s.order {
		r := s.games[name].Rules
		list = append(list, lobby.Queue{
			Name:      name,
			Game:      name,
			Min:       r.Players.Min,
			Max:       r.Players.Max,
			Bots:      r.Bots,
			FillAfter: s.cfg.QueueFill,
			SeatTTL:   r.SeatTTL,
		})
	}
	return list
}

// abuse is what one connection may send to /lobby and /match.
func abuse() sio.Abuse {
	return sio.Abuse{
		Classes: []sio.Class{
			{Namespace: lobbyNamespace, Messages: sio.Rate{PerSecond: LobbyRate, Burst: LobbyBurst}},
			{Namespace: lobby.MatchNamespace, Events: []string{"input", "i"}, Rates: inputRates},
			{Namespace: lobby.MatchNamespace, Events: []string{"clock"}, Messages: sio.Rate{PerSecond: ClockRate, Burst: ClockBurst}},
		},
		Strict:  func(string) bool { return true },
		Strikes: MaxStrikes - 1,
	}
}

// inputRates are a seat's rates: they follow from how fast its match ticks.
func inputRates(sock *sio.Socket) (messages, bytes sio.Rate) {
	most := 1 // who comes back for a result has no seat
	if c, ok := sock.Data.(*sitter); ok {
		most = InputFactor * c.live.rate
	}
	return sio.Rate{PerSecond: most, Burst: most}, sio.Rate{}
}

// engineConfig is what the server asks of its transports.
func (s *Server) engineConfig() engine.Config {
	return engine.Config{
		PingInterval:   PingInterval,
		PingTimeout:    PingTimeout,
		MaxPayload:     MaxPayload,
		OutboxBytes:    OutboxBytes,
		MaxConns:       s.cfg.MaxConns,
		Origins:        s.cfg.Origins,
		OriginHint:     "; the server's --origin flag would let it in",
		TrustedProxies: s.cfg.TrustedProxies,
		Refused:        s.metrics.refuse,
		Logger:         s.log,
	}
}
