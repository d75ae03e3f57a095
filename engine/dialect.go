package engine

import "net/url"

// dialect is how one transport of a session speaks.
type dialect uint8

const (
	dialect4     dialect = iota
	dialect3             // Engine.IO v3
	dialect3Text         // v3, for clients that cannot read binary
)

// dialectOf returns the dialect that a request asks for; ok is false if it is
// not allowed. Whatever is not 4 means 3, as it always did.
func (s *Server) dialectOf(query url.Values) (d dialect, ok bool) {
	if query.Get("EIO") == protocolText {
		return dialect4, true
	}
	if b64 := query.Get("b64"); b64 == "1" || b64 == "true" {
		return dialect3Text, s.cfg.AllowEIO3
	}
	return dialect3, s.cfg.AllowEIO3
}

func (d dialect) protocol() int {
	if d == dialect4 {
		return protocol
	}
	return protocol3
}

// noop is the payload that answers a GET with nothing.
func (d dialect) noop() payload {
	if d == dialect4 {
		return payload{body: []byte{packetNoop}}
	}
	return payload{body: []byte{'1', ':', packetNoop}}
}

// appendMessage appends a message as a WebSocket frame.
func (d dialect) appendMessage(dst, data []byte, isBinary bool) []byte {
	if d == dialect4 {
		return appendMessage(dst, data, isBinary)
	}
	return appendMessage3(dst, data, isBinary, d == dialect3Text)
}

// appendPacket appends a packet as a WebSocket frame.
func (d dialect) appendPacket(dst []byte, p packet) []byte {
	switch p.typ {
	case packetBinary, packetMessage:
		return d.appendMessage(dst, p.data, p.typ == packetBinary)
	default:
		return appendControl(dst, p.typ, string(p.data))
	}
}

// join joins as many packets from the front as one payload may hold, at least
// one, and returns how many those are.
func (d dialect) join(packets []packet, maxBytes int) (p payload, taken int) {
	if d == dialect4 {
		p.body, taken = joinPayload(packets, maxBytes)
		return p, taken
	}
	p.body, p.binary, taken = joinPayload3(packets, maxBytes, d == dialect3)
	return p, taken
}

// payload is the body of a polling answer.
type payload struct {
	body   []byte // nil: none
	binary bool
}

// receive3 handles one packet of a v3 client, text or binary.
func (c *Conn) receive3(data []byte, binary bool) {
	switch {
	case len(data) == 0:
		c.refuse("packet", ReasonProtocol)
	case binary && data[0] == message3:
		c.deliver(data[1:], true)
	case binary:
		c.refuse("packet", ReasonProtocol)
	case data[0] == packetBinary && len(data) >= len(binary3) && data[1] == packetMessage:
		text, ok := decodeBinary(data[len(binary3):])
		if !ok {
			c.refuse("packet", ReasonProtocol)
			return
		}
		c.deliver(text, true)
	default:
		c.receiveText3(data)
	}
}

func (c *Conn) receiveText3(data []byte) {
	switch data[0] {
	case packetMessage:
		c.deliver(data[1:], false)
	case packetPing:
		c.traffic()
		c.settlePong(c.sendPong3())
	case packetClose:
		c.close(ReasonClientClose)
	case packetOpen, packetUpgrade, packetNoop:
		c.traffic()
	default: // a pong included: only clients ping
		c.refuse("packet", ReasonProtocol)
	}
}

// sendPong3 answers a ping. The answer is bounded like a message, because the
// client decides how many there are.
func (c *Conn) sendPong3() verdict {
	if w := c.ws.Load(); w != nil {
		var frame [4]byte
		return w.ob.frame(appendControl(frame[:0], packetPong, ""), laneReliable)
	}
	p := packet{typ: packetPong}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return gone
	case c.poll.cost+p.cost() > c.srv.cfg.OutboxBytes:
		return overflow
	}
	c.queueLocked(p)
	return wrote
}

func (c *Conn) settlePong(v verdict) {
	if v != gone {
		_ = c.settle(v) // has closed the Conn if there was anything to say
	}
}

// consume3 delivers the packets of a v3 payload and returns the status of its
// POST.
func (c *Conn) consume3(body []byte, isBinary bool) (ok bool) {
	next := next3
	if isBinary {
		next = nextBinary3
	}
	for n := 0; len(body) > 0 || n == 0; n++ {
		if n == maxPostPackets {
			c.refuse("poll", ReasonFlood)
			return false
		}
		var p packet3
		if p, body, ok = next(body); !ok {
			c.refuse("poll", ReasonProtocol)
			return false
		}
		if p.binary {
			c.deliver(p.data, true)
			continue
		}
		if len(p.data) == 0 || p.data[0] < packetOpen || p.data[0] > packetNoop || p.data[0] == packetPong {
			c.refuse("poll", ReasonProtocol)
			return false
		}
		c.receiveText3(p.data)
	}
	return true
}
