package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one session with a server.
type Conn struct {
	// Immutable after Dial.
	opts Options
	url  *url.URL

	// Set by the open packet, before established is set.
	sid       string
	heartbeat time.Duration // longest silence between two pings
	serverMax int           // largest message the server takes, 0 unknown
	upgrades  bool          // the server offers a WebSocket

	ctx         context.Context //nolint:containedctx // ends the requests of the session, not of a call
	cancel      context.CancelFunc
	http        *http.Client // nil without polling
	opened      chan struct{}
	done        chan struct{}
	established atomic.Bool
	ended       atomic.Bool    // no message is delivered or accepted any more
	endErr      *CloseError    // written by whoever set ended
	wg          sync.WaitGroup // the goroutines that read or write
	sock        atomic.Pointer[socket]
	probe       atomic.Pointer[socket]

	mu       sync.Mutex // guards the following, and writes to sock
	cond     sync.Cond  // something below changed, or the session ended
	beat     *time.Timer
	live     bool   // messages go to sock
	paused   bool   // polling holds still for the upgrade
	requests int    // polling requests under way
	parted   bool   // ended, and nothing is added to queue any more
	queue    outbox // messages waiting for a poll
	frames   []byte // scratch for frames
}

func newConn(u *url.URL, o Options) *Conn {
	c := &Conn{
		opts:   o,
		url:    u,
		opened: make(chan struct{}),
		done:   make(chan struct{}),
	}
	c.cond.L = &c.mu
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// SID returns the session id. It is a credential: do not log it.
func (c *Conn) SID() string { return c.sid }

// Transport returns "polling" or "websocket", whichever carries messages now.
func (c *Conn) Transport() string {
	if c.sock.Load() != nil {
		return "websocket"
	}
	return "polling"
}

// MaxPayload returns the largest message the server said it accepts, 0 if it
// did not say.
func (c *Conn) MaxPayload() int { return c.serverMax }

// Done is closed when the session has ended and OnClose has returned.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Send sends one message. On a WebSocket it returns when the kernel has taken
// it, on polling when it is queued. The bytes are not kept.
func (c *Conn) Send(data []byte, binary bool) error {
	if c.serverMax > 0 && len(data) >= c.serverMax {
		return ErrTooLarge
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() {
		return ErrClosed
	}
	if c.live {
		return c.sock.Load().writeLocked(data, binary)
	}
	return c.enqueueLocked(data, binary)
}

// SendAll sends messages that nothing may come between.
func (c *Conn) SendAll(msgs []Message) error {
	size := 0
	for _, m := range msgs {
		if c.serverMax > 0 && len(m.Data) >= c.serverMax {
			return ErrTooLarge
		}
		size += len(m.Data) + recordHead
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() {
		return ErrClosed
	}
	if c.live {
		return c.sock.Load().writeAllLocked(msgs)
	}
	if !c.queue.fits(size, c.opts.MaxBuffered) {
		return ErrFull
	}
	for _, m := range msgs {
		c.queue.add(packetMessage, m.Data, m.Binary)
	}
	c.cond.Broadcast()
	return nil
}

func (c *Conn) enqueueLocked(data []byte, binary bool) error {
	if !c.queue.fits(len(data)+recordHead, c.opts.MaxBuffered) {
		return ErrFull
	}
	c.queue.add(packetMessage, data, binary)
	c.cond.Broadcast()
	return nil
}

// Close ends the session in good order. It does not block; Done tells when
// everything has been said.
func (c *Conn) Close() error {
	c.end(&CloseError{Reason: ReasonClientClose}, true)
	return nil
}

// fail ends the session at once.
func (c *Conn) fail(reason string, err error) {
	c.end(&CloseError{Reason: reason, Err: err}, false)
}

// end ends the session. Only the first call does anything. Graceful means that
// the server is told and given a moment to answer.
func (c *Conn) end(e *CloseError, graceful bool) {
	if !c.ended.CompareAndSwap(false, true) {
		return
	}
	c.endErr = e
	if !graceful {
		c.cut()
	}
	go c.finish(graceful)
}

// cut breaks every connection of the session.
func (c *Conn) cut() {
	c.cancel()
	for _, s := range []*socket{c.sock.Load(), c.probe.Load()} {
		if s != nil {
			_ = s.nc.Close()
		}
	}
}

// finish waits for the goroutines of the session and reports its end.
func (c *Conn) finish(graceful bool) {
	linger := time.AfterFunc(lingerMax, c.cut)
	if s := c.sock.Load(); s != nil && graceful {
		_ = s.nc.SetWriteDeadline(time.Now().Add(goodbyeMax))
	}
	c.mu.Lock()
	if c.beat != nil {
		c.beat.Stop()
	}
	s := c.sock.Load()
	if graceful && s != nil {
		s.goodbyeLocked()
	}
	if graceful && s == nil {
		c.queue.add(packetClose, nil, false)
	}
	c.parted = true
	if p := c.probe.Load(); p != nil && p != s {
		_ = p.nc.Close()
	}
	c.cond.Broadcast()
	c.mu.Unlock()
	c.wg.Wait()
	linger.Stop()
	c.cut()
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
	if c.established.Load() {
		c.opts.Handler.OnClose(c.endErr)
	}
	close(c.done)
}

// start runs f as a goroutine of the session, unless that has ended.
func (c *Conn) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() {
		return false
	}
	c.wg.Go(f)
	return true
}

// open acts on the open packet.
func (c *Conn) open(data []byte) error {
	var v struct {
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int      `json:"maxPayload"`
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("%w: open packet: %w", errProtocol, err)
	}
	limit := heartbeatMax.Milliseconds()
	if v.SID == "" || v.PingInterval <= 0 || v.PingTimeout <= 0 ||
		v.PingInterval > limit || v.PingTimeout > limit || v.MaxPayload < 0 {
		return violation("open packet out of range")
	}
	c.sid = v.SID
	c.heartbeat = time.Duration(v.PingInterval+v.PingTimeout) * time.Millisecond
	c.serverMax = v.MaxPayload
	for _, u := range v.Upgrades {
		c.upgrades = c.upgrades || u == "websocket"
	}
	c.mu.Lock()
	if !c.ended.Load() {
		c.beat = time.AfterFunc(c.heartbeat, func() { c.fail(ReasonPingTimeout, nil) })
	}
	c.mu.Unlock()
	c.established.Store(true)
	close(c.opened)
	return nil
}

// packet acts on one text packet of the established session, from either
// transport. It runs on the reader.
func (c *Conn) packet(b []byte) {
	if len(b) == 0 {
		c.fail(ReasonParseError, violation("empty packet"))
		return
	}
	switch b[0] {
	case packetMessage:
		c.deliver(b[1:], false)
	case packetPing:
		c.pong(b[1:])
	case packetClose:
		c.end(&CloseError{Reason: ReasonTransportClose}, false)
	case packetNoop, packetPong, packetOpen, packetUpgrade:
	default:
		c.fail(ReasonParseError, violation("unknown packet type"))
	}
}

func (c *Conn) deliver(data []byte, binary bool) {
	if !c.ended.Load() {
		c.opts.Handler.OnMessage(data, binary)
	}
}

// pong answers a ping and expects the next one.
func (c *Conn) pong(data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() {
		return
	}
	c.beat.Reset(c.heartbeat)
	if c.live {
		_ = c.sock.Load().writePacketLocked(packetPong, data)
		return
	}
	if !c.queue.fits(len(data)+recordHead, c.opts.MaxBuffered) {
		c.fail(ReasonTransportError, ErrFull) // pings without end and no poll for the answers
		return
	}
	c.queue.add(packetPong, data, false)
	c.cond.Broadcast()
}

// Abort breaks the session at once, without telling the server. Reason is one
// of the Reason constants.
func (c *Conn) Abort(reason string, err error) { c.fail(reason, err) }
