package engine

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lane is how much a frame matters.
type lane uint8

const (
	laneControl  lane = iota // never dropped, outside the bound
	laneReliable             // bounded; overflow ends the connection
	laneLatest               // only when nothing is queued ahead
)

// verdict is what became of a frame.
type verdict uint8

const (
	wrote    verdict = iota // taken, by the kernel or by the outbox
	busy                    // latest: refused, nothing was written
	overflow                // reliable: the bound is reached
	tooLarge                // reliable: larger than the bound by itself
	gone                    // the connection is closing or closed
	broken                  // the socket failed
)

// tryWriter is a conn that can take bytes without blocking, such as the pipe of
// package enginetest. A short count without an error means full.
type tryWriter interface {
	TryWrite(p []byte) (int, error)
}

// block is a piece of an outbox.
type block struct {
	next *block
	r, w int
	data [outboxBlock]byte
}

// outboxHost is what an outbox needs from the server it works for.
type outboxHost struct {
	limit  int
	blocks *sync.Pool    // of *block
	gauge  *atomic.Int64 // bytes waiting in all outboxes
	spawn  func(func())  // runs a counted goroutine
	dead   func(Reason)  // told, without locks, that the flusher gave up
}

// outbox is the write side of one socket. Its mutex is held over one
// non-blocking write or one append, and the descriptor is closed under it, so a
// raw write never meets a reused descriptor. What the kernel does not take
// waits in blocks that a goroutine flushes; the goroutine exists only while
// there is backlog.
type outbox struct {
	conn net.Conn  // blocking writes of the flusher, deadlines
	low  io.Closer // closes without blocking
	try  tryWriter // nil: none
	fd   int       // -1: none
	host outboxHost
	// enc encrypts frames into this outbox; nil without TLS above it. encMu
	// makes admission and encryption one step and comes before mu.
	enc   io.Writer
	encMu sync.Mutex

	mu sync.Mutex
	// mu guards the following.
	head, tail *block
	queued     int // bytes in blocks
	flushing   bool
	pong       bool // a pong waits
	closing    bool // no more frames
	closed     bool // the descriptor is gone
	deadline   time.Time
}

// newOutbox makes an outbox for conn, which must be the lowest layer that this
// process controls.
func newOutbox(conn net.Conn) *outbox {
	o := &outbox{conn: conn, low: conn, fd: -1}
	switch c := conn.(type) {
	case tryWriter:
		o.try = c
	case *net.TCPConn:
		o.fd = rawFD(c)
	case *net.UnixConn:
		o.fd = rawFD(c)
	case *tls.Conn:
		o.low = c.NetConn() // its own Close waits to say goodbye
	}
	return o
}

// attach tells the outbox whom it works for, before the first frame.
func (o *outbox) attach(h outboxHost) {
	o.mu.Lock()
	o.host = h
	if o.fd >= 0 {
		tuneSocket(o.fd)
	}
	o.mu.Unlock()
}

// frame writes one or more whole frames, without blocking.
func (o *outbox) frame(p []byte, l lane) verdict {
	if o.enc != nil {
		return o.frameEncrypted(p, l)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if v := o.admitLocked(len(p), l); v != wrote {
		return v
	}
	return o.putLocked(p, l)
}

func (o *outbox) frameEncrypted(p []byte, l lane) verdict {
	o.encMu.Lock()
	defer o.encMu.Unlock()
	o.mu.Lock()
	v := o.admitLocked(len(p), l)
	o.mu.Unlock()
	if v != wrote {
		return v
	}
	if _, err := o.enc.Write(p); err != nil {
		return broken
	}
	return wrote
}

// Write takes bytes from the TLS layer above, without blocking.
func (o *outbox) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return 0, net.ErrClosed
	}
	if o.putLocked(p, laneControl) != wrote {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func (o *outbox) admitLocked(n int, l lane) verdict {
	switch {
	case o.closing || o.closed:
		return gone
	case l == laneLatest && o.queued > 0:
		return busy
	case l == laneControl:
		return wrote
	case n > o.host.limit:
		return tooLarge
	case o.queued+n > o.host.limit:
		return overflow
	}
	return wrote
}

func (o *outbox) putLocked(p []byte, l lane) verdict {
	n := 0
	if o.queued == 0 {
		var err error
		switch {
		case o.fd >= 0:
			n, err = rawWrite(o.fd, p)
		case o.try != nil:
			n, err = o.try.TryWrite(p)
		}
		if err != nil {
			return broken
		}
		if n == 0 && l == laneLatest && (o.fd >= 0 || o.try != nil) {
			return busy
		}
	}
	if n < len(p) {
		o.appendLocked(p[n:])
	}
	return wrote
}

func (o *outbox) appendLocked(p []byte) {
	o.queued += len(p)
	o.host.gauge.Add(int64(len(p)))
	for len(p) > 0 {
		if o.tail == nil || o.tail.w == outboxBlock {
			b, ok := o.host.blocks.Get().(*block)
			if !ok {
				b = new(block)
			}
			b.next, b.r, b.w = nil, 0, 0
			if o.tail == nil {
				o.head = b
			} else {
				o.tail.next = b
			}
			o.tail = b
		}
		k := copy(o.tail.data[o.tail.w:], p)
		o.tail.w += k
		p = p[k:]
	}
	if !o.flushing {
		o.flushing = true
		o.host.spawn(o.flush)
	}
}

// flush writes the backlog and ends. A peer that takes less than a block within
// writeStall is a slow consumer.
func (o *outbox) flush() {
	for {
		b, from, to := o.nextBlock()
		if b == nil {
			return
		}
		_, err := o.conn.Write(b.data[from:to])
		if err != nil {
			o.abandon(err)
			return
		}
		o.mu.Lock()
		b.r = to
		o.takenLocked(to - from)
		o.mu.Unlock()
	}
}

// nextBlock frees what is written and returns what to write next, nil if
// nothing.
func (o *outbox) nextBlock() (b *block, from, to int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for b = o.head; b != nil && b.r == b.w; b = o.head {
		if o.head = b.next; o.head == nil {
			o.tail = nil
		}
		o.host.blocks.Put(b)
	}
	if b == nil || o.closed {
		o.flushing = false
		o.pong = false
		if o.closed {
			o.dropLocked()
		}
		return nil, 0, 0
	}
	until := o.deadline
	if until.IsZero() {
		until = time.Now().Add(writeStall)
	}
	// An error here comes back from the write.
	_ = o.conn.SetWriteDeadline(until)
	return b, b.r, b.w
}

func (o *outbox) takenLocked(n int) {
	o.queued -= n
	o.host.gauge.Add(-int64(n))
}

// dropLocked forgets the backlog. The flusher must not hold a block.
func (o *outbox) dropLocked() {
	o.takenLocked(o.queued)
	for b := o.head; b != nil; {
		next := b.next
		o.host.blocks.Put(b)
		b = next
	}
	o.head, o.tail = nil, nil
}

// abandon ends the flusher after a failed write.
func (o *outbox) abandon(err error) {
	o.mu.Lock()
	o.flushing = false
	o.closing = true
	wasClosed := o.closed
	o.dropLocked()
	o.mu.Unlock()
	if wasClosed {
		return
	}
	reason := ReasonTransportError
	if isTimeout(err) {
		reason = ReasonSlowConsumer
	}
	o.host.dead(reason)
	o.kill()
}

// shut writes a close frame behind what is queued and lets no frame follow. The
// peer has closeTimeout to take it all and to answer.
func (o *outbox) shut(p []byte) {
	if o.enc != nil {
		o.encMu.Lock()
		defer o.encMu.Unlock()
	}
	o.mu.Lock()
	if o.closing || o.closed {
		o.mu.Unlock()
		return
	}
	o.closing = true
	o.deadline = time.Now().Add(closeTimeout)
	// Errors mean that the socket is gone, which is where this leads.
	_ = o.conn.SetDeadline(o.deadline)
	if o.enc == nil && o.putLocked(p, laneControl) != wrote {
		_ = o.conn.SetDeadline(time.Now())
	}
	o.mu.Unlock()
	if o.enc != nil {
		_, _ = o.enc.Write(p)
	}
}

// kill closes the descriptor at once.
func (o *outbox) kill() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	o.closed, o.closing = true, true
	_ = o.low.Close()
	if !o.flushing && o.host.blocks != nil {
		o.dropLocked()
	}
}

// sendPong answers a WebSocket ping; while one answer waits, no other joins it.
func (o *outbox) sendPong(p []byte) verdict {
	o.mu.Lock()
	if o.pong && o.queued > 0 {
		o.mu.Unlock()
		return wrote
	}
	o.mu.Unlock()
	v := o.frame(p, laneControl)
	o.mu.Lock()
	o.pong = o.queued > 0
	o.mu.Unlock()
	return v
}

// pending returns how many bytes wait, and whether a latest frame would be
// tried now.
func (o *outbox) pending() (n int, writable bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.queued, o.queued == 0 && !o.closing && !o.closed
}
