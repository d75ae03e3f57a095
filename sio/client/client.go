package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	engine "gameserver/engine/client"
	"gameserver/sio"
)

// Options configures New. The zero value works.
type Options struct {
	Transport engine.Transport // default: polling, then a WebSocket
	Msgpack   bool             // use the msgpack parser, not JSON
	Reconnect Backoff
	// Auth returns the auth payload for a namespace: nil, or something that
	// encodes as an object. It is called for each CONNECT and must not block.
	Auth func(namespace string) any
	// Header is sent with every HTTP request.
	Header http.Header
	// Dial opens connections; nil means TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLSConfig is used for https and wss; nil means the defaults.
	TLSConfig *tls.Config
	// MaxPayload bounds one received message, in bytes; default 4 MiB.
	MaxPayload int
	// ConnectTimeout bounds one attempt to open a session; default 20 s.
	ConnectTimeout time.Duration
	// Logger is told about lost sessions and failed attempts; nil discards.
	Logger *slog.Logger
}

// Client is a connection to a server, kept up as long as a Socket wants it.
type Client struct {
	// Immutable after New.
	url    string
	opts   Options
	ctx    context.Context //nolint:containedctx // ends the client, not a call
	cancel context.CancelFunc
	done   chan struct{}
	inbox  inbox
	poke   chan struct{} // ends the loop's delay

	mu       sync.Mutex // guards the following and the state of every Socket
	sockets  map[string]*Socket
	order    []*Socket          // the same, in the order they were made
	session  *session           // nil while there is none, or it is being closed
	abort    context.CancelFunc // ends the attempt under way, nil without one
	running  bool               // the loop is running
	closed   bool
	hurry    bool  // a session was asked for since the last attempt
	failures int   // attempts since the last session
	delays   int   // delays since the last session
	lastErr  error // why the last session or attempt ended
}

// New returns a client of the server at url, for example
// "http://127.0.0.1:3000"; the path defaults to /socket.io/.
func New(url string, o Options) *Client {
	o.Reconnect = o.Reconnect.withDefaults()
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, defaultConnectTimeout)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{
		url:     url,
		opts:    o,
		done:    make(chan struct{}),
		sockets: map[string]*Socket{},
		poke:    make(chan struct{}, 1),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// parser returns the encoding of the client's packets.
func (c *Client) parser() sio.Parser {
	if c.opts.Msgpack {
		return sio.ParserMsgpack
	}
	return sio.ParserJSON
}

// Socket returns the Socket of a namespace, always the same one. "" means "/".
func (c *Client) Socket(namespace string) *Socket {
	namespace = cmp.Or(namespace, "/")
	if namespace[0] != '/' {
		namespace = "/" + namespace
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sockets[namespace]
	if s == nil {
		s = newSocket(c, namespace)
		c.sockets[namespace] = s
		c.order = append(c.order, s)
	}
	return s
}

// Close disconnects every Socket, for good. It does not block.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	for _, s := range c.order {
		s.leaveLocked(ErrClosed)
	}
	c.idleLocked()
	running := c.running
	c.mu.Unlock()
	if !running {
		c.shut()
	}
	return nil
}

// Done is closed when a closed client has come to rest.
func (c *Client) Done() <-chan struct{} { return c.done }

// Transport returns "polling", "websocket", or "" without a session.
func (c *Client) Transport() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return ""
	}
	return c.session.conn.Transport()
}

// LastError returns why the last session, or attempt at one, ended: an
// *engine/client.CloseError or *engine/client.HandshakeError in its chain where
// the server said so.
func (c *Client) LastError() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lastErr
}

// Drop breaks the session as a lost network would, and the client reconnects.
// It is for tests of what happens then.
func (c *Client) Drop() {
	c.mu.Lock()
	n := c.session
	c.mu.Unlock()
	if n != nil {
		n.conn.Abort(engine.ReasonTransportError, errDropped)
	}
}

// shut ends the client after its last goroutine but the inbox's.
func (c *Client) shut() {
	c.cancel()
	c.inbox.close(func() { close(c.done) })
}

// idleLocked closes the session, or stops opening one, when no Socket wants it.
func (c *Client) idleLocked() {
	if c.wantedLocked() {
		return
	}
	if c.session != nil {
		_ = c.session.conn.Close()
		c.session = nil
		for _, s := range c.order {
			s.joined, s.stale = false, false
		}
	}
	if c.abort != nil {
		c.abort()
	}
	c.pokeLocked()
}

// wantedLocked reports whether some Socket wants a session.
func (c *Client) wantedLocked() bool {
	return slices.ContainsFunc(c.order, func(s *Socket) bool { return s.active })
}

// pokeLocked ends the delay before the next attempt.
func (c *Client) pokeLocked() {
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

// ensureLocked makes sure that a session is being opened.
func (c *Client) ensureLocked() {
	if c.running {
		c.hurry = c.hurry || c.abort == nil
		c.pokeLocked()
		return
	}
	c.running = true
	c.failures, c.delays = 0, 0
	go c.run()
}
