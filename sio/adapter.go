package sio

import (
	"context"
	"encoding/json"
	"errors"
)

// Adapter carries what concerns a namespace to the other servers of a cluster.
// This package serves the sockets of its own server and asks the Adapter for
// the rest only; an Adapter hands what other servers ask to [Local]. Without
// one, a server is alone.
//
// A payload is one msgpack array, the event's name and its arguments, whatever
// parsers clients use; an answer is one msgpack value. Neither may be changed or
// kept after the method has returned. Methods are called from any goroutine;
// those without a context must not block.
type Adapter interface {
	// Broadcast sends an event to the sockets that t addresses on other servers.
	Broadcast(t Targets, payload []byte) error
	// BroadcastWithAck does so too and calls ack with every answer, until all
	// have come or ctx ends, in which case it returns the cause.
	BroadcastWithAck(ctx context.Context, t Targets, payload []byte, ack func(answer []byte)) error
	// Fetch lists the sockets that t addresses on other servers. When some of
	// them do not answer in time, it returns what came and an error.
	Fetch(ctx context.Context, t Targets) ([]RemoteSocket, error)
	// Join, Leave and Disconnect do it to the sockets on other servers.
	Join(t Targets, rooms []string) error
	Leave(t Targets, rooms []string) error
	Disconnect(t Targets, closeConn bool) error
	// ServerSideEmit sends an event to the other servers themselves.
	ServerSideEmit(payload []byte) error
	// ServerSideEmitWithAck does so too and calls ack with each server's answer.
	ServerSideEmitWithAck(ctx context.Context, payload []byte, ack func(answer []byte)) error
	// Close is called when the namespace or the server ends, perhaps twice.
	Close() error
}

// Local is this server's part of a namespace, for an [Adapter] to carry out
// what other servers ask. Payloads are checked before they are used.
type Local interface {
	Namespace() string
	Broadcast(t Targets, payload []byte) error
	// BroadcastWithAck sends the event and returns the number of sockets it went
	// to. wait, which must be called, then calls ack with the first value of every
	// answer until all have come, or ctx or Limits.AckTimeout ends.
	BroadcastWithAck(ctx context.Context, t Targets, payload []byte, ack func(answer []byte)) (n int, wait func() error, err error)
	Fetch(t Targets) []RemoteSocket
	Join(t Targets, rooms []string)
	Leave(t Targets, rooms []string)
	Disconnect(t Targets, closeConn bool)
	// ServerSideEmit runs the handlers set with OnServerSide on the caller's
	// goroutine. reply may be nil.
	ServerSideEmit(payload []byte, reply func(answer []byte)) error
	// Rooms lists the rooms that have members, own-id rooms included.
	Rooms() []string
}

// Targets addresses sockets as a [Broadcast] does, in a form that travels.
type Targets struct {
	Rooms    []string // none: everyone
	Except   []string
	Volatile bool
}

// RemoteSocket describes a socket that may be on any server of a cluster. To
// act on it, address its id: n.To(r.ID).Emit(…).
type RemoteSocket struct {
	ID        string          `json:"id"`
	Handshake Handshake       `json:"handshake"`
	Rooms     []string        `json:"rooms"`
	Data      json.RawMessage `json:"data,omitempty"` // what [Socket.Share] published
}

// local implements Local.
type local struct{ n *Namespace }

func (l local) Namespace() string { return l.n.name }

func (l local) addressed(t Targets) Broadcast {
	return Broadcast{nsp: l.n, rooms: t.Rooms, except: t.Except, volatile: t.Volatile, local: true}
}

func (l local) Broadcast(t Targets, payload []byte) error {
	if _, err := payloadEvent(payload); err != nil {
		return err
	}
	b := l.addressed(t)
	return b.deliver(payload)
}

func (l local) BroadcastWithAck(ctx context.Context, t Targets, payload []byte, ack func([]byte)) (int, func() error, error) {
	if _, err := payloadEvent(payload); err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, l.n.srv.cfg.Limits.AckTimeout, ErrAckTimeout)
	q := newQuestion([]Broadcast{l.addressed(t)})
	q.ask(payload)
	return q.waiting, func() (failed error) {
		defer cancel()
		defer q.forget()
		q.answers(ctx, func(a Answer, err error) bool {
			if err == nil {
				ack(a.first())
			} else if ctx.Err() != nil {
				failed = err
			}
			return true
		})
		return failed
	}, nil
}

func (l local) Fetch(t Targets) []RemoteSocket { return l.addressed(t).describe(nil) }

func (l local) Join(t Targets, rooms []string)  { l.addressed(t).joinHere(rooms) }
func (l local) Leave(t Targets, rooms []string) { l.addressed(t).leaveHere(rooms) }

func (l local) Disconnect(t Targets, closeConn bool) { l.addressed(t).disconnectHere(closeConn) }

func (l local) ServerSideEmit(payload []byte, reply func([]byte)) error {
	return l.n.handleServerSide(payload, reply)
}

func (l local) Rooms() []string {
	l.n.mu.RLock()
	defer l.n.mu.RUnlock()
	names := make([]string, 0, len(l.n.byName)+len(l.n.byID))
	for name := range l.n.byName {
		names = append(names, name)
	}
	for id, s := range l.n.byID {
		if !s.leftOwn {
			names = append(names, id)
		}
	}
	return names
}

// closeAdapters leaves the cluster.
func (s *Server) closeAdapters() error {
	s.mu.RLock()
	var all []Adapter
	for _, n := range s.nsps {
		if n.remote != nil {
			all = append(all, n.remote)
		}
	}
	s.mu.RUnlock()
	var failed []error
	for _, a := range all {
		failed = append(failed, a.Close())
	}
	return errors.Join(failed...)
}
