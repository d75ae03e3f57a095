package adapter

import (
	"context"
	"fmt"
	"slices"
)

// Receive takes a message from the bus. Messages of this server itself, which
// some buses return to their sender, are ignored.
func (c *Cluster) Receive(m Message) error {
	if m.UID == c.uid {
		return nil
	}
	if m.Namespace != c.local.Namespace() {
		return fmt.Errorf("%w: namespace %.64q", ErrMessage, m.Namespace)
	}
	switch m.Type {
	case Broadcast:
		return c.broadcast(m)
	case SocketsJoin:
		c.local.Join(m.Targets, m.Rooms)
	case SocketsLeave:
		c.local.Leave(m.Targets, m.Rooms)
	case DisconnectSockets:
		c.local.Disconnect(m.Targets, m.Close)
	case FetchSockets:
		r := c.message(FetchSocketsResponse)
		r.RequestID, r.Sockets = m.RequestID, c.local.Fetch(m.Targets)
		return c.respond(m.UID, r)
	case ServerSideEmit:
		return c.serverSide(m)
	case FetchSocketsResponse, ServerSideEmitResponse, BroadcastClientCount, BroadcastAck, BroadcastGone:
		c.answer(m)
	case InitialHeartbeat, Heartbeat, AdapterClose: // a bus that counts servers by them reads them itself
	default:
		return fmt.Errorf("%w: type %d", ErrMessage, m.Type)
	}
	return nil
}

func (c *Cluster) respond(uid string, m Message) error {
	if err := c.bus.Respond(uid, m); err != nil {
		return fmt.Errorf("adapter: respond: %w", err)
	}
	return nil
}

// answer hands an answer to whoever asked; late ones are dropped.
func (c *Cluster) answer(m Message) {
	c.mu.Lock()
	r := c.asked[m.RequestID]
	c.mu.Unlock()
	if r != nil {
		m.Payload = slices.Clone(m.Payload)
		r.put(m)
	}
}

func (c *Cluster) broadcast(m Message) error {
	if m.RequestID == "" {
		if err := c.local.Broadcast(m.Targets, m.Payload); err != nil {
			return fmt.Errorf("%w: %w", ErrMessage, err)
		}
		return nil
	}
	if !c.serve() {
		return ErrBusy
	}
	ctx, cancel := context.WithCancel(c.life)
	reply := func(t Type, fill func(*Message)) {
		r := c.message(t)
		r.RequestID = m.RequestID
		fill(&r)
		if c.respond(m.UID, r) != nil {
			cancel() // who asked cannot be reached
		}
	}
	missing := 0
	n, wait, err := c.local.BroadcastWithAck(ctx, m.Targets, m.Payload, func(answer []byte) {
		missing--
		reply(BroadcastAck, func(r *Message) { r.Payload = answer })
	})
	if err != nil {
		cancel()
		c.served()
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	reply(BroadcastClientCount, func(r *Message) { r.Clients = n })
	go func() {
		defer c.served()
		defer cancel()
		missing += n
		if wait() == nil && missing > 0 { // else who asked runs out of time too
			reply(BroadcastGone, func(r *Message) { r.Clients = missing })
		}
	}()
	return nil
}

// serve reserves a place for a question of another server.
func (c *Cluster) serve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.serving >= maxQuestions {
		return false
	}
	c.serving++
	c.work.Add(1)
	return true
}

func (c *Cluster) served() {
	c.mu.Lock()
	c.serving--
	c.mu.Unlock()
	c.work.Done()
}

func (c *Cluster) serverSide(m Message) error {
	var reply func([]byte)
	if m.RequestID != "" {
		reply = func(answer []byte) {
			r := c.message(ServerSideEmitResponse)
			r.RequestID, r.Payload = m.RequestID, answer
			_ = c.respond(m.UID, r) // who asked sees that an answer is missing
		}
	}
	if err := c.local.ServerSideEmit(m.Payload, reply); err != nil {
		return fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return nil
}
