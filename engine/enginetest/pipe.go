package enginetest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// PipeBuffer is how many bytes each direction of a Pipe holds, like the buffers
// of a kernel.
const PipeBuffer = 64 << 10

// Pipe returns the two ends of an in-memory connection. Unlike those of
// net.Pipe they buffer up to PipeBuffer bytes each way, and offer TryWrite.
// Waiting on them is durable in the sense of testing/synctest.
func Pipe() (a, b *Conn) { return PipeSize(PipeBuffer) }

// PipeSize is Pipe with buffers of size bytes.
func PipeSize(size int) (a, b *Conn) {
	ab, ba := newHalf(size), newHalf(size)
	return &Conn{in: ba, out: ab}, &Conn{in: ab, out: ba}
}

// Conn is one end of a Pipe.
type Conn struct {
	in, out *half
	once    sync.Once
}

// half is one direction. Waiting is on a channel, which synctest understands;
// the lock is never held while waiting.
type half struct {
	size int

	mu     sync.Mutex
	buf    []byte
	closed bool          // no more bytes will come
	broken bool          // nobody reads any more
	change chan struct{} // closed and replaced at every change

	readDeadline, writeDeadline deadline
}

type deadline struct {
	t    time.Time
	wake *time.Timer
}

func newHalf(size int) *half { return &half{size: size, change: make(chan struct{})} }

func (h *half) changedLocked() {
	close(h.change)
	h.change = make(chan struct{})
}

func (d *deadline) passed() bool { return !d.t.IsZero() && !time.Now().Before(d.t) }

func (h *half) set(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.wake != nil {
		d.wake.Stop()
		d.wake = nil
	}
	d.t = t
	if !t.IsZero() {
		d.wake = time.AfterFunc(time.Until(t), func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.changedLocked()
		})
	}
	h.changedLocked()
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	h := c.in
	for {
		h.mu.Lock()
		switch {
		case h.readDeadline.passed():
			h.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = append(h.buf[:0], h.buf[n:]...)
			h.changedLocked()
			h.mu.Unlock()
			return n, nil
		case h.broken:
			h.mu.Unlock()
			return 0, net.ErrClosed
		case h.closed:
			h.mu.Unlock()
			return 0, io.EOF
		}
		change := h.change
		h.mu.Unlock()
		<-change
	}
}

// TryWrite takes as much of p as there is room for and never blocks.
func (c *Conn) TryWrite(p []byte) (int, error) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	return c.out.tryLocked(p)
}

func (h *half) tryLocked(p []byte) (int, error) {
	switch {
	case h.closed:
		return 0, net.ErrClosed
	case h.broken:
		return 0, io.ErrClosedPipe
	}
	n := min(len(p), h.size-len(h.buf))
	if n > 0 {
		h.buf = append(h.buf, p[:n]...)
		h.changedLocked()
	}
	return n, nil
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	h := c.out
	total := 0
	for {
		h.mu.Lock()
		if h.writeDeadline.passed() {
			h.mu.Unlock()
			return total, os.ErrDeadlineExceeded
		}
		n, err := h.tryLocked(p[total:])
		total += n
		if err != nil || total == len(p) {
			h.mu.Unlock()
			return total, err
		}
		change := h.change
		h.mu.Unlock()
		<-change
	}
}

// Buffered returns how many bytes wait to be read at this end.
func (c *Conn) Buffered() int {
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	return len(c.in.buf)
}

// Close implements net.Conn: the other end reads what is left, then io.EOF.
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.out.end(func(h *half) { h.closed = true })
		c.in.end(func(h *half) { h.broken, h.buf = true, nil })
	})
	return nil
}

func (h *half) end(how func(*half)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	how(h)
	for _, d := range []*deadline{&h.readDeadline, &h.writeDeadline} {
		if d.wake != nil && h.broken {
			d.wake.Stop()
			d.wake = nil
		}
	}
	h.changedLocked()
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	c.in.set(&c.in.readDeadline, t)
	c.out.set(&c.out.writeDeadline, t)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.set(&c.in.readDeadline, t)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.set(&c.out.writeDeadline, t)
	return nil
}

type addr struct{}

func (addr) Network() string { return "pipe" }
func (addr) String() string  { return "127.0.0.1:1" }

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return addr{} }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return addr{} }

// Listener is a net.Listener of Pipes.
type Listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// NewListener returns a Listener.
func NewListener() *Listener {
	return &Listener{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Dial returns the client's end of a new connection; the other goes to Accept.
func (l *Listener) Dial() (*Conn, error) { return l.DialSize(PipeBuffer) }

// DialSize is Dial with buffers of size bytes.
func (l *Listener) DialSize(size int) (*Conn, error) {
	a, b := PipeSize(size)
	select {
	case l.conns <- b:
		return a, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return addr{} }
