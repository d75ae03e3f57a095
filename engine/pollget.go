package engine

import (
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// wish is a GET and how it wants to be answered.
type wish struct {
	w       http.ResponseWriter
	r       *http.Request
	jsonp   string // index of the callback; "" is plain polling
	initial bool   // it opened the session
}

// dialect is that of the session; a script has no binary.
func (q *wish) dialect(c *Conn) dialect {
	if q.jsonp != "" && c.dialect == dialect3 {
		return dialect3Text
	}
	return c.dialect
}

// get serves the GET of a polling session.
func (c *Conn) get(q *wish) {
	c.mu.Lock()
	switch {
	case !c.closed && c.overdueLocked():
		c.mu.Unlock()
		c.close(ReasonNoPong)
		c.srv.answer(q.w, q.r, false, refuseSID())
		return
	case c.closed && c.linger != nil:
		out := c.takeLocked(q.dialect(c))
		if len(c.poll.queue) == 0 {
			c.endLingerLocked()
		}
		c.mu.Unlock()
		c.respond(q, out)
		return
	case c.closed:
		c.mu.Unlock()
		c.srv.answer(q.w, q.r, false, refuseSID())
		return
	case c.ws.Load() != nil:
		c.mu.Unlock()
		c.srv.answer(q.w, q.r, false, refuseRequest())
		return
	case c.probed:
		decided := c.candidate.decided
		c.mu.Unlock()
		c.getOnHold(q, decided)
		return
	case c.poll.get != nil:
		same := c.poll.get.host == remoteHost(q.r)
		c.mu.Unlock()
		c.overlap(q.w, same)
		return
	}
	if len(c.poll.queue) > 0 {
		out := c.takeLocked(q.dialect(c))
		c.mu.Unlock()
		c.respond(q, out)
		return
	}
	g := &pendingGet{host: remoteHost(q.r), dialect: q.dialect(c), ready: make(chan struct{}, 1)}
	c.poll.get = g
	c.mu.Unlock()
	c.await(q, g)
}

// await waits until there is something to answer, or the client is gone.
func (c *Conn) await(q *wish, g *pendingGet) {
	aborted := false
	select {
	case <-g.ready:
	case <-q.r.Context().Done():
		aborted = true
	}
	c.mu.Lock()
	out := g.answer
	if out.body == nil {
		c.poll.get = nil
		if !aborted {
			out = c.takeLocked(g.dialect)
		}
	}
	c.mu.Unlock()
	if aborted {
		c.close(ReasonTransportError)
		return
	}
	c.respond(q, out)
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

// respond writes a payload, within a deadline. If it does not arrive the
// session is over: it could not go on without what was in it.
func (c *Conn) respond(q *wish, out payload) {
	rc := http.NewResponseController(q.w)
	// Writers without deadlines are in memory; they do not block.
	_ = rc.SetWriteDeadline(time.Now().Add(responseTimeout))
	h := q.w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	body := out.body
	switch {
	case out.binary:
		h.Set("Content-Type", octetStream)
	case q.jsonp != "":
		h.Set("Content-Type", "text/javascript; charset=UTF-8")
		body = jsonpScript(q.jsonp, body)
	}
	err := c.write(q, rc, body)
	if err != nil {
		reason := ReasonTransportError
		if isTimeout(err) {
			reason = ReasonSlowConsumer
		}
		c.close(reason)
		return
	}
	_ = rc.SetWriteDeadline(time.Time{})
}

// write writes the body of an answer, compressed if that is worth it.
func (c *Conn) write(q *wish, rc *http.ResponseController, body []byte) error {
	h := q.w.Header()
	if len(body) >= compressFrom && !c.srv.cfg.NoCompression {
		h.Add("Vary", "Accept-Encoding")
		if encoding := chooseEncoding(q.r.Header); encoding != "" {
			z, ok := c.srv.squeezer.Get().(*squeezer)
			if !ok {
				z = newSqueezer()
			}
			defer func() {
				if z.out.Cap() <= maxSqueezed {
					c.srv.squeezer.Put(z)
				}
			}()
			body = z.squeeze(body, encoding)
			h.Set("Content-Encoding", encoding)
		}
	}
	c.srv.stats.bytesOut.Add(int64(len(body)))
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.srv.decorate(h, q.r, c, q.initial)
	if _, err := q.w.Write(body); err != nil {
		return err
	}
	// Flushed here, because the deadline must not outlive this answer.
	if err := rc.Flush(); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
