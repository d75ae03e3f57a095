package adapter

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/sio"
	"gameserver/sio/client"
)

func (p *pair) root(i int) *sio.Namespace { return p.servers[i].Of("/") }

// A broadcast reaches the sockets of all servers once, in the encoding of each,
// unless it is local; what a server hears of itself does not loop.
func TestBroadcastReachesAllServersOnce(t *testing.T) {
	p := newPair(t)
	require.NoError(t, p.root(0).Emit("all", []byte{1}, "x"))
	p.hears(0, "all")
	p.hears(1, "all")
	p.hub.mu.Lock()
	require.NotZero(t, p.hub.echos, "the hub returns messages to their sender")
	p.hub.mu.Unlock()
	require.NoError(t, p.root(0).To().Local().Emit("here"))
	p.hears(0, "here")
	require.NoError(t, p.socks[0].Broadcast().Emit("others"))
	p.hears(1, "others")
	require.NoError(t, p.root(0).Except(p.socks[1].ID()).Emit("not you"))
	p.hears(0, "not you")
	require.NoError(t, p.root(0).To(p.socks[1].ID()).Emit("you"))
	p.hears(1, "you")
	require.NoError(t, p.root(1).To().Volatile().Emit("maybe"))
	p.hears(0, "maybe")
	p.hears(1, "maybe")
	p.fence()
	p.quiet()
}

// fence waits until each server has handled what the other sent before.
func (p *pair) fence() {
	p.t.Helper()
	for i := range p.servers {
		_, err := p.root(i).Except().Fetch(p.t.Context())
		require.NoError(p.t, err)
	}
}

// Sockets of all servers are moved and ended by room.
func TestCommandsReachAllServers(t *testing.T) {
	p := newPair(t)
	require.NoError(t, p.root(0).Except().Join("a", "b"))
	p.fence()
	require.ElementsMatch(t, []string{p.socks[1].ID(), "a", "b"}, p.socks[1].Rooms())
	require.ElementsMatch(t, []string{p.socks[0].ID(), "a", "b"}, p.socks[0].Rooms())
	require.NoError(t, p.root(1).To(p.socks[0].ID()).Leave("b"))
	p.fence()
	require.ElementsMatch(t, []string{p.socks[0].ID(), "a"}, p.socks[0].Rooms())
	require.NoError(t, p.root(0).To("b").Emit("b"))
	p.hears(1, "b")
	gone := make(chan string, 2)
	for _, s := range p.socks {
		s.OnDisconnect(func(reason string) { gone <- reason })
	}
	require.NoError(t, p.root(0).To("a").Disconnect(false))
	require.Equal(t, "server namespace disconnect", <-gone)
	require.Equal(t, "server namespace disconnect", <-gone)
}

// Fetch describes the sockets of all servers.
func TestFetchAllServers(t *testing.T) {
	p := newPair(t)
	for i := range p.servers {
		got, err := p.root(i).Except().Fetch(t.Context())
		require.NoError(t, err)
		require.Len(t, got, 2)
		slices.SortFunc(got, func(a, b sio.RemoteSocket) int { return slices.Compare(a.Data, b.Data) })
		for j, r := range got {
			require.Equal(t, p.socks[j].ID(), r.ID)
			require.JSONEq(t, []string{`{"server":0}`, `{"server":1}`}[j], string(r.Data))
			require.Equal(t, []string{r.ID}, r.Rooms)
			require.Equal(t, "127.0.0.1", r.Handshake.Address)
		}
	}
	got, err := p.root(0).To(p.socks[1].ID()).Fetch(t.Context())
	require.NoError(t, err)
	require.Len(t, got, 1)
	got, err = p.root(0).To().Local().Fetch(t.Context())
	require.NoError(t, err)
	require.Len(t, got, 1)
}

// A server that does not answer costs completeness, not the answers of others.
func TestPartialAnswers(t *testing.T) {
	p := newPair(t)
	p.hub.mu.Lock()
	p.hub.deaf = "node-b"
	p.hub.mu.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	got, err := p.root(0).Except().Fetch(ctx)
	require.ErrorIs(t, err, ErrPartial)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Len(t, got, 1)
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var answers, failures int
	for _, err := range p.root(0).To().EmitWithAck(ctx, "ask") {
		if err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			failures++
		} else {
			answers++
		}
	}
	require.Equal(t, 1, answers)
	require.Equal(t, 1, failures)
}

// Acks come from all servers; the loop ends when the last has come.
func TestAcksFromAllServers(t *testing.T) {
	p := newPair(t)
	for i := range p.servers {
		var got []int
		for a, err := range p.root(i).To().EmitWithAck(t.Context(), "ask") {
			require.NoError(t, err)
			var v int
			require.NoError(t, a.Decode(0, &v))
			require.Equal(t, v == i*10, a.From == p.socks[i].ID(), "a socket elsewhere has no name")
			got = append(got, v)
		}
		require.ElementsMatch(t, []int{0, 10}, got)
		p.hears(0, "ask")
		p.hears(1, "ask")
	}
	for range p.root(0).To("nobody").EmitWithAck(t.Context(), "ask") {
		require.Fail(t, "nobody answers")
	}
	// A socket elsewhere that goes without an answer ends the loop.
	p.clients[1].On("silence", func(sio.Args) { go p.clients[1].Disconnect() })
	for range p.root(0).To(p.socks[1].ID()).EmitWithAck(t.Context(), "silence") {
		require.Fail(t, "nobody answers")
	}
}

// Servers talk to each other; none hears itself.
func TestServerSideEmit(t *testing.T) {
	p := newPair(t)
	heard := make(chan string, 4)
	p.root(0).OnServerSide("hello", func(sio.Args) { heard <- "0" })
	p.root(1).OnServerSide("hello", func(a sio.Args) {
		var name string
		require.NoError(t, a.Decode(0, &name))
		require.False(t, a.WantsAck())
		heard <- "1 " + name
	})
	require.NoError(t, p.root(0).ServerSideEmit("hello", "a"))
	require.Equal(t, "1 a", <-heard)
	p.root(1).OnServerSide("sum", func(a sio.Args) {
		var x, y int
		require.NoError(t, a.Decode(0, &x))
		require.NoError(t, a.Decode(1, &y))
		go func() { _ = a.Ack(x + y) }()
	})
	answers, err := p.root(0).ServerSideEmitWithAck(t.Context(), "sum", 3, 4)
	require.NoError(t, err)
	require.Len(t, answers, 1)
	var sum int
	require.NoError(t, answers[0].Decode(0, &sum))
	require.Equal(t, 7, sum)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = p.root(1).ServerSideEmitWithAck(ctx, "nobody listens")
	require.ErrorIs(t, err, ErrPartial)
	for _, name := range []string{"connect", "connection", "new_namespace"} {
		require.ErrorIs(t, p.root(0).ServerSideEmit(name), sio.ErrReserved)
	}
	require.Empty(t, heard)
}

// Pitfall 21: a bus that fails does not keep an event from the sockets here.
func TestPitfall21PublishFails(t *testing.T) {
	p := newPair(t)
	p.hub.mu.Lock()
	p.hub.dumb = true
	p.hub.mu.Unlock()
	require.ErrorIs(t, p.root(0).Emit("all"), errBroken)
	p.hears(0, "all")
	require.ErrorIs(t, p.root(0).Except().Join("a"), errBroken)
	require.Contains(t, p.socks[0].Rooms(), "a")
	var answers, failures int
	for _, err := range p.root(0).To().EmitWithAck(t.Context(), "ask") {
		if err != nil {
			require.ErrorIs(t, err, errBroken)
			failures++
		} else {
			answers++
		}
	}
	require.Equal(t, []int{1, 1}, []int{answers, failures})
	p.hub.mu.Lock()
	p.hub.dumb = false
	p.hub.mu.Unlock()
}

// Pitfall 22: what one server does to rooms and then says to them happens in
// that order on the other.
func TestPitfall22OrderOfJoinAndBroadcast(t *testing.T) {
	p := newPair(t)
	other := p.root(0).To(p.socks[1].ID())
	for range 20 {
		require.NoError(t, other.Join("r"))
		require.NoError(t, p.root(0).To("r").Emit("in"))
		require.NoError(t, other.Leave("r"))
		require.NoError(t, p.root(0).To("r").Emit("out"))
	}
	p.fence()
	for range 20 {
		p.hears(1, "in")
	}
	p.quiet()
}

// Messages that make no sense are refused and change nothing.
func TestReceiveRefuses(t *testing.T) {
	p := newPair(t)
	c := p.hub.nodes[0].c
	for name, m := range map[string]Message{
		"other namespace": {UID: "x", Namespace: "/other", Type: Broadcast, Payload: []byte{0x91, 0xa1, 'x'}},
		"unknown type":    {UID: "x", Namespace: "/", Type: 99},
		"no payload":      {UID: "x", Namespace: "/", Type: Broadcast},
		"trailing bytes":  {UID: "x", Namespace: "/", Type: Broadcast, Payload: []byte{0x91, 0xa1, 'x', 0}},
		"not an array":    {UID: "x", Namespace: "/", Type: Broadcast, Payload: []byte{0xa1, 'x'}},
		"reserved":        {UID: "x", Namespace: "/", Type: Broadcast, Payload: append([]byte{0x91, 0xaa}, "disconnect"...)},
		"length bomb":     {UID: "x", Namespace: "/", Type: ServerSideEmit, Payload: []byte{0xdd, 0xff, 0xff, 0xff, 0xff}},
		"with ack":        {UID: "x", Namespace: "/", Type: Broadcast, RequestID: "r", Payload: []byte{0xc1}},
	} {
		require.ErrorIs(t, c.Receive(m), ErrMessage, name)
	}
	require.NoError(t, c.Receive(Message{UID: "node-a", Namespace: "/", Type: Broadcast, Payload: []byte{0x91, 0xa1, 'x'}}), "its own")
	require.NoError(t, c.Receive(Message{UID: "x", Namespace: "/", Type: BroadcastAck, RequestID: "unknown"}), "late")
	require.NoError(t, c.Receive(Message{UID: "x", Namespace: "/", Type: Heartbeat}))
	p.quiet()
}

// Bounds: questions of others, and our own.
func TestQuestionBounds(t *testing.T) {
	p := newPair(t)
	c := p.hub.nodes[0].c
	c.mu.Lock()
	c.serving = maxQuestions - 1
	c.mu.Unlock()
	m := Message{UID: "node-b", Namespace: "/", Type: Broadcast, RequestID: "r", Payload: []byte{0x91, 0xa1, 'x'}, Targets: sio.Targets{Rooms: []string{"nobody"}}}
	require.NoError(t, c.Receive(m), "the last that fits")
	c.work.Wait()
	c.mu.Lock()
	c.serving = maxQuestions
	c.mu.Unlock()
	require.ErrorIs(t, c.Receive(m), ErrBusy)
	c.mu.Lock()
	c.serving = 0
	for range maxPending - 1 {
		c.asked[NewUID()] = &request{}
	}
	c.mu.Unlock()
	_, err := p.root(0).Except().Fetch(t.Context())
	require.NoError(t, err, "the last that fits")
	c.mu.Lock()
	c.asked[NewUID()] = &request{}
	c.mu.Unlock()
	_, err = p.root(0).Except().Fetch(t.Context())
	require.ErrorIs(t, err, ErrBusy)
}

// The children of a dynamic namespace are joined like any other, and the parent
// speaks for all of them.
func TestDynamicNamespacesOfACluster(t *testing.T) {
	p := newPair(t)
	var parents [2]*sio.Namespace
	heard := make(chan string, 8)
	for i, s := range p.servers {
		parents[i] = s.OfDynamic(sio.Dynamic{Match: func(name string, _ func(any) error) bool { return len(name) == 2 }})
		parents[i].OnServerSide("hello", func(a sio.Args) {
			heard <- "hello"
			_ = a.Ack(i)
		})
	}
	var kids [2]*client.Socket
	got := make(chan string, 8)
	for i, c := range p.links {
		kids[i] = c.Socket("/x")
		kids[i].OnAny(func(event string, _ sio.Args) { got <- event })
		require.NoError(t, kids[i].Connect(t.Context()))
	}
	require.NoError(t, parents[0].Emit("all"))
	require.Equal(t, "all", <-got)
	require.Equal(t, "all", <-got)
	list, err := parents[1].To().Fetch(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 2)
	answers, err := parents[0].ServerSideEmitWithAck(t.Context(), "hello")
	require.NoError(t, err)
	require.Len(t, answers, 1)
	require.Equal(t, "hello", <-heard)
	require.NoError(t, parents[1].ServerSideEmit("hello"))
	require.Equal(t, "hello", <-heard)
	kids[1].Disconnect()
	for n := 2; n > 1; {
		n, err = p.hub.Servers("/x")
		require.NoError(t, err)
	}
}
