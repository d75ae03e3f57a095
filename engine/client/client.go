package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"gameserver/engine"
)

// Transport chooses how a session travels.
type Transport uint8

// The ways a session can travel.
const (
	Upgrade   Transport = iota // polling first, then a WebSocket if offered
	Polling                    // long-polling only
	WebSocket                  // a WebSocket from the start
)

// String returns the name of the transport.
func (t Transport) String() string {
	switch t {
	case Upgrade:
		return "upgrade"
	case Polling:
		return "polling"
	case WebSocket:
		return "websocket"
	}
	return fmt.Sprintf("Transport(%d)", uint8(t))
}

// Handler is told what a session receives. One goroutine at a time calls it.
type Handler interface {
	// OnMessage runs on the reader: it must not block, and data dies when it
	// returns.
	OnMessage(data []byte, binary bool)
	// OnClose is called exactly once, after the last OnMessage. The error is a
	// *CloseError.
	OnClose(err error)
}

// Options configures Dial. The zero value with a Handler works.
type Options struct {
	Handler   Handler   // required
	Transport Transport // default Upgrade
	// Header is sent with every request.
	Header http.Header
	// Dial opens connections; nil means TCP.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLSConfig is used for https and wss; nil means the defaults.
	TLSConfig *tls.Config
	// MaxPayload bounds one received message, in bytes; default 4 MiB.
	MaxPayload int
	// MaxBuffered bounds what waits for a poll, in bytes; default 1 MiB.
	MaxBuffered int
	// HandshakeTimeout bounds Dial, and the upgrade after it; default 20 s.
	HandshakeTimeout time.Duration
}

// Message is one message of a session.
type Message = engine.Message

// Dial opens a session with the server at rawURL, for example
// "http://127.0.0.1:3000/socket.io/". The schemes http, https, ws and wss are
// understood; the path defaults to /socket.io/. The context bounds the
// handshake only. A server's refusal is a *HandshakeError.
func Dial(ctx context.Context, rawURL string, o Options) (*Conn, error) {
	if o.Handler == nil {
		return nil, fmt.Errorf("engine/client: dial %s: no handler", rawURL)
	}
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	o.MaxPayload = cmp.Or(o.MaxPayload, defaultMaxPayload)
	o.MaxBuffered = cmp.Or(o.MaxBuffered, defaultMaxBuffered)
	o.HandshakeTimeout = cmp.Or(o.HandshakeTimeout, defaultHandshakeTimeout)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	ctx, cancel := context.WithTimeout(ctx, o.HandshakeTimeout)
	defer cancel()
	c := newConn(u, o)
	if o.Transport == WebSocket {
		err = c.dialWebSocket(ctx)
	} else {
		err = c.dialPolling(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("engine/client: dial %s: %w", u.Host, err)
	}
	return c, nil
}

func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("engine/client: %w", err)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "http"
	case "https", "wss":
		u.Scheme = "https"
	default:
		return nil, fmt.Errorf("engine/client: scheme %q is not http, https, ws or wss", u.Scheme)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("engine/client: no host in %q", raw)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/socket.io/"
	}
	u.Fragment = ""
	return u, nil
}

// address returns the URL of one transport of the session.
func (c *Conn) address(transport string) string {
	u := *c.url
	q := u.Query()
	q.Set("EIO", "4")
	q.Set("transport", transport)
	if c.sid != "" {
		q.Set("sid", c.sid)
	}
	u.RawQuery = q.Encode()
	if transport == "websocket" {
		u.Scheme = "ws"
		if c.url.Scheme == "https" {
			u.Scheme = "wss"
		}
	}
	return u.String()
}
