package lobby

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// machine drives the core, whose time and whose matches are the test's, through
// any order of calls and checks after each that nobody is in two places and
// that every ticket ends exactly once.
type machine struct {
	c     core
	now   time.Time
	ids   []string
	conns map[string]int // model: connections of each player

	making []string          // groups handed out, not yet answered
	live   map[string]*Group // matches made and not over
	early  map[string]bool   // matches that were over before they were made
	state  map[string]string // model: last state told, by ticket
	rev    map[string]uint32
}

func newMachine() *machine {
	m := &machine{
		now:   time.Unix(1_700_000_000, 0),
		ids:   []string{"a", "b", "c", "d", "e"},
		conns: make(map[string]int),
		live:  make(map[string]*Group),
		early: make(map[string]bool),
		state: make(map[string]string),
		rev:   make(map[string]uint32),
	}
	keys, err := NewKeys([]byte("0123456789abcdef"))
	if err != nil {
		panic(err)
	}
	m.c.init(Config{
		Keys:       keys,
		MaxTickets: 4,
		Queues:     []Queue{{Name: "duo", Min: 2, Max: 2}, {Name: "bots", Min: 2, Max: 3, Bots: true}},
	})
	return m
}

func (m *machine) player(t *rapid.T) string { return rapid.SampledFrom(m.ids).Draw(t, "player") }

func (m *machine) match(t *rapid.T) string {
	if len(m.live) == 0 {
		t.Skip("no match")
	}
	ids := make([]string, 0, len(m.live))
	for id := range m.live {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return m.c.matches[a].reserved.Compare(m.c.matches[b].reserved) })
	return ids[rapid.IntRange(0, len(ids)-1).Draw(t, "match")]
}

// take plays Run: it takes effects and remembers them.
func (m *machine) take(t *rapid.T) {
	for _, e := range m.c.out {
		switch p := e.payload.(type) {
		case nil:
			m.making = append(m.making, e.group.Match)
			m.live[e.group.Match] = e.group
		case QueueState:
			m.takeState(t, p)
		case Found:
			if m.live[p.Match] == nil && !m.early[p.Match] {
				t.Fatalf("%s is told of %s, which is over", e.player, p.Match)
			}
		}
	}
	m.c.out = nil
}

func (m *machine) takeState(t *rapid.T, s QueueState) {
	if last := m.state[s.Ticket]; last == "cancelled" {
		t.Fatalf("ticket %s: %s after %s", s.Ticket, s.State, last)
	}
	if s.Rev <= m.rev[s.Ticket] {
		t.Fatalf("ticket %s: rev %d after %d", s.Ticket, s.Rev, m.rev[s.Ticket])
	}
	m.state[s.Ticket], m.rev[s.Ticket] = s.State, s.Rev
}

func (m *machine) over(id string) {
	if slices.Contains(m.making, id) {
		m.early[id] = true
		return
	}
	delete(m.live, id)
}

func (m *machine) actions() map[string]func(*rapid.T) {
	acts := map[string]func(*rapid.T){
		"attach": func(t *rapid.T) {
			p := m.player(t)
			if m.c.attach(p, p, m.now) == nil {
				m.conns[p]++
			}
		},
		"detach": func(t *rapid.T) {
			p := m.player(t)
			m.c.detach(p, m.now)
			m.conns[p] = max(0, m.conns[p]-1)
		},
		"join": func(t *rapid.T) {
			p := m.player(t)
			queue := rapid.SampledFrom([]string{"duo", "bots", "none"}).Draw(t, "queue")
			rid := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "rid")
			_, _ = m.c.join(p, queue, rid, m.now)
		},
		"leave": func(t *rapid.T) { _ = m.c.leave(m.player(t), "", m.now) },
		"wait": func(t *rapid.T) {
			d := rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second, DefaultFillAfter, DefaultGrace}).Draw(t, "time")
			m.now = m.now.Add(d)
			m.c.alarms.fire(m.now)
		},
		"answer": func(t *rapid.T) {
			if len(m.making) == 0 {
				t.Skip("nothing is being made")
			}
			id := m.making[0]
			m.making = m.making[1:]
			var err error
			if rapid.Bool().Draw(t, "refused") {
				err = errRefused
			}
			m.c.commit(id, err, m.now)
			if err != nil || m.c.matches[id] == nil {
				delete(m.live, id)
			}
		},
		"opened": func(t *rapid.T) {
			m.c.opened(m.match(t), rapid.IntRange(-1, 3).Draw(t, "seat"), rapid.Uint32().Draw(t, "epoch"))
		},
		"freed": func(t *rapid.T) { m.c.freed(m.match(t), rapid.IntRange(-1, 3).Draw(t, "seat")) },
	}
	for name, kind := range map[string]outcomeKind{"ended": outcomeEnded, "void": outcomeVoid, "failed": outcomeFailed} {
		acts[name] = func(t *rapid.T) {
			id := m.match(t)
			m.c.close(id, outcome{kind: kind, reason: name}, m.now)
			m.over(id)
		}
	}
	acts[""] = m.check
	return acts
}

// check holds after every call.
func (m *machine) check(t *rapid.T) {
	m.take(t)
	live := map[*ticket]bool{}
	for id, p := range m.c.players {
		if p.conns != m.conns[id] {
			t.Fatalf("%s has %d connections, want %d", id, p.conns, m.conns[id])
		}
		if p.ticket != nil && p.match != nil {
			t.Fatalf("%s has a ticket and a match", id) // I1, I3
		}
		if k := p.ticket; k != nil {
			live[k] = true
			if k.player != p || k.state != searching && k.state != offered {
				t.Fatalf("%s holds a ticket that is %v", id, k.state)
			}
		}
		if p.match != nil && (m.c.matches[p.match.id] != p.match || p.match.seats[p.seat].player != p) {
			t.Fatalf("%s sits in a match that does not know it", id)
		}
		if p.conns == 0 && p.idle.index == 0 && p.ticket == nil && p.match == nil {
			t.Fatalf("%s is remembered for nothing", id)
		}
	}
	if len(live) != m.c.live {
		t.Fatalf("%d live tickets, counted %d", len(live), m.c.live)
	}
	m.checkConservation(t)
	for _, q := range m.c.queues {
		m.checkQueue(t, q, live)
	}
	m.checkSeats(t)
}

// checkConservation: every ticket that was made is live or ended once. (I2; a
// second end panics in core.end.)
func (m *machine) checkConservation(t *rapid.T) {
	if got := int(m.c.stats.Seated) + int(m.c.stats.Cancelled) + m.c.live; got != int(m.c.serial) {
		t.Fatalf("%d tickets made, %d seated + %d cancelled + %d live", m.c.serial, m.c.stats.Seated, m.c.stats.Cancelled, m.c.live)
	}
}

func (m *machine) checkQueue(t *rapid.T, q *queue, live map[*ticket]bool) {
	ready := 0
	for i, k := range q.tickets {
		if k.state != searching || !live[k] {
			t.Fatalf("a ticket in the queue is %v", k.state)
		}
		if i > 0 && older(q.tickets[i-1], k) >= 0 {
			t.Fatal("the queue is not in the order of age")
		}
		if k.player.conns > 0 {
			ready++
		}
	}
	if ready != q.ready {
		t.Fatalf("%d tickets are ready, counted %d", ready, q.ready)
	}
	// I6: a group that can be made now was made.
	if n := q.size(m.now); n > 0 {
		t.Fatalf("a group of %d was not made", n)
	}
	if at, ok := q.due(); ok && (q.forming.index == 0 || !q.forming.at.Equal(at)) {
		t.Fatal("nothing will wake the queue when its group is due")
	}
}

// checkSeats: nobody sits twice (I3).
func (m *machine) checkSeats(t *rapid.T) {
	sits := map[*player]string{}
	for id, match := range m.c.matches {
		for i := range match.seats {
			p := match.seats[i].player
			if p == nil {
				continue
			}
			if other, twice := sits[p]; twice {
				t.Fatalf("%s sits in %s and %s", p.id, other, id)
			}
			sits[p] = id
			if p.match != match {
				t.Fatalf("%s does not know of its seat in %s", p.id, id)
			}
		}
	}
}

func TestLobbyInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine()
		t.Repeat(m.actions())
	})
}

func TestAlarmsFireInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s alarms
		base := time.Unix(0, 0)
		type item struct {
			alarm
			want time.Time // zero: not set
		}
		items := make([]*item, 8)
		var fired []time.Time
		for i := range items {
			it := &item{}
			it.wake = func(time.Time) {
				fired = append(fired, it.want)
				it.want = time.Time{}
			}
			items[i] = it
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			it := items[rapid.IntRange(0, 7).Draw(t, "item")]
			at := base.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "at")))
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				s.clear(&it.alarm)
				it.want = time.Time{}
			case 1:
				fired = nil
				s.fire(at)
				if !slices.IsSortedFunc(fired, time.Time.Compare) {
					t.Fatalf("out of order: %v", fired)
				}
				for _, f := range fired {
					if f.After(at) || f.IsZero() {
						t.Fatalf("fired %v at %v", f, at)
					}
				}
				for _, it := range items {
					if !it.want.IsZero() && !it.want.After(at) {
						t.Fatal("due and not fired")
					}
				}
			default:
				s.set(&it.alarm, at)
				it.want = at
			}
			next, ok := s.next()
			for _, it := range items {
				if !it.want.IsZero() && (!ok || it.want.Before(next)) {
					t.Fatal(fmt.Sprint("next is ", next, ok, ", but one is due at ", it.want))
				}
			}
		}
	})
}
