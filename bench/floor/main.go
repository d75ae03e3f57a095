// Command floor is the least that a Go server does for its players: it accepts
// connections, and when all are there sends each of them frames of recorded sizes
// on the schedule of package tick, one copy and one write(2) a frame. Every
// message that comes costs one read and is thrown away. There is nothing else, no
// backpressure either: a bound, not a server. floor.c beside it is the same in C.
//
//	floor CONNS GROUP HZ SECONDS SIZES
//
// GROUP connections belong to one match and are written in one go. SIZES is the
// file that `bench floor` writes.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gameserver/tick"
)

// Bounds of the program.
const (
	connsMax   = 8192
	frameMax   = 1 << 20
	numbersMax = 1 << 26
	timeMax    = time.Hour
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// floor is the sizes and what is shared between the matches.
type floor struct {
	snapshots, seats int
	sizes            []uint32
	body             []byte
}

// load reads the file of sizes.
func load(name string) (*floor, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	if len(b) < 8 || len(b)%4 != 0 || len(b)/4-2 > numbersMax {
		return nil, errors.New("not a file of sizes")
	}
	f := &floor{snapshots: int(le.Uint32(b)), seats: int(le.Uint32(b[4:])), body: make([]byte, frameMax)}
	for b = b[8:]; len(b) > 0; b = b[4:] {
		n := le.Uint32(b)
		if n > frameMax || n == 1 {
			return nil, fmt.Errorf("a frame of %d bytes", n)
		}
		f.sizes = append(f.sizes, n)
	}
	if len(f.sizes) == 0 || len(f.sizes) != f.snapshots*f.seats {
		return nil, fmt.Errorf("%d sizes for %d snapshots of %d players", len(f.sizes), f.snapshots, f.seats)
	}
	return f, nil
}

// room is one match.
type room struct {
	*floor

	fds []int
	out []byte
}

// Tick implements tick.Task.
func (r *room) Tick(t *tick.Tick) bool {
	row := r.sizes[int((t.N-1)%uint64(r.snapshots))*r.seats:][:r.seats] //nolint:gosec // snapshots is positive
	for i, n := range row {
		if n > 0 {
			r.send(r.fds[i], int(n))
		}
	}
	return true
}

// send writes one WebSocket frame of n bytes in all.
func (r *room) send(fd, n int) {
	out := r.out[:n]
	copy(out, r.body)
	out[0] = 0x82
	switch {
	case n < 128:
		out[1] = byte(n - 2)
	case n < 1<<16+4:
		out[1] = 126
		binary.BigEndian.PutUint16(out[2:], uint16(n-4)) //nolint:gosec // fits
	default:
		out[1] = 127
		binary.BigEndian.PutUint64(out[2:], uint64(n-10)) //nolint:gosec // positive
	}
	for done := 0; done < n; {
		k, err := unix.Write(fd, out[done:])
		switch {
		case k > 0:
			done += k
		case !errors.Is(err, unix.EAGAIN) || done == 0:
			return // it is gone, or the reader is behind and this one is dropped
		default:
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 100) //nolint:gosec // a descriptor
		}
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return errors.New("want CONNS GROUP HZ SECONDS SIZES")
	}
	var n [4]int
	for i := range n {
		v, err := strconv.Atoi(args[i])
		if err != nil || v < 1 {
			return fmt.Errorf("%q is no positive number", args[i])
		}
		n[i] = v
	}
	conns, group, hz, seconds := n[0], n[1], n[2], min(n[3], int(timeMax.Seconds()))
	f, err := load(args[4])
	if err != nil {
		return err
	}
	if conns > connsMax || conns%group != 0 || f.seats != group {
		return fmt.Errorf("%d connections in matches of %d with sizes for %d", conns, group, f.seats)
	}
	return f.serve(conns, group, hz, time.Duration(seconds)*time.Second)
}

// serve accepts all connections and then sends until the first one ends.
func (f *floor) serve(conns, group, hz int, limit time.Duration) error {
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer ln.Close()
	fmt.Printf("listening %v\n", ln.Addr())
	ended := make(chan struct{}, conns)
	var rooms []*room
	for i := range conns {
		c, err := ln.AcceptTCP()
		if err != nil {
			return err
		}
		defer c.Close()
		if i%group == 0 {
			rooms = append(rooms, &room{floor: f, out: make([]byte, frameMax)})
		}
		raw, err := c.SyscallConn()
		if err != nil {
			return err
		}
		r := rooms[len(rooms)-1]
		if err := raw.Control(func(fd uintptr) { r.fds = append(r.fds, int(fd)) }); err != nil { //nolint:gosec // a descriptor
			return err
		}
		go discard(c, ended)
	}
	s := tick.New(tick.Config{})
	for _, r := range rooms {
		if _, err := s.Add(r, tick.Options{Hz: hz, Policy: tick.Slip{}}); err != nil {
			return err
		}
	}
	select {
	case <-ended:
	case <-time.After(limit):
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return s.Close(ctx)
}

// discard reads until the connection ends.
func discard(c net.Conn, ended chan<- struct{}) {
	var b [4096]byte
	for {
		if _, err := c.Read(b[:]); err != nil {
			ended <- struct{}{}
			return
		}
	}
}
