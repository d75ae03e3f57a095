package sio

import (
	"context"
	"iter"
	"sync"
)

// Answer is the ack of one socket to a broadcast.
type Answer struct {
	From string // the socket's id; "" when it is on another server
	Args

	gone bool // there will be none
}

// first is the first value of an answer, which is all that travels.
func (a Answer) first() []byte {
	b, err := a.event.AppendArg(nil, 0)
	if err != nil {
		return []byte{0xc0}
	}
	return b
}

// EmitWithAck sends an event when it is ranged over and yields the acks as they
// come, of all servers. The loop ends when every socket has answered or gone,
// at once when there is none. When ctx ends first, or Limits.AckTimeout after
// the start, the last pair holds the cause, [ErrAckTimeout] for the latter; the
// answers before it are valid. A socket with Limits.PendingAcks questions open
// is not asked: its pair holds [ErrTooManyAcks]. An error of the encoding or of
// the [Adapter] is yielded too. Leaving the loop early forgets the rest.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) iter.Seq2[Answer, error] {
	payload, err := encodeEvent(event, args)
	return func(yield func(Answer, error) bool) {
		if err != nil {
			yield(Answer{}, err)
			return
		}
		ctx, cancel := context.WithTimeoutCause(ctx, b.nsp.srv.cfg.Limits.AckTimeout, ErrAckTimeout)
		parts := b.spread()
		q := newQuestion(parts)
		defer q.forget()
		q.ask(payload)
		for _, part := range parts {
			q.askFar(ctx, part, payload)
		}
		defer q.far.Wait()
		defer cancel()
		q.answers(ctx, yield)
	}
}

// question is one event that many sockets are to acknowledge.
type question struct {
	parts   []asked
	ch      chan Answer // has room for every socket
	refused []string    // sockets with too many open questions
	err     error
	waiting int // answers of this server's sockets still to come

	far     sync.WaitGroup
	farther chan Answer
	ended   chan error
	servers int // adapters that have not ended
}

type asked struct {
	b       Broadcast
	id      uint32
	targets []*Socket
}

func newQuestion(parts []Broadcast) *question {
	q := &question{farther: make(chan Answer), ended: make(chan error, len(parts))}
	n := 0
	for _, b := range parts {
		p := asked{b: b, id: b.nsp.nextAck(), targets: b.targets(nil)}
		n += len(p.targets)
		q.parts = append(q.parts, p)
	}
	q.ch = make(chan Answer, n)
	return q
}

// ask sends the event to this server's sockets.
func (q *question) ask(payload []byte) {
	for _, p := range q.parts {
		f := frames{h: Header{Type: PacketEvent, Namespace: p.b.nsp.name, ID: p.id, HasID: true}, payload: payload}
		for _, s := range p.targets {
			if s == p.b.skip {
				continue
			}
			switch err := s.expectAs(p.id, q.ch); err {
			case nil:
			case ErrTooManyAcks: //nolint:errorlint // our own, unwrapped
				q.refused = append(q.refused, s.id)
				continue
			default:
				continue
			}
			outcome, err := s.sendFrames(&f, Offer{Volatile: p.b.volatile})
			if err != nil {
				q.err = err
			}
			if outcome != Closed && outcome != Dropped || !s.unexpect(p.id) {
				q.waiting++
			}
		}
	}
}

// askFar sends the event to the other servers.
func (q *question) askFar(ctx context.Context, b Broadcast, payload []byte) {
	a := b.adapter()
	if a == nil {
		return
	}
	q.servers++
	q.far.Go(func() {
		q.ended <- a.BroadcastWithAck(ctx, b.travels(), payload, func(answer []byte) {
			args, err := answerArgs(answer)
			if err != nil {
				return
			}
			select {
			case q.farther <- Answer{Args: args}:
			case <-ctx.Done():
			}
		})
	})
}

// answers yields what comes until nothing more can or ctx ends.
func (q *question) answers(ctx context.Context, yield func(Answer, error) bool) {
	if q.err != nil && !yield(Answer{}, q.err) {
		return
	}
	for _, id := range q.refused {
		if !yield(Answer{From: id}, ErrTooManyAcks) {
			return
		}
	}
	for q.waiting > 0 || q.servers > 0 {
		more := true
		select {
		case a := <-q.ch:
			q.waiting--
			more = a.gone || yield(a, nil)
		case a := <-q.farther:
			more = yield(a, nil)
		case err := <-q.ended:
			q.servers--
			if err != nil && ctx.Err() == nil {
				more = yield(Answer{}, err)
			} else if err != nil {
				yield(Answer{}, context.Cause(ctx))
				return
			}
		case <-ctx.Done():
			yield(Answer{}, context.Cause(ctx))
			return
		}
		if !more {
			return
		}
	}
}

// forget gives up what has not been answered.
func (q *question) forget() {
	for _, p := range q.parts {
		for _, s := range p.targets {
			s.unexpect(p.id)
		}
	}
}
