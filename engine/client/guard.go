package client

import (
	"bytes"
	"fmt"
	"net"
)

// wire is the connection under a WebSocket. It looks at every byte before the
// frame parser does, so that the parser never sees a length it cannot trust,
// and bounds the response head, the messages and their fragments.
//
// Reads come from one goroutine; everything else is as safe as the connection.
type wire struct {
	net.Conn
	max int // bytes of one message

	// Owned by the reader.
	state   guardState
	head    int    // bytes of the response head seen
	line    []byte // the start of the response head
	tail    uint32 // last four bytes of the head
	hdr     [10]byte
	hdrLen  int
	left    int // payload bytes of the current frame still to come
	message int // bytes of the fragmented message so far
	frames  int // fragments of that message, 0 outside one
	err     error
}

type guardState uint8

const (
	guardHead   guardState = iota // the HTTP response head
	guardBody                     // the body of a refusal
	guardHeader                   // a frame header
	guardSkip                     // a frame payload
)

func newWire(nc net.Conn, payloadMax int) *wire {
	return &wire{Conn: nc, max: payloadMax}
}

// Read reads from the connection and fails on bytes that break a rule.
func (w *wire) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.Conn.Read(p)
	if gerr := w.feed(p[:n]); gerr != nil {
		w.err = gerr
		return 0, gerr
	}
	return n, err
}

// closeWrite says that nothing more will be written, where that is possible.
func (w *wire) closeWrite() {
	if cw, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		_ = cw.CloseWrite()
	}
}

func (w *wire) feed(b []byte) error {
	for len(b) > 0 {
		switch w.state {
		case guardHead:
			n, err := w.feedHead(b)
			if err != nil {
				return err
			}
			b = b[n:]
		case guardBody:
			w.head += len(b)
			if w.head > headMax+errorBodyMax {
				return violation("refusal too long")
			}
			return nil
		case guardHeader:
			w.hdr[w.hdrLen] = b[0]
			w.hdrLen++
			b = b[1:]
			if err := w.header(); err != nil {
				return err
			}
		case guardSkip:
			n := min(len(b), w.left)
			w.left -= n
			b = b[n:]
			if w.left == 0 {
				w.state = guardHeader
			}
		}
	}
	return nil
}

// feedHead scans for the empty line that ends the response head.
func (w *wire) feedHead(b []byte) (int, error) {
	for i, x := range b {
		if len(w.line) < len("HTTP/1.1 101") {
			w.line = append(w.line, x)
		}
		if w.head++; w.head > headMax {
			return 0, violation("response head too long")
		}
		w.tail = w.tail<<8 | uint32(x)
		if w.tail == 0x0d0a0d0a {
			w.state = guardBody
			if bytes.HasSuffix(w.line, []byte(" 101")) {
				w.state = guardHeader
			}
			w.line = nil
			return i + 1, nil
		}
	}
	return len(b), nil
}

// header acts once the frame header is complete.
func (w *wire) header() error {
	if w.hdrLen < 2 {
		return nil
	}
	n, need := int(w.hdr[1]&0x7f), 2
	switch n {
	case 126:
		need = 4
	case 127:
		need = 10
	}
	if w.hdrLen == 2 {
		if err := w.checkFlags(n); err != nil {
			return err
		}
	}
	if w.hdrLen < need {
		return nil
	}
	if need > 2 {
		var v uint64
		for _, x := range w.hdr[2:need] {
			v = v<<8 | uint64(x)
		}
		if v > uint64(w.max) {
			return fmt.Errorf("%w: frame larger than %d bytes", errTooLong, w.max)
		}
		n = int(v) //nolint:gosec // bounded by max
		if (need == 4 && n < 126) || (need == 10 && n <= 0xffff) {
			return violation("frame length not minimal")
		}
	}
	w.hdrLen, w.left = 0, n
	w.state = guardSkip
	if n == 0 {
		w.state = guardHeader
	}
	return w.account(n)
}

// checkFlags looks at the first two bytes of a frame.
func (w *wire) checkFlags(n int) error {
	b0, b1 := w.hdr[0], w.hdr[1]
	op, fin := b0&0x0f, b0&0x80 != 0
	switch {
	case b0&0x70 != 0:
		return violation("reserved bit set")
	case b1&0x80 != 0:
		return violation("masked frame from the server")
	case op >= 8 && (n > 125 || !fin || op > 10):
		return violation("bad control frame")
	case op > 2 && op < 8:
		return violation("unknown opcode")
	case op == 0 && w.frames == 0, (op == 1 || op == 2) && w.frames > 0:
		return violation("fragment out of order")
	}
	return nil
}

// account adds a frame of n bytes to the message it belongs to.
func (w *wire) account(n int) error {
	if w.hdr[0]&0x0f >= 8 {
		return nil
	}
	if n > w.max-w.message {
		return fmt.Errorf("%w: message larger than %d bytes", errTooLong, w.max)
	}
	if w.hdr[0]&0x80 != 0 {
		w.message, w.frames = 0, 0
		return nil
	}
	w.message += n
	w.frames++
	if w.frames >= fragmentsMax {
		return violation("too many fragments")
	}
	return nil
}

func violation(what string) error { return fmt.Errorf("%w: %s", errProtocol, what) }
