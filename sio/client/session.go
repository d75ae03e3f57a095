package client

import (
	"errors"
	"fmt"

	engine "gameserver/engine/client"
	"gameserver/sio"
)

// session is one Engine.IO session of a Client: its handler and its decoder.
type session struct {
	c    *Client
	dec  *sio.Decoder // owned by the reader
	conn *engine.Conn // set by Client.open before any Socket joins
	dead bool         // ended; guarded by Client.mu, as is err
	err  error
}

func newSession(c *Client) *session {
	return &session{c: c, dec: sio.NewDecoder(c.parser(), decoderLimits())}
}

// OnMessage decodes and routes one message. It runs on the reader.
func (n *session) OnMessage(data []byte, binary bool) {
	ev, err := n.dec.Decode(data, binary)
	if err == nil && ev != nil {
		err = n.route(ev)
	}
	if err == nil {
		return
	}
	n.c.mu.Lock()
	conn := n.conn
	n.c.mu.Unlock()
	if conn != nil {
		conn.Abort(engine.ReasonParseError, err)
	}
}

// OnClose tells the Client that the session has ended.
func (n *session) OnClose(err error) {
	c := n.c
	c.mu.Lock()
	defer c.mu.Unlock()
	n.dead = true
	if c.session != n {
		n.err = err // it ended before it was used, or nobody wanted it
		return
	}
	c.lastErr = err
	reason := engine.ReasonTransportClose
	var ce *engine.CloseError
	if errors.As(err, &ce) {
		reason = ce.Reason
	}
	c.lostLocked(reason)
}

// route hands a packet to its Socket. What nobody waits for is ignored, as the
// official client does.
func (n *session) route(ev *sio.Event) error {
	c := n.c
	c.mu.Lock()
	s := c.sockets[ev.Namespace()]
	if s == nil || c.session != n || !s.joined {
		c.mu.Unlock()
		return nil
	}
	switch typ := ev.Type(); {
	case typ == sio.PacketConnect || typ == sio.PacketConnectError:
		if rejoin := s.answeredLocked(ev); rejoin {
			c.mu.Unlock()
			s.join(n)
			return nil
		}
	case !s.connected: // about an earlier connection of the Socket
	case typ == sio.PacketEvent:
		return s.eventUnlock(ev)
	case typ == sio.PacketAck:
		s.ackedLocked(ev)
	case typ == sio.PacketDisconnect:
		s.leaveLocked(ErrDisconnected)
		s.postDisconnectLocked(ReasonServer)
		c.idleLocked()
	}
	c.mu.Unlock()
	return nil
}

// overrun reports that handlers do not keep up.
func overrun(ns string) error { return fmt.Errorf("%w in %s", errOverrun, ns) }
