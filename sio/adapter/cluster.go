package adapter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"gameserver/sio"
)

// Errors of a cluster.
var (
	// ErrPartial wraps the cause when not every server has answered.
	ErrPartial = errors.New("adapter: not every server has answered")
	// ErrBusy is returned when too many questions wait for answers already.
	ErrBusy = errors.New("adapter: too many open questions")
	// ErrMessage is what Receive returns for a message that makes no sense.
	ErrMessage = errors.New("adapter: bad message")
)

// NewUID returns the name of a server in its cluster, for [NewCluster].
func NewUID() string {
	var b [uidBytes]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// Cluster is one namespace on one server of a cluster.
type Cluster struct {
	// Immutable after NewCluster.
	uid   string
	bus   Bus
	local sio.Local

	mu      sync.Mutex // guards the following
	asked   map[string]*request
	serving int
	closed  bool
	stop    context.CancelFunc
	life    context.Context //nolint:containedctx // of the questions being answered
	work    sync.WaitGroup
}

// request is a question of this server. Answers wait in it, so that who is slow
// to take them does not hold up the bus; servers send no more than one a client.
type request struct {
	news chan struct{} // has room for one

	mu    sync.Mutex // guards the following
	queue []Message
}

func (r *request) put(m Message) {
	r.mu.Lock()
	r.queue = append(r.queue, m)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *request) all() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	q := r.queue
	r.queue = nil
	return q
}

// NewCluster returns the adapter of a namespace, for sio.Config.Adapter. What
// the bus receives for that namespace belongs to [Cluster.Receive].
func NewCluster(uid string, bus Bus, local sio.Local) *Cluster {
	c := &Cluster{uid: uid, bus: bus, local: local, asked: make(map[string]*request)}
	c.life, c.stop = context.WithCancel(context.Background())
	return c
}

func (c *Cluster) message(t Type) Message {
	return Message{UID: c.uid, Namespace: c.local.Namespace(), Type: t}
}

func (c *Cluster) publish(m Message) error {
	if err := c.bus.Publish(m); err != nil {
		return fmt.Errorf("adapter: publish: %w", err)
	}
	return nil
}

// Broadcast implements sio.Adapter.
func (c *Cluster) Broadcast(t sio.Targets, payload []byte) error {
	m := c.message(Broadcast)
	m.Targets, m.Payload = t, payload
	return c.publish(m)
}

// Join implements sio.Adapter.
func (c *Cluster) Join(t sio.Targets, rooms []string) error {
	m := c.message(SocketsJoin)
	m.Targets, m.Rooms = t, rooms
	return c.publish(m)
}

// Leave implements sio.Adapter.
func (c *Cluster) Leave(t sio.Targets, rooms []string) error {
	m := c.message(SocketsLeave)
	m.Targets, m.Rooms = t, rooms
	return c.publish(m)
}

// Disconnect implements sio.Adapter.
func (c *Cluster) Disconnect(t sio.Targets, closeConn bool) error {
	m := c.message(DisconnectSockets)
	m.Targets, m.Close = t, closeConn
	return c.publish(m)
}

// ServerSideEmit implements sio.Adapter.
func (c *Cluster) ServerSideEmit(payload []byte) error {
	m := c.message(ServerSideEmit)
	m.Payload = payload
	return c.publish(m)
}

// BroadcastWithAck implements sio.Adapter.
func (c *Cluster) BroadcastWithAck(ctx context.Context, t sio.Targets, payload []byte, ack func([]byte)) error {
	m := c.message(Broadcast)
	m.Targets, m.Payload = t, payload
	clients, counted, acked := 0, 0, 0
	return c.ask(ctx, m, func(a Message, servers int) (done bool) {
		switch a.Type {
		case BroadcastClientCount:
			counted++
			clients += max(a.Clients, 0)
		case BroadcastAck:
			acked++
			ack(a.Payload)
		case BroadcastGone:
			clients -= max(a.Clients, 0)
		default:
		}
		return counted >= servers && acked >= clients
	})
}

// Fetch implements sio.Adapter.
func (c *Cluster) Fetch(ctx context.Context, t sio.Targets) ([]sio.RemoteSocket, error) {
	m := c.message(FetchSockets)
	m.Targets = t
	var all []sio.RemoteSocket
	came := 0
	err := c.ask(ctx, m, func(a Message, servers int) bool {
		if a.Type == FetchSocketsResponse {
			came++
			all = append(all, a.Sockets...)
		}
		return came >= servers
	})
	return all, err
}

// ServerSideEmitWithAck implements sio.Adapter.
func (c *Cluster) ServerSideEmitWithAck(ctx context.Context, payload []byte, ack func([]byte)) error {
	m := c.message(ServerSideEmit)
	m.Payload = payload
	came := 0
	return c.ask(ctx, m, func(a Message, servers int) bool {
		if a.Type == ServerSideEmitResponse {
			came++
			ack(a.Payload)
		}
		return came >= servers
	})
}

// ask publishes a question and gives the answers to take until it has enough.
func (c *Cluster) ask(ctx context.Context, m Message, take func(a Message, servers int) (done bool)) error {
	n, err := c.bus.Servers(m.Namespace)
	if err != nil {
		return fmt.Errorf("adapter: count servers: %w", err)
	}
	if n--; n <= 0 {
		return nil
	}
	r := &request{news: make(chan struct{}, 1)}
	m.RequestID = NewUID()
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return fmt.Errorf("%w: namespace closed", ErrPartial)
	case len(c.asked) >= maxPending:
		c.mu.Unlock()
		return ErrBusy
	}
	c.asked[m.RequestID] = r
	c.mu.Unlock()
	defer c.forget(m.RequestID)
	if err := c.publish(m); err != nil {
		return err
	}
	for {
		select {
		case <-r.news:
			for _, a := range r.all() {
				if take(a, n) {
					return nil
				}
			}
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrPartial, context.Cause(ctx))
		case <-c.life.Done():
			return fmt.Errorf("%w: namespace closed", ErrPartial)
		}
	}
}

func (c *Cluster) forget(id string) {
	c.mu.Lock()
	delete(c.asked, id)
	c.mu.Unlock()
}

// Close implements sio.Adapter: it tells the others, gives up open questions and
// waits for what is being answered.
func (c *Cluster) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if !first {
		return nil
	}
	c.stop()
	c.work.Wait()
	err := c.publish(c.message(AdapterClose))
	return errors.Join(err, c.bus.Close(c.local.Namespace()))
}
