package server

import (
	"context"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/server/client"
)

// staller dials connections that can stop reading.
type staller struct {
	mu   sync.Mutex // guards the following
	gate chan struct{}
}

func newStaller() *staller {
	s := &staller{gate: make(chan struct{})}
	close(s.gate)
	return s
}

// stop lets no Read begin.
func (s *staller) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
}

// start lets them go on, once or more.
func (s *staller) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.gate:
	default:
		close(s.gate)
	}
}

// dial opens a connection whose kernel takes little on behalf of the reader.
func (s *staller) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) //nolint:gosec // a descriptor
		})
		if cerr != nil {
			return cerr
		}
		return err
	}}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &stalled{Conn: c, s: s, closed: make(chan struct{})}, nil
}

type stalled struct {
	net.Conn
	s      *staller
	once   sync.Once
	closed chan struct{}
}

func (c *stalled) Read(p []byte) (int, error) {
	c.s.mu.Lock()
	gate := c.s.gate
	c.s.mu.Unlock()
	select {
	case <-gate:
		return c.Conn.Read(p)
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *stalled) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// stallFrame is more than any one message that these tests send.
const stallFrame = 16 << 10

// TestNeverReadingClientCostsItsOutboxOnly has a player who stops reading, in a
// match with another and beside a second match.
func TestNeverReadingClientCostsItsOutboxOnly(t *testing.T) {
	h := openShoal(t)
	gate := newStaller()
	quiet := h.witness("quiet", client.Options{Msgpack: true, Dial: gate.dial})
	mate := h.witness("mate", client.Options{Msgpack: true})
	seat(t, quiet, mate)
	left, right := h.witness("left", client.Options{}), h.witness("right", client.Options{Msgpack: true})
	seat(t, left, right)
	quiet.sees(3)
	quiet.unharmed()

	// held is what the server keeps for all connections together; the others read.
	var most int64
	held := func() int64 {
		n := h.io.Engine().Stats().OutboxBytes
		most = max(most, n)
		return n
	}
	refused := func() uint64 {
		_, sum := h.matches.census()
		return sum.SnapshotsRefused
	}
	gate.stop()
	defer gate.start()
	mate.until("the first refusal", func() bool { return refused() > 0 })
	// From here on the quiet one is offered a snapshot at every tick, and each is
	// refused without being kept.
	ticks, before := h.ticks.Stats().Ticks, refused()
	for range 20 {
		mate.sees(1)
		held()
	}
	left.sees(10)
	require.Less(t, most, int64(stallFrame), "snapshots are kept for a client that does not read")
	require.Greater(t, refused()-before, uint64(20))
	require.Greater(t, h.ticks.Stats().Ticks-ticks, uint64(60))

	// What is reliable is kept up to the outbox, and then the connection is ended.
	word := strings.Repeat("x", 8<<10)
	said := 0
	for h.io.Engine().Stats().SlowConsumers == 0 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		require.NoError(t, mate.m.Request(ctx, "say", word, nil))
		cancel()
		said++
		held()
		require.LessOrEqual(t, said, 2*OutboxBytes/len(word), "the outbox has no bound")
	}
	require.LessOrEqual(t, most, int64(OutboxBytes+stallFrame))
	t.Logf("held at most %d bytes; ended after %d events of %d bytes", most, said, len(word))
	mate.until("its events", func() bool { return mate.heardEvents() >= said })
	left.sees(20)
	right.sees(1)
	require.Less(t, held(), int64(stallFrame), "what waited is given back")
	for _, w := range []*witness{mate, left, right} {
		w.unharmed()
	}
	require.EqualValues(t, 1, h.io.Engine().Stats().SlowConsumers)

	// It may come back to its seat.
	gate.start()
	quiet.until("its seat", func() bool { return quiet.resumed() > 0 })
	quiet.sees(3)
	for _, w := range []*witness{mate, left, right} {
		w.unharmed()
	}
}

// TestStalledClientGoesOnFromTheLastSnapshotItTook reads again before it is
// ended: the next snapshot builds on the last one that it was sent.
func TestStalledClientGoesOnFromTheLastSnapshotItTook(t *testing.T) {
	h := openShoal(t)
	gate := newStaller()
	quiet := h.witness("quiet", client.Options{Dial: gate.dial})
	mate := h.witness("mate", client.Options{Msgpack: true})
	seat(t, quiet, mate)
	quiet.sees(3)
	gate.stop()
	defer gate.start()
	mate.until("refusals", func() bool {
		_, sum := h.matches.census()
		return sum.SnapshotsRefused > 10
	})
	gate.start()
	at := mate.m.Last().Tick
	quiet.until("what is new", func() bool { return quiet.m.Last().Tick > at })
	quiet.sees(3)
	quiet.mu.Lock()
	defer quiet.mu.Unlock()
	require.Zero(t, quiet.back, "no full snapshot was needed") // the client refuses any other base
	require.NotEmpty(t, quiet.gaps, "there was a pause")
	mate.unharmed()
}

func (w *witness) heardEvents() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events
}

func (w *witness) resumed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.back
}
