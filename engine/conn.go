package engine

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Conn is one Engine.IO session. Its methods may be called from any goroutine.
type Conn struct {
	// immutable after newConn, but for handler, which is set before the first
	// message
	srv     *Server
	id      string
	from    entrance
	handler Handler
	pass    pass
	dialect dialect // of polling

	gate  gate
	limit atomic.Int64           // largest message now
	ws    atomic.Pointer[wsConn] // the transport, nil while polling
	holds atomic.Int32           // what still occupies the session's place

	mu sync.Mutex
	// mu guards the following. It is taken before the mutex of an outbox and
	// that of the server, and never held over a callback.
	closed    bool
	reason    Reason
	candidate *wsConn // a WebSocket that asks to take over
	probed    bool    // and has been answered: polling is on hold
	poll      pollState
	hb        heartbeat
	linger    *time.Timer
}

func newConn(s *Server, id string, from entrance) *Conn {
	c := &Conn{srv: s, id: id, from: from}
	c.limit.Store(int64(s.cfg.EarlyPayload))
	c.holds.Store(1)
	return c
}

// unhold frees the place of the session when its last holder is done: the
// session itself, its WebSocket, or the wait for a last GET.
func (c *Conn) unhold() {
	if c.holds.Add(-1) == 0 {
		c.srv.freeSlot(c.pass)
	}
}

// ID returns the session id. It is a credential: who knows it may speak for the
// session.
func (c *Conn) ID() string { return c.id }

// Handshake returns the request that opened the session. It is put together at
// each call, and the caller's.
func (c *Conn) Handshake() *Handshake { return c.from.handshake() }

// Protocol returns the Engine.IO revision the session speaks: 4, or 3 if
// Config.AllowEIO3 is set.
func (c *Conn) Protocol() int { return c.dialect.protocol() }

// Transport returns "polling" or "websocket".
func (c *Conn) Transport() string {
	if c.ws.Load() != nil {
		return transportWebSocket
	}
	return transportPolling
}

// Admit lifts the limit of messages from Config.EarlyPayload to
// Config.MaxPayload.
func (c *Conn) Admit() { c.limit.Store(int64(c.srv.cfg.MaxPayload)) }

// Close ends the session with a reason. What was sent before is still flushed,
// for a bounded time. Close never blocks, and only the first reason counts.
func (c *Conn) Close(reason Reason) { c.close(reason) }

// Buffered returns how many bytes wait for the client.
func (c *Conn) Buffered() int {
	if w := c.ws.Load(); w != nil {
		n, _ := w.ob.pending()
		return n
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poll.cost
}

// Writable reports whether SendLatest would accept now. The answer may be stale
// at once.
func (c *Conn) Writable() bool {
	if w := c.ws.Load(); w != nil {
		_, ok := w.ob.pending()
		return ok
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poll.readyLocked(c)
}

// Send queues a message on the reliable lane. data may be reused at once. If
// the outbox is full the Conn is closed with ReasonSlowConsumer.
func (c *Conn) Send(data []byte, binary bool) error {
	if w := c.ws.Load(); w != nil {
		return c.settle(c.sendFrame(w, data, binary, laneReliable))
	}
	return c.SendAll([]Message{{data, binary}})
}

// SendLatest sends a message only if nothing is queued ahead of it, and reports
// whether it did. What was refused is forgotten: send a newer one later. On
// polling, accepted means that a waiting GET takes it.
func (c *Conn) SendLatest(data []byte, binary bool) bool {
	if w := c.ws.Load(); w != nil {
		v := c.sendFrame(w, data, binary, laneLatest)
		if v == broken {
			c.close(ReasonTransportError)
		}
		return v == wrote
	}
	c.mu.Lock()
	if w := c.ws.Load(); w != nil {
		c.mu.Unlock()
		return c.SendLatest(data, binary)
	}
	defer c.mu.Unlock()
	if !c.poll.readyLocked(c) {
		return false
	}
	c.queueLocked(messagePacket(Message{data, binary}))
	return true
}

// SendAll queues messages on the reliable lane with nothing between them.
func (c *Conn) SendAll(msgs []Message) error {
	w := c.ws.Load()
	if w == nil {
		c.mu.Lock()
		if w = c.ws.Load(); w == nil {
			v := c.enqueueLocked(msgs)
			c.mu.Unlock()
			return c.settle(v)
		}
		c.mu.Unlock()
	}
	f := c.srv.frame()
	for _, m := range msgs {
		f.b = w.dialect.appendMessage(f.b, m.Data, m.Binary)
	}
	v := c.writeFrames(w, f, len(msgs), laneReliable)
	return c.settle(v)
}

func (c *Conn) sendFrame(w *wsConn, data []byte, binary bool, l lane) verdict {
	f := c.srv.frame()
	f.b = w.dialect.appendMessage(f.b, data, binary)
	return c.writeFrames(w, f, 1, l)
}

func (c *Conn) writeFrames(w *wsConn, f *frameBuf, packets int, l lane) verdict {
	v := w.ob.frame(f.b, l)
	if v == wrote {
		c.srv.stats.packetsOut.Add(int64(packets))
		c.srv.stats.bytesOut.Add(int64(len(f.b)))
	}
	c.srv.putFrame(f)
	return v
}

// settle turns a verdict of the reliable lane into its consequence.
func (c *Conn) settle(v verdict) error {
	switch v {
	case wrote:
		return nil
	case tooLarge:
		return ErrTooLarge
	case overflow:
		c.close(ReasonSlowConsumer)
		return ErrSlow
	case broken:
		c.close(ReasonTransportError)
		return ErrClosed
	case gone, busy:
		return ErrClosed
	default:
		panic("engine: unknown verdict")
	}
}

// receive handles one packet of the live transport, text or binary.
func (c *Conn) receive(data []byte, binary bool) {
	if c.dialect != dialect4 {
		c.receive3(data, binary)
		return
	}
	if binary {
		c.deliver(data, true)
		return
	}
	if len(data) == 0 {
		c.refuse("packet", ReasonProtocol)
		return
	}
	switch data[0] {
	case packetMessage:
		c.deliver(data[1:], false)
	case packetPong:
		c.pong()
	case packetClose:
		c.close(ReasonClientClose)
	case packetOpen, packetUpgrade, packetNoop:
		c.traffic()
	default: // a ping included: only servers ping
		c.refuse("packet", ReasonProtocol)
	}
}

func (c *Conn) deliver(data []byte, binary bool) {
	c.traffic()
	if !c.gate.enter() {
		return
	}
	defer c.leave()
	c.srv.stats.packetsIn.Add(1)
	c.handler.OnMessage(data, binary)
}

// leave ends a callback; if the Conn was closed meanwhile, the last callback is
// due.
func (c *Conn) leave() {
	if c.gate.leave() {
		c.finish()
	}
}

// refuse closes the Conn for something the client did.
func (c *Conn) refuse(layer string, reason Reason) {
	c.srv.refused(layer, reason.String())
	c.close(reason)
}

func (c *Conn) close(reason Reason) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed, c.reason = true, reason
	c.hb.alarm.stop()
	candidate, live := c.candidate, c.ws.Load()
	c.decideLocked()
	if live != nil || !c.closePollLocked(reason) {
		c.srv.forget(c)
	}
	c.mu.Unlock()
	if reason == ReasonSlowConsumer {
		c.srv.stats.slow.Add(1)
	}
	if candidate != nil {
		candidate.shut(reason)
	}
	if live != nil {
		live.shut(reason)
	}
	// OnClose may not run on the caller's goroutine, which may hold locks.
	if c.gate.close() {
		c.srv.spawn(c.finish)
	}
}

// finish is the end of the session, reached exactly once.
func (c *Conn) finish() {
	defer c.srv.release()
	defer c.srv.recovered("close", nil)
	c.srv.closedConn(c)
	if c.handler != nil {
		c.handler.OnClose(c.reason)
	}
}

// openPacket is the data of the first packet of a session.
func (c *Conn) openPacket(upgrade bool) []byte {
	cfg := &c.srv.cfg
	b := append(make([]byte, 0, 128), `{"sid":"`...)
	b = append(b, c.id...)
	b = append(b, `","upgrades":[`...)
	if upgrade {
		b = append(b, `"websocket"`...)
	}
	b = append(b, `],"pingInterval":`...)
	b = strconv.AppendInt(b, cfg.PingInterval.Milliseconds(), 10)
	b = append(b, `,"pingTimeout":`...)
	b = strconv.AppendInt(b, cfg.PingTimeout.Milliseconds(), 10)
	b = append(b, `,"maxPayload":`...)
	b = strconv.AppendInt(b, int64(cfg.MaxPayload), 10)
	return append(b, '}')
}

// gate lets one callback in at a time and none after the close. Whoever finds
// that the gate is closed and empty runs the last callback.
type gate struct{ state atomic.Uint32 }

const (
	gateBusy   = 1
	gateClosed = 2
)

// enter reports whether a callback may run.
func (g *gate) enter() bool { return g.state.CompareAndSwap(0, gateBusy) }

// leave reports whether the gate was closed meanwhile: the last callback is the
// caller's to run.
func (g *gate) leave() bool { return g.state.And(^uint32(gateBusy))&gateClosed != 0 }

// close reports whether the gate was empty: the last callback is the caller's
// to run. It must be called once.
func (g *gate) close() bool { return g.state.Or(gateClosed) == 0 }
