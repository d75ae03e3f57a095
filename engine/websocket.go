package engine

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/lxzan/gws"
)

// upgrader is the WebSocket handshake of gws.
type upgrader struct{ *gws.Upgrader }

func newUpgrader(cfg *Config) *upgrader {
	return &upgrader{gws.NewUpgrader(gwsEvents{}, &gws.ServerOption{
		ReadMaxPayloadSize: cfg.MaxPayload,
		ReadBufferSize:     readBuffer,
		CheckUtf8Enabled:   true,
		HandshakeTimeout:   handshakeTimeout,
		Logger:             noLog{},
		NewSession:         func() gws.SessionStorage { return noStorage{} },
	})}
}

// upgrade answers 101, with extra headers, and returns the reader of the
// connection.
func (u *upgrader) upgrade(w *wsConn, r *http.Request, extra http.Header) (frameReader, error) {
	g := &gwsReader{Conn: w.nc, ws: w, extra: extra}
	g.guard.limit = &w.conn.limit
	g.guard.refill()
	conn, err := u.UpgradeFromConn(g, bufio.NewReaderSize(g, readBuffer), r)
	if err != nil {
		return nil, err
	}
	g.gws, g.upgraded, g.extra = conn, true, nil
	return g, nil
}

// gwsReader reads a WebSocket with gws's ReadLoop, on a goroutine of its own.
// It is the net.Conn that gws works on: what gws reads has passed the guard,
// and what it writes after the handshake is kept to the close code in it,
// because the text beside it is that of internal errors.
type gwsReader struct {
	net.Conn
	ws       *wsConn
	gws      *gws.Conn
	sink     frameSink
	guard    guard
	upgraded bool
	extra    http.Header // for the 101

	// owned by the reading goroutine
	window  time.Time // when the first control frame of a window came
	timed   bool      // a deadline runs for a message
	since   uint32    // guard.messages when it was set
	late    bool
	panicky bool
	code    uint16 // close code that gws wanted to send
	err     error  // what gws ended with
}

var errViolation = errors.New("engine: websocket violation")

// Read implements net.Conn for gws.
func (g *gwsReader) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if n == 0 {
		if err != nil && isTimeout(err) && !g.ws.closing.Load() {
			g.late = true
		}
		return 0, err
	}
	g.ws.srv.stats.bytesIn.Add(int64(n))
	good, v := g.judge(p[:n])
	if v != 0 {
		return good, errViolation
	}
	g.watch()
	return n, err
}

// judge feeds the guard, and keeps the window of its control frames. The clock
// is asked only while one is open.
func (g *gwsReader) judge(p []byte) (int, violation) {
	open := g.guard.spent()
	if open && time.Since(g.window) >= controlWindow {
		g.guard.refill()
		open = false
	}
	n, v := g.guard.Feed(p)
	if !open && g.guard.spent() {
		g.window = time.Now()
	}
	return n, v
}

// watch keeps a deadline while a message has begun and not ended.
func (g *gwsReader) watch() {
	mid := g.guard.mid()
	switch {
	case mid && (!g.timed || g.since != g.guard.messages):
		_ = g.SetReadDeadline(time.Now().Add(messageTimeout))
	case !mid && g.timed:
		_ = g.SetReadDeadline(time.Time{})
	default:
		return
	}
	g.timed, g.since = mid, g.guard.messages
	if g.ws.closing.Load() { // the deadline set then was just overwritten
		_ = g.SetReadDeadline(time.Now().Add(closeTimeout))
	}
}

// Write implements net.Conn for gws. After the handshake gws writes nothing but
// close frames here, and those are ours to send.
func (g *gwsReader) Write(p []byte) (int, error) {
	if !g.upgraded {
		return g.writeHandshake(p)
	}
	if len(p) >= 4 && p[0] == bitFin|opClose {
		g.code = binary.BigEndian.Uint16(p[2:])
	}
	return len(p), nil
}

// writeHandshake writes the answer of gws, which comes in one piece, and puts
// the extra headers behind its own.
func (g *gwsReader) writeHandshake(p []byte) (int, error) {
	const end = "\r\n\r\n"
	head, whole := bytes.CutSuffix(p, []byte(end))
	if len(g.extra) == 0 || !whole || !bytes.HasPrefix(p, []byte("HTTP/1.1 101 ")) {
		return g.Conn.Write(p)
	}
	var b bytes.Buffer
	b.Write(head)
	b.WriteString("\r\n")
	_ = g.extra.Write(&b) // a Buffer takes everything
	b.WriteString("\r\n")
	if _, err := g.Conn.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close implements net.Conn for gws; the socket ends when the reader does.
func (g *gwsReader) Close() error {
	if !g.upgraded {
		return g.Conn.Close()
	}
	return nil
}

// start implements frameReader.
func (g *gwsReader) start(sink frameSink) {
	g.sink = sink
	go g.run()
}

func (g *gwsReader) run() {
	defer g.sink.gone()
	g.loop()
	e := g.ending()
	if g.guard.failed != 0 {
		g.ws.srv.refused("ws", e.reason.String())
	}
	g.sink.ended(e)
	if g.err == nil || !g.dead(e) {
		g.linger()
	}
}

// loop runs gws's loop. A panic in it, or in a callback below it, ends this
// connection and nothing else.
func (g *gwsReader) loop() {
	defer func() {
		if e := recover(); e != nil {
			g.panicky = true
			g.ws.srv.stats.panics.Add(1)
			g.ws.srv.cfg.Logger.Error("engine: panic in a reader",
				slog.Any("panic", e), slog.String("stack", string(debug.Stack())))
		}
	}()
	g.gws.ReadLoop()
}

// ending judges why the loop ended.
func (g *gwsReader) ending() ending {
	var byClient *gws.CloseError
	switch {
	case g.panicky:
		return ending{reason: ReasonInternal}
	case g.guard.failed != 0:
		return ending{reason: reasonOf(uint16(g.guard.failed))}
	case g.late:
		return ending{reason: ReasonBadPayload}
	case errors.As(g.err, &byClient):
		return ending{reason: ReasonClientClose, echo: g.code, closed: true}
	case errors.Is(g.err, io.EOF), errors.Is(g.err, io.ErrUnexpectedEOF), errors.Is(g.err, net.ErrClosed):
		return ending{reason: ReasonTransportClose}
	case errors.Is(g.err, syscall.ECONNRESET), isTimeout(g.err):
		return ending{reason: ReasonTransportError}
	default:
		return ending{reason: reasonOf(g.code)}
	}
}

// dead reports whether the client has said its last word, so that waiting for
// more is of no use.
func (g *gwsReader) dead(e ending) bool {
	switch e.reason {
	case ReasonTransportClose, ReasonTransportError, ReasonClientClose:
		return true
	default:
		return false
	}
}

// linger reads on without looking, so that a reset does not destroy the close
// frame on its way. The deadline was set with that frame.
func (g *gwsReader) linger() {
	buf := make([]byte, readBuffer)
	for left := maxDrain; left > 0; {
		n, err := g.Conn.Read(buf)
		if err != nil {
			return
		}
		left -= n
	}
}

// reasonOf names a close code that the guard or gws has chosen.
func reasonOf(code uint16) Reason {
	for _, r := range []Reason{ReasonProtocol, ReasonBadUTF8, ReasonTooLarge, ReasonFlood} {
		if r.CloseCode() == code {
			return r
		}
	}
	return ReasonTransportError
}

// gwsEvents hands the callbacks of gws to the reader they belong to.
type gwsEvents struct{}

func readerOf(c *gws.Conn) *gwsReader {
	g, ok := c.NetConn().(*gwsReader)
	if !ok {
		panic("engine: gws conn without its reader")
	}
	return g
}

func (gwsEvents) OnOpen(*gws.Conn)               {}
func (gwsEvents) OnPong(*gws.Conn, []byte)       {}
func (gwsEvents) OnClose(c *gws.Conn, err error) { readerOf(c).err = err }

func (gwsEvents) OnPing(c *gws.Conn, payload []byte) { readerOf(c).sink.ping(payload) }

func (gwsEvents) OnMessage(c *gws.Conn, m *gws.Message) {
	readerOf(c).sink.message(m.Bytes(), m.Opcode == gws.OpcodeBinary)
	_ = m.Close() // returns the buffer; never fails
}

// noStorage is the session storage of gws, which is not used.
type noStorage struct{}

func (noStorage) Len() int                     { return 0 }
func (noStorage) Load(string) (any, bool)      { return nil, false }
func (noStorage) Delete(string)                {}
func (noStorage) Store(string, any)            {}
func (noStorage) Range(func(string, any) bool) {}

// noLog discards what gws would print.
type noLog struct{}

func (noLog) Error(...any) {}
