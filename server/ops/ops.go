package ops

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"gameserver/engine"
	"gameserver/sio"
	"gameserver/tick"
)

// Config configures a Dashboard. Ticks and House are required.
type Config struct {
	Ticks *tick.Scheduler
	House House
	// Traces returns the saves of the flight recorder, newest first; nil: it is off.
	Traces func() []Trace
	// Token is asked for; empty: everybody who can reach the server is let in, so
	// that must be this machine alone.
	Token string
	// Version is shown.
	Version string
	// Logger takes what operators did, and what went wrong; nil discards.
	Logger *slog.Logger
	// Refused counts what was refused, Acted what operators did and what became of
	// it; all words come from small fixed sets. They must not block. May be nil.
	Refused func(layer, reason string)
	Acted   func(action, result string)
}

// Dashboard serves the namespace that the page connects to.
type Dashboard struct {
	// Immutable after New.
	cfg    Config
	io     *sio.Server
	began  time.Time
	access *access
	orders chan order
	quit   chan struct{}
	gone   chan struct{} // closed when the sampler has ended

	watchers atomic.Int64
	readings atomic.Uint64
	closing  atomic.Bool
}

// New starts a dashboard. End it with Shutdown.
func New(cfg Config) *Dashboard {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Refused == nil {
		cfg.Refused = func(string, string) {}
	}
	if cfg.Acted == nil {
		cfg.Acted = func(string, string) {}
	}
	d := &Dashboard{
		cfg: cfg, began: time.Now(), access: newAccess(cfg.Token),
		orders: make(chan order), quit: make(chan struct{}), gone: make(chan struct{}),
	}
	d.io = sio.New(sio.Config{
		Engine: engine.Config{
			PingInterval: 10 * time.Second, PingTimeout: 8 * time.Second,
			MaxPayload: MaxPayload, OutboxBytes: OutboxBytes, MaxConns: MaxConns, CheckOrigin: OwnPage,
		},
		ConnectTimeout: ConnectTimeout,
		Abuse: sio.Abuse{
			Classes: []sio.Class{{
				Namespace: Namespace, Events: []string{callKick, callStop},
				Messages: sio.Rate{PerSecond: ActionRate, Burst: ActionBurst},
			}},
			Strict: func(string) bool { return true },
		},
		Outbox:  sio.Outbox{Bytes: OutboxBytes, Packets: 64},
		Logger:  cfg.Logger,
		Refused: cfg.Refused,
	})
	ns := d.io.Of(Namespace)
	declare(ns)
	ns.Use(d.admit)
	ns.OnConnection(d.welcome)
	s := newSampler(d.cfg, d.orders, d.quit)
	s.readings = func() { d.readings.Add(1) }
	go func() {
		defer close(d.gone)
		s.run()
	}()
	return d
}

// ServeHTTP serves the Socket.IO requests of the page.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.io.ServeHTTP(w, r) }

// Stats are the counters of a Dashboard.
type Stats struct {
	Watchers int64  // pages that are connected
	Readings uint64 // taken so far
}

// Stats returns the counters. Any goroutine may call it.
func (d *Dashboard) Stats() Stats { return Stats{d.watchers.Load(), d.readings.Load()} }

// Shutdown closes every page's connection and ends the sampler.
func (d *Dashboard) Shutdown(ctx context.Context) error {
	err := d.io.Shutdown(ctx)
	if d.closing.CompareAndSwap(false, true) {
		close(d.quit)
	}
	select {
	case <-d.gone:
		return err
	case <-ctx.Done():
		return errors.Join(err, ctx.Err())
	}
}

// OwnPage judges the Origin of a request: it must be the host that was asked. A
// page from elsewhere cannot hide its Origin from a WebSocket or a POST; from a GET
// it can, but then the browser says what kind of page it is. Programs have
// neither.
func OwnPage(r *http.Request) bool {
	switch lines := r.Header.Values("Origin"); len(lines) {
	case 0:
		site := r.Header.Get("Sec-Fetch-Site")
		return site == "" || site == "same-origin" || site == "none"
	case 1:
		u, err := url.Parse(lines[0])
		return err == nil && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host)
	default:
		return false
	}
}

// admit lets a page in.
func (d *Dashboard) admit(sock *sio.Socket) error {
	var auth Auth
	if err := sock.Auth(&auth); err != nil {
		return d.refuse(&sio.Error{Code: "bad_payload", Msg: "auth must be {token?}", Path: "auth"})
	}
	if err := d.access.check(sock.Handshake().Address, auth.Token, time.Now()); err != nil {
		return d.refuse(err)
	}
	if d.watchers.Add(1) > MaxWatchers {
		d.watchers.Add(-1)
		return d.refuse(&sio.Error{Code: "overloaded", Msg: "too many pages watch already", RetryMs: 10_000})
	}
	sock.OnDisconnected(func(string) { d.watchers.Add(-1) })
	return nil
}

func (d *Dashboard) refuse(e *sio.Error) error {
	d.cfg.Refused("ops", e.Code)
	return e
}

// welcome serves a page that is in.
func (d *Dashboard) welcome(sock *sio.Socket) {
	sock.OnDisconnect(func(string) { d.ask(order{out: sock, leave: true}) })
	sio.OnAck(sock, callWatch, func(r WatchRequest) (Done, error) {
		d.ask(order{out: sock, watch: r})
		return Done{OK: true}, nil
	})
	p := &pilot{d: d, sock: sock}
	sio.OnAck(sock, callKick, func(r KickRequest) (Done, error) {
		err := p.act(callKick, r.By, func() error { return d.cfg.House.Kick(r.Match, r.Seat) },
			slog.String("match", r.Match), slog.Int("seat", r.Seat))
		return Done{OK: err == nil}, err
	})
	sio.OnAck(sock, callStop, func(r StopRequest) (Done, error) {
		err := p.act(callStop, r.By, func() error { return d.cfg.House.Stop(r.Match) }, slog.String("match", r.Match))
		return Done{OK: err == nil}, err
	})
	if err := sock.Emit(eventHello, d.hello()); err != nil {
		d.cfg.Logger.Debug("ops: hello not sent", slog.Any("err", err))
	}
}

// ask hands an order to the sampler.
func (d *Dashboard) ask(o order) {
	select {
	case d.orders <- o:
	case <-d.quit:
	}
}

func (d *Dashboard) hello() Hello {
	host, _ := os.Hostname() // shown, if there is one
	can := []string{callKick, callStop}
	if d.cfg.Traces != nil {
		can = append(can, "trace")
	}
	return Hello{
		Version: d.cfg.Version, Host: clip(host, MaxName), PID: os.Getpid(), Started: d.began.UnixMilli(),
		Every: SampleEvery.Milliseconds(), Timer: d.cfg.Ticks.Stats().Timer,
		Phases: words(tick.NumPhases), Levels: levels(), Causes: words(tick.NumCauses), Can: can,
	}
}

// pilot is an operator at a page.
type pilot struct {
	d    *Dashboard
	sock *sio.Socket
}

// act carries out what an operator asked for, and writes down who it was.
func (p *pilot) act(action, by string, do func() error, what ...any) error {
	d := p.d
	err, result := do(), "ok"
	var own *sio.Error
	switch {
	case err == nil:
	case errors.As(err, &own):
		result = own.Code
	case errors.Is(err, ErrNotFound):
		err, result = &sio.Error{Code: "not_found", Msg: "it is gone"}, "not_found"
	default:
		result = "internal"
	}
	d.cfg.Acted(action, result)
	attrs := append([]any{
		slog.String("action", action), slog.String("by", by), slog.String("from", p.sock.Handshake().Address),
		slog.String("result", result),
	}, what...)
	if result == "internal" {
		attrs = append(attrs, slog.Any("err", err))
	}
	d.cfg.Logger.Warn("operator", attrs...)
	return err
}
