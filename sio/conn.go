package sio

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"gameserver/engine"
)

// link is what this package uses of an *engine.Conn. Tests put something else
// here. Neither method blocks, and Close may call back into OnClose at once, so
// no lock is held across any of them.
type link interface {
	Send(data []byte, binary bool) error
	SendAll(msgs []engine.Message) error
	SendLatest(data []byte, binary bool) bool
	Writable() bool
	Buffered() int
	Admit()
	Close(reason engine.Reason)
}

// conn is one engine session: its parser, its namespaces and its inbox.
type conn struct {
	// Immutable after accept.
	srv  *Server
	link link
	ec   *engine.Conn
	v2   bool   // a Socket.IO v2 client
	sid  string // its session id, from which it computes those of its sockets

	// Owned by the reader.
	dec    *Decoder
	parser Parser // read by others once a socket exists
	budget budget // what the client may still send
	owes   bool   // attachments are missing
	failed bool   // closed by us; ignore the rest

	mu       sync.Mutex // guards the following
	entries  []entry
	refusals int
	admitted bool
	closed   bool
	text     string      // what sockets are told of the close in place of its reason's text
	timeout  *time.Timer // until a namespace is joined
	owing    *time.Timer // while attachments are missing
	inbox    inbox
}

// entry is a namespace that the client asked for.
type entry struct {
	s     *Socket
	state entryState
}

type entryState uint8

const (
	entryJoining entryState = iota // middleware runs
	entryOpen
	entryLeft // disconnected by us; the client may not know yet
)

func (s *Server) accept(l link, ec *engine.Conn) *conn {
	s.tell(func(h *Hooks) {
		if h.Opened != nil {
			h.Opened(ec)
		}
	})
	if ec != nil && ec.Protocol() == 3 {
		return s.acceptV2(l, ec, ec.ID())
	}
	return s.newConn(l, ec, ParserAuto)
}

func (s *Server) newConn(l link, ec *engine.Conn, p Parser) *conn {
	c := &conn{srv: s, link: l, ec: ec, dec: newDecoder(p, &s.cfg.Limits)}
	c.inbox.init(s.cfg.Limits)
	s.count.conns.Add(1)
	c.mu.Lock()
	c.timeout = time.AfterFunc(s.cfg.ConnectTimeout, c.connectTimeout)
	c.mu.Unlock()
	return c
}

func (c *conn) stopTimeoutLocked() {
	if c.timeout != nil {
		c.timeout.Stop()
		c.timeout = nil // it is of no more use, and every connection had one
	}
}

func (c *conn) connectTimeout() {
	c.mu.Lock()
	idle := !c.admitted && !c.closed
	c.mu.Unlock()
	if idle {
		c.srv.refused("auth_timeout")
		c.link.Close(engine.ReasonAuthTimeout)
	}
}

// OnMessage implements engine.Handler, on the reader.
func (c *conn) OnMessage(data []byte, binary bool) {
	if c.failed {
		return
	}
	if err := c.charge(len(data)); err != nil {
		c.fail(err)
		return
	}
	e, err := c.dec.Decode(data, binary)
	if err != nil {
		c.fail(err)
		return
	}
	c.watch()
	if e == nil {
		return
	}
	if c.parser == ParserAuto { // the first message decides; others read it from here on
		c.parser = e.parser
	}
	auth := e.data
	if c.v2 {
		auth = v2Auth(e)
	}
	switch e.typ {
	case PacketConnect:
		err = c.connect(e, auth)
	case PacketDisconnect:
		err = c.disconnect(e)
	case PacketEvent, PacketAck:
		err = c.deliver(e)
	case PacketConnectError:
		err = protocolError("connect error from a client")
	}
	if err != nil {
		c.mu.Lock()
		c.text = "forced server close" // the packet was fine, but not now
		c.mu.Unlock()
		c.fail(err)
	}
}

// fail ends the connection for a violation of the protocol.
func (c *conn) fail(err error) {
	c.failed = true
	reason, label := engine.ReasonProtocol, "protocol_error"
	switch {
	case errors.Is(err, ErrTooLarge):
		reason, label = engine.ReasonTooLarge, "too_large"
	case errors.Is(err, errFlood):
		reason, label = engine.ReasonRateLimited, "rate_limited"
	}
	c.srv.refused(label)
	c.srv.log.Debug("connection refused", slog.String("reason", label), slog.Any("err", err))
	c.link.Close(reason)
}

var errFlood = errors.New("sio: too many packets")

// watch bounds the time between a header and its last attachment.
func (c *conn) watch() {
	owes := c.dec.Owed() > 0
	if owes == c.owes {
		return
	}
	c.owes = owes
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !owes:
		if c.owing != nil {
			c.owing.Stop()
		}
	case !c.closed:
		c.owing = time.AfterFunc(c.srv.cfg.Limits.AttachmentTime, func() {
			c.srv.refused("attachment_timeout")
			c.link.Close(engine.ReasonBadPayload)
		})
	}
}

// findLocked returns the index of a namespace in entries, or -1.
func (c *conn) findLocked(name []byte) int {
	for i := range c.entries {
		if n := c.entries[i].s.nsp.name; n == string(name) || len(name) == 0 && n == "/" {
			return i
		}
	}
	return -1
}

func (c *conn) deliver(e *Event) error {
	c.mu.Lock()
	i := c.findLocked(e.nsp)
	if i < 0 || c.entries[i].state == entryJoining {
		c.mu.Unlock()
		return protocolError("packet to a namespace not joined")
	}
	s, state := c.entries[i].s, c.entries[i].state
	c.mu.Unlock()
	if state == entryLeft {
		c.srv.count.unknown.Add(1)
		return nil
	}
	if e.typ == PacketAck {
		s.acked(e)
		return nil
	}
	if limited, err := c.chargeEvent(s, e); limited {
		return err
	}
	c.srv.count.events.Add(1)
	return s.receive(e)
}

// connect starts to join a namespace.
func (c *conn) connect(e *Event, auth []byte) error {
	n, no := c.srv.lookup(e.nsp, func(into any) error { return decodeAuth(c.parser, auth, into) })
	if no == nil && c.v2 && c.srv.cfg.RefuseEIO3 != nil && c.srv.cfg.RefuseEIO3(n.name) {
		n.release()
		no = &Error{Code: "bad_version", Msg: "Unsupported protocol version"}
	}
	if no == nil {
		if no = c.chargeJoin(); no != nil {
			n.release()
		}
	}
	switch {
	case no != nil && no.Code == "":
		c.srv.refused("invalid_namespace")
		return c.refuse(e.Namespace(), map[string]any{"message": no.Msg})
	case no != nil:
		c.srv.refused(no.Code)
		return c.refuse(e.Namespace(), connectError(no))
	}
	s := newSocket(c, n, auth)
	if c.v2 {
		c.nameV2(s, e)
	}
	posted, err := c.reserve(s)
	if !posted {
		s.unuse()
	}
	if errors.Is(err, errNamespaces) {
		c.srv.refused(codeNamespaces)
		return c.refuse(n.name, connectError(&Error{Code: codeNamespaces, Msg: "Too many namespaces"}))
	}
	return err
}

var errNamespaces = errors.New("sio: too many namespaces")

// reserve gives a socket its place on the connection and asks the middleware.
func (c *conn) reserve(s *Socket) (posted bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false, nil
	}
	switch i := c.findLocked([]byte(s.nsp.name)); {
	case i >= 0 && c.entries[i].state != entryLeft:
		return false, protocolError("duplicate connect")
	case i >= 0:
		c.entries[i] = entry{s: s}
	case len(c.entries) >= c.srv.cfg.Limits.Namespaces:
		return false, errNamespaces
	default:
		c.entries = append(c.entries, entry{s: s})
	}
	c.postLocked(job{kind: jobConnect, s: s})
	return true, nil
}

// refuse answers a CONNECT with a CONNECT_ERROR.
func (c *conn) refuse(nsp string, data any) error {
	c.mu.Lock()
	c.refusals++
	flood := c.refusals > maxRefused
	c.mu.Unlock()
	if flood {
		return errFlood
	}
	if c.v2 {
		data = v2Error(data)
	}
	msgs, err := Encode(c.parser, Header{Type: PacketConnectError, Namespace: nsp}, data)
	if err == nil {
		err = c.send(msgs)
	}
	if err != nil { // the transport is gone, or our own value is at fault
		c.srv.log.Debug("connect error not sent", slog.Any("err", err))
	}
	return nil
}

func (c *conn) send(msgs []engine.Message) error {
	if len(msgs) == 1 {
		return c.link.Send(msgs[0].Data, msgs[0].Binary)
	}
	return c.link.SendAll(msgs)
}

// disconnect is a client that leaves one namespace.
func (c *conn) disconnect(e *Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.findLocked(e.nsp)
	if i < 0 || c.entries[i].state == entryJoining {
		return protocolError("packet to a namespace not joined")
	}
	gone := c.entries[i]
	c.entries = append(c.entries[:i], c.entries[i+1:]...)
	if gone.state == entryOpen {
		c.leaveLocked(gone.s, "client namespace disconnect")
	}
	return nil
}

// leaveLocked ends a socket whose entry is gone.
func (c *conn) leaveLocked(s *Socket, reason string) {
	if s.end() {
		c.postLocked(job{kind: jobLeave, s: s, reason: reason})
	}
}

// OnClose implements engine.Handler.
func (c *conn) OnClose(reason engine.Reason) {
	c.srv.count.conns.Add(-1)
	c.srv.tell(func(h *Hooks) {
		if h.Closed != nil {
			h.Closed(c.ec, reason)
		}
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.stopTimeoutLocked()
	if c.owing != nil {
		c.owing.Stop()
	}
	if reason == engine.ReasonRateLimited {
		c.inbox.dropEvents()
	}
	for _, e := range c.entries {
		if e.state == entryOpen {
			c.leaveLocked(e.s, c.closeTextLocked(reason))
		}
	}
	c.entries = nil
}

func (c *conn) closeTextLocked(reason engine.Reason) string {
	if c.text != "" {
		return c.text
	}
	return reason.Text()
}
