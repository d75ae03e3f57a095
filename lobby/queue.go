package lobby

import (
	"slices"
	"time"
)

// queue is one line of tickets, oldest first.
type queue struct {
	c       *core
	cfg     Queue // immutable, defaults filled in
	tickets []*ticket
	ready   int       // tickets whose player is attached
	rest    time.Time // no group before this

	forming   alarm // when the oldest ticket may start with who is there
	publish   alarm // when the others hear of a new number of players
	published time.Time
}

// newQueue fills in the defaults of a queue.
func newQueue(c *core, cfg Queue) *queue {
	if cfg.Game == "" {
		cfg.Game = cfg.Name
	}
	if cfg.Min <= 0 {
		cfg.Min = 2
	}
	if cfg.Max <= 0 {
		cfg.Max = max(8, cfg.Min)
	}
	if cfg.Min > cfg.Max || cfg.Max > MaxGroup {
		panic("lobby: queue " + cfg.Name + ": Min and Max make no group")
	}
	if cfg.Fill <= 0 {
		cfg.Fill = DefaultFill
	}
	cfg.Fill = min(max(cfg.Fill, cfg.Min), cfg.Max)
	if cfg.FillAfter <= 0 {
		cfg.FillAfter = DefaultFillAfter
	}
	if cfg.SeatTTL <= 0 {
		cfg.SeatTTL = DefaultSeatTTL
	}
	q := &queue{c: c, cfg: cfg}
	q.forming.wake = q.form
	q.publish.wake = q.tellAll
	return q
}

// insert puts a ticket at the place of its age.
func (q *queue) insert(t *ticket) {
	i, _ := slices.BinarySearchFunc(q.tickets, t, older)
	q.tickets = slices.Insert(q.tickets, i, t)
	if t.player.conns > 0 {
		q.ready++
	}
}

// remove takes a ticket out.
func (q *queue) remove(t *ticket) {
	i, found := slices.BinarySearchFunc(q.tickets, t, older)
	if !found {
		panic("lobby: a ticket is not in its queue")
	}
	q.tickets = slices.Delete(q.tickets, i, i+1)
	if t.player.conns > 0 {
		q.ready--
	}
}

// older orders tickets by age, then by arrival.
func older(a, b *ticket) int {
	if c := a.since.Compare(b.since); c != 0 {
		return c
	}
	switch {
	case a.serial < b.serial:
		return -1
	case a.serial > b.serial:
		return 1
	default:
		return 0
	}
}

// changed says that tickets came or went, or that delta of them became ready.
func (q *queue) changed(now time.Time, delta int) {
	q.ready += delta
	if q.publish.index == 0 {
		q.c.alarms.set(&q.publish, later(now, q.published.Add(StateEvery)))
	}
	if delta != 0 {
		q.form(now)
	}
}

// tellAll sends the new number of players to those who have not heard it.
func (q *queue) tellAll(now time.Time) {
	q.published = now
	for _, t := range q.tickets {
		if t.player.conns > 0 && t.told != q.ready {
			q.c.tell(t, now)
		}
	}
}

// form makes every group that can be made now and sets the alarm for the next.
func (q *queue) form(now time.Time) {
	for {
		n := q.size(now)
		if n == 0 {
			break
		}
		q.offer(n, now)
		q.changed(now, 0)
	}
	if at, ok := q.due(); ok {
		q.c.alarms.set(&q.forming, at)
	} else {
		q.c.alarms.clear(&q.forming)
	}
}

// size returns how many tickets make a group now, 0 when none do.
func (q *queue) size(now time.Time) int {
	at, ok := q.due()
	if !ok || now.Before(at) {
		return 0
	}
	return min(q.ready, q.cfg.Max)
}

// due returns the time at which a group can be made if nothing changes.
func (q *queue) due() (at time.Time, ok bool) {
	if q.c.draining || q.ready == 0 || q.ready < q.cfg.Min && !q.cfg.Bots {
		return time.Time{}, false
	}
	if q.ready >= q.cfg.Max {
		return q.rest, true
	}
	return later(q.rest, q.oldest().since.Add(q.cfg.FillAfter)), true
}

// oldest returns the oldest ticket that is ready; there is one.
func (q *queue) oldest() *ticket {
	for _, t := range q.tickets {
		if t.player.conns > 0 {
			return t
		}
	}
	panic("lobby: the count of ready tickets is wrong")
}

// fillMs returns the milliseconds until due, or -1.
func (q *queue) fillMs(now time.Time) int64 {
	at, ok := q.due()
	if !ok {
		return -1
	}
	return max(0, at.Sub(now).Milliseconds())
}

// offer takes the n oldest ready tickets as one group.
func (q *queue) offer(n int, now time.Time) {
	m := &match{id: "m" + NewID(), queue: q, reserved: now.Add(q.cfg.SeatTTL)}
	group := &Group{Match: m.id, Queue: q.cfg.Name, Game: q.cfg.Game}
	kept := make([]*ticket, 0, len(q.tickets)-n)
	for _, t := range q.tickets {
		if t.player.conns == 0 || len(m.tickets) == n {
			kept = append(kept, t)
			continue
		}
		t.state = offered
		m.tickets = append(m.tickets, t)
		group.Seats = append(group.Seats, Seat{Player: t.player.id, Name: t.player.name})
		m.infos = append(m.infos, PlayerInfo{ID: t.player.id, Name: t.player.name})
	}
	q.tickets = kept
	q.ready -= n
	for i := n; q.cfg.Bots && i < q.cfg.Fill; i++ {
		name := botName(m.id, i-n)
		group.Seats = append(group.Seats, Seat{Name: name, Bot: true})
		m.infos = append(m.infos, PlayerInfo{Name: name, Bot: true})
	}
	q.c.matches[m.id] = m
	for _, t := range m.tickets {
		q.c.tell(t, now)
	}
	q.c.out = append(q.c.out, effect{group: group})
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// botName returns a name for the i-th bot of a match; the names within a match
// differ as long as there are enough of them.
func botName(match string, i int) string {
	names := [...]string{
		"Vega", "Orion", "Lyra", "Altair", "Rigel", "Mira", "Deneb", "Atlas",
		"Nova", "Sirius", "Castor", "Pollux", "Juno", "Electra", "Hadar", "Spica",
		"Antares", "Bellatrix", "Capella", "Draco", "Echo", "Fenrir", "Gaia", "Halley",
		"Io", "Janus", "Kepler", "Luna", "Maia", "Nereid", "Oberon", "Phoebe",
	}
	start := 0
	for _, b := range []byte(match) {
		start += int(b)
	}
	return names[(start+i)%len(names)]
}
