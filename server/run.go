package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"gameserver/engine"
)

// drainNotice is the payload of server:drain.
type drainNotice struct {
	By        int64 `json:"by"`        // unix milliseconds when connections end
	Reconnect int64 `json:"reconnect"` // milliseconds to wait before connecting again
}

// Run opens the listeners of the configuration, serves until ctx ends, and
// shuts down in order. It returns nil after an orderly end.
func (s *Server) Run(ctx context.Context) error {
	ln, err := s.listen()
	if err != nil {
		return err
	}
	admin, err := s.listenAdmin()
	if err != nil {
		_ = ln.Close()
		return err
	}
	if err := s.start(); err != nil {
		_ = ln.Close()
		if admin != nil {
			_ = admin.Close()
		}
		return usageError{err}
	}
	failed := make(chan error, 2)
	if admin != nil {
		s.offerDashboard(admin.Addr())
		go func() { failed <- s.serveHTTP(admin, s.adminMux()) }()
	}
	handler, err := s.Handler()
	if err != nil {
		return err
	}
	go func() { failed <- s.serveHTTP(ln, handler) }()
	s.announce(ln, admin)

	var broke error
	select {
	case <-ctx.Done():
		s.log.Info("shutting down", slog.Duration("within", s.cfg.DrainTimeout))
	case broke = <-failed:
		s.log.Error("listener broke", slog.Any("err", broke))
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer cancel()
	if err := s.Shutdown(end); err != nil {
		s.log.Warn("shutdown was cut short", slog.Any("err", err))
	}
	return broke
}

// Serve serves players on ln until Shutdown, in the clear. It returns nil then.
// The listener should come from engine.Listen.
func (s *Server) Serve(ln net.Listener) error {
	h, err := s.Handler()
	if err != nil {
		_ = ln.Close()
		return err
	}
	return s.serveHTTP(ln, h)
}

// serveHTTP serves until Shutdown, which is no error.
func (s *Server) serveHTTP(ln net.Listener, h http.Handler) error {
	srv := newHTTP(h, s.log)
	s.mu.Lock()
	s.servers = append(s.servers, srv)
	closing := s.draining.Load()
	s.mu.Unlock()
	if closing {
		return ln.Close()
	}
	if err := srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", ln.Addr(), err)
	}
	return nil
}

// listen opens the players' address, with TLS when there is a certificate.
func (s *Server) listen() (net.Listener, error) {
	var conf *tls.Config
	switch cert, key := s.cfg.TLSCert, s.cfg.TLSKey; {
	case cert != "" && key != "":
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, usage("--tls-cert %s, --tls-key %s: %w", cert, key, err)
		}
		conf = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	case cert != "" || key != "":
		return nil, usage("--tls-cert and --tls-key go together")
	}
	if err := s.engineConfig().Validate(); err != nil {
		return nil, usage("--origin, --trusted-proxy: %w", err)
	}
	ln, err := engine.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return nil, listenError("--listen", s.cfg.Listen, err)
	}
	if conf != nil {
		ln = tls.NewListener(ln, conf) // the outbox stays below
	}
	return ln, nil
}

// listenAdmin opens the operators' address, nil when there is none.
func (s *Server) listenAdmin() (net.Listener, error) {
	addr := s.cfg.Admin
	if addr == "" || addr == "none" {
		return nil, nil
	}
	if err := checkAdmin(addr, s.cfg.AdminToken); err != nil {
		return nil, usage("--admin %s: %w", addr, err)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, listenError("--admin", addr, err)
	}
	return ln, nil
}

// announce says where to find the server.
func (s *Server) announce(ln, admin net.Listener) {
	scheme := "http"
	if s.cfg.TLSCert != "" {
		scheme = "https"
	}
	url := scheme + "://" + reachable(ln.Addr())
	attrs := []any{slog.String("url", url), slog.Any("games", s.order), slog.Int("pid", os.Getpid())}
	if admin != nil {
		attrs = append(attrs, slog.String("admin", "http://"+reachable(admin.Addr())))
	}
	s.log.Info("ready", attrs...)
	if s.cfg.ready != nil {
		s.cfg.ready(url)
	}
}

// reachable returns the address as someone on this machine would write it.
func reachable(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// Shutdown ends the server in order and waits for its goroutines as long as ctx
// allows. Everything is closed when it returns, in order or not. Calling it
// again returns the same error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.ending.Do(func() { s.ended = s.shutdown(ctx) })
	return s.ended
}

func (s *Server) shutdown(ctx context.Context) error {
	s.ready.Store(false)
	s.mu.Lock()
	s.draining.Store(true)
	servers := s.servers
	s.mu.Unlock()
	var errs []error
	if s.started.Load() {
		// The players hear it first, and no new match begins.
		by, ok := ctx.Deadline()
		if !ok {
			by = time.Now().Add(s.cfg.DrainTimeout)
		}
		notice := drainNotice{By: by.UnixMilli(), Reconnect: drainReconnect.Milliseconds()}
		if err := s.io.Of(lobbyNamespace).Emit(eventDrain, notice); err != nil {
			errs = append(errs, err)
		}
		s.lobby.Drain()
		// Matches end with a result, at a tick boundary each.
		if err := s.matches.drain(ctx); err != nil {
			errs = append(errs, err)
		}
		// Connections end with a close code of their own, the operators' last: they
		// have seen all that.
		errs = append(errs, s.io.Shutdown(ctx), s.ops.Shutdown(ctx))
	}
	for _, srv := range servers {
		if err := srv.Shutdown(ctx); err != nil {
			errs = append(errs, err, srv.Close())
		}
	}
	if s.started.Load() {
		if err := s.ticks.Close(ctx); err != nil {
			errs = append(errs, err)
		}
		s.endFlight()
		s.endLobby()
		close(s.crashes.stop)
		for _, done := range []chan struct{}{s.lobbyEnd, s.crashes.done} {
			select {
			case <-done:
			case <-ctx.Done():
				errs = append(errs, ctx.Err())
			}
		}
	}
	return errors.Join(errs...)
}
