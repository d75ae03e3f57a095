package client

import (
	"context"
	"math/rand/v2"
)

// upgrade moves the session from polling to a WebSocket. Until the last step
// any failure leaves the session on polling.
//
// The order is the protocol's: probe the WebSocket; hold new polls and wait for
// those under way (the server releases a pending one); say "upgrade"; then
// everything that waited.
func (c *Conn) upgrade() {
	ctx, cancel := context.WithTimeout(c.ctx, c.opts.HandshakeTimeout)
	defer cancel()
	s, err := c.connect(ctx, phaseProbe)
	if err != nil {
		return
	}
	c.probe.Store(s)
	defer c.probe.Store(nil)
	if !c.start(s.read) {
		_ = s.nc.Close()
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = s.nc.Close() })
	if s.ask() && c.hold(s) && stop() && c.move(s) {
		return
	}
	stop()
	_ = s.nc.Close()
	c.mu.Lock()
	c.paused = false
	c.cond.Broadcast()
	c.mu.Unlock()
}

// ask sends the probe and waits for its answer.
func (s *socket) ask() bool {
	if _, err := s.nc.Write(appendFrame(nil, opText, packetPing, []byte("probe"), rand.Uint32())); err != nil {
		return false
	}
	select {
	case <-s.probed:
		return true
	case <-s.gone:
		return false
	}
}

// hold stops new polls and waits until none is under way.
func (c *Conn) hold(s *socket) bool {
	c.mu.Lock()
	c.paused = true
	c.mu.Unlock()
	settled := make(chan struct{})
	stopped := false // guarded by c.mu
	go func() {
		defer close(settled)
		c.mu.Lock()
		defer c.mu.Unlock()
		for c.requests > 0 && !stopped && !c.ended.Load() {
			c.cond.Wait()
		}
	}()
	select {
	case <-settled:
	case <-s.gone:
		c.mu.Lock()
		stopped = true
		c.cond.Broadcast()
		c.mu.Unlock()
		<-settled
		return false
	}
	return !c.ended.Load()
}

// move makes the WebSocket carry the session and sends what waited.
func (c *Conn) move(s *socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() {
		return false
	}
	b := appendFrame(nil, opText, packetUpgrade, nil, rand.Uint32())
	for records := c.queue.buf; len(records) > 0; {
		typ, data, bin, rest := next(records)
		if bin {
			b = appendFrame(b, opBinary, noPrefix, data, rand.Uint32())
		} else {
			b = appendFrame(b, opText, typ, data, rand.Uint32())
		}
		records = rest
	}
	c.queue = outbox{}
	c.sock.Store(s)
	c.live = true
	c.cond.Broadcast()
	select {
	case <-s.gone: // its end was not the session's when it was reported
		c.fail(ReasonTransportError, ErrClosed)
		return true
	default:
	}
	_ = s.flushLocked(b)
	return true
}
