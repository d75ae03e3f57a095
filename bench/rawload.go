package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// rawLoad plays on a floor program: as many connections as bots would have, which
// count WebSocket frames and send messages of the bots' size on the bots' schedule.
type rawLoad struct {
	conns     []net.Conn
	message   []byte
	measuring atomic.Bool
	frames    atomic.Int64
	sent      atomic.Int64
	readers   sync.WaitGroup
	lateness  *hdrhistogram.Histogram
}

// dialRaw connects n players to a floor program.
func dialRaw(ctx context.Context, addr string, n, messageBytes int) (*rawLoad, error) {
	l := &rawLoad{message: make([]byte, messageBytes), lateness: newHistogram()}
	dial := dialer(addr)
	for range n {
		c, err := dial(ctx)
		if err != nil {
			l.close()
			return nil, err
		}
		l.conns = append(l.conns, c)
	}
	for _, c := range l.conns {
		l.readers.Go(func() { l.read(c) })
	}
	return l, nil
}

// read counts the frames that come.
func (l *rawLoad) read(c net.Conn) {
	r := bufio.NewReaderSize(c, 4096) // as the bots' clients
	for {
		n, err := frameSize(r)
		if err == nil {
			_, err = r.Discard(n)
		}
		if err != nil {
			return
		}
		if l.measuring.Load() {
			l.frames.Add(1)
		}
	}
}

// frameSize reads the header of a server's frame.
func frameSize(r *bufio.Reader) (int, error) {
	h, err := r.Peek(2)
	if err != nil {
		return 0, err
	}
	head, size := 2, uint64(h[1])
	switch size {
	case 126:
		head = 4
	case 127:
		head = 10
	default:
	}
	if h, err = r.Peek(head); err != nil {
		return 0, err
	}
	switch head {
	case 4:
		size = uint64(binary.BigEndian.Uint16(h[2:]))
	case 10:
		size = binary.BigEndian.Uint64(h[2:])
	default:
	}
	if size > frameBytesMax || head == 2 && size > 127 {
		return 0, fmt.Errorf("a frame of %d bytes: %w", size, io.ErrUnexpectedEOF)
	}
	_, err = r.Discard(head)
	return int(size), err
}

// play sends messages until ctx is done.
func (l *rawLoad) play(ctx context.Context, period time.Duration) {
	p := pacer{epoch: time.Now(), period: period, measuring: &l.measuring, lateness: l.lateness}
	p.run(ctx, len(l.conns), func(i int, _ time.Duration) {
		if _, err := l.conns[i].Write(l.message); err == nil && l.measuring.Load() {
			l.sent.Add(1)
		}
	})
}

func (l *rawLoad) close() {
	for _, c := range l.conns {
		_ = c.Close()
	}
	l.readers.Wait()
}
