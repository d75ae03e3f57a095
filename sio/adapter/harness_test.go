package adapter

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine"
	engineclient "gameserver/engine/client"
	"gameserver/sio"
	"gameserver/sio/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hub joins servers inside one process. Like some brokers it returns messages to
// their sender.
type hub struct {
	mu    sync.Mutex // guards the following
	nodes []*node
	dumb  bool // publishing fails
	deaf  string
	echos int
}

// node is the end of one server in one namespace: a queue and the goroutine that
// empties it.
type node struct {
	c     *Cluster
	nsp   string
	in    chan Message
	ended chan struct{}
}

var errBroken = errors.New("broken")

func (h *hub) send(m Message, to func(*node) bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dumb {
		return errBroken
	}
	m.Payload = slices.Clone(m.Payload)
	for _, n := range h.nodes {
		if n.nsp != m.Namespace || !to(n) || n.c.uid == h.deaf {
			continue
		}
		if n.c.uid == m.UID {
			h.echos++
		}
		n.in <- m
	}
	return nil
}

func (h *hub) Publish(m Message) error { return h.send(m, func(*node) bool { return true }) }

func (h *hub) Respond(uid string, m Message) error {
	return h.send(m, func(n *node) bool { return n.c.uid == uid })
}

func (h *hub) Servers(nsp string) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	count := 0
	for _, n := range h.nodes {
		if n.nsp == nsp {
			count++
		}
	}
	return count, nil
}

// end is the bus of one server.
type end struct {
	*hub
	uid string
}

func (e end) Close(nsp string) error {
	e.mu.Lock()
	var gone *node
	e.nodes = slices.DeleteFunc(e.nodes, func(n *node) bool {
		if n.nsp == nsp && n.c.uid == e.uid {
			gone = n
			return true
		}
		return false
	})
	e.mu.Unlock()
	if gone != nil {
		close(gone.in)
		<-gone.ended
	}
	return nil
}

func (h *hub) attach(uid string) func(sio.Local) sio.Adapter {
	return func(l sio.Local) sio.Adapter {
		n := &node{c: NewCluster(uid, end{h, uid}, l), nsp: l.Namespace(), in: make(chan Message, 4096), ended: make(chan struct{})}
		h.mu.Lock()
		h.nodes = append(h.nodes, n)
		h.mu.Unlock()
		go func() {
			defer close(n.ended)
			for m := range n.in {
				_ = n.c.Receive(m)
			}
		}()
		return n.c
	}
}

// pair is two servers that share a hub, and a client on each: 0 with JSON, 1
// with msgpack.
type pair struct {
	t       *testing.T
	hub     *hub
	servers [2]*sio.Server
	socks   [2]*sio.Socket
	links   [2]*client.Client
	clients [2]*client.Socket
	heard   [2]chan string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{t: t, hub: &hub{}}
	for i := range p.servers {
		s := sio.New(sio.Config{
			Adapter: p.hub.attach([]string{"node-a", "node-b"}[i]),
			Limits:  sio.Limits{AckTimeout: 20 * time.Second},
		})
		in := make(chan *sio.Socket, 1)
		s.Of("/").OnConnection(func(sock *sio.Socket) {
			require.NoError(t, sock.Share(map[string]int{"server": i}))
			in <- sock
		})
		p.servers[i], p.heard[i] = s, make(chan string, 1024)
		c := client.New(serve(t, s), client.Options{Transport: engineclient.WebSocket, Msgpack: i == 1})
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		p.links[i], p.clients[i] = c, c.Socket("/")
		p.clients[i].OnAny(func(event string, a sio.Args) {
			p.heard[i] <- event
			if event == "ask" {
				_ = a.Ack(i * 10)
			}
		})
		require.NoError(t, p.clients[i].Connect(t.Context()))
		p.socks[i] = <-in
	}
	return p
}

func serve(t *testing.T, s *sio.Server) (url string) {
	t.Helper()
	l, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, srv.Shutdown(ctx))
		<-done
	})
	return "http://" + l.Addr().String() + "/socket.io/"
}

// hears waits until a client has heard an event, and requires that it is the
// next one.
func (p *pair) hears(i int, event string) {
	p.t.Helper()
	select {
	case got := <-p.heard[i]:
		require.Equal(p.t, event, got)
	case <-p.t.Context().Done():
	case <-time.After(20 * time.Second):
		require.FailNow(p.t, "nothing heard", event)
	}
}

// quiet requires that nothing has come before a mark that follows it.
func (p *pair) quiet() {
	p.t.Helper()
	for i, s := range p.socks {
		require.NoError(p.t, s.Emit("mark"))
		p.hears(i, "mark")
	}
}
