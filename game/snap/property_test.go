package snap

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"
)

// being is an entity as a client is to hold it.
type being struct {
	set    int
	gen    uint32
	values []int32
}

func (b being) equal(o being) bool { return b.set == o.set && slices.Equal(b.values, o.values) }

// sea is a world of three sets, one with fields of every type, two with own
// fields and one without any, and the players who look at it.
type sea struct {
	sets    [3]things
	world   *World
	schema  Schema
	tick    uint32
	number  uint32
	born    uint32
	next    uint32
	freed   []uint32
	players []*swimmer
}

// swimmer is a player over a connection on which packets are on their way for a
// while, and are lost when it breaks.
type swimmer struct {
	view   View
	enc    Encoding
	budget int
	flight []parcel
	mirror *Mirror
	text   plainClient // of the JSON encoding
	gens   map[uint32]uint32
	back   bool // no snapshot has come since the connection was resumed
}

// parcel is a snapshot on its way, with what the world was when it was made.
type parcel struct {
	packet []byte
	truth  truth
}

// truth is what a snapshot must lead to.
type truth struct {
	tick    uint32
	beings  map[uint32]being // what is visible
	due     map[uint32]bool  // what of it must be as it is now
	own     *being
	partial bool // there is a budget: something may be missing
}

const seaCap = 100

func newSea(tb testing.TB) *sea {
	tb.Helper()
	s := &sea{next: 10}
	l := thingLayout(tb)
	all := Layout{Stride: l.Stride, Columns: l.Columns, Own: []Column{l.Columns[3], l.Columns[0], l.Columns[9]}}
	two := Layout{Stride: l.Stride, Columns: l.Columns[:2], Own: []Column{l.Columns[7]}}
	none := Layout{Stride: l.Stride}
	s.world = NewWorld([]Source{
		{Rows: &s.sets[0].rows, Layout: all, Cap: seaCap},
		{Rows: &s.sets[1].rows, Layout: two, Cap: seaCap},
		{Rows: &s.sets[2].rows, Layout: none, Cap: seaCap},
	})
	s.schema = Schema{Sets: []Set{all.Set("all", seaCap), two.Set("two", seaCap), none.Set("none", 0)}}
	return s
}

// quantised is the whole row as the wire has it.
func (v *thing) quantised() []int32 {
	b := int32(0)
	if v.A {
		b = 1
	}
	return []int32{
		b, int32(v.B), int32(v.C), v.D, int32(v.E), int32(v.F), int32(v.G), int32(v.H), int32(uint32(v.I)),
		quantise(float64(v.J), 4), quantise(v.K, 4),
	}
}

func (s *sea) add(set int, id uint32, v thing) {
	if s.sets[set].rows.Len() >= seaCap {
		return
	}
	if id == 0 {
		if n := len(s.freed); n > 0 {
			id, s.freed = s.freed[n-1], s.freed[:n-1] // at once, the hardest case
		} else {
			id = s.next
			s.next++
		}
	}
	s.born++
	s.sets[set].add(seaCap, id, s.born, v)
}

func (s *sea) live(set int) (slots []int) {
	rows := &s.sets[set].rows
	for slot := rows.Next(0, ^uint32(0)); slot >= 0; slot = rows.Next(slot+1, ^uint32(0)) {
		slots = append(slots, slot)
	}
	return slots
}

func (s *sea) del(set, slot int) {
	if id := s.sets[set].rows.ID[slot]; id >= 10 {
		s.freed = append(s.freed, id)
	}
	s.sets[set].rows.Remove(slot)
}

// place finds the entity of an id.
func (s *sea) place(id uint32) (set, slot int) {
	for set := range s.sets {
		for _, slot := range s.live(set) {
			if s.sets[set].rows.ID[slot] == id {
				return set, slot
			}
		}
	}
	return -1, -1
}

func (s *sea) being(set, slot int) being {
	v := s.sets[set].at(slot).quantised()
	return being{set, s.sets[set].rows.Gen[slot], v[:[]int{11, 2, 0}[set]]}
}

// truth is what a player must hold after the snapshot of this tick.
func (s *sea) truth(p *swimmer) truth {
	t := truth{tick: s.tick, beings: map[uint32]being{}, due: map[uint32]bool{}, partial: p.budget > 0}
	for set := range s.sets {
		for _, slot := range s.live(set) {
			seen, due := p.view.Sight.set(set).words(slot/ChunkRows, s.number)
			if seen>>(slot%ChunkRows)&1 == 0 {
				continue
			}
			id := s.sets[set].rows.ID[slot]
			t.beings[id] = s.being(set, slot)
			t.due[id] = due>>(slot%ChunkRows)&1 != 0
		}
	}
	if set, slot := s.place(p.view.Owner); set == 0 || set == 1 {
		v := s.sets[set].at(slot).quantised()
		own := being{set: set, values: []int32{v[3], v[0], v[9]}}
		if set == 1 {
			own.values = []int32{v[7]}
		}
		t.own = &own
	}
	return t
}

// send makes a player's snapshot, and if the socket takes it it is on its way.
func (s *sea) send(t require.TestingT, p *swimmer, taken bool, events []byte, count int) {
	h := Head{Ack: s.tick / 2, Lead: -5, Late: 70, Every: 2, Level: 1, Budget: p.budget}
	if p.enc == Compact {
		h.Events, h.EventCount = events, count
	}
	packet := s.world.Append(nil, &p.view, p.enc, h)
	again := s.world.Append(nil, &p.view, p.enc, h)
	require.Equal(t, packet, again, "making a snapshot changes nothing")
	if !taken {
		return
	}
	s.world.Accept(&p.view)
	p.flight = append(p.flight, parcel{packet, s.truth(p)})
}

// arrive lets so many packets arrive.
func (s *sea) arrive(t require.TestingT, p *swimmer, n int) {
	for ; n > 0 && len(p.flight) > 0; n-- {
		before := p.state()
		gens := maps.Clone(p.gens)
		parcel := p.flight[0]
		p.flight = p.flight[1:]
		base := p.apply(t, parcel.packet)
		if base == 0 {
			clear(before)
		}
		p.compare(t, before, gens, parcel.truth)
	}
}

// apply decodes a packet and returns what it builds on.
func (p *swimmer) apply(t require.TestingT, packet []byte) uint32 {
	switch p.enc {
	case JSON:
		full := p.text.take(t, packet, JSON)
		if full {
			return 0
		}
		return 1
	case Msgpack:
		s, err := p.mirror.Apply(packet)
		require.NoError(t, err)
		return s.Base
	default:
		blob, rest, err := msgp.ReadBytesZC(packet)
		require.NoError(t, err)
		require.Empty(t, rest)
		s, err := p.mirror.ApplyCompact(blob)
		require.NoError(t, err)
		return s.Base
	}
}

// state is what the client holds.
func (p *swimmer) state() map[uint32]being {
	out := map[uint32]being{}
	if p.enc == JSON {
		for id, e := range p.text.entities {
			b := being{set: int(e.set), values: []int32{}}
			for _, f := range e.fields {
				switch f := f.(type) {
				case bool:
					b.values = append(b.values, map[bool]int32{true: 1}[f])
				case int64:
					b.values = append(b.values, int32(f))
				}
			}
			out[uint32(id)] = b
		}
		return out
	}
	for set := range p.mirror.Schema().Sets {
		for row := range p.mirror.Count(set) {
			id, values := p.mirror.At(set, row)
			out[id] = being{set: set, values: slices.Clone(values)}
		}
	}
	return out
}

// compare holds what the client has now against the truth, and what it had
// before: whatever is due is as it is, what is not may be older, what is not
// visible is not there.
func (p *swimmer) compare(t require.TestingT, before map[uint32]being, gens map[uint32]uint32, want truth) {
	now := p.state()
	p.gens = map[uint32]uint32{}
	for id, b := range now {
		true_, visible := want.beings[id]
		require.True(t, visible, "%d is held and not visible", id)
		old, held := before[id]
		held = held && gens[id] == true_.gen
		switch {
		case b.equal(true_):
			p.gens[id] = true_.gen
		case held && b.equal(old) && (!want.due[id] || want.partial):
			p.gens[id] = gens[id]
		case want.partial && !held && b.equal(old):
			require.Fail(t, "stale", "%d is of another life", id)
		default:
			require.Fail(t, "wrong", "%d is %v, was %v (%v), must be %v, due %v", id, b, old, held, true_, want.due[id])
		}
	}
	for id := range want.beings {
		_, held := now[id]
		_, was := before[id]
		// What left the view and came back in snapshots that were lost is removed,
		// and waits for room again.
		kept := was && gens[id] == want.beings[id].gen && !p.back
		require.True(t, held || want.partial && !kept, "%d is visible and not held", id)
	}
	p.back = false
	if p.enc == JSON {
		return
	}
	set, values, ok := p.mirror.Own()
	require.Equal(t, want.own != nil, ok, "own fields")
	if ok {
		require.Equal(t, want.own.set, set)
		require.Equal(t, want.own.values, values)
	}
}

// lose breaks a player's connection: what was on its way is lost. A new one
// begins with what the player says to have, or with nothing.
func (s *sea) lose(t *rapid.T, p *swimmer) {
	p.flight = nil
	if p.enc == Compact && rapid.IntRange(0, 9).Draw(t, "resume") > 0 {
		tick := p.mirror.Tick()
		p.back = true
		if s.world.Resume(&p.view, tick) {
			require.Equal(t, tick, s.world.basis(&p.view).tick)
		}
		return
	}
	s.world.Forget(&p.view)
	p.mirror, p.text = NewMirror(s.schema), plainClient{}
	p.enc = Encoding(rapid.IntRange(0, 2).Draw(t, "enc"))
}

// look gives a player another sight.
func (s *sea) look(t *rapid.T, p *swimmer) {
	if rapid.IntRange(0, 4).Draw(t, "all") == 0 {
		p.view.Sight = nil
		return
	}
	if p.view.Sight == nil {
		p.view.Sight = &Sight{Sets: make([]SetSight, rapid.IntRange(1, 3).Draw(t, "sets"))}
	}
	for i := range p.view.Sight.Sets {
		b := &p.view.Sight.Sets[i].Bands
		left := ^uint64(0)
		for j := range b {
			b[j] = b[j][:0]
			for range rapid.IntRange(0, 2).Draw(t, "words") {
				word := rapid.Uint64().Draw(t, "word") & left
				if rapid.Bool().Draw(t, "dense") {
					word |= rapid.Uint64().Draw(t, "more") & left
				}
				b[j] = append(b[j], word)
				left &^= word
			}
		}
	}
}

func (s *sea) change(t *rapid.T) {
	set := rapid.IntRange(0, 2).Draw(t, "set")
	live := s.live(set)
	switch op := rapid.SampledFrom([]string{"add", "crowd", "del", "edit", "edit", "nudge", "nudge", "all", "empty", "player"}).Draw(t, "op"); {
	case op == "player":
		id := uint32(rapid.IntRange(1, 4).Draw(t, "id"))
		if at, slot := s.place(id); at >= 0 {
			s.del(at, slot)
		} else {
			s.add(set, id, drawThing(t))
		}
	case op == "crowd":
		for range rapid.IntRange(1, 70).Draw(t, "n") {
			s.add(set, 0, thing{D: int32(s.born)})
		}
	case op == "add" || len(live) == 0:
		s.add(set, 0, drawThing(t))
	case op == "del":
		s.del(set, rapid.SampledFrom(live).Draw(t, "slot"))
	case op == "empty" && rapid.Bool().Draw(t, "really"):
		for _, slot := range live {
			s.del(set, slot)
		}
	case op == "edit":
		*s.sets[set].at(rapid.SampledFrom(live).Draw(t, "slot")) = drawThing(t)
	case op == "nudge":
		v := s.sets[set].at(rapid.SampledFrom(live).Draw(t, "slot"))
		v.A, v.J, v.D, v.H = !v.A, v.J+1, v.D-3, v.H+1
	case op == "all":
		for _, slot := range live {
			s.sets[set].at(slot).K += 0.3
			s.sets[set].at(slot).C++
		}
	}
}

// step is one tick of a random game, and what happens to the connections in it.
func (s *sea) step(t *rapid.T) {
	s.tick += rapid.SampledFrom([]uint32{1, 1, 1, 1, 3, 300, 70000}).Draw(t, "ticks passed")
	if rapid.IntRange(0, 9).Draw(t, "between") > 0 {
		s.number++
	}
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		s.change(t)
	}
	s.world.Diff(s.tick, s.number)
	for i, p := range s.players {
		switch op := rapid.SampledFrom([]string{"taken", "taken", "taken", "taken", "refused", "skipped", "lost", "look", "budget"}).Draw(t, fmt.Sprint("player", i)); op {
		case "taken":
			events := AppendEvent(nil, []byte{0x93, 1, 0xa1, 'x', 0xc0})
			s.send(t, p, true, events, 1)
			s.arrive(t, p, rapid.IntRange(0, 5).Draw(t, "arrive"))
		case "refused":
			s.send(t, p, false, nil, 0)
		case "lost":
			s.lose(t, p)
		case "look":
			s.look(t, p)
		case "budget":
			p.budget = rapid.SampledFrom([]int{0, 0, 1, 40, 300}).Draw(t, "bytes")
		}
	}
}

// settle lets everybody have all: with nothing changing any more, in the end
// every client holds what is visible, whatever its budget.
func (s *sea) settle(t require.TestingT) {
	for range 40 {
		s.tick++
		s.number++
		s.world.Diff(s.tick, s.number)
		for _, p := range s.players {
			p.budget = min(p.budget*20, 4000)
			s.send(t, p, true, nil, 0)
			s.arrive(t, p, len(p.flight))
		}
	}
	for _, p := range s.players {
		want := s.truth(p).beings
		now := p.state()
		require.Len(t, now, len(want))
		for id, b := range want {
			require.True(t, b.equal(now[id]), "%d is %v, must be %v", id, now[id], b)
		}
	}
}

// TestDecodedStateIsTheServersState is the property that matters: whatever
// happens to entities, views and links, after each snapshot that arrives a
// client holds the quantised state that the server shows it, in every dialect.
// PROPERTY is how many ticks to play, summed over players.
func TestDecodedStateIsTheServersState(t *testing.T) {
	goal, _ := strconv.Atoi(os.Getenv("PROPERTY"))
	steps := 0
	for once := true; once || steps < goal; once = false {
		rapid.Check(t, func(rt *rapid.T) {
			s := newSea(t)
			for i := range 4 {
				s.players = append(s.players, &swimmer{
					enc:    []Encoding{Compact, Msgpack, JSON, Compact}[i],
					view:   View{Owner: uint32(i + 1), Check: true, Priority: weigh},
					mirror: NewMirror(s.schema),
				})
			}
			s.players[2].view.Priority = nil
			for range rapid.IntRange(1, 40).Draw(rt, "steps") {
				s.step(rt)
				steps += len(s.players)
			}
			s.settle(rt)
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d steps", steps)
}

func weigh(set, slot int) float32 { return float32(1 + (set+slot)%7) }
