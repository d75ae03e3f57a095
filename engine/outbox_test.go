package engine

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// tray is a conn that takes as many bytes as it is told to.
type tray struct {
	net.Conn
	mu    sync.Mutex
	room  int
	got   []byte
	block chan struct{} // Write waits for it
}

func (c *tray) TryWrite(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(p), c.room)
	c.room -= n
	c.got = append(c.got, p[:n]...)
	return n, nil
}

func (c *tray) Write(p []byte) (int, error) {
	<-c.block
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, p...)
	return len(p), nil
}

func (c *tray) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.got...)
}

func newTray(t *testing.T, room, limit int) (*tray, *outbox, *sync.WaitGroup) {
	t.Helper()
	inner, other := net.Pipe()
	t.Cleanup(func() { inner.Close(); other.Close() })
	c := &tray{Conn: inner, room: room, block: make(chan struct{})}
	o := newOutbox(c)
	wg := new(sync.WaitGroup)
	o.attach(outboxHost{
		limit: limit, blocks: new(sync.Pool), gauge: new(atomic.Int64),
		spawn: func(f func()) { wg.Go(f) }, dead: func(Reason) {},
	})
	return c, o, wg
}

func TestOutboxLanes(t *testing.T) {
	c, o, wg := newTray(t, 15, 100)
	require.Equal(t, wrote, o.frame(make([]byte, 10), laneLatest))
	require.Equal(t, wrote, o.frame(make([]byte, 10), laneLatest), "half taken, half queued")
	n, writable := o.pending()
	require.Equal(t, 5, n)
	require.False(t, writable)
	require.Equal(t, busy, o.frame(make([]byte, 10), laneLatest))
	require.Equal(t, wrote, o.frame(make([]byte, 95), laneReliable), "at the bound")
	require.Equal(t, overflow, o.frame(make([]byte, 1), laneReliable), "one past it")
	require.Equal(t, wrote, o.frame(make([]byte, 50), laneControl), "never dropped")
	require.Equal(t, tooLarge, o.frame(make([]byte, 101), laneReliable))
	require.EqualValues(t, 150, o.host.gauge.Load())
	close(c.block)
	wg.Wait()
	require.Len(t, c.bytes(), 165)
	require.Zero(t, o.host.gauge.Load())
	_, writable = o.pending()
	require.True(t, writable)
}

func TestOutboxLatestIntoAFullKernel(t *testing.T) {
	c, o, _ := newTray(t, 0, 100)
	require.Equal(t, busy, o.frame([]byte("x"), laneLatest))
	n, writable := o.pending()
	require.Zero(t, n)
	require.True(t, writable, "nothing is queued; whether the kernel has room is found out by trying")
	require.Empty(t, c.bytes())
}

func TestOutboxKeepsOrderAcrossBlocks(t *testing.T) {
	c, o, wg := newTray(t, 7, 10*outboxBlock)
	var want []byte
	for i := range 1000 {
		p := make([]byte, i%150)
		for j := range p {
			p[j] = byte(i)
		}
		want = append(want, p...)
		require.Equal(t, wrote, o.frame(p, laneReliable))
		if i == 500 {
			close(c.block)
		}
	}
	wg.Wait()
	require.Equal(t, want, c.bytes())
}

func TestPongsCoalesce(t *testing.T) {
	c, o, wg := newTray(t, 0, 100)
	for range 1_000_000 {
		require.Equal(t, wrote, o.sendPong([]byte{bitFin | opPong, 0}))
	}
	n, _ := o.pending()
	require.Equal(t, 2, n, "one pong")
	close(c.block)
	wg.Wait()
	require.Len(t, c.bytes(), 2)
	c.mu.Lock()
	c.room = 100
	c.mu.Unlock()
	require.Equal(t, wrote, o.sendPong([]byte{bitFin | opPong, 0}))
	require.Len(t, c.bytes(), 4)
}

func TestNothingFollowsAClose(t *testing.T) {
	c, o, wg := newTray(t, 3, 100)
	require.Equal(t, wrote, o.frame([]byte("hello"), laneReliable))
	o.shut([]byte("BYE"))
	o.shut([]byte("TWICE"))
	for _, l := range []lane{laneControl, laneReliable, laneLatest} {
		require.Equal(t, gone, o.frame([]byte("x"), l))
	}
	require.Equal(t, gone, o.sendPong([]byte("x")))
	close(c.block)
	wg.Wait()
	require.Equal(t, "helloBYE", string(c.bytes()))
}

func TestKilledOutboxHoldsNothing(t *testing.T) {
	c, o, wg := newTray(t, 0, 100)
	require.Equal(t, wrote, o.frame([]byte("hello"), laneReliable))
	o.kill()
	o.kill()
	close(c.block) // the flusher was in the middle of a write
	wg.Wait()
	require.Zero(t, o.host.gauge.Load())
	require.Equal(t, gone, o.frame([]byte("x"), laneControl))
	_, err := o.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
}

// A descriptor that was closed may belong to somebody else a moment later.
func TestNoWriteOnAReusedDescriptor(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	pair := func() (net.Conn, net.Conn) {
		a, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		b, err := ln.Accept()
		require.NoError(t, err)
		return a, b
	}
	for range 100 {
		client, served := pair()
		o := newOutbox(served)
		o.attach(outboxHost{
			limit: 1 << 20, blocks: new(sync.Pool), gauge: new(atomic.Int64),
			spawn: func(f func()) { go f() }, dead: func(Reason) {},
		})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for o.frame([]byte("secret"), laneReliable) == wrote {
				}
			})
		}
		wg.Go(func() { _, _ = io.Copy(io.Discard, client) })
		o.kill()
		victimClient, victim := pair() // most likely the same number
		require.NoError(t, victim.Close())
		b, err := io.ReadAll(victimClient)
		require.NoError(t, err)
		require.Empty(t, b)
		client.Close()
		victimClient.Close()
		wg.Wait()
	}
}

func TestFrameHeaders(t *testing.T) {
	for n, want := range map[int]int{0: 2, 125: 2, 126: 4, 65535: 4, 65536: 10} {
		b := appendMessage(nil, make([]byte, n), true)
		require.Len(t, b, want+n)
		sizes := referenceParse(append(appendHeader(nil, opBinary, n), make([]byte, n+4)...))
		require.Equal(t, []int{n}, sizes)
	}
	require.Equal(t, []byte{0x81, 3, '4', 'h', 'i'}, appendMessage(nil, []byte("hi"), false))
	require.Equal(t, []byte{0x88, 2, 3, 0xE8}, appendClose(nil, 1000, ""))
	require.Equal(t, []byte{0x88, 0}, appendClose(nil, 0, "x"))
	require.Len(t, appendClose(nil, 4000, string(make([]byte, 200))), 2+maxControlPayload)
}

func TestReasonsAreDistinct(t *testing.T) {
	codes := map[string]bool{}
	for r := Reason(1); r < numReasons; r++ {
		require.NotEqual(t, "unknown", r.String(), "reason %d", r)
		require.False(t, codes[r.String()], r.String())
		codes[r.String()] = true
		require.NotEmpty(t, r.Text())
		require.GreaterOrEqual(t, r.CloseCode(), uint16(1000))
	}
	require.Equal(t, "unknown", Reason(numReasons).String())
}

func TestDefaultsFitEachOther(t *testing.T) {
	cfg := Config{Open: func(*Conn) Handler { return nil }}.withDefaults()
	require.LessOrEqual(t, cfg.EarlyPayload, cfg.MaxPayload)
	require.GreaterOrEqual(t, cfg.EarlyPayload, 4<<10, "a 4 KiB token must fit")
	require.Positive(t, cfg.MaxConns)
	require.Panics(t, func() { New(Config{}) })
	require.Equal(t, 10, Config{Open: cfg.Open, MaxPayload: 10}.withDefaults().EarlyPayload)
}
