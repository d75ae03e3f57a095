package snap

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"
)

// thing is a row with every type a column may have.
type thing struct {
	A bool
	B int8
	C int16
	D int32
	E int
	F uint8
	G uint16
	H uint32
	I uint
	J float32
	K float64
	l string // not replicated
}

func thingLayout(tb testing.TB) Layout {
	tb.Helper()
	typ := reflect.TypeFor[thing]()
	l := Layout{Stride: typ.Size()}
	for f := range typ.Fields() {
		if !f.IsExported() {
			continue
		}
		c := Column{Name: f.Name, Offset: f.Offset, Type: f.Type.Kind()}
		tag := ""
		if c.Type == reflect.Float32 || c.Type == reflect.Float64 {
			tag = "q=0.25"
		}
		require.NoError(tb, c.Parse(tag))
		l.Columns = append(l.Columns, c)
	}
	return l
}

// fields is what a client is to hold of a thing.
func (v *thing) fields() []any {
	return []any{
		v.A, int64(v.B), int64(v.C), int64(v.D), int64(v.E), int64(v.F), int64(v.G), int64(v.H), int64(v.I),
		int64(math.RoundToEven(float64(v.J) * 4)), int64(math.RoundToEven(v.K * 4)),
	}
}

// things is a set for tests.
type things struct {
	rows Rows
	mem  []*[ChunkRows]thing
}

func (s *things) at(slot int) *thing { return &s.mem[slot/ChunkRows][slot%ChunkRows] }

func (s *things) add(limit int, id, gen uint32, v thing) {
	slot := s.rows.Reserve(limit)
	if s.rows.Base[slot/ChunkRows] == nil {
		chunk := new([ChunkRows]thing)
		s.mem = append(s.mem, chunk)
		s.rows.Base[slot/ChunkRows] = unsafe.Pointer(chunk)
	}
	s.rows.Insert(slot, id, gen)
	*s.at(slot) = v
}

// entity is what a client holds.
type entity struct {
	set    int64
	fields []any
}

// plainClient decodes the plain dialect with general decoders, the way a script
// in any language would.
type plainClient struct {
	tick     uint32
	entities map[int64]entity
	ack      int64
	lead     int64
}

// take returns whether the snapshot was a full one.
func (c *plainClient) take(t require.TestingT, packet []byte, e Encoding) (full bool) {
	var m struct {
		T, B, A, D, L *int64
		E, R          [][]any
	}
	if e == JSON {
		require.NoError(t, json.Unmarshal(packet, &m), "%s", packet)
	} else {
		var all map[string]any
		require.NoError(t, msgpack.Unmarshal(packet, &all))
		require.Len(t, all, 7)
		text, err := json.Marshal(all)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &m), "%s", text)
	}
	require.True(t, m.T != nil && m.B != nil && m.A != nil && m.D != nil && m.L != nil && m.E != nil && m.R != nil)
	if *m.B == 0 {
		c.entities = map[int64]entity{}
	} else {
		require.EqualValues(t, c.tick, *m.B, "builds on what this client was sent last")
	}
	c.tick, c.ack, c.lead = uint32(*m.T), *m.A, *m.D
	for _, r := range m.R {
		require.Contains(t, []int64{0, 1}, whole(t, r[1]))
		_, held := c.entities[whole(t, r[0])]
		require.True(t, held, "removes what is held")
		delete(c.entities, whole(t, r[0]))
	}
	for _, el := range m.E {
		ent := entity{set: whole(t, el[1])}
		for _, f := range el[2:] {
			if b, ok := f.(bool); ok {
				ent.fields = append(ent.fields, b)
			} else {
				ent.fields = append(ent.fields, whole(t, f))
			}
		}
		c.entities[whole(t, el[0])] = ent
	}
	return *m.B == 0
}

func whole(t require.TestingT, v any) int64 {
	f, ok := v.(float64)
	require.True(t, ok, "%T", v)
	require.Equal(t, f, math.Trunc(f))
	return int64(f)
}

// rig is a world of two sets with a few players.
type rig struct {
	sets    [2]things
	world   *World
	tick    uint32
	born    uint32
	next    uint32   // next fresh id
	freed   []uint32 // ids to be used again
	players []*rigPlayer
}

type rigPlayer struct {
	view   View
	enc    Encoding
	client plainClient
}

const rigCap = 130

func newRig(tb testing.TB, players int) *rig {
	tb.Helper()
	r := &rig{next: 1}
	l := thingLayout(tb)
	r.world = NewWorld([]Source{
		{Rows: &r.sets[0].rows, Layout: l, Cap: rigCap},
		{Rows: &r.sets[1].rows, Layout: Layout{Stride: l.Stride, Columns: l.Columns[:2]}, Cap: rigCap},
	})
	for i := range players {
		r.players = append(r.players, &rigPlayer{enc: Encoding(i % 2)})
	}
	return r
}

func (r *rig) add(set int, v thing) {
	if r.sets[set].rows.Len() >= rigCap {
		return
	}
	id := r.next
	if n := len(r.freed); n > 0 {
		id, r.freed = r.freed[n-1], r.freed[:n-1] // at once, the hardest case
	} else {
		r.next++
	}
	r.born++
	r.sets[set].add(rigCap, id, r.born, v)
}

func (r *rig) live(set int) []int {
	var out []int
	for slot := r.sets[set].rows.Next(0, ^uint32(0)); slot >= 0; slot = r.sets[set].rows.Next(slot+1, ^uint32(0)) {
		out = append(out, slot)
	}
	return out
}

func (r *rig) del(set, slot int) {
	r.freed = append(r.freed, r.sets[set].rows.ID[slot])
	r.sets[set].rows.Remove(slot)
}

// state is what every client is to hold.
func (r *rig) state() map[int64]entity {
	out := map[int64]entity{}
	for set := range r.sets {
		for _, slot := range r.live(set) {
			fields := r.sets[set].at(slot).fields()
			if set == 1 {
				fields = fields[:2]
			}
			out[int64(r.sets[set].rows.ID[slot])] = entity{int64(set), fields}
		}
	}
	return out
}

// send makes a player's snapshot and lets the link take or refuse it.
func (r *rig) send(t require.TestingT, p *rigPlayer, taken bool) {
	packet := r.world.Append(nil, &p.view, p.enc, Head{Ack: r.tick * 3, Lead: -5, Late: 70000})
	if !taken {
		return
	}
	p.client.take(t, packet, p.enc)
	r.world.Accept(&p.view)
	require.EqualValues(t, r.tick, p.client.tick)
	require.EqualValues(t, r.tick*3, p.client.ack)
	require.EqualValues(t, -5, p.client.lead)
	require.Equal(t, r.state(), p.client.entities)
}

func drawThing(t *rapid.T) thing {
	return thing{
		A: rapid.Bool().Draw(t, "a"), B: rapid.Int8().Draw(t, "b"), C: rapid.Int16().Draw(t, "c"),
		D: rapid.Int32().Draw(t, "d"), E: int(rapid.Int32().Draw(t, "e")), F: rapid.Uint8().Draw(t, "f"),
		G: rapid.Uint16().Draw(t, "g"), H: rapid.Uint32().Draw(t, "h"), I: uint(rapid.Uint32().Draw(t, "i")),
		J: rapid.Float32Range(-1e6, 1e6).Draw(t, "j"), K: rapid.Float64Range(-1e6, 1e6).Draw(t, "k"),
	}
}

// TestClientsHoldTheServersState is the property that matters: whatever happens
// to entities and links, a client that has just been sent a snapshot holds
// exactly the server's quantised state.
func TestClientsHoldTheServersState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, 4)
		for range rapid.IntRange(1, 25).Draw(rt, "ticks") {
			r.tick += rapid.Uint32Range(1, 300).Draw(rt, "ticks passed")
			for range rapid.IntRange(0, 8).Draw(rt, "changes") {
				r.change(rt)
			}
			r.world.Diff(r.tick, r.tick)
			for i, p := range r.players {
				switch rapid.SampledFrom([]string{"taken", "taken", "refused", "skipped", "lost"}).Draw(rt, fmt.Sprint("player", i)) {
				case "taken":
					r.send(rt, p, true)
				case "refused":
					r.send(rt, p, false)
				case "lost": // resumed on a new connection, maybe with the other encoding
					r.world.Forget(&p.view)
					*p = rigPlayer{enc: Encoding(rapid.IntRange(0, 1).Draw(rt, "enc"))}
				}
			}
		}
		r.world.Diff(r.tick+1, r.tick+1)
		r.tick++
		for _, p := range r.players {
			r.send(rt, p, true)
		}
	})
}

func (r *rig) change(t *rapid.T) {
	set := rapid.IntRange(0, 1).Draw(t, "set")
	live := r.live(set)
	op := rapid.SampledFrom([]string{"add", "add", "crowd", "del", "edit", "edit", "nudge", "empty"}).Draw(t, "op")
	switch {
	case op == "crowd":
		for range rapid.IntRange(1, 80).Draw(t, "n") {
			r.add(set, thing{D: int32(r.born)})
		}
	case op == "add" || len(live) == 0:
		r.add(set, drawThing(t))
	case op == "del":
		r.del(set, rapid.SampledFrom(live).Draw(t, "slot"))
	case op == "empty":
		for _, slot := range live {
			r.del(set, slot)
		}
	case op == "edit":
		*r.sets[set].at(rapid.SampledFrom(live).Draw(t, "slot")) = drawThing(t)
	case op == "nudge": // too little to be seen, mostly
		r.sets[set].at(rapid.SampledFrom(live).Draw(t, "slot")).K += 0.01
	}
}

func TestUnchangedEntitiesAreNotSent(t *testing.T) {
	r := newRig(t, 2)
	r.add(0, thing{D: 1})
	r.add(0, thing{D: 2, l: "x"})
	tick := func() [2]int {
		r.tick++
		r.world.Diff(r.tick, r.tick)
		var n [2]int
		for i, p := range r.players {
			n[i] = len(r.world.Append(nil, &p.view, p.enc, Head{}))
			r.send(t, p, true)
		}
		return n
	}
	full := tick()
	idle := tick()
	require.Less(t, idle[0], full[0])
	r.sets[0].at(1).l = "not replicated"
	r.sets[0].at(1).K = 0.1 // less than half a step
	require.Equal(t, idle, tick())
	r.sets[0].at(1).K = 0.2
	require.Greater(t, tick()[0], idle[0])
}

func TestEqualViewsShareOneBody(t *testing.T) {
	r := newRig(t, 8)
	for i := range 50 {
		r.add(0, thing{D: int32(i)})
	}
	for tick := uint32(1); tick < 5; tick++ {
		r.tick = tick
		r.sets[0].at(3).D++
		r.world.Diff(tick, tick)
		var packets [2]string
		for i, p := range r.players {
			packet := string(r.world.Append(nil, &p.view, p.enc, Head{}))
			if i >= 2 {
				require.Equal(t, packets[p.enc], packet)
			}
			packets[p.enc] = packet
			r.world.Accept(&p.view)
		}
		require.Len(t, r.world.bodies[JSON], len(packets[JSON])-len(`{"a":0,"d":0,"l":0`))
	}
	require.Same(t, r.players[0].view.base, r.players[7].view.base)
	require.LessOrEqual(t, len(r.world.spare), 1, "states are used again")
}

func TestQuantise(t *testing.T) {
	for _, c := range []struct {
		v, q float64
		want int32
	}{
		{0.1, 0.1, 1},
		{-0.26, 0.1, -3},
		{math.NaN(), 0.1, 0},
		{math.Inf(1), 0.1, math.MaxInt32},
		{math.Inf(-1), 0.1, math.MinInt32},
		{1e12, 0.1, math.MaxInt32},
		{-1e12, 0.1, math.MinInt32},
	} {
		require.Equal(t, c.want, quantise(c.v, 1/c.q), "%v in %v", c.v, c.q)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(-1e6, 1e6).Draw(t, "v")
		q := rapid.Float64Range(0.001, 10).Draw(t, "q")
		f := Field{Kind: KindFloat, Quantum: q}
		require.InDelta(t, v, f.Value(quantise(v, 1/q)), q*0.5001)
	})
}

func TestWideIntegersSaturate(t *testing.T) {
	r := newRig(t, 1)
	r.add(0, thing{E: math.MaxInt64, I: math.MaxUint64})
	r.add(0, thing{E: math.MinInt64})
	r.tick = 1
	r.world.Diff(1, 1)
	p := r.players[0]
	p.client.take(t, r.world.Append(nil, &p.view, p.enc, Head{}), p.enc)
	require.EqualValues(t, math.MaxInt32, p.client.entities[1].fields[4])
	require.EqualValues(t, math.MaxUint32, p.client.entities[1].fields[8])
	require.EqualValues(t, math.MinInt32, p.client.entities[2].fields[4])
}

func TestReserveOnAFullSetPanics(t *testing.T) {
	var s things
	for i := range 70 {
		s.add(70, uint32(i), 1, thing{})
	}
	require.Panics(t, func() { s.rows.Reserve(70) })
	s.rows.Remove(3)
	require.Equal(t, 3, s.rows.Reserve(70), "the lowest free slot")
}
