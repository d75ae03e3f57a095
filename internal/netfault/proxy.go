package netfault

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a Proxy. Dial is required.
type Config struct {
	// Dial connects to the server for one client.
	Dial func(ctx context.Context) (net.Conn, error)
	// Link is how connections behave at first.
	Link Both
	// Seed is where all chance comes from.
	Seed uint64
	// Conns bounds the connections; ConnsDefault if 0.
	Conns int
}

// Direction is one or both ways of a connection.
type Direction int

// The directions.
const (
	Up     Direction = 1 << iota // from the client to the server
	Down                         // from the server to the client
	UpDown = Up | Down
)

// Stats are the counts of a Proxy since its start.
type Stats struct {
	Conns    int   // open now
	Accepted int64 // ever
	Refused  int64 // beyond Config.Conns, or nobody to connect to
	Up, Down Counts
}

// Counts are those of one direction, all connections together.
type Counts struct{ Segments, Bytes, Lost int64 }

type counters struct{ segments, bytes, lost atomic.Int64 }

func (c *counters) read() Counts { return Counts{c.segments.Load(), c.bytes.Load(), c.lost.Load()} }

// Proxy carries connections over a bad network.
type Proxy struct {
	cfg      Config
	up, down counters
	accepted atomic.Int64
	refused  atomic.Int64
	wg       sync.WaitGroup // all goroutines but those in Serve
	ctx      context.Context
	cancel   context.CancelFunc

	mu       sync.Mutex // guards the following
	link     Both
	conns    map[*conn]struct{}
	dialling int
	listener map[net.Listener]struct{}
	closed   bool
}

// conn is one connection through the proxy.
type conn struct {
	client, server net.Conn
	up, down       *link
	once           sync.Once
}

// New returns a Proxy.
func New(cfg Config) (*Proxy, error) {
	if cfg.Dial == nil {
		return nil, errors.New("netfault: no Dial")
	}
	if cfg.Conns == 0 {
		cfg.Conns = ConnsDefault
	}
	if err := errors.Join(cfg.Link.Up.Check(), cfg.Link.Down.Check()); err != nil {
		return nil, err
	}
	p := &Proxy{cfg: cfg, link: cfg.Link, conns: map[*conn]struct{}{}, listener: map[net.Listener]struct{}{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// Serve carries the connections that come to ln, until Close or until ln fails.
// It closes ln.
func (p *Proxy) Serve(ln net.Listener) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ln.Close()
	}
	p.listener[ln] = struct{}{}
	p.mu.Unlock()
	for {
		c, err := ln.Accept()
		if err != nil {
			p.mu.Lock()
			closed := p.closed
			delete(p.listener, ln)
			p.mu.Unlock()
			_ = ln.Close()
			if closed {
				return nil
			}
			return err
		}
		p.Carry(c)
	}
}

// Carry takes over a client's connection and connects it to the server.
func (p *Proxy) Carry(client net.Conn) {
	p.mu.Lock()
	number := p.accepted.Add(1)
	if p.closed || len(p.conns)+p.dialling >= p.cfg.Conns {
		p.mu.Unlock()
		p.refused.Add(1)
		reset(client)
		return
	}
	p.dialling++
	p.wg.Add(1)
	p.mu.Unlock()
	go func() {
		defer p.wg.Done()
		ctx, cancel := context.WithTimeout(p.ctx, dialTimeout)
		server, err := p.cfg.Dial(ctx)
		cancel()
		if err != nil {
			server = nil
			p.refused.Add(1)
			reset(client)
		}
		p.start(client, server, uint64(number)) //nolint:gosec // a count from 1
	}()
}

// start runs a connection whose ends are there; without a server it only leaves
// its place.
func (p *Proxy) start(client, server net.Conn, number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialling--
	if server == nil {
		return
	}
	if p.closed {
		reset(client)
		reset(server)
		return
	}
	path := func(mine, other Profile, stream uint64) path {
		return path{profile: mine, back: other.Delay, rng: rand.New(rand.NewPCG(p.cfg.Seed, stream))}
	}
	c := &conn{client: client, server: server}
	c.up = newLink(client, server, path(p.link.Up, p.link.Down, 2*number), &p.up)
	c.down = newLink(server, client, path(p.link.Down, p.link.Up, 2*number+1), &p.down)
	p.conns[c] = struct{}{}
	var both sync.WaitGroup
	both.Add(2)
	for _, l := range []*link{c.up, c.down} {
		p.wg.Go(func() { // reading
			if l.read() != nil {
				c.reset()
			}
		})
		p.wg.Go(func() { // writing
			defer both.Done()
			if l.write() != nil {
				c.reset()
				return
			}
			if !closeWrite(l.dst) {
				c.reset()
			}
		})
	}
	p.wg.Go(func() {
		both.Wait()
		c.reset() // both directions have ended: nothing is left to lose
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
	})
}

// reset ends a connection at once and loses what is on its way.
func (c *conn) reset() {
	c.once.Do(func() {
		lost := c.up.loses() || c.down.loses()
		for _, l := range []*link{c.up, c.down} {
			l.drop()
		}
		for _, end := range []net.Conn{c.client, c.server} {
			if lost {
				reset(end)
			} else {
				_ = end.Close()
			}
		}
	})
}

// loses reports whether something is still to come or on its way.
func (l *link) loses() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.ended || len(l.path.queue) > 0
}

// reset closes a connection so that its other end sees a reset, where there is
// such a thing.
func reset(c net.Conn) {
	if tcp, ok := c.(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

// closeWrite tells the other end that no more will come. It returns false where a
// connection can only be closed as a whole.
func closeWrite(c net.Conn) bool {
	tcp, ok := c.(interface{ CloseWrite() error })
	if ok {
		_ = tcp.CloseWrite()
	}
	return ok
}

// each calls f for every connection that is open.
func (p *Proxy) each(f func(*conn)) {
	p.mu.Lock()
	conns := make([]*conn, 0, len(p.conns))
	for c := range p.conns {
		conns = append(conns, c)
	}
	p.mu.Unlock()
	for _, c := range conns {
		f(c)
	}
}

// Set changes how connections behave, those that are open included: what is on
// its way arrives as it was going to.
func (p *Proxy) Set(b Both) error {
	if err := errors.Join(b.Up.Check(), b.Down.Check()); err != nil {
		return err
	}
	p.mu.Lock()
	p.link = b
	p.mu.Unlock()
	p.each(func(c *conn) {
		c.up.set(b.Up, b.Down.Delay)
		c.down.set(b.Down, b.Up.Delay)
	})
	return nil
}

// Stall delivers nothing in a direction for a while, and then all at once.
func (p *Proxy) Stall(d Direction, how time.Duration) {
	p.links(d, func(l *link) { l.stall(how) })
}

// HalfClose ends a direction of every connection: what was sent arrives, then
// the end. The other direction goes on.
func (p *Proxy) HalfClose(d Direction) { p.links(d, (*link).end) }

func (p *Proxy) links(d Direction, f func(*link)) {
	p.each(func(c *conn) {
		if d&Up != 0 {
			f(c.up)
		}
		if d&Down != 0 {
			f(c.down)
		}
	})
}

// Reset breaks every connection.
func (p *Proxy) Reset() { p.each((*conn).reset) }

// Stats returns the counts so far.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{
		Conns: len(p.conns), Accepted: p.accepted.Load(), Refused: p.refused.Load(),
		Up: p.up.read(), Down: p.down.read(),
	}
}

// Close breaks every connection, takes no new ones, and waits for all goroutines
// but those in Serve, which return.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	for ln := range p.listener {
		_ = ln.Close()
	}
	p.mu.Unlock()
	p.cancel()
	p.Reset()
	p.wg.Wait()
	return nil
}
