package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"

	"gameserver/engine"
	"gameserver/sio"
)

const (
	shutdownTimeout   = 5 * time.Second
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 60 * time.Second
)

// servers are the two servers of the process.
type servers struct {
	log  *slog.Logger
	echo *engine.Server
	sio  *sio.Server
}

func newServers(f flags, log *slog.Logger) *servers {
	cfg := engine.Config{
		PingInterval:   f.PingInterval,
		PingTimeout:    f.PingTimeout,
		UpgradeTimeout: f.UpgradeTimeout,
		MaxPayload:     f.MaxPayload,
		AllowEIO3:      f.EIO3,
		Logger:         log,
	}
	if f.AnyOrigin {
		cfg.CheckOrigin = func(*http.Request) bool { return true }
	}
	s := &servers{log: log}
	sc := sio.Config{Engine: cfg, ConnectTimeout: f.ConnectTimeout, Logger: log}
	if f.Recovery > 0 {
		sc.Recovery = func(string) *sio.Recovery { return &sio.Recovery{For: f.Recovery} }
	}
	s.sio = sio.New(sc)
	registerSuite(s.sio)
	registerChat(s.sio.Of("/chat"), log)
	cfg.Open = func(c *engine.Conn) engine.Handler {
		c.Admit()
		return echo{c}
	}
	s.echo = engine.New(cfg)
	return s
}

// echo sends back what comes.
type echo struct{ conn *engine.Conn }

// OnMessage implements engine.Handler.
func (e echo) OnMessage(data []byte, binary bool) { _ = e.conn.Send(data, binary) }

// OnClose implements engine.Handler.
func (e echo) OnClose(engine.Reason) {}

// handler serves the echo server, and with all the rest.
func (s *servers) handler(all bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", s.echo)
	if all {
		mux.Handle("/socket.io/", s.sio)
		mux.HandleFunc("/stats", s.stats)
	}
	return mux
}

func newHTTP(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func (s *servers) shutdown(ctx context.Context) error {
	return errors.Join(s.sio.Shutdown(ctx), s.echo.Shutdown(ctx))
}

// held is what the process holds.
type held struct {
	Goroutines  int    `json:"goroutines"`
	Descriptors int    `json:"descriptors"`
	Heap        uint64 `json:"heap"`        // bytes in use
	HeapObjects uint64 `json:"heapObjects"` // objects in use
	Sessions    int64  `json:"sessions"`    // of both servers
	Opened      int64  `json:"opened"`
	Upgrades    int64  `json:"upgrades"`
	Sockets     int64  `json:"sockets"`
	OutboxBytes int64  `json:"outboxBytes"`
	Panics      int64  `json:"panics"`
}

// stats answers what the process holds once garbage is gone.
func (s *servers) stats(w http.ResponseWriter, _ *http.Request) {
	for range 3 { // what finalizers and pools hold goes with the second and third
		runtime.GC()
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	h := held{Goroutines: runtime.NumGoroutine(), Heap: mem.HeapAlloc, HeapObjects: mem.HeapObjects}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.Descriptors = len(fds)
	}
	for _, e := range []engine.Stats{s.echo.Stats(), s.sio.Engine().Stats()} {
		h.Sessions += e.Polling + e.WebSocket
		h.Opened += e.Opened
		h.Upgrades += e.Upgrades
		h.OutboxBytes += e.OutboxBytes
		h.Panics += e.Panics
	}
	st := s.sio.Stats()
	h.Sockets, h.Panics = st.Sockets, h.Panics+st.Panics
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h) // the client is gone otherwise
}
