package engine

import (
	"bytes"
	"net/http"
	"time"
)

// pollState is the polling transport of a Conn. Conn.mu guards it.
type pollState struct {
	queue   []packet
	cost    int // what queue counts for
	get     *pendingGet
	posting bool // a POST is being read or delivered
}

// pendingGet is a GET that waits for something to say.
type pendingGet struct {
	host    string        // whose GET it is
	ready   chan struct{} // one signal
	dialect dialect
	// answer is set, under Conn.mu, by whoever answers in place of the queue.
	answer payload
}

func (g *pendingGet) wake() {
	select {
	case g.ready <- struct{}{}:
	default:
	}
}

func messagePacket(m Message) packet {
	p := packet{typ: packetMessage, data: bytes.Clone(m.Data)}
	if m.Binary {
		p.typ = packetBinary
	}
	return p
}

// readyLocked reports whether a packet queued now would leave at once.
func (p *pollState) readyLocked(c *Conn) bool {
	return p.get != nil && len(p.queue) == 0 && !c.closed && !c.probed
}

// queueLocked queues a packet and wakes the GET that waits for it.
func (c *Conn) queueLocked(p packet) {
	c.poll.queue = append(c.poll.queue, p)
	c.poll.cost += p.cost()
	c.srv.stats.outbox.Add(int64(p.cost()))
	if c.poll.get != nil {
		c.poll.get.wake()
	}
}

// enqueueLocked is the reliable lane of the polling transport.
func (c *Conn) enqueueLocked(msgs []Message) verdict {
	if c.closed {
		return gone
	}
	cost := 0
	for _, m := range msgs {
		p := packet{typ: packetMessage, data: m.Data}
		if m.Binary {
			p.typ = packetBinary
		}
		cost += p.cost()
	}
	switch limit := c.srv.cfg.OutboxBytes; {
	case cost > limit:
		return tooLarge
	case c.poll.cost+cost > limit:
		return overflow
	}
	for _, m := range msgs {
		c.queueLocked(messagePacket(m))
	}
	c.srv.stats.packetsOut.Add(int64(len(msgs)))
	return wrote
}

// takeLocked takes one payload off the queue.
func (c *Conn) takeLocked(d dialect) payload {
	out, n := d.join(c.poll.queue, c.srv.cfg.MaxPayload)
	cost := 0
	for i := range n {
		cost += c.poll.queue[i].cost()
	}
	c.poll.cost -= cost
	c.srv.stats.outbox.Add(-int64(cost))
	if c.poll.queue = c.poll.queue[n:]; len(c.poll.queue) == 0 {
		c.poll.queue = nil
	}
	return out
}

// drainLocked empties the queue and returns what was in it.
func (c *Conn) drainLocked() []packet {
	q := c.poll.queue
	c.srv.stats.outbox.Add(-int64(c.poll.cost))
	c.poll.queue, c.poll.cost = nil, 0
	return q
}

// closePollLocked ends the transport. It reports whether the session stays in
// the table for a GET that fetches its last words.
func (c *Conn) closePollLocked(reason Reason) bool {
	last, wait := byte(packetClose), pollLinger
	if reason == ReasonClientClose {
		c.drainLocked()
		last, wait = packetNoop, goodbyeLinger
	}
	c.queueLocked(packet{typ: last})
	told := false
	if g := c.poll.get; g != nil {
		c.poll.get = nil
		g.answer = c.takeLocked(g.dialect)
		g.wake()
		told = len(c.poll.queue) == 0
	}
	if told || !reason.announces() {
		c.drainLocked()
		return false
	}
	c.holds.Add(1)
	c.linger = time.AfterFunc(wait, c.endLinger)
	return true
}

// endLinger gives up waiting for the last GET. It may be called at any time.
func (c *Conn) endLinger() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLingerLocked()
}

func (c *Conn) endLingerLocked() {
	if c.linger == nil {
		return
	}
	c.linger.Stop()
	c.linger = nil
	c.drainLocked()
	c.srv.forget(c)
	c.unhold()
}

// openPolling opens a session whose first answer carries the open packet, and
// whatever Open sent.
func (s *Server) openPolling(w http.ResponseWriter, r *http.Request, req *request, from entrance) {
	c, no := s.open(req, from)
	if no != nil {
		s.answer(w, r, false, no)
		return
	}
	c.mu.Lock()
	c.queueLocked(packet{typ: packetOpen, data: c.openPacket(!s.cfg.NoWebSocket && !s.cfg.NoUpgrade)})
	if m := s.cfg.InitialPacket; m != nil {
		c.queueLocked(messagePacket(*m))
	}
	c.startHeartbeatLocked()
	c.mu.Unlock()
	s.start(c)
	c.get(&wish{w: w, r: r, jsonp: req.jsonp, initial: true})
}
