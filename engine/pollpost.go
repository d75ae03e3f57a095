package engine

import (
	"io"
	"mime"
	"net/http"
	"time"
	"unicode/utf8"
)

// octetStream is the content type of a binary payload, which v4 does not have.
const octetStream = "application/octet-stream"

// post serves the POST of a polling session.
func (c *Conn) post(w http.ResponseWriter, r *http.Request, form bool) {
	c.mu.Lock()
	var no *refusal
	switch {
	case c.closed:
		no = refuseSID()
	case c.dialect != dialect4 && c.overdueLocked():
		c.mu.Unlock()
		c.close(ReasonNoPong)
		c.mu.Lock()
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
		h := w.Header()
		h.Set("Connection", "close") // or net/http waits for the body
		c.srv.answer(w, r, false, no)
		return
	}
	status := c.consume(w, r, form)
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
	c.srv.decorate(h, r, c, false)
	_, _ = io.WriteString(w, "ok")
}

// consume reads and delivers the packets of a POST and returns its status.
func (c *Conn) consume(w http.ResponseWriter, r *http.Request, form bool) (status int) {
	defer func() {
		if status == 0 { // a callback panicked
			status = http.StatusInternalServerError
		}
	}()
	defer c.srv.recovered("message", c)
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	octets := err == nil && t == octetStream
	if octets && (c.dialect == dialect4 || form) {
		c.refuse("poll", ReasonProtocol)
		return http.StatusBadRequest
	}
	if r.ContentLength < 0 {
		c.srv.refused("poll", "no_length")
		return http.StatusBadRequest
	}
	if r.ContentLength > c.limit.Load() {
		c.srv.refused("poll", ReasonTooLarge.String())
		// A client that is still sending when the connection closes sees a reset
		// and no answer; so take what is not much too large, and keep none of it.
		if r.ContentLength <= c.limit.Load()*drainFactor {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		return http.StatusRequestEntityTooLarge
	}
	f := c.srv.frame()
	defer c.srv.putFrame(f)
	if f.b, err = readBody(f.b, r.Body); err != nil {
		c.srv.refused("poll", "body")
		c.close(ReasonTransportError)
		return http.StatusBadRequest
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	c.srv.stats.bytesIn.Add(int64(len(f.b)))
	body := f.b
	if form {
		var ok bool
		if body, ok = jsonpPayload(body); !ok {
			c.refuse("poll", ReasonProtocol)
			return http.StatusBadRequest
		}
	}
	if !c.consumePayload(body, octets) {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

// consumePayload delivers the packets of a payload. If it reports false it has
// closed the Conn.
func (c *Conn) consumePayload(body []byte, octets bool) bool {
	if c.dialect == dialect4 {
		if reason := checkPayload(body); reason != 0 {
			c.refuse("poll", reason)
			return false
		}
		return c.consumePackets(body)
	}
	if !octets && !utf8.Valid(body) {
		c.refuse("poll", ReasonBadUTF8)
		return false
	}
	return c.consume3(body, octets)
}

func (c *Conn) consumePackets(body []byte) bool {
	for more := true; more; {
		var p []byte
		if p, body, more = nextPacket(body); len(p) == 0 {
			c.refuse("poll", ReasonProtocol)
			return false
		}
		if p[0] == packetBinary {
			data, ok := decodeBinary(p[1:])
			if !ok {
				c.refuse("poll", ReasonProtocol)
				return false
			}
			c.receive(data, true)
			continue
		}
		if known := p[0] >= packetOpen && p[0] <= packetNoop && p[0] != packetPing; !known {
			c.refuse("poll", ReasonProtocol)
			return false
		}
		c.receive(p, false)
	}
	return true
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
