package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is many Socket.IO sessions over WebSockets at little cost: one loop over
// epoll owns them, answers pings and counts messages. It must cost less than
// the server that it measures, so it does not look into them.
type crowd struct {
	addr    string
	parser  string
	epoll   int
	members []*member // by the order in which they came in
	byFD    map[int]*member
	buf     []byte
	heard   int // messages of all of them, CONNECT not counted
	pings   int
}

type member struct {
	fd   int
	rest []byte // of a frame
	n    int    // messages
}

func newCrowd(addr, parser string) (*crowd, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &crowd{addr: addr, parser: parser, epoll: fd, byFD: map[int]*member{}, buf: make([]byte, 64<<10)}, nil
}

func (c *crowd) close() {
	for _, m := range c.members {
		_ = unix.Close(m.fd)
	}
	_ = unix.Close(c.epoll)
}

// dialed is a session that came about, or why it did not.
type dialed struct {
	m   *member
	err error
}

// join brings n sessions into their namespace, some at once.
func (c *crowd) join(ctx context.Context, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tickets := make(chan struct{}, n)
	for range n {
		tickets <- struct{}{}
	}
	close(tickets)
	came := make(chan dialed)
	for range joinAtOnce {
		go c.dial(ctx, tickets, came)
	}
	return c.run(ctx, func() (bool, error) {
		for len(c.members) < n {
			select {
			case d := <-came:
				if d.err != nil {
					return true, d.err
				}
				if err := c.add(d.m); err != nil {
					return true, err
				}
			default:
				return false, nil
			}
		}
		return true, nil
	})
}

// dial opens a session for every ticket.
func (c *crowd) dial(ctx context.Context, tickets <-chan struct{}, came chan<- dialed) {
	for range tickets {
		m, err := dialMember(c.addr, c.parser)
		select {
		case came <- dialed{m, err}:
		case <-ctx.Done():
			if m != nil {
				_ = unix.Close(m.fd)
			}
			return
		}
	}
}

func (c *crowd) add(m *member) error {
	if err := unix.SetNonblock(m.fd, true); err != nil {
		return err
	}
	c.members = append(c.members, m)
	c.byFD[m.fd] = m
	return unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, m.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(m.fd)})
}

// hold answers pings for a while.
func (c *crowd) hold(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	return c.run(ctx, func() (bool, error) { return !time.Now().Before(end), nil })
}

// run reads what comes, and asks between two looks whether it is done.
func (c *crowd) run(ctx context.Context, done func() (bool, error)) error {
	events := make([]unix.EpollEvent, 512)
	for {
		if over, err := done(); over || err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := unix.EpollWait(c.epoll, events, 10)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if err := c.read(c.byFD[int(e.Fd)]); err != nil {
				return err
			}
		}
	}
}

func (c *crowd) read(m *member) error {
	n, err := unix.Read(m.fd, c.buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("a session ended: %w", err)
	case n == 0:
		return errors.New("a session ended")
	}
	b := c.buf[:n]
	if len(m.rest) > 0 {
		b = append(m.rest, b...)
	}
	for {
		op, data, rest, ok := cutFrame(b)
		if !ok {
			break
		}
		b = rest
		switch {
		case op == 1 && string(data) == "2":
			c.pings++
			if err := writeAll(m.fd, clientFrame(1, "3")); err != nil {
				return err
			}
		case op == 8:
			return fmt.Errorf("a session was closed: %x", data)
		default:
			c.heard++
			m.n++
		}
	}
	m.rest = append(m.rest[:0:0], b...)
	return nil
}

// say has one member send an event.
func (c *crowd) say(member int, frame []byte) error { return writeAll(c.members[member].fd, frame) }

// cutFrame takes a whole frame of a server, which is not masked, off b.
func cutFrame(b []byte) (op byte, data, rest []byte, ok bool) {
	if len(b) < 2 {
		return 0, nil, b, false
	}
	at, size := 2, int(b[1])
	switch {
	case size == 126 && len(b) >= 4:
		at, size = 4, int(binary.BigEndian.Uint16(b[2:]))
	case size == 127 && len(b) >= 10:
		at, size = 10, int(binary.BigEndian.Uint64(b[2:]))
	case size >= 126:
		return 0, nil, b, false
	}
	if len(b)-at < size {
		return 0, nil, b, false
	}
	return b[0] & 15, b[at : at+size], b[at+size:], true
}

// clientFrame is a frame of a client, masked with zeros.
func clientFrame(op byte, data string) []byte {
	b := []byte{0x80 | op}
	if len(data) < 126 {
		b = append(b, 0x80|byte(len(data)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(data)))
	}
	return append(append(b, 0, 0, 0, 0), data...)
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("write: %w", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

// packets that the crowd sends, by parser.
var (
	connectPacket = map[string]string{"json": "40", "msgpack": "\x82\xa4type\x00\xa3nsp\xa1/"}
	packetOpcode  = map[string]byte{"json": 1, "msgpack": 2}
)

// dialMember opens a session and joins "/".
func dialMember(addr, parser string) (*member, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	m := &member{fd: fd}
	if err := m.enter(at, parser); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return m, nil
}

func (m *member) enter(at netip.AddrPort, parser string) error {
	patience := unix.Timeval{Sec: int64(memberPatience / time.Second)}
	_ = unix.SetsockoptTimeval(m.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience)
	_ = unix.SetsockoptInt(m.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Connect(m.fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}); err != nil {
		return err
	}
	hello := "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: " + at.String() +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if err := writeAll(m.fd, []byte(hello)); err != nil {
		return err
	}
	if err := m.await(func(b []byte) (rest []byte, ok bool, err error) {
		head, rest, ok := bytes.Cut(b, []byte("\r\n\r\n"))
		if ok && !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
			err = fmt.Errorf("not upgraded: %q", head)
		}
		return rest, ok, err
	}); err != nil {
		return err
	}
	frame := func(b []byte) ([]byte, bool, error) {
		op, data, rest, ok := cutFrame(b)
		if ok && op == 8 {
			return rest, true, fmt.Errorf("closed: %x", data)
		}
		return rest, ok, nil
	}
	if err := m.await(frame); err != nil { // open
		return err
	}
	if err := writeAll(m.fd, clientFrame(packetOpcode[parser], connectPacket[parser])); err != nil {
		return err
	}
	return m.await(frame) // CONNECT
}

// await reads until take has what it wants.
func (m *member) await(take func([]byte) (rest []byte, ok bool, err error)) error {
	var buf [4096]byte
	for {
		rest, ok, err := take(m.rest)
		if ok || err != nil {
			m.rest = rest
			return err
		}
		n, err := unix.Read(m.fd, buf[:])
		if errors.Is(err, unix.EINTR) { // the runtime's own signals, because of the timeout
			continue
		}
		if err != nil || n == 0 {
			return errors.Join(errors.New("no answer"), err)
		}
		m.rest = append(m.rest, buf[:n]...)
		if len(m.rest) > 1<<20 {
			return errors.New("an answer without end")
		}
	}
}
