package lobby

import (
	"log/slog"
	"strconv"
	"time"
)

// core is the state and the rules, without a clock, goroutine or lock. All of
// it is guarded by the mutex of Lobby.
type core struct {
	cfg      Config // immutable after init, defaults filled in
	log      *slog.Logger
	queues   map[string]*queue
	players  map[string]*player
	matches  map[string]*match
	alarms   alarms
	out      []effect // to be delivered, in order
	live     int      // tickets that are searching or offered
	serial   uint64   // orders tickets of the same age
	draining bool
	stats    Stats
}

// effect is one call to make without the lock: a group to create, or an event
// for a player.
type effect struct {
	group   *Group
	player  string
	event   string
	payload any
}

// player is one person, connected or remembered.
type player struct {
	id, name string
	conns    int
	idle     alarm   // set while detached
	expired  bool    // detached for longer than the grace
	ticket   *ticket // searching or offered; then match is nil
	match    *match  // seated; then ticket is nil
	seat     int     // index in match.seats
	rids     [MaxRids]request
	ridNext  int
}

// request remembers the answer to a rid.
type request struct{ rid, queue, ticket string }

// ticketState is the life of a ticket.
type ticketState uint8

const (
	searching ticketState = iota
	offered
	seated
	cancelled
)

// String returns the name of the state on the wire.
func (s ticketState) String() string {
	return [...]string{"searching", "offered", "seated", "cancelled"}[s]
}

// ticket is a request to be matched.
type ticket struct {
	id       string
	player   *player
	queue    *queue
	since    time.Time // start of the wait; survives going back to the queue
	serial   uint64
	state    ticketState
	rev      uint32
	told     int // number of players in the last queue:state
	attempts int // matches that failed it
}

// init fills in defaults and makes the queues.
func (c *core) init(cfg Config) {
	if cfg.Grace <= 0 {
		cfg.Grace = DefaultGrace
	}
	if cfg.MaxPlayers <= 0 {
		cfg.MaxPlayers = MaxPlayers
	}
	if cfg.MaxTickets <= 0 {
		cfg.MaxTickets = MaxTickets
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Queues) > MaxQueues {
		panic("lobby: more than " + strconv.Itoa(MaxQueues) + " queues")
	}
	c.cfg, c.log = cfg, cfg.Logger
	c.players = make(map[string]*player)
	c.matches = make(map[string]*match)
	c.queues = make(map[string]*queue, len(cfg.Queues))
	for _, q := range cfg.Queues {
		if c.queues[q.Name] != nil || q.Name == "" {
			panic("lobby: queue " + strconv.Quote(q.Name) + " is not unique or has no name")
		}
		c.queues[q.Name] = newQueue(c, q)
	}
}

// emit queues an event for a player; nobody hears it when detached.
func (c *core) emit(p *player, event string, payload any) {
	if p.conns > 0 {
		c.out = append(c.out, effect{player: p.id, event: event, payload: payload})
	}
}

// attach counts one more connection of a player.
func (c *core) attach(id, name string, now time.Time) error {
	if id == "" || len(id) > MaxIDLen {
		return ErrBadPayload
	}
	p := c.players[id]
	if p == nil {
		if len(c.players) >= c.cfg.MaxPlayers {
			return ErrOverloaded
		}
		p = &player{id: id}
		p.idle.wake = func(now time.Time) { c.expire(p, now) }
		c.players[id] = p
	}
	if name != "" && p.match == nil {
		p.name = name
	}
	p.conns++
	if p.conns == 1 {
		c.stats.Attached++
	}
	p.expired = false
	c.alarms.clear(&p.idle)
	if p.match != nil {
		c.emit(p, EventFound, c.found(p, now))
	}
	if t := p.ticket; t != nil {
		c.tell(t, now)
		if p.conns == 1 && t.state == searching {
			t.queue.changed(now, 1)
		}
	}
	return nil
}

// detach counts one connection less.
func (c *core) detach(id string, now time.Time) {
	p := c.players[id]
	if p == nil || p.conns == 0 {
		return
	}
	p.conns--
	if p.conns > 0 {
		return
	}
	c.stats.Attached--
	c.alarms.set(&p.idle, now.Add(c.cfg.Grace))
	if t := p.ticket; t != nil && t.state == searching {
		t.queue.changed(now, -1)
	}
}

// expire ends the grace of a detached player.
func (c *core) expire(p *player, now time.Time) {
	p.expired = true
	if p.ticket != nil && p.ticket.state == searching {
		c.cancel(p.ticket, now)
	}
	c.forget(p)
}

// forget drops a player of whom nothing is left to remember.
func (c *core) forget(p *player) {
	if p.expired && p.conns == 0 && p.ticket == nil && p.match == nil {
		delete(c.players, p.id)
	}
}

// active returns what a player has going on.
func (c *core) active(id string, now time.Time) Active {
	p := c.players[id]
	switch {
	case p == nil:
		return Active{}
	case p.match != nil:
		found := c.found(p, now)
		return Active{Match: &found}
	case p.ticket != nil:
		return Active{Ticket: p.ticket.id}
	default:
		return Active{}
	}
}

// join makes a ticket, or finds the one that answers the same request.
func (c *core) join(id, queue, rid string, now time.Time) (string, error) {
	p, q := c.players[id], c.queues[queue]
	switch {
	case p == nil:
		return "", ErrNotFound
	case len(rid) > MaxRidLen:
		return "", ErrBadPayload
	}
	for _, r := range p.rids {
		if rid != "" && r.rid == rid && r.queue == queue {
			return r.ticket, nil
		}
	}
	switch {
	case q == nil:
		return "", ErrNotFound
	case p.match != nil:
		c.emit(p, EventFound, c.found(p, now))
		return "", ErrAlreadyInMatch
	case p.ticket != nil && p.ticket.queue != q:
		return "", ErrAlreadyQueued
	case p.ticket != nil:
		p.remember(rid, queue, p.ticket.id)
		return p.ticket.id, nil
	case c.draining:
		return "", ErrDraining
	case c.live >= c.cfg.MaxTickets || len(c.out) >= MaxPending:
		return "", ErrOverloaded
	}
	t := c.enqueue(p, q, now, 0)
	p.remember(rid, queue, t.id)
	c.tell(t, now)
	q.changed(now, 0)
	q.form(now)
	return t.id, nil
}

// remember keeps the answer to a rid, forgetting the oldest.
func (p *player) remember(rid, queue, ticket string) {
	if rid == "" {
		return
	}
	p.rids[p.ridNext] = request{rid: rid, queue: queue, ticket: ticket}
	p.ridNext = (p.ridNext + 1) % MaxRids
}

// enqueue gives p a ticket that waits since the given time. The caller tells it
// and lets the queue form groups.
func (c *core) enqueue(p *player, q *queue, since time.Time, attempts int) *ticket {
	if p.ticket != nil || p.match != nil {
		panic("lobby: a second ticket or match for one player")
	}
	c.serial++
	t := &ticket{id: "t" + NewID(), player: p, queue: q, since: since, serial: c.serial, attempts: attempts, told: -1}
	p.ticket = t
	c.live++
	q.insert(t)
	return t
}

// leave withdraws a ticket.
func (c *core) leave(id, ticket string, now time.Time) error {
	p := c.players[id]
	switch {
	case p == nil:
		return ErrNotFound
	case p.ticket == nil && p.match != nil:
		return ErrTooLate
	case p.ticket == nil || ticket != "" && ticket != p.ticket.id:
		return ErrNotFound
	case p.ticket.state != searching:
		return ErrTooLate
	}
	c.cancel(p.ticket, now)
	return nil
}

// cancel ends a ticket that searches.
func (c *core) cancel(t *ticket, now time.Time) {
	t.queue.remove(t)
	c.end(t, cancelled)
	c.stats.Cancelled++
	c.tell(t, now)
	t.queue.changed(now, 0)
	t.queue.form(now)
}

// end moves a ticket to a terminal state, once.
func (c *core) end(t *ticket, s ticketState) {
	if t.state == seated || t.state == cancelled || t.player.ticket != t {
		panic("lobby: a ticket ended twice")
	}
	t.state = s
	t.player.ticket = nil
	c.live--
}

// tell sends the state of a ticket to its player.
func (c *core) tell(t *ticket, now time.Time) {
	t.rev++
	t.told = t.queue.ready
	c.emit(t.player, EventState, QueueState{
		Ticket:  t.id,
		Queue:   t.queue.cfg.Name,
		Rev:     t.rev,
		State:   t.state.String(),
		Waited:  max(0, now.Sub(t.since).Milliseconds()),
		Players: t.queue.ready,
		Min:     t.queue.cfg.Min,
		Max:     t.queue.cfg.Max,
		FillMs:  t.queue.fillMs(now),
	})
}

// drain refuses tickets from now on.
func (c *core) drain(now time.Time) {
	if c.draining {
		return
	}
	c.draining = true
	for _, q := range c.queues {
		for len(q.tickets) > 0 {
			c.cancel(q.tickets[len(q.tickets)-1], now)
		}
	}
}

// statistics returns a copy of the counters.
func (c *core) statistics() Stats {
	s := c.stats
	s.Players, s.Matches, s.Pending = len(c.players), len(c.matches), len(c.out)
	s.Searching = make(map[string]int, len(c.queues))
	waiting := 0
	for name, q := range c.queues {
		s.Searching[name] = len(q.tickets)
		waiting += len(q.tickets)
	}
	s.Offered = c.live - waiting
	return s
}
