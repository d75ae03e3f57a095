package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	engine "gameserver/engine/client"
	"gameserver/sio"
	socket "gameserver/sio/client"
)

// Options configures Dial. The zero value works.
type Options struct {
	Name      string           // 1 to 24 characters; the server invents one for ""
	Session   string           // token of a former session, to be the same player
	Transport engine.Transport // default: polling, then a WebSocket
	Msgpack   bool             // use the msgpack parser, not JSON
	Plain     bool             // ask for snapshots in the plain dialect, even with msgpack
	Check     bool             // ask for checksums of the World, which only the compact dialect has
	Reconnect socket.Backoff
	Handlers  Handlers
	// Header is sent with every HTTP request.
	Header http.Header
	// Dial opens connections; nil means TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLSConfig is used for https and wss; nil means the defaults.
	TLSConfig *tls.Config
	// Logger is told about lost connections and bad snapshots; nil discards.
	Logger *slog.Logger
}

// Handlers are the callbacks of a Client; each may be nil.
type Handlers struct {
	// OnSnapshot is told each snapshot that has been applied. On the reader.
	OnSnapshot func(m *Match, s Snapshot)
	// OnEvent is told each event of the game. On the reader; e.Data dies.
	OnEvent func(m *Match, e Event)
	// OnResult is told how the match ended. On the reader.
	OnResult func(m *Match, r Result)
	// OnQueue is told how the wait in a queue goes.
	OnQueue func(q QueueState)
	// OnDrain is told that the server wants to stop.
	OnDrain func(d Drain)
	// OnLost is told that the match lost its connection, and why; it is being
	// resumed.
	OnLost func(m *Match, reason string)
	// OnResumed is told that a match goes on after OnLost.
	OnResumed func(m *Match)
}

// Client is one player's connection to a server.
type Client struct {
	// Immutable after Dial.
	opts  Options
	io    *socket.Client
	lobby *socket.Socket
	match *socket.Socket

	mu      sync.Mutex // guards the following
	player  Person
	session string
	greeted bool   // Dial has said hello
	wait    *wait  // of the Queue that waits
	offer   *Found // a held seat that nobody has taken up
	cur     *Match // the last match
}

// Dial connects to the server at url, joins the lobby and says hello.
func Dial(ctx context.Context, url string, o Options) (*Client, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{opts: o, session: o.Session}
	c.io = socket.New(url, socket.Options{
		Transport: o.Transport, Msgpack: o.Msgpack, Reconnect: o.Reconnect, Auth: c.auth,
		Header: o.Header, Dial: o.Dial, TLSConfig: o.TLSConfig, Logger: o.Logger,
	})
	c.lobby, c.match = c.io.Socket("/lobby"), c.io.Socket("/match")
	c.listenLobby()
	c.listenMatch()
	err := c.lobby.Connect(ctx)
	if err == nil {
		err = c.hello(ctx)
	}
	if err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("server/client: dial %s: %w", url, err)
	}
	return c, nil
}

// Player returns who the server takes this client for.
func (c *Client) Player() Person {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.player
}

// Session returns the token that makes another Dial the same player. It is a
// credential: do not log it.
func (c *Client) Session() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Offer returns a seat that is held for the player and not taken up, as a
// former session leaves behind; Join takes it up.
func (c *Client) Offer() (f Found, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.offer == nil {
		return Found{}, false
	}
	return *c.offer, true
}

// Transport returns "polling", "websocket", or "" without a connection.
func (c *Client) Transport() string { return c.io.Transport() }

// LastError returns why the last connection, or attempt at one, ended.
func (c *Client) LastError() error { return c.io.LastError() }

// Drop breaks the connection as a lost network would; everything is connected
// again. It is for tests of what happens then.
func (c *Client) Drop() { c.io.Drop() }

// Close leaves the server. It does not block.
func (c *Client) Close() error {
	err := c.io.Close()
	c.mu.Lock()
	m := c.cur
	c.mu.Unlock()
	if m != nil {
		m.end(ErrClosed)
	}
	return err
}

// Done is closed when a closed client has come to rest.
func (c *Client) Done() <-chan struct{} { return c.io.Done() }

// auth returns the auth payload of a CONNECT.
func (c *Client) auth(namespace string) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if namespace == "/match" {
		if c.cur == nil {
			return nil
		}
		return c.cur.auth()
	}
	a := map[string]string{}
	if c.opts.Name != "" {
		a["name"] = c.opts.Name
	}
	if c.session != "" {
		a["session"] = c.session
	}
	return a
}

// hello asks who we are and what goes on.
func (c *Client) hello(ctx context.Context) error {
	var h hello
	if err := c.lobby.Call(ctx, "hello", map[string]int{"v": 1}, &h); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	c.mu.Lock()
	c.player, c.session, c.greeted = h.Player, h.Session, true
	c.mu.Unlock()
	if h.Active != nil && h.Active.Match != nil {
		c.found(*h.Active.Match)
	}
	return nil
}

// listenLobby sets the handlers of the lobby, all of which run in order on the
// client's handler goroutine.
func (c *Client) listenLobby() {
	c.lobby.OnConnect(func() {
		c.mu.Lock()
		again := c.greeted
		c.mu.Unlock()
		if !again {
			return // Dial says hello
		}
		ctx, cancel := context.WithTimeout(context.Background(), helloTimeout)
		defer cancel()
		if err := c.hello(ctx); err != nil {
			c.opts.Logger.Debug("no hello", slog.Any("err", err))
		}
	})
	c.lobby.OnDisconnect(func(reason string) {
		if reason == socket.ReasonServer {
			c.outOfLobby(ErrPutOut)
		}
	})
	c.lobby.OnConnectError(c.outOfLobby)
	listen(c, "queue:state", c.queueState)
	listen(c, "match:found", c.found)
	listen(c, "match:void", c.gone)
	listen(c, "match:failed", c.gone)
	listen(c, "server:drain", func(d Drain) {
		if h := c.opts.Handlers.OnDrain; h != nil {
			h(d)
		}
	})
}

// listen sets the handler of a lobby event with one argument.
func listen[T any](c *Client, event string, h func(T)) {
	c.lobby.On(event, func(a sio.Args) {
		var v T
		if err := a.Decode(0, &v); err != nil {
			c.opts.Logger.Debug("bad event", slog.String("event", event), slog.Any("err", err))
			return
		}
		h(v)
	})
}
