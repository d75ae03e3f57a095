package match

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"gameserver/game"
)

// Seat is one connection's hold on a place in the match. Its methods may be
// called from any goroutine and never block: they join the inbox. After a newer
// connection has attached to the same place, what this one says is dropped and
// counted.
type Seat struct {
	match *Match
	index int
	epoch uint32
	gone  atomic.Bool // Detach or Leave was called
}

// Attach connects a player to a seat. The match answers on the link at its next
// tick: with welcome, or with Close if the seat is gone. A connection that was
// there is closed as replaced.
func (m *Match) Attach(seat int, l Link) (*Seat, error) {
	if seat < 0 || seat >= len(m.seats) {
		return nil, fmt.Errorf("match: there is no seat %d: %w", seat, ErrSeatGone)
	}
	epoch, err := m.inbox.attach(seat, l)
	if err != nil {
		reason := "inbox_full"
		if errors.Is(err, ErrGone) {
			reason = "gone"
		}
		m.refused(reason)
		return nil, err
	}
	return &Seat{match: m, index: seat, epoch: epoch}, nil
}

// Claim asks whether a token may take a seat: the one the lobby gave, or a
// resume token with the epoch it was made for. It waits for the match's next
// tick.
func (m *Match) Claim(ctx context.Context, seat int, epoch uint32, resumeToken bool) error {
	if seat < 0 || seat >= len(m.seats) {
		return ErrSeatGone
	}
	if !resumeToken {
		epoch = 0 // before every connection
	} else if epoch == 0 {
		return ErrSeatGone
	}
	answer := make(chan error, 1)
	if err := m.inbox.putControl(Entry{Kind: KindClaim, Seat: seat, Epoch: epoch, claim: answer}); err != nil {
		return err
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("match: claim: %w", ctx.Err())
	}
}

// Stop ends the match at its next tick: one that has not begun is void, any
// other ends with a result. It may be called from any goroutine.
func (m *Match) Stop(why game.Reason) {
	//nolint:errcheck // A match that is over needs no end.
	m.inbox.putControl(Entry{Kind: KindStop, Why: why})
}

// Kick takes whoever has a seat out of the match at its next tick. It may be called
// from any goroutine.
func (m *Match) Kick(seat int, why game.Reason) error {
	if seat < 0 || seat >= len(m.seats) {
		return fmt.Errorf("match: there is no seat %d: %w", seat, ErrSeatGone)
	}
	return m.inbox.putControl(Entry{Kind: KindKick, Seat: seat, Why: why})
}

// Index returns the number of the seat.
func (s *Seat) Index() int { return s.index }

// Input hands in an input: sq the tick it is meant for, k the newest tick the
// player has seen, value the game's input as checked msgpack, which is copied.
func (s *Seat) Input(sq, k uint32, value []byte) { s.InputAt(sq, k, 0, value) }

// InputAt is Input for a player whose screen showed what was so many quarter
// ticks before k.
func (s *Seat) InputAt(sq, k uint32, view uint8, value []byte) {
	s.put(Entry{Kind: KindInput, S: sq, K: k, View: view}, value)
}

// Compact hands in the inputs of a compact message, which is copied.
func (s *Seat) Compact(message []byte) {
	s.put(Entry{Kind: KindInput, Compact: true, Data: message}, message)
}

// Ack says what the player has seen, as every input does.
func (s *Seat) Ack(k uint32) { s.put(Entry{Kind: KindAck, K: k}, nil) }

func (s *Seat) put(e Entry, data []byte) {
	m := s.match
	e.Seat, e.Epoch, e.at = s.index, s.epoch, m.now()
	if len(data) > InputBytesMax {
		data = nil // refused when it is read
	}
	if err := m.inbox.put(e, data); err != nil {
		m.stats.inboxFull.Add(1)
		m.refused("inbox_full")
	}
}

// Request hands in a request: data is checked msgpack, which is copied. reply is
// called exactly once, on the match's goroutine or on the caller's, and must not
// block. Its error is a *game.Error if the game refused.
func (s *Seat) Request(ev string, data []byte, reply func(any, error)) {
	m := s.match
	if len(data) > RequestBytesMax {
		reply(nil, ErrTooLarge)
		return
	}
	e := Entry{Kind: KindRequest, Seat: s.index, Epoch: s.epoch, Event: ev, reply: reply}
	if err := m.inbox.put(e, data); err != nil {
		m.stats.inboxFull.Add(1)
		m.refused("inbox_full")
		reply(nil, err)
	}
}

// Leave gives the seat up for good. reply is called exactly once, before the
// link is closed. Nothing else is to be called after it.
func (s *Seat) Leave(reply func()) {
	if !s.gone.CompareAndSwap(false, true) {
		reply()
		return
	}
	e := Entry{Kind: KindLeave, Seat: s.index, Epoch: s.epoch, left: reply}
	if err := s.match.inbox.putControl(e); err != nil {
		reply()
	}
}

// Detach says that the connection is lost. The seat is held for a while.
func (s *Seat) Detach() {
	if s.gone.CompareAndSwap(false, true) {
		//nolint:errcheck // A match that is over holds no seats.
		s.match.inbox.putControl(Entry{Kind: KindDetach, Seat: s.index, Epoch: s.epoch})
	}
}
