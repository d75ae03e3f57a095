package sio

import (
	"context"
	"errors"
	"slices"
)

// spread returns b, or for a dynamic namespace the same broadcast in each of
// its children.
func (b Broadcast) spread() []Broadcast {
	if b.nsp.match == nil {
		return []Broadcast{b}
	}
	children := b.nsp.childList()
	all := make([]Broadcast, 0, len(children))
	for _, n := range children {
		one := b
		one.nsp = n
		all = append(all, one)
	}
	return all
}

// adapter is who reaches the other servers, nil when b concerns this one only.
func (b Broadcast) adapter() Adapter {
	if b.local || b.only != nil {
		return nil
	}
	return b.nsp.remote
}

func (b Broadcast) travels() Targets {
	return Targets{Rooms: b.rooms, Except: b.except, Volatile: b.volatile}
}

// Join puts the addressed sockets of all servers into rooms. The error is of the
// [Adapter]; a socket that is in too many rooms is logged.
func (b Broadcast) Join(rooms ...string) error {
	return b.command(func(b Broadcast) { b.joinHere(rooms) }, func(a Adapter, t Targets) error { return a.Join(t, rooms) })
}

// Leave takes the addressed sockets of all servers out of rooms.
func (b Broadcast) Leave(rooms ...string) error {
	return b.command(func(b Broadcast) { b.leaveHere(rooms) }, func(a Adapter, t Targets) error { return a.Leave(t, rooms) })
}

// Disconnect ends the addressed sockets of all servers as [Socket.Disconnect]
// does.
func (b Broadcast) Disconnect(closeConn bool) error {
	return b.command(func(b Broadcast) { b.disconnectHere(closeConn) }, func(a Adapter, t Targets) error { return a.Disconnect(t, closeConn) })
}

// command does something here, then elsewhere.
func (b Broadcast) command(here func(Broadcast), there func(Adapter, Targets) error) error {
	var failed []error
	for _, one := range b.spread() {
		here(one)
		if a := one.adapter(); a != nil {
			failed = append(failed, there(a, one.travels()))
		}
	}
	return errors.Join(failed...)
}

// Fetch describes the addressed sockets of all servers. When servers do not
// answer before ctx or Limits.AckTimeout ends, it returns the sockets of those
// that did, and an error. [Broadcast.Sockets] gives this server's themselves.
func (b Broadcast) Fetch(ctx context.Context) ([]RemoteSocket, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.nsp.srv.cfg.Limits.AckTimeout, ErrAckTimeout)
	defer cancel()
	var all []RemoteSocket
	var failed []error
	for _, one := range b.spread() {
		all = one.describe(all)
		if a := one.adapter(); a != nil {
			far, err := a.Fetch(ctx, one.travels())
			all, failed = append(all, far...), append(failed, err)
		}
	}
	return all, errors.Join(failed...)
}

func (b Broadcast) describe(dst []RemoteSocket) []RemoteSocket {
	for s := range b.here() {
		dst = append(dst, s.describe())
	}
	return dst
}

// here iterates over the addressed sockets of one namespace of this server.
func (b Broadcast) here() func(yield func(*Socket) bool) {
	targets := b.targets(nil)
	return func(yield func(*Socket) bool) {
		for _, s := range targets {
			if s != b.skip && s.connected() && !yield(s) {
				return
			}
		}
	}
}

func (b Broadcast) joinHere(rooms []string) {
	for s := range b.here() {
		_ = s.Join(rooms...) // too many rooms: counted there
	}
}

func (b Broadcast) leaveHere(rooms []string) {
	for s := range b.here() {
		for _, r := range rooms {
			s.Leave(r)
		}
	}
}

func (b Broadcast) disconnectHere(closeConn bool) {
	for s := range b.here() {
		s.Disconnect(closeConn)
	}
}

// OnServerSide sets the handler of an event that another server sends with
// ServerSideEmit. It runs on the goroutine on which the adapter receives, and must
// not block. A sender that waits for an ack gets the first value of Args.Ack,
// which may be called later.
func (n *Namespace) OnServerSide(event string, h func(Args)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.serverSide == nil {
		n.serverSide = make(map[string]func(Args))
	}
	n.serverSide[event] = h
}

// ServerSideEmit sends an event to the other servers of the cluster, whose
// OnServerSide handlers get it.
func (n *Namespace) ServerSideEmit(event string, args ...any) error {
	payload, err := encodeServerSide(event, args)
	if err != nil {
		return err
	}
	var failed []error
	for _, b := range n.everyone().spread() {
		if a := b.nsp.remote; a != nil {
			failed = append(failed, a.ServerSideEmit(payload))
		}
	}
	return errors.Join(failed...)
}

// ServerSideEmitWithAck sends an event to the other servers and returns their
// answers, those that came also when there is an error: of the [Adapter], or the
// cause of ctx or of Limits.AckTimeout.
func (n *Namespace) ServerSideEmitWithAck(ctx context.Context, event string, args ...any) ([]Args, error) {
	payload, err := encodeServerSide(event, args)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, n.srv.cfg.Limits.AckTimeout, ErrAckTimeout)
	defer cancel()
	var all []Args
	var failed []error
	for _, b := range n.everyone().spread() {
		if a := b.nsp.remote; a != nil {
			failed = append(failed, a.ServerSideEmitWithAck(ctx, payload, func(answer []byte) {
				if args, err := answerArgs(answer); err == nil {
					all = append(all, args)
				}
			}))
		}
	}
	return all, errors.Join(failed...)
}

func encodeServerSide(event string, args []any) ([]byte, error) {
	if slices.Contains([]string{"connect", "connection", "new_namespace"}, event) {
		return nil, ErrReserved
	}
	return encodePayload(Header{Type: PacketEvent}, append([]any{event}, args...))
}

func (n *Namespace) serverSideHandler(event string) func(Args) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.serverSide[event]
}

func (n *Namespace) handleServerSide(payload []byte, reply func([]byte)) error {
	e, err := payloadEvent(payload)
	if err != nil {
		return err
	}
	h := n.serverSideHandler(e.Name())
	if h == nil && n.parent != nil {
		h = n.parent.serverSideHandler(e.Name())
	}
	if h == nil {
		n.srv.count.unknown.Add(1)
		return nil
	}
	a := Args{event: e.clone()}
	if reply != nil {
		a.reply = &replyOnce{send: func(args ...any) error {
			b, err := encodePayload(Header{Type: PacketConnect}, append(args, nil))
			if err == nil {
				reply(b)
			}
			return err
		}}
	}
	n.srv.guard("OnServerSide", func() { h(a) })
	return nil
}
