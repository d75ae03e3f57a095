package engine

import (
	"sync/atomic"
	"time"
)

// alarm is one deadline that can be moved. It is all the heartbeat knows of
// timers, so that a wheel shared by all sessions can take its place.
type alarm struct {
	t   *time.Timer
	due time.Time
}

func (a *alarm) set(d time.Duration, ring func()) {
	a.due = time.Now().Add(d)
	if a.t == nil {
		a.t = time.AfterFunc(d, ring)
		return
	}
	a.t.Reset(d)
}

// early reports how long the alarm still has to wait; a ring that was already
// under way when the alarm was moved comes too early.
func (a *alarm) early() time.Duration { return time.Until(a.due) }

func (a *alarm) stop() {
	if a.t != nil {
		a.t.Stop()
	}
}

// heartbeat is the state of the server's pings. Conn.mu guards it, but for
// awaiting.
type heartbeat struct {
	alarm alarm
	ring  func() // Conn.beat, made once
	// awaiting is set while a ping is unanswered. The reader looks at it without
	// the lock, for each message.
	awaiting atomic.Bool
	extended bool // other traffic has moved the deadline of this ping
	held     bool // the alarm rang during an upgrade and waits for its end
}

func (c *Conn) startHeartbeatLocked() {
	c.hb.ring = c.beat
	if c.dialect != dialect4 {
		c.hb.alarm.set(c.patience3(), c.hb.ring)
		return
	}
	c.hb.alarm.set(c.srv.cfg.PingInterval, c.hb.ring)
}

// patience3 is how long a v3 client, which sends the pings, may be silent.
func (c *Conn) patience3() time.Duration { return c.srv.cfg.PingInterval + c.srv.cfg.PingTimeout }

// beat is what the alarm rings for.
func (c *Conn) beat() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	if d := c.hb.alarm.early(); d > 0 {
		c.hb.alarm.set(d, c.hb.ring)
		c.mu.Unlock()
		return
	}
	switch {
	case c.probing():
		// The old transport is dying: a ping there would make the client poll
		// again, and a pong may be on its way through the new one.
		c.hb.held = true
		c.mu.Unlock()
	case c.dialect != dialect4 || c.hb.awaiting.Load():
		c.mu.Unlock()
		c.close(ReasonNoPong)
	default:
		// The deadline counts from when the ping was due, so that the late alarms
		// of a busy machine do not add up; but not from much longer ago.
		late := min(-c.hb.alarm.early(), c.srv.cfg.PingTimeout/10)
		v := c.pingLocked(late)
		c.mu.Unlock()
		if v == broken {
			c.close(ReasonTransportError)
		}
	}
}

// pingLocked sends a ping that should have gone late ago.
func (c *Conn) pingLocked(late time.Duration) verdict {
	c.hb.awaiting.Store(true)
	c.hb.extended = false
	c.hb.alarm.set(c.srv.cfg.PingTimeout-late, c.hb.ring)
	if w := c.ws.Load(); w != nil {
		f := c.srv.frame()
		defer c.srv.putFrame(f)
		f.b = appendControl(f.b, packetPing, "")
		return w.ob.frame(f.b, laneControl)
	}
	c.queueLocked(packet{typ: packetPing})
	return wrote
}

// overdueLocked reports whether the answer to a ping is late and the alarm has
// merely not rung yet.
func (c *Conn) overdueLocked() bool {
	return (c.dialect != dialect4 || c.hb.awaiting.Load()) && !c.probing() && c.hb.alarm.early() <= 0
}

// pong is called for a pong packet. One that nobody asked for changes nothing.
func (c *Conn) pong() {
	if !c.hb.awaiting.Load() {
		return
	}
	c.mu.Lock()
	if c.hb.awaiting.Load() && !c.closed {
		c.hb.awaiting.Store(false)
		c.hb.held = false
		c.hb.alarm.set(c.srv.cfg.PingInterval, c.hb.ring)
	}
	c.mu.Unlock()
}

// traffic is called for each other packet: a pong may be stuck behind it, so
// the deadline of a ping is moved, once.
func (c *Conn) traffic() {
	if c.dialect != dialect4 {
		c.mu.Lock()
		c.hb.alarm.due = time.Now().Add(c.patience3()) // the ring finds that it is early
		c.mu.Unlock()
		return
	}
	if !c.hb.awaiting.Load() {
		return
	}
	c.mu.Lock()
	if c.hb.awaiting.Load() && !c.hb.extended && !c.closed {
		c.hb.extended = true
		c.hb.alarm.set(c.srv.cfg.PingTimeout, c.hb.ring)
	}
	c.mu.Unlock()
}

// resumeHeartbeatLocked is called when an upgrade has ended either way.
func (c *Conn) resumeHeartbeatLocked() verdict {
	if !c.hb.held || c.closed {
		return wrote
	}
	c.hb.held = false
	if c.dialect != dialect4 {
		c.hb.alarm.set(c.patience3(), c.hb.ring)
		return wrote
	}
	if c.hb.awaiting.Load() {
		c.hb.alarm.set(c.srv.cfg.PingTimeout, c.hb.ring)
		return wrote
	}
	return c.pingLocked(0)
}
