package lobby

import (
	"errors"
	"log/slog"
	"slices"
	"time"
)

// match is what the lobby remembers of one match.
type match struct {
	id       string
	queue    *queue
	reserved time.Time // until when the seats wait for their players
	infos    []PlayerInfo
	tickets  []*ticket // offered; nil once the match is made
	seats    []holder  // of the players, not the bots; set once made
	early    *outcome  // came before the match was made
	freed    []int     // seats that were gone before the match was made
}

// holder is one seat and its player.
type holder struct {
	player   *player // nil once the seat is gone
	since    time.Time
	attempts int
	opened   bool
	epoch    uint32
}

// outcome is how a match went.
type outcome struct {
	kind        outcomeKind
	reason, ref string
}

type outcomeKind uint8

const (
	outcomeEnded outcomeKind = iota
	outcomeVoid
	outcomeFailed
)

// commit takes the answer of Matches: the tickets are seated, or search again.
func (c *core) commit(id string, err error, now time.Time) {
	m := c.matches[id]
	if m == nil || m.tickets == nil {
		panic("lobby: a match made twice")
	}
	tickets := m.tickets
	m.tickets = nil
	if err != nil {
		delete(c.matches, id)
		c.log.Error("match not made", slog.String("match", id), slog.String("queue", m.queue.cfg.Name), slog.Any("err", err))
		busy := errors.Is(err, ErrOverloaded)
		m.queue.rest = now.Add(RetryAfter)
		if busy {
			m.queue.rest = now.Add(RetryBusy)
		}
		for _, t := range tickets {
			c.takeBack(t, id, busy, now)
		}
		m.queue.changed(now, 0)
		m.queue.form(now)
		return
	}
	c.stats.Made++
	m.seats = make([]holder, len(tickets))
	for i, t := range tickets {
		c.end(t, seated)
		c.stats.Seated++
		m.seats[i] = holder{player: t.player, since: t.since, attempts: t.attempts}
		t.player.match, t.player.seat = m, i
		c.emit(t.player, EventFound, c.found(t.player, now))
	}
	for _, seat := range m.freed {
		c.freed(id, seat)
	}
	if m.early != nil {
		c.close(id, *m.early, now)
	}
}

// takeBack lets an offered ticket search again, or cancels it. That the server
// is busy is no failure that counts: the ticket waits for it to be less so.
func (c *core) takeBack(t *ticket, match string, busy bool, now time.Time) {
	why := string(ErrOverloaded)
	if !busy {
		t.attempts++
		why = "create_failed"
	}
	again := t.attempts < MaxAttempts && !t.player.expired && !c.draining
	told := Failed{Match: match, Reason: why, Ref: match, Requeued: again}
	if again {
		told.Ticket = t.id
		t.state = searching
		t.queue.insert(t)
		c.stats.Requeued++
	} else {
		c.end(t, cancelled)
		c.stats.Cancelled++
	}
	c.emit(t.player, EventFailed, told)
	c.tell(t, now)
	c.forget(t.player)
}

// found returns the payload of match:found with a fresh token for the seat of p.
func (c *core) found(p *player, now time.Time) Found {
	m := p.match
	h := &m.seats[p.seat]
	tok := Token{Kind: KindOpen, Player: p.id, Match: m.id, Seat: p.seat, Expires: m.reserved.Add(seatSlack)}
	if h.opened {
		tok.Kind, tok.Epoch, tok.Expires = KindResume, h.epoch, now.Add(ResumeTTL)
	}
	return Found{
		Match:   m.id,
		Queue:   m.queue.cfg.Name,
		Game:    m.queue.cfg.Game,
		Seat:    SeatOffer{Token: c.cfg.Keys.Seal(tok), NS: MatchNamespace, Exp: tok.Expires.UnixMilli()},
		Players: m.infos,
	}
}

// opened notes the epoch under which a seat was taken.
func (c *core) opened(id string, seat int, epoch uint32) {
	m := c.matches[id]
	if m == nil || seat < 0 || seat >= len(m.seats) {
		return
	}
	h := &m.seats[seat]
	if !h.opened || epoch > h.epoch {
		h.opened, h.epoch = true, epoch
	}
}

// freed lets a player go whose seat is gone.
func (c *core) freed(id string, seat int) {
	m := c.matches[id]
	switch {
	case m == nil || seat < 0:
		return
	case seat < len(m.tickets):
		if !slices.Contains(m.freed, seat) {
			m.freed = append(m.freed, seat)
		}
		return
	case seat >= len(m.seats):
		return
	}
	if p := m.seats[seat].player; p != nil {
		c.release(m, seat)
		c.forget(p)
	}
}

// release empties a seat.
func (c *core) release(m *match, seat int) {
	p := m.seats[seat].player
	if p.match != m {
		panic("lobby: a seat and its player disagree")
	}
	p.match = nil
	m.seats[seat].player = nil
}

// close ends a match and sends its players where the outcome says.
func (c *core) close(id string, o outcome, now time.Time) {
	m := c.matches[id]
	switch {
	case m == nil:
		return
	case m.tickets != nil:
		m.early = &o
		return
	}
	delete(c.matches, id)
	if o.kind == outcomeFailed {
		m.queue.rest = now.Add(RetryAfter)
	}
	for i := range m.seats {
		p := m.seats[i].player
		if p == nil {
			continue
		}
		c.release(m, i)
		if o.kind != outcomeEnded {
			c.requeue(m, i, p, o, now)
		}
		c.forget(p)
	}
	if o.kind != outcomeEnded {
		m.queue.changed(now, 0)
	}
	m.queue.form(now)
}

// requeue tells a player that the match is gone and gives a new ticket of the
// old age, unless the player has been away for longer than the grace or failed
// too often. While the player is away the ticket is not matched.
func (c *core) requeue(m *match, seat int, p *player, o outcome, now time.Time) {
	h := &m.seats[seat]
	var t *ticket
	if !p.expired && !c.draining && h.attempts+1 < MaxAttempts {
		t = c.enqueue(p, m.queue, h.since, h.attempts+1)
		c.stats.Requeued++
	}
	id := ""
	if t != nil {
		id = t.id
	}
	if o.kind == outcomeVoid {
		c.emit(p, EventVoid, Void{Match: m.id, Reason: o.reason, Requeued: t != nil, Ticket: id})
	} else {
		c.emit(p, EventFailed, Failed{Match: m.id, Reason: o.reason, Ref: o.ref, Requeued: t != nil, Ticket: id})
	}
	if t != nil {
		c.tell(t, now)
	}
}
