package engine

import (
	"net/http"
	"time"
)

// The upgrade of a polling session to a WebSocket.
//
//	candidate   GETs              client sends    then
//	none        normal            a WebSocket     candidate
//	silent      normal            2probe          3probe, probed; pending GET gets 6
//	probed      each gets 6       5               the WebSocket is the transport
//
// Anything else the candidate does, or UpgradeTimeout, ends the candidate and
// polling goes on. Messages sent while probed wait in the polling queue, and
// are the first that the WebSocket carries.

// probing reports whether a candidate has been answered. Conn.mu is held.
func (c *Conn) probing() bool { return c.probed }

// decideLocked ends the candidacy, won or lost.
func (c *Conn) decideLocked() {
	if c.candidate != nil {
		close(c.candidate.decided)
	}
	c.candidate, c.probed = nil, false
}

// getOnHold serves a GET that arrives after the probe. Its answer is empty, and
// a moment late: the 5 that was sent before it may be under way on the other
// connection.
func (c *Conn) getOnHold(q *wish, decided <-chan struct{}) {
	moment := time.NewTimer(noopDelay)
	defer moment.Stop()
	select {
	case <-moment.C:
		c.respond(q, c.dialect.noop())
	case <-q.r.Context().Done():
		c.close(ReasonTransportError)
	case <-decided:
		c.get(q)
	}
}

// openCandidate takes over a WebSocket that names an existing session.
func (s *Server) openCandidate(w http.ResponseWriter, r *http.Request, req *request) {
	c := req.conn
	if s.cfg.NoUpgrade {
		s.answer(w, r, true, refuseRequest())
		return
	}
	c.mu.Lock()
	over := c.closed
	c.mu.Unlock()
	if over { // and waits only for its last GET
		s.answer(w, r, true, refuseSID())
		return
	}
	if !s.retain() {
		s.answer(w, r, true, refuseOverload())
		return
	}
	ws, reader := s.hijack(w, r, req, c)
	if ws == nil {
		s.release()
		return
	}
	c.mu.Lock()
	welcome := !c.closed && c.candidate == nil && c.ws.Load() == nil
	if welcome {
		c.candidate = ws
		ws.decided = make(chan struct{})
		ws.timer = time.AfterFunc(s.cfg.UpgradeTimeout, func() { ws.fail(ReasonTransportError) })
	}
	c.mu.Unlock()
	if !welcome {
		s.refused("upgrade", "second_candidate")
		ws.shut(ReasonProtocol)
	}
	reader.start(ws)
}

// audition handles a message of a candidate.
func (w *wsConn) audition(data []byte, binary bool) {
	switch text := string(data); {
	case binary:
		w.fail(ReasonProtocol)
	case !w.probed && text == string(packetPing)+probe:
		w.probed = true
		w.answerProbe()
	case w.probed && text == string(packetUpgrade):
		w.live = w.takeOver()
	default:
		w.fail(ReasonProtocol)
	}
}

// answerProbe puts polling on hold: from now on GETs are answered at once and
// empty, so that the client can stop polling.
func (w *wsConn) answerProbe() {
	c := w.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.candidate != w {
		return
	}
	c.probed = true
	var frame [16]byte
	w.ob.frame(appendControl(frame[:0], packetPong, probe), laneControl)
	if g := c.poll.get; g != nil {
		c.poll.get = nil
		g.answer = c.dialect.noop()
		g.wake()
	}
}

// takeOver makes the candidate the transport, with the queue as its first
// frames. It reports whether it did.
func (w *wsConn) takeOver() bool {
	c := w.conn
	f := c.srv.frame()
	c.mu.Lock()
	if c.candidate != w || c.poll.posting {
		// A POST under way belongs before what the WebSocket says next: a
		// client that does not wait for its answer has no order to keep.
		c.mu.Unlock()
		w.fail(ReasonProtocol)
		return false
	}
	w.timer.Stop()
	for _, p := range c.drainLocked() {
		f.b = w.dialect.appendPacket(f.b, p)
	}
	v := wrote
	if len(f.b) > 0 {
		// Bounded already, by the bound of the polling queue.
		v = w.ob.frame(f.b, laneControl)
	}
	w.becomeLocked()
	c.decideLocked()
	beat := c.resumeHeartbeatLocked()
	c.mu.Unlock()
	c.srv.stats.bytesOut.Add(int64(len(f.b)))
	c.srv.putFrame(f)
	c.srv.stats.upgrades.Add(1)
	if v == broken || beat == broken {
		c.close(ReasonTransportError)
	}
	return true
}

// fail ends a candidate; polling goes on. It may be called at any time.
func (w *wsConn) fail(reason Reason) {
	c := w.conn
	c.mu.Lock()
	if c.ws.Load() == w {
		c.mu.Unlock()
		return
	}
	was := c.candidate == w
	if was {
		c.decideLocked()
		c.resumeHeartbeatLocked() // queues, on polling: cannot fail
	}
	c.mu.Unlock()
	if was {
		c.srv.refused("upgrade", reason.String())
	}
	w.shut(reason)
}
