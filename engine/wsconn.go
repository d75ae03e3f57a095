package engine

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// frameReader turns the bytes of one WebSocket into calls of a frameSink. It
// puts every byte through a guard first. The one there is blocks a goroutine in
// gws; another may take its place per connection and nothing else notices.
type frameReader interface {
	// start begins to read and returns. The reader holds a reference to the
	// server until sink.gone.
	start(sink frameSink)
}

// frameSink receives what a frameReader reads, one call at a time.
type frameSink interface {
	// message is one whole data message; data dies on return.
	message(data []byte, binary bool)
	// ping asks for a pong with the same payload, which dies on return.
	ping(payload []byte)
	// ended says why there will be no more messages. The reader then goes on
	// reading, for a bounded time, to let the goodbye arrive.
	ended(e ending)
	// gone is the last call: the socket may be closed.
	gone()
}

// ending is why a reader ended.
type ending struct {
	reason Reason
	// echo is the close code that answers a close frame of the client; 0 answers
	// without a code. It counts if closed is set.
	echo   uint16
	closed bool
}

// wsConn is a WebSocket of a Conn: its transport, or a candidate to become it.
type wsConn struct {
	srv     *Server
	conn    *Conn
	nc      net.Conn // as hijacked, with TLS if there is any
	ob      *outbox
	dialect dialect
	timer   *time.Timer // a candidate's deadline; nil otherwise
	// decided is closed when a candidate has won or lost; nil otherwise.
	decided chan struct{}

	closing atomic.Bool
	echo    atomic.Uint32 // close code to answer with, plus echoSet

	// owned by the reader
	live   bool // the transport of conn
	probed bool // candidate: has sent its probe
}

const echoSet = 1 << 16

// hijack takes the connection over and answers 101. It returns nil after
// answering otherwise.
func (s *Server) hijack(w http.ResponseWriter, r *http.Request, req *request, c *Conn) (*wsConn, frameReader) {
	nc, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.answer(w, r, true, refuseRequest())
		return nil, nil
	}
	if brw.Reader.Buffered() > 0 {
		// Whatever came before our answer cannot be meant for a WebSocket that
		// did not exist, and reading on behind it would start in mid-frame.
		s.refused("ws", "early_data")
		_ = nc.SetDeadline(time.Now().Add(time.Second))
		_, _ = nc.Write([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		_ = nc.Close()
		return nil, nil
	}
	_ = nc.SetDeadline(time.Time{})
	ws := &wsConn{srv: s, conn: c, nc: nc, dialect: req.dialect}
	arm := ws.wire()
	extra := make(http.Header)
	s.decorate(extra, r, c, req.conn == nil)
	reader, err := s.upgrader.upgrade(ws, r, extra)
	if err != nil {
		ws.ob.kill()
		return nil, nil
	}
	arm()
	s.track(ws)
	return ws, reader
}

// wire finds or makes the outbox: below TLS if the listener put one there. The
// function it returns makes that one stop blocking.
func (w *wsConn) wire() (arm func()) {
	arm = func() {}
	inner, wrapped := w.nc.(*outConn)
	if t, ok := w.nc.(*tls.Conn); ok {
		if inner, wrapped = t.NetConn().(*outConn); wrapped {
			inner.ob.enc = t
		}
	}
	if wrapped {
		w.ob = inner.ob
		arm = func() { inner.armed.Store(true) }
	} else {
		w.ob = newOutbox(w.nc)
	}
	w.ob.attach(outboxHost{
		limit: w.srv.cfg.OutboxBytes, blocks: &w.srv.blocks, gauge: &w.srv.stats.outbox,
		spawn: w.srv.spawn, dead: w.dead,
	})
	return arm
}

// openWebSocket opens a session that starts on a WebSocket.
func (s *Server) openWebSocket(w http.ResponseWriter, r *http.Request, req *request, from entrance) {
	s.retain() // cannot fail: reserve was called
	defer s.release()
	c, no := s.open(req, from)
	if no != nil {
		s.answer(w, r, true, no)
		return
	}
	ws, reader := s.hijack(w, r, req, c)
	if ws == nil {
		c.close(ReasonTransportError)
		return
	}
	if req.dialect != dialect4 {
		time.Sleep(openPause3)
	}
	f := s.frame()
	f.b = appendControl(f.b, packetOpen, string(c.openPacket(false)))
	if m := s.cfg.InitialPacket; m != nil {
		f.b = ws.dialect.appendMessage(f.b, m.Data, m.Binary)
	}
	ws.live = ws.install(f.b)
	s.putFrame(f)
	if !ws.live { // Shutdown was faster
		ws.shut(ReasonServerShutdown)
	}
	s.start(c)
	s.retain()
	reader.start(ws)
}

// install makes w the transport of its Conn, with frames as its first bytes. It
// is not done if the Conn has ended.
func (w *wsConn) install(frames []byte) bool {
	c := w.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	w.ob.frame(frames, laneControl) // if it fails the reader will know
	w.becomeLocked()
	c.startHeartbeatLocked()
	return true
}

// becomeLocked makes w the transport.
func (w *wsConn) becomeLocked() {
	w.conn.holds.Add(1)
	w.conn.ws.Store(w)
	w.srv.stats.polling.Add(-1)
	w.srv.stats.websocket.Add(1)
}

// message implements frameSink.
func (w *wsConn) message(data []byte, binary bool) {
	switch {
	case w.closing.Load():
	case w.live:
		w.conn.receive(data, binary)
	default:
		w.audition(data, binary)
	}
}

// ping implements frameSink.
func (w *wsConn) ping(payload []byte) {
	var frame [2 + maxControlPayload]byte
	p := payload[:min(len(payload), maxControlPayload)]
	w.ob.sendPong(append(appendHeader(frame[:0], opPong, len(p)), p...))
}

// ended implements frameSink.
func (w *wsConn) ended(e ending) {
	if e.closed {
		w.echo.Store(uint32(e.echo) | echoSet)
	}
	if !w.live {
		w.fail(e.reason)
		return
	}
	w.conn.close(e.reason)
}

// gone implements frameSink.
func (w *wsConn) gone() {
	if t, ok := w.nc.(*tls.Conn); ok && w.ob.enc != nil {
		_ = t.CloseWrite() // lands in the outbox: does not block
	}
	w.ob.kill()
	w.srv.untrack(w)
	if w.live {
		w.conn.unhold()
	}
	w.srv.release()
}

// dead is told by the outbox that writing failed.
func (w *wsConn) dead(reason Reason) {
	if w.conn.ws.Load() == w {
		w.conn.close(reason)
		return
	}
	w.fail(reason)
}

// shut announces the end behind what is queued and lets the reader end. A
// client that does not read is not waited for.
func (w *wsConn) shut(reason Reason) {
	w.closing.Store(true)
	if w.timer != nil {
		w.timer.Stop()
	}
	switch reason {
	case ReasonSlowConsumer, ReasonTransportClose, ReasonTransportError:
		// What is queued may end in the middle of a frame.
		if n, _ := w.ob.pending(); n > 0 || reason == ReasonTransportClose {
			w.ob.kill()
			return
		}
	default:
	}
	code, text := reason.CloseCode(), ""
	if code >= 4000 {
		text = reason.String()
	}
	if e := w.echo.Load(); e&echoSet != 0 {
		code, text = uint16(e&^echoSet), ""
	}
	var frame [2 + maxControlPayload]byte
	w.ob.shut(appendClose(frame[:0], code, text))
}
