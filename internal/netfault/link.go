package netfault

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// link is one direction of a connection: bytes read from src are written to dst.
type link struct {
	src, dst net.Conn
	count    *counters

	mu    sync.Mutex // guards the following
	path  path
	ring  ring      // the bytes of path's segments
	until time.Time // nothing is delivered before
	ended bool      // src will send no more
	cut   bool      // the connection is over

	arrived chan struct{} // capacity 1: the writer should look again
	room    chan struct{} // capacity 1: the reader should
}

func newLink(src, dst net.Conn, p path, c *counters) *link {
	return &link{
		src: src, dst: dst, path: p, count: c,
		arrived: make(chan struct{}, 1), room: make(chan struct{}, 1),
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// set changes the profile for the bytes that come from now on.
func (l *link) set(p Profile, back time.Duration) {
	l.mu.Lock()
	l.path.profile, l.path.back = p, back
	l.mu.Unlock()
	signal(l.room)
}

// stall delivers nothing for a while.
func (l *link) stall(d time.Duration) {
	l.mu.Lock()
	l.until = later(l.until, time.Now().Add(d))
	l.mu.Unlock()
	signal(l.arrived)
}

// end takes no more from src; what is on its way still arrives.
func (l *link) end() {
	l.mu.Lock()
	l.ended = true
	l.mu.Unlock()
	signal(l.arrived)
	signal(l.room)
}

// drop forgets everything that is on its way.
func (l *link) drop() {
	l.mu.Lock()
	l.ended, l.cut = true, true
	l.mu.Unlock()
	signal(l.arrived)
	signal(l.room)
}

// read takes what src sends until it ends. It returns an error if src broke.
func (l *link) read() error {
	var b [SegmentBytes]byte
	for l.awaitRoom() {
		n, err := l.src.Read(b[:])
		if n > 0 && !l.put(b[:n]) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			l.end()
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitRoom waits until one more segment fits. It returns false at the end.
func (l *link) awaitRoom() bool {
	for {
		l.mu.Lock()
		fits := l.ring.n+SegmentBytes <= l.path.profile.buffer() && len(l.path.queue) < SegmentsMax
		ended := l.ended
		l.mu.Unlock()
		if ended {
			return false
		}
		if fits {
			return true
		}
		<-l.room
	}
}

// put sends a segment on its way, unless the link has ended meanwhile.
func (l *link) put(b []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	before := l.path.lost
	l.path.put(len(b), time.Now())
	l.ring.write(b)
	l.count.segments.Add(1)
	l.count.bytes.Add(int64(len(b)))
	l.count.lost.Add(int64(l.path.lost - before))
	signal(l.arrived)
	return true
}

// errCut says that a link was dropped.
var errCut = errors.New("netfault: dropped")

// write delivers what has arrived until the end. It returns an error if that was
// not an orderly one.
func (l *link) write() error {
	var b [writeBytes]byte
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		n, wait, err := l.take(b[:])
		switch {
		case n > 0:
			if _, err := l.dst.Write(b[:n]); err != nil {
				l.drop()
				return err
			}
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case wait == 0:
			<-l.arrived
		default:
			t.Reset(wait)
			select {
			case <-l.arrived:
			case <-t.C:
			}
		}
	}
}

// take copies what has arrived. With nothing there it says how long to wait, 0
// for somebody's signal; io.EOF is the end.
func (l *link) take(b []byte) (n int, wait time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	switch {
	case l.cut:
		return 0, 0, errCut
	case len(l.path.queue) == 0 && l.ended:
		return 0, 0, io.EOF
	case len(l.path.queue) == 0:
		return 0, 0, nil
	}
	if due := later(l.path.queue[0].at, l.until); due.After(now) {
		return 0, due.Sub(now), nil
	}
	n = l.path.take(now, len(b))
	l.ring.read(b[:n])
	signal(l.room)
	return n, 0, nil
}

// ring is a queue of bytes that grows to what it has held at most.
type ring struct {
	buf   []byte
	at, n int
}

func (r *ring) write(b []byte) {
	if need := r.n + len(b); need > len(r.buf) {
		bigger := make([]byte, max(2*len(r.buf), need, 4*SegmentBytes))
		n := r.n
		r.read(bigger[:n])
		r.buf, r.at, r.n = bigger, 0, n
	}
	to := (r.at + r.n) % len(r.buf)
	k := copy(r.buf[to:], b)
	copy(r.buf, b[k:])
	r.n += len(b)
}

// read moves the first bytes out; there must be as many.
func (r *ring) read(b []byte) {
	if len(b) == 0 {
		return
	}
	k := copy(b, r.buf[r.at:])
	copy(b[k:], r.buf)
	r.at = (r.at + len(b)) % len(r.buf)
	r.n -= len(b)
}
