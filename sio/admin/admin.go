package admin

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/engine"
	"gameserver/sio"
)

// Config configures [Instrument].
type Config struct {
	// Namespace is where the page connects; "/admin".
	Namespace string
	// Username and Password are what the page signs in with.
	Username, Password string
	// Check takes their place; it may block.
	Check func(username, password string) bool
	// Open lets everybody in who can reach the server.
	Open bool
	// ReadOnly takes the actions away: emit, join, leave and disconnect.
	ReadOnly bool
	// Development shows every socket, room and event.
	Development bool
	// Cluster shows them to pages on other servers too; see [sio.Adapter].
	Cluster bool
	// ServerID tells servers of a cluster apart; the host's name.
	ServerID string
	// Logger takes what went wrong; nil discards.
	Logger *slog.Logger
}

// UI is an instrumented server.
type UI struct {
	// Immutable after Instrument.
	cfg    Config
	srv    *sio.Server
	nsp    *sio.Namespace
	access *access
	host   string
	begun  time.Time

	watchers atomic.Int64 // pages on this server
	counts   counts
	stop     chan struct{}
	stopped  sync.WaitGroup
	once     sync.Once

	mu         sync.Mutex // guards the following
	namespaces map[string]*sio.Namespace
	transports map[*sio.Socket]string // as pages believe, in development mode
}

// ErrCredentials is returned by Instrument when nothing says who may look.
var ErrCredentials = errors.New("admin: set Password, Check or Open")

// Instrument adds the namespace of the admin UI to a server.
func Instrument(s *sio.Server, cfg Config) (*UI, error) {
	if cfg.Password == "" && cfg.Check == nil && !cfg.Open {
		return nil, ErrCredentials
	}
	if cfg.Namespace == "" {
		cfg.Namespace = "/admin"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	if cfg.ServerID == "" {
		cfg.ServerID = host
	}
	u := &UI{
		cfg: cfg, srv: s, nsp: s.Of(cfg.Namespace), access: newAccess(cfg), host: host, begun: time.Now(),
		stop: make(chan struct{}), namespaces: make(map[string]*sio.Namespace), transports: make(map[*sio.Socket]string),
	}
	u.counts.begin(s.Engine().Stats())
	if !cfg.Open {
		u.nsp.Use(u.access.middleware)
	}
	u.nsp.OnConnection(u.welcome)
	s.Observe(u.hooks())
	u.stopped.Go(u.run)
	return u, nil
}

// Close ends the statistics. Pages stay connected, and the server instrumented.
func (u *UI) Close() {
	u.once.Do(func() { close(u.stop) })
	u.stopped.Wait()
}

// hooks are what the server tells.
func (u *UI) hooks() sio.Hooks {
	h := sio.Hooks{
		Namespace:     u.learn,
		NamespaceGone: u.unlearn,
		Closed:        func(_ *engine.Conn, r engine.Reason) { u.counts.add("rawDisconnection", r.Text(), 1) },
	}
	if u.cfg.Development {
		u.watch(&h)
	}
	return h
}

func (u *UI) learn(n *sio.Namespace) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.namespaces[n.Name()] = n
}

func (u *UI) unlearn(n *sio.Namespace) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.namespaces[n.Name()] == n {
		delete(u.namespaces, n.Name())
	}
}

func (u *UI) known() []*sio.Namespace {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make([]*sio.Namespace, 0, len(u.namespaces))
	for _, n := range u.namespaces {
		all = append(all, n)
	}
	return all
}

// welcome is a page that is in.
func (u *UI) welcome(s *sio.Socket) {
	u.watchers.Add(1)
	s.OnDisconnect(func(string) { u.watchers.Add(-1) })
	features := []string{"AGGREGATED_EVENTS"}
	if !u.cfg.ReadOnly {
		features = append([]string{"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"}, features...)
		u.actions(s)
	}
	if u.cfg.Development {
		features = append(features, "ALL_EVENTS")
	}
	u.log(s.Emit("config", map[string]any{"supportedFeatures": features}))
	if u.cfg.Development {
		u.log(s.Emit("all_sockets", u.allSockets()))
	}
}

func (u *UI) log(err error) {
	if err != nil {
		u.cfg.Logger.Debug("admin event not sent", slog.Any("err", err))
	}
}

// run sends the statistics.
func (u *UI) run() {
	t := time.NewTicker(statsEvery / 2)
	defer t.Stop()
	for odd := true; ; odd = !odd {
		select {
		case <-u.stop:
			return
		case now := <-t.C:
			u.counts.sample(u.srv.Engine().Stats(), now)
			if odd {
				continue
			}
			u.log(u.nsp.Emit("server_stats", u.stats()))
			if u.cfg.Development {
				u.upgrades()
			}
		}
	}
}

// namespaceStats, count and serverStats are named as the page wants them.
type namespaceStats struct {
	Name    string `json:"name"`
	Sockets int    `json:"socketsCount"`
}

type serverStats struct {
	ServerID   string           `json:"serverId"`
	Hostname   string           `json:"hostname"`
	PID        int              `json:"pid"`
	Uptime     float64          `json:"uptime"`
	Clients    int64            `json:"clientsCount"`
	Polling    int64            `json:"pollingClientsCount"`
	Events     []count          `json:"aggregatedEvents"`
	Namespaces []namespaceStats `json:"namespaces"`
}

func (u *UI) stats() serverStats {
	e := u.srv.Engine().Stats()
	s := serverStats{
		ServerID: u.cfg.ServerID, Hostname: u.host, PID: os.Getpid(), Uptime: time.Since(u.begun).Seconds(),
		Clients: e.Polling + e.WebSocket, Polling: e.Polling, Events: u.counts.take(),
		Namespaces: []namespaceStats{},
	}
	for _, n := range u.known() {
		sockets := 0
		for range n.Sockets() {
			sockets++
		}
		s.Namespaces = append(s.Namespaces, namespaceStats{n.Name(), sockets})
	}
	return s
}

// actions are what a page may do. Only namespaces that exist are touched.
func (u *UI) actions(s *sio.Socket) {
	at := func(a sio.Args, filter int) (sio.Broadcast, bool) {
		var nsp string
		var room *string
		if a.Decode(0, &nsp) != nil || a.Decode(filter, &room) != nil {
			return sio.Broadcast{}, false
		}
		u.mu.Lock()
		n := u.namespaces[nsp]
		u.mu.Unlock()
		switch {
		case n == nil:
			return sio.Broadcast{}, false
		case room != nil && *room != "":
			return n.To(*room), true
		}
		return n.To(), true
	}
	s.OnArgs("emit", func(a sio.Args) {
		var event string
		if to, ok := at(a, 1); ok && a.Decode(2, &event) == nil && event != "" {
			u.log(to.Emit(event, shown(a.Event(), 3, math.MaxInt)...))
		}
	})
	move := func(event string, do func(sio.Broadcast, string) error) {
		s.OnArgs(event, func(a sio.Args) {
			var room string
			if to, ok := at(a, 2); ok && a.Decode(1, &room) == nil && room != "" {
				u.log(do(to, room))
			}
		})
	}
	move("join", func(b sio.Broadcast, room string) error { return b.Join(room) })
	move("leave", func(b sio.Broadcast, room string) error { return b.Leave(room) })
	s.OnArgs("_disconnect", func(a sio.Args) {
		var closeConn *bool
		if to, ok := at(a, 2); ok && a.Decode(1, &closeConn) == nil {
			u.log(to.Disconnect(closeConn != nil && *closeConn))
		}
	})
}

// patience is how long other servers may take to describe their sockets.
const patience = 5 * time.Second

// allSockets describes the sockets of all servers.
func (u *UI) allSockets() []socket {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	all := []socket{}
	for _, n := range u.known() {
		here := make(map[string]*sio.Socket)
		for s := range n.Sockets() {
			here[s.ID()] = s
		}
		list, err := n.To().Fetch(ctx)
		if err != nil {
			u.cfg.Logger.Warn("admin: sockets of other servers are missing", slog.Any("err", err))
		}
		for _, r := range list {
			all = append(all, u.show(n, here[r.ID], r))
		}
	}
	return all
}
