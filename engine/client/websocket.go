package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/lxzan/gws"
)

// phase is what the next message on a socket means.
type phase uint8

const (
	phaseOpen  phase = iota // the open packet is expected
	phaseProbe              // "3probe" is expected
	phaseLive               // packets of the session
)

// socket is one WebSocket of a session. It is the gws event handler; gws
// calls it on one goroutine.
type socket struct {
	c      *Conn
	nc     *wire
	ws     *gws.Conn
	phase  phase         // owned by the reader
	probed chan struct{} // closed when the probe is answered
	gone   chan struct{} // closed when the reader has ended
}

// connect opens a WebSocket to the server and does the HTTP part.
func (c *Conn) connect(ctx context.Context, p phase) (*socket, error) {
	nc, err := c.dialRaw(ctx)
	if err != nil {
		return nil, err
	}
	s := &socket{
		c: c, nc: newWire(nc, c.opts.MaxPayload), phase: p,
		probed: make(chan struct{}), gone: make(chan struct{}),
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.Close() })
	ws, resp, err := gws.NewClientFromConn(events{s}, &gws.ClientOption{
		Addr:               c.address("websocket"),
		RequestHeader:      c.opts.Header,
		HandshakeTimeout:   2 * c.opts.HandshakeTimeout, // ctx ends sooner
		ReadMaxPayloadSize: c.opts.MaxPayload,
		ReadBufferSize:     readBuffer,
		CheckUtf8Enabled:   true,
		NewSession:         func() gws.SessionStorage { return nil },
	}, s.nc)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = nc.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			body, _ := io.ReadAll(io.LimitReader(resp.Body, errorBodyMax))
			return nil, refusal(resp.StatusCode, bytes.TrimSpace(body))
		}
		return nil, err
	}
	s.ws = ws
	return s, nil
}

// dialRaw opens the connection under a WebSocket.
func (c *Conn) dialRaw(ctx context.Context) (net.Conn, error) {
	port := c.url.Port()
	secure := c.url.Scheme == "https"
	if port == "" {
		port = "80"
		if secure {
			port = "443"
		}
	}
	nc, err := c.opts.Dial(ctx, "tcp", net.JoinHostPort(c.url.Hostname(), port))
	if err != nil || !secure {
		return nc, err
	}
	conf := &tls.Config{}
	if c.opts.TLSConfig != nil {
		conf = c.opts.TLSConfig.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = c.url.Hostname()
	}
	conf.NextProtos = []string{"http/1.1"}
	tc := tls.Client(nc, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return tc, nil
}

// dialWebSocket opens a session that lives on a WebSocket from the start.
func (c *Conn) dialWebSocket(ctx context.Context) error {
	s, err := c.connect(ctx, phaseOpen)
	if err != nil {
		c.cancel()
		return err
	}
	c.sock.Store(s)
	c.live = true
	c.start(s.read)
	select {
	case <-c.opened:
		return nil
	case <-ctx.Done():
		c.fail(ReasonTransportError, ctx.Err())
	case <-c.done:
	}
	<-c.done
	if c.established.Load() {
		return nil // it opened and ended; OnClose has told why
	}
	return c.endErr
}

// read reads until the WebSocket ends.
func (s *socket) read() {
	defer close(s.gone)
	defer s.nc.Close()
	s.ws.ReadLoop()
}

// The following need Conn.mu, which also keeps frames whole and in order.

func (s *socket) writeLocked(data []byte, binary bool) error {
	if binary {
		return s.flushLocked(appendFrame(s.c.frames[:0], opBinary, noPrefix, data, rand.Uint32()))
	}
	return s.writePacketLocked(packetMessage, data)
}

func (s *socket) writePacketLocked(typ byte, data []byte) error {
	return s.flushLocked(appendFrame(s.c.frames[:0], opText, typ, data, rand.Uint32()))
}

func (s *socket) writeAllLocked(msgs []Message) error {
	b := s.c.frames[:0]
	for _, m := range msgs {
		if m.Binary {
			b = appendFrame(b, opBinary, noPrefix, m.Data, rand.Uint32())
		} else {
			b = appendFrame(b, opText, packetMessage, m.Data, rand.Uint32())
		}
	}
	return s.flushLocked(b)
}

// flushLocked writes frames that were built in the scratch buffer.
func (s *socket) flushLocked(b []byte) error {
	_, err := s.nc.Write(b)
	s.c.frames = b[:0]
	if cap(b) > keepMax {
		s.c.frames = nil
	}
	if err != nil {
		s.c.fail(ReasonTransportError, err)
		return ErrClosed
	}
	return nil
}

// goodbyeLocked sends a close frame and waits only shortly for the answer.
func (s *socket) goodbyeLocked() {
	frame := appendFrame(nil, opClose, noPrefix, []byte{1000 >> 8, 1000 & 0xff}, rand.Uint32())
	_, _ = s.nc.Write(frame)
	s.nc.closeWrite()
	_ = s.nc.SetReadDeadline(time.Now().Add(lingerMax))
}

// events keeps the gws callbacks off the socket's own methods.
type events struct{ s *socket }

// OnOpen is part of gws.Event.
func (e events) OnOpen(*gws.Conn) {}

// OnPong is part of gws.Event.
func (e events) OnPong(*gws.Conn, []byte) {}

// OnPing answers a WebSocket ping.
func (e events) OnPing(_ *gws.Conn, payload []byte) {
	s := e.s
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	_, _ = s.nc.Write(appendFrame(nil, opPong, noPrefix, payload, rand.Uint32()))
}

// OnMessage hands a message to the session.
func (e events) OnMessage(_ *gws.Conn, m *gws.Message) {
	e.s.message(m.Bytes(), m.Opcode == gws.OpcodeBinary)
	_ = m.Close()
}

// OnClose ends the session if it lives on this WebSocket.
func (e events) OnClose(_ *gws.Conn, err error) {
	if e.s.c.sock.Load() != e.s {
		return // a failed probe leaves the session on polling
	}
	e.s.c.end(closeCause(err), false)
}

// closeCause turns what gws reports into the reason of the session's end.
func closeCause(err error) *CloseError {
	var ce *gws.CloseError
	switch {
	case errors.As(err, &ce):
		return &CloseError{Reason: ReasonTransportClose, Code: int(ce.Code)}
	case errors.Is(err, errProtocol), errors.Is(err, errTooLong):
		return &CloseError{Reason: ReasonParseError, Err: err}
	case errors.Is(err, io.EOF):
		return &CloseError{Reason: ReasonTransportClose, Err: err}
	}
	return &CloseError{Reason: ReasonTransportError, Err: err}
}

// message acts on one message of the WebSocket. It runs on the reader.
func (s *socket) message(b []byte, binary bool) {
	switch s.phase {
	case phaseLive:
		if binary {
			s.c.deliver(b, true)
			return
		}
		s.c.packet(b)
	case phaseOpen:
		if binary || len(b) == 0 || b[0] != packetOpen {
			s.c.fail(ReasonParseError, violation("first packet is not open"))
			return
		}
		if err := s.c.open(b[1:]); err != nil {
			s.c.fail(ReasonParseError, err)
			return
		}
		s.phase = phaseLive
	case phaseProbe:
		if binary || string(b) != "3probe" {
			_ = s.nc.Close()
			return
		}
		s.phase = phaseLive
		close(s.probed)
	}
}
