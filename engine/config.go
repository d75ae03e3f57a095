package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Errors of the send methods.
var (
	// ErrClosed says that the Conn has ended.
	ErrClosed = errors.New("engine: conn closed")
	// ErrSlow says that the outbox is full; the Conn is being closed.
	ErrSlow = errors.New("engine: slow consumer")
	// ErrTooLarge says that the message alone exceeds the outbox; the Conn
	// stays open.
	ErrTooLarge = errors.New("engine: message larger than the outbox")
)

// Config configures a Server. Its zero value works once Open is set.
type Config struct {
	// PingInterval is the time between the answer to one heartbeat and the next
	// heartbeat; 25 s if zero.
	PingInterval time.Duration
	// PingTimeout is how long the answer to a heartbeat may take; 20 s if zero.
	PingTimeout time.Duration
	// UpgradeTimeout is how long an upgrade to WebSocket may take before it is
	// given up and polling goes on; 10 s if zero.
	UpgradeTimeout time.Duration
	// MaxPayload bounds a message from the client in bytes, and a polling
	// payload; 1e6 if zero. Clients are told.
	MaxPayload int
	// EarlyPayload takes its place until Conn.Admit; 8 KiB if zero.
	EarlyPayload int
	// OutboxBytes bounds what waits for one client; 1 MiB if zero.
	OutboxBytes int
	// MaxConns bounds the sessions; the descriptor limit minus 512 if zero.
	// Above it, handshakes are answered 503.
	MaxConns int
	// NoPolling refuses the polling transport.
	NoPolling bool
	// NoWebSocket refuses the WebSocket transport, and so upgrades.
	NoWebSocket bool
	// NoUpgrade refuses upgrades only.
	NoUpgrade bool
	// TrustedProxies are the proxies in front of this server. Requests from them
	// are taken for those of the client that X-Forwarded-For names, read from
	// right to left, and for secure if X-Forwarded-Proto says so. Other requests
	// may say what they like. A peer on a Unix socket is trusted if the list is
	// not empty.
	TrustedProxies []netip.Prefix
	// Abuse bounds what one network may do. Above its limits requests are
	// answered 429.
	Abuse Abuse
	// NoCompression sends polling answers as they are. Otherwise those of a
	// kilobyte and more are compressed for clients that ask for it.
	NoCompression bool
	// AllowRequest judges handshakes; an error is answered 403 with its text.
	AllowRequest func(*http.Request) error
	// Origins are the pages that may connect besides those of the requested host:
	// each an exact scheme://host or scheme://host:port, or "*" for any. They bind
	// every request alike, WebSockets too. See "Who may connect" in the package
	// comment.
	Origins []string
	// RequireOrigin refuses requests without an Origin: browsers only.
	RequireOrigin bool
	// OriginHint is appended to the refusal of an Origin, and may name the setting
	// that would allow it.
	OriginHint string
	// CheckOrigin judges the Origin of every request in place of all that.
	CheckOrigin func(*http.Request) bool
	// CORSCredentials lets pages of Origins send cookies and read the answer. No
	// other page ever may.
	CORSCredentials bool
	// AllowEIO3 lets clients of Engine.IO v3, which are those of Socket.IO v2, in
	// as well. Then an unknown revision is taken for theirs.
	AllowEIO3 bool
	// Cookie is the template of a cookie that carries the session id, for proxies
	// that keep a client on one server by it. Its name is io, its path / and its
	// SameSite Lax if not set otherwise; scripts never see it. Nil sets none. The
	// server itself reads no cookie.
	Cookie *http.Cookie
	// InitialHeaders may add headers to the answer that opens a session, Headers
	// to that and every later one of a session. They must not block.
	InitialHeaders, Headers func(http.Header, *http.Request)
	// ConnectionError is told of each request that was refused, with the code and
	// the message of the answer. It must not block.
	ConnectionError func(code int, message string, r *http.Request)
	// NewID makes the session ids: unique, unguessable, 16 to 64 letters, digits,
	// _ and -. If nil they are 20 characters of 120 random bits.
	NewID func() string
	// InitialPacket is sent to each client as its first message.
	InitialPacket *Message
	// Open is called once per session, before any message. It must not block.
	// Required.
	Open func(*Conn) Handler
	// Refused counts what was refused; both words come from small fixed sets.
	// It must not block. May be nil.
	Refused func(layer, reason string)
	// Logger takes what an operator should know; nil discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Open == nil {
		panic("engine: Config.Open is required")
	}
	if err := c.Validate(); err != nil {
		panic(err)
	}
	set(&c.PingInterval, defaultPingInterval)
	set(&c.PingTimeout, defaultPingTimeout)
	set(&c.UpgradeTimeout, defaultUpgradeTimeout)
	set(&c.MaxPayload, defaultMaxPayload)
	set(&c.EarlyPayload, defaultEarlyPayload)
	set(&c.OutboxBytes, defaultOutboxBytes)
	set(&c.MaxConns, defaultMaxConns())
	c.EarlyPayload = min(c.EarlyPayload, c.MaxPayload)
	if c.Refused == nil {
		c.Refused = func(string, string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Validate reports the first setting that cannot work. New panics with it.
func (c Config) Validate() error {
	if _, err := newOriginList(c.Origins); err != nil {
		return err
	}
	for _, p := range c.TrustedProxies {
		if !p.IsValid() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			return fmt.Errorf("engine: Config.TrustedProxies: %s can match no address", p)
		}
	}
	if c.Cookie != nil && sessionCookie(*c.Cookie, "x") == "" {
		return fmt.Errorf("engine: Config.Cookie: %q cannot be its name", c.Cookie.Name)
	}
	return nil
}

func set[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// Handler receives what one Conn delivers.
type Handler interface {
	// OnMessage is called on the goroutine that reads, in order and never twice
	// at a time. It must not block; data dies when it returns.
	OnMessage(data []byte, binary bool)
	// OnClose is called exactly once, after the last OnMessage.
	OnClose(reason Reason)
}

// Message is one message of Conn.SendAll.
type Message struct {
	Data   []byte
	Binary bool
}

// Handshake is the request that opened a session. It must not be changed.
type Handshake struct {
	// RemoteAddr is the client's host:port, or its address alone if a trusted
	// proxy named it.
	RemoteAddr  string
	Header      http.Header
	Query       url.Values
	URL         string
	Secure      bool
	CrossDomain bool
	Time        time.Time
}

// Stats are the counters of a Server at one moment.
type Stats struct {
	// Polling and WebSocket are the open sessions by current transport.
	Polling, WebSocket int64
	// Opened and Closed count sessions, Upgrades completed upgrades.
	Opened, Closed, Upgrades int64
	// PacketsIn and PacketsOut count messages of sessions.
	PacketsIn, PacketsOut int64
	// BytesIn counts bytes read from WebSockets and polling bodies, BytesOut
	// bytes of frames and payloads handed to the transports.
	BytesIn, BytesOut int64
	// OutboxBytes waits for clients now.
	OutboxBytes int64
	// Refused counts requests, frames and packets that were refused,
	// SlowConsumers the sessions closed for not reading, Panics the handlers
	// that failed.
	Refused, SlowConsumers, Panics int64
}
