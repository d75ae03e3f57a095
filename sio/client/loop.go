package client

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	engine "gameserver/engine/client"
)

// run opens sessions one after the other, as long as one is wanted. There is
// one such goroutine at most.
func (c *Client) run() {
	for {
		if conn := c.open(); conn != nil {
			<-conn.Done()
		}
		delay, more := c.next()
		if !more {
			return
		}
		if delay == 0 {
			continue
		}
		t := time.NewTimer(delay)
		select {
		case <-t.C:
		case <-c.poke:
			t.Stop()
		}
	}
}

// open makes one attempt to open a session, if one is still wanted, and returns
// it or nil.
func (c *Client) open() *engine.Conn {
	ctx, cancel := context.WithTimeout(c.ctx, c.opts.ConnectTimeout)
	defer cancel()
	c.mu.Lock()
	if !c.wantedLocked() {
		c.mu.Unlock()
		return nil
	}
	c.abort = cancel
	c.hurry = false
	c.mu.Unlock()
	n := newSession(c)
	conn, err := engine.Dial(ctx, c.url, engine.Options{
		Handler: n, Transport: c.opts.Transport, Header: c.opts.Header, Dial: c.opts.Dial,
		TLSConfig: c.opts.TLSConfig, MaxPayload: c.opts.MaxPayload, HandshakeTimeout: c.opts.ConnectTimeout,
	})
	c.mu.Lock()
	c.abort = nil
	if err == nil && n.dead {
		err = n.err
	}
	if err != nil {
		c.failedLocked(err)
		c.mu.Unlock()
		return nil
	}
	n.conn = conn
	c.session = n
	c.failures, c.delays = 0, 0
	c.idleLocked()
	var join []*Socket
	for _, s := range c.order {
		if s.active {
			join = append(join, s)
		}
	}
	c.mu.Unlock()
	for _, s := range join {
		s.join(n)
	}
	return conn
}

// failedLocked notes a failed attempt. After the last one it tells the Sockets.
func (c *Client) failedLocked(err error) {
	c.lastErr = err
	c.failures++
	c.opts.Logger.Debug("connect failed", slog.Any("err", err), slog.Int("failures", c.failures))
	b := c.opts.Reconnect
	if !b.Disabled && (b.MaxAttempts <= 0 || c.failures < b.MaxAttempts) {
		return
	}
	for _, s := range c.order {
		s.refuseLocked(fmt.Errorf("sio/client: no connection: %w", err))
	}
}

// lostLocked tells every Socket that the session has ended.
func (c *Client) lostLocked(reason string) {
	c.session = nil
	c.opts.Logger.Debug("session lost", slog.String("reason", reason))
	for _, s := range c.order {
		s.detachLocked(reason)
		if c.opts.Reconnect.Disabled {
			s.refuseLocked(fmt.Errorf("%w: %s", ErrDisconnected, reason))
		}
	}
}

// next decides whether to make another attempt, and after which delay.
func (c *Client) next() (delay time.Duration, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.poke:
	default:
	}
	if !c.wantedLocked() {
		c.running = false
		if c.closed {
			c.shut()
		}
		return 0, false
	}
	if c.hurry {
		return 0, true
	}
	delay = c.opts.Reconnect.delay(c.delays, rand.Float64())
	c.delays++
	return delay, true
}
