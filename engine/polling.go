package engine

import (
	"bytes"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
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
	host  string        // whose GET it is
	ready chan struct{} // one signal
	// body is set, under Conn.mu, by whoever answers in place of the queue.
	body []byte
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
func (c *Conn) takeLocked() []byte {
	body, n := joinPayload(c.poll.queue, c.srv.cfg.MaxPayload)
	cost := 0
	for i := range n {
		cost += c.poll.queue[i].cost()
	}
	c.poll.cost -= cost
	c.srv.stats.outbox.Add(-int64(cost))
	if c.poll.queue = c.poll.queue[n:]; len(c.poll.queue) == 0 {
		c.poll.queue = nil
	}
	return body
}

// drainLocked empties the queue and returns what was in it.
func (c *Conn) drainLocked() []packet {
	q := c.poll.queue
	c.srv.stats.outbox.Add(-int64(c.poll.cost))
	c.poll.queue, c.poll.cost = nil, 0
	return q
}

// lastWordsLocked is the payload of a closed session: what is queued, and a
// close packet behind the last of it.
func (c *Conn) lastWordsLocked() []byte {
	if len(c.poll.queue) == 0 {
		return []byte{packetClose}
	}
	body := c.takeLocked()
	if len(c.poll.queue) == 0 {
		body = append(body, separator, packetClose)
	}
	return body
}

// closePollLocked ends the transport. It reports whether the session stays in
// the table for a GET that fetches its last words.
func (c *Conn) closePollLocked(reason Reason) bool {
	told := false
	if g := c.poll.get; g != nil {
		c.poll.get = nil
		if reason == ReasonClientClose {
			g.body = []byte{packetNoop}
		} else {
			g.body = c.lastWordsLocked()
		}
		g.wake()
		told = len(c.poll.queue) == 0
	}
	if told || !reason.announces() {
		c.drainLocked()
		return false
	}
	c.holds.Add(1)
	c.linger = time.AfterFunc(pollLinger, c.endLinger)
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
func (s *Server) openPolling(w http.ResponseWriter, r *http.Request, req *request, hs *Handshake) {
	c, err := s.open(req, hs)
	if err != nil {
		s.freeSlot(req.pass)
		s.release()
		s.answer(w, false, refuseOverload())
		return
	}
	c.mu.Lock()
	c.queueLocked(packet{typ: packetOpen, data: c.openPacket(!s.cfg.NoWebSocket && !s.cfg.NoUpgrade)})
	c.startHeartbeatLocked()
	c.mu.Unlock()
	s.start(c)
	c.get(w, r)
}

// get serves the GET of a polling session.
func (c *Conn) get(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	switch {
	case !c.closed && c.overdueLocked():
		c.mu.Unlock()
		c.close(ReasonNoPong)
		c.srv.answer(w, false, refuseSID())
		return
	case c.closed && c.linger != nil:
		body := c.lastWordsLocked()
		if len(c.poll.queue) == 0 {
			c.endLingerLocked()
		}
		c.mu.Unlock()
		c.respond(w, body)
		return
	case c.closed:
		c.mu.Unlock()
		c.srv.answer(w, false, refuseSID())
		return
	case c.ws.Load() != nil:
		c.mu.Unlock()
		c.srv.answer(w, false, refuseRequest())
		return
	case c.probed:
		decided := c.candidate.decided
		c.mu.Unlock()
		c.getOnHold(w, r, decided)
		return
	case c.poll.get != nil:
		same := c.poll.get.host == remoteHost(r)
		c.mu.Unlock()
		c.overlap(w, same)
		return
	}
	if len(c.poll.queue) > 0 {
		body := c.takeLocked()
		c.mu.Unlock()
		c.respond(w, body)
		return
	}
	g := &pendingGet{host: remoteHost(r), ready: make(chan struct{}, 1)}
	c.poll.get = g
	c.mu.Unlock()
	c.await(w, r, g)
}

// await waits until there is something to answer, or the client is gone.
func (c *Conn) await(w http.ResponseWriter, r *http.Request, g *pendingGet) {
	aborted := false
	select {
	case <-g.ready:
	case <-r.Context().Done():
		aborted = true
	}
	c.mu.Lock()
	body := g.body
	if body == nil {
		c.poll.get = nil
		if !aborted {
			body = c.takeLocked()
		}
	}
	c.mu.Unlock()
	if aborted {
		c.close(ReasonTransportError)
		return
	}
	c.respond(w, body)
}

// overlap answers a request that came while one of its kind was under way. It
// ends the session, unless the two came from different hosts: to know a sid
// must not be enough to end a session.
func (c *Conn) overlap(w http.ResponseWriter, same bool) {
	c.srv.refused("poll", "overlap")
	if same {
		c.close(ReasonTransportError)
	}
	w.WriteHeader(http.StatusBadRequest)
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// respond writes a payload, within a deadline.
func (c *Conn) respond(w http.ResponseWriter, body []byte) {
	c.srv.stats.bytesOut.Add(int64(len(body)))
	rc := http.NewResponseController(w)
	// Writers without deadlines are in memory; they do not block.
	_ = rc.SetWriteDeadline(time.Now().Add(responseTimeout))
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	if err == nil {
		// Flushed here, because the deadline must not outlive this answer.
		err = rc.Flush()
	}
	if err != nil && isTimeout(err) {
		c.close(ReasonSlowConsumer)
		return
	}
	_ = rc.SetWriteDeadline(time.Time{})
}

// post serves the POST of a polling session.
func (c *Conn) post(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	var no *refusal
	switch {
	case c.closed:
		no = refuseSID()
	case c.ws.Load() != nil:
		no = refuseRequest()
	case c.poll.posting:
		c.mu.Unlock()
		c.overlap(w, true)
		return
	default:
		c.poll.posting = true
	}
	c.mu.Unlock()
	if no != nil {
		c.srv.answer(w, false, no)
		return
	}
	status := c.consume(w, r)
	// Before the answer: a client may complete its upgrade as soon as it sees it.
	c.mu.Lock()
	c.poll.posting = false
	c.mu.Unlock()
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if status != http.StatusOK {
		h.Set("Connection", "close")
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", "text/html")
	h.Set("Content-Length", "2")
	_, _ = io.WriteString(w, "ok")
}

// consume reads and delivers the packets of a POST and returns its status.
func (c *Conn) consume(w http.ResponseWriter, r *http.Request) (status int) {
	defer func() {
		if status == 0 { // a callback panicked
			status = http.StatusInternalServerError
		}
	}()
	defer c.srv.recovered("message", c)
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && t == "application/octet-stream" {
		c.refuse("poll", ReasonProtocol)
		return http.StatusBadRequest
	}
	if r.ContentLength < 0 {
		c.srv.refused("poll", "no_length")
		return http.StatusBadRequest
	}
	if r.ContentLength > c.limit.Load() {
		c.srv.refused("poll", ReasonTooLarge.String())
		return http.StatusRequestEntityTooLarge
	}
	f := c.srv.frame()
	defer c.srv.putFrame(f)
	var err error
	if f.b, err = readBody(f.b, r.Body); err != nil {
		c.srv.refused("poll", "body")
		c.close(ReasonTransportError)
		return http.StatusBadRequest
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	c.srv.stats.bytesIn.Add(int64(len(f.b)))
	if reason := checkPayload(f.b); reason != 0 {
		c.refuse("poll", reason)
		return http.StatusBadRequest
	}
	return c.consumePackets(f.b)
}

func (c *Conn) consumePackets(body []byte) int {
	for more := true; more; {
		var p []byte
		if p, body, more = nextPacket(body); len(p) == 0 {
			c.refuse("poll", ReasonProtocol)
			return http.StatusBadRequest
		}
		if p[0] == packetBinary {
			data, ok := decodeBinary(p[1:])
			if !ok {
				c.refuse("poll", ReasonProtocol)
				return http.StatusBadRequest
			}
			c.receive(data, true)
			continue
		}
		if known := p[0] >= packetOpen && p[0] <= packetNoop && p[0] != packetPing; !known {
			c.refuse("poll", ReasonProtocol)
			return http.StatusBadRequest
		}
		c.receive(p, false)
	}
	return http.StatusOK
}

// readBody appends what r has to b. It grows with what arrives, not with what
// was announced.
func readBody(b []byte, r io.Reader) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}
