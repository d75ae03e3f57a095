package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	socket "gameserver/sio/client"
)

// wait is a Queue that waits for a match.
type wait struct {
	ticket   string // "" until the server has answered; guarded by Client.mu
	requeued string // match that was called off while we were joining it; same
	found    chan Found
	failed   chan error
}

// Queue joins a queue, waits for a match and joins that. When ctx ends first
// the queue is left. One Queue at a time.
func (c *Client) Queue(ctx context.Context, queue string) (*Match, error) {
	w := &wait{found: make(chan Found, 4), failed: make(chan error, 4)}
	c.mu.Lock()
	if c.wait != nil {
		c.mu.Unlock()
		return nil, ErrBusy
	}
	c.wait = w
	c.offer = nil
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.wait = nil
		c.mu.Unlock()
	}()
	if err := c.enter(ctx, w, queue); err != nil {
		if ctx.Err() != nil {
			c.quit(ctx, w) // we may be in without knowing
		}
		return nil, fmt.Errorf("server/client: queue %s: %w", queue, err)
	}
	for {
		select {
		case f := <-w.found:
			m, err := c.Join(ctx, f)
			if err != nil && c.requeued(w, f.Match) {
				continue
			}
			return m, err
		case err := <-w.failed:
			return nil, err
		case <-ctx.Done():
			c.quit(ctx, w)
			return nil, fmt.Errorf("server/client: queue %s: %w", queue, ctx.Err())
		case <-c.Done():
			return nil, ErrClosed
		}
	}
}

// enter sends queue:join until the server has answered. The same rid makes the
// repetition after a lost connection harmless.
func (c *Client) enter(ctx context.Context, w *wait, queue string) error {
	join := struct {
		Queue string `json:"queue"`
		Rid   string `json:"rid"`
	}{queue, rand.Text()}
	var ack struct {
		Ticket string `json:"ticket"`
	}
	for {
		err := c.lobby.Connect(ctx) // it is, but for a lost or replaced connection
		if err == nil {
			err = c.lobby.Call(ctx, "queue:join", join, &ack)
		}
		if err == nil {
			c.mu.Lock()
			w.ticket = ack.Ticket
			c.mu.Unlock()
			return nil
		}
		if !errors.Is(err, socket.ErrDisconnected) {
			return err
		}
	}
}

// quit leaves the queue for a caller that has gone.
func (c *Client) quit(ctx context.Context, w *wait) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), partTimeout)
	defer cancel()
	c.mu.Lock()
	ticket := w.ticket
	c.mu.Unlock()
	// It may be too late, or the connection gone; both end the same way. Without
	// a ticket any is left.
	leave := struct {
		Ticket string `json:"ticket,omitempty"`
	}{ticket}
	_ = c.lobby.Call(ctx, "queue:leave", leave, nil)
}

// requeued reports whether the lobby has put the player back in the queue after
// calling that match off.
func (c *Client) requeued(w *wait, match string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return w.requeued == match
}

// queueState acts on queue:state.
func (c *Client) queueState(q QueueState) {
	c.mu.Lock()
	w := c.wait
	mine := w != nil && (w.ticket == q.Ticket)
	c.mu.Unlock()
	if mine && q.State == "cancelled" {
		w.fail(&MatchError{Reason: q.State})
	}
	if h := c.opts.Handlers.OnQueue; h != nil {
		h(q)
	}
}

// found acts on match:found, which comes again after a reconnect.
func (c *Client) found(f Found) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cur != nil && c.cur.found.Match == f.Match {
		c.cur.renew(f.Seat.Token)
		return
	}
	if c.wait == nil {
		c.offer = &f
		return
	}
	select {
	case c.wait.found <- f:
	default: // the caller is busy joining another; it is found again
	}
}

// gone acts on match:void and match:failed.
func (c *Client) gone(g gone) {
	err := &MatchError{Match: g.Match, Reason: g.Reason, Ref: g.Ref}
	c.mu.Lock()
	w, m := c.wait, c.cur
	if c.offer != nil && c.offer.Match == g.Match {
		c.offer = nil
	}
	if w != nil && g.Requeued {
		w.requeued = g.Match
	}
	c.mu.Unlock()
	if m != nil && m.found.Match == g.Match {
		m.end(err)
	}
	if w != nil && !g.Requeued {
		w.fail(err)
	}
}

// outOfLobby ends the Queue of a client that the lobby does not want, for
// example because a newer connection of the same player came.
func (c *Client) outOfLobby(err error) {
	c.mu.Lock()
	w := c.wait
	c.mu.Unlock()
	if w != nil {
		w.fail(err)
	}
}

func (w *wait) fail(err error) {
	select {
	case w.failed <- err:
	default: // it has failed already
	}
}

// Join takes up a seat and waits for the match's welcome and schema.
func (c *Client) Join(ctx context.Context, f Found) (*Match, error) {
	if err := c.part(ctx); err != nil {
		return nil, err
	}
	m := newMatch(c, f)
	c.mu.Lock()
	c.cur = m
	c.offer = nil
	c.mu.Unlock()
	err := c.match.Connect(ctx)
	if err == nil {
		select {
		case <-m.ready:
			return m, nil
		case <-m.done:
			err = m.Err()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	m.quit(err)
	return nil, fmt.Errorf("server/client: join match %s: %w", f.Match, err)
}

// part waits until the last match has let go of the namespace.
func (c *Client) part(ctx context.Context) error {
	c.mu.Lock()
	last := c.cur
	c.mu.Unlock()
	if last == nil {
		return nil
	}
	t := time.NewTimer(partTimeout)
	defer t.Stop()
	select {
	case <-last.done:
	case <-ctx.Done():
		return ctx.Err()
	default:
		t.Reset(0) // it goes on: the new one takes its place
	}
	select {
	case <-last.parted:
	case <-t.C:
		last.quit(ErrLeft)
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
