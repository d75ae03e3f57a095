package snap

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

func goldenKinds(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "every kind of field, in full, by difference and absolute")
	g.add(0, 1, thing{})
	g.add(0, 2, thing{
		A: true, B: math.MinInt8, C: math.MinInt16, D: math.MinInt32, E: math.MinInt32, F: math.MaxUint8,
		G: math.MaxUint16, H: math.MaxUint32, I: math.MaxUint32, J: -1e6, K: math.Inf(-1),
	})
	g.snap("a key: zeros, and the least or the most")
	*g.sets[0].at(0) = thing{
		A: true, B: math.MaxInt8, C: math.MaxInt16, D: math.MaxInt32, E: math.MaxInt32, F: 1, G: 300, H: 1 << 31, I: 127,
		J: 0.25, K: 1e12,
	}
	*g.sets[0].at(1) = thing{
		B: 1, C: -1, D: math.MaxInt32, E: 1, F: 0, G: 0, H: 0, I: 1 << 31, J: 0.12, K: math.NaN(),
	}
	g.snap("differences that overflow, and booleans that flip")
	g.sets[0].at(0).A = false
	g.snap("only a boolean: a record without values")
	g.sets[0].at(0).J = 0.30
	g.snap("too little to be seen: no record")
	g.sets[0].at(1).A, g.sets[0].at(1).D = true, math.MinInt32
	g.snap("a difference of one that wraps around")
	g.pass(9, 9)
	*g.sets[0].at(0) = thing{A: true, D: -70000, H: math.MaxUint32, J: -3}
	g.pass(1, 1)
	g.snap("absolute values, for the client was not sent ten snapshots")
	g.add(2, 3, thing{})
	g.snap("an entity of a set without fields")
	return g
}

func goldenIDs(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "ids of each length, and the masks of a set of two fields")
	for _, id := range []uint32{1, 127, 128, 16383, 16384, 65535, 65536, 2097151, 2097152, 268435455, 268435456, IDMax} {
		g.add(1, id, thing{B: int8(id % 100)})
	}
	g.snap("a key")
	for _, slot := range g.live(1) {
		g.sets[1].at(slot).B++
		g.sets[1].at(slot).A = slot%2 == 0
	}
	g.snap("each changes")
	for _, slot := range g.live(1)[3:9] {
		g.del(1, slot)
	}
	g.snap("half of them go")
	return g
}

func goldenMembership(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "entities come, go and leave the view; the reasons 0 and 1")
	for id := range uint32(6) {
		g.add(int(id%3), 10+id, thing{D: int32(id), B: int8(id)})
	}
	g.snap("a key of three sets")
	g.del(0, 0)
	g.add(1, 20, thing{B: 5})
	g.snap("10 is destroyed, 20 is new")
	g.del(1, 0)
	g.add(2, 11, thing{})
	g.snap("11 is destroyed, and another entity of another set has its id: the removal comes first")
	sight := &Sight{Sets: make([]SetSight, 3)}
	sight.Sets[0].Bands[0] = []uint64{0}
	sight.Sets[1].Bands[0] = []uint64{^uint64(0)}
	sight.Sets[2].Bands[0] = []uint64{^uint64(0)}
	g.p.view.Sight = sight
	g.snap("the entities of set 0 leave the view")
	g.sets[0].at(1).D = 99
	g.snap("what is out of view changes: nothing is said")
	g.del(0, 1)
	g.add(0, 30, thing{D: 1})
	g.snap("what is out of view goes, and comes: nothing is said")
	sight.Sets[0].Bands[0] = []uint64{^uint64(0)}
	sight.Sets[1].Bands[0] = nil
	g.del(1, 1)
	g.snap("set 0 comes into view, set 1 leaves it, with one that is destroyed in the same tick")
	g.take("a removal of an id that is not held changes nothing",
		[]byte{1 | 1<<5, byte(g.tick + 1), 0, 1, 0xff, 0xff, 0, 0, 0, 1, 2, 9<<1 | 1, 8 << 1})
	g.take("a full record of an entity that is held in another set: it moves",
		[]byte{1, byte(g.tick + 2), 0, 1, 0xff, 0xff, 0, 0, 0, 1, 12, 1, 1, 1, 4})
	return g
}

func goldenCadence(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "bands refreshed at every 1st, 2nd, 3rd and 6th snapshot, and a client that skips some")
	for id := range uint32(5) {
		g.add(0, 1+id, thing{})
	}
	g.p.view.Sight = show(0, 1, 2, 3, -1)
	move := func() {
		for _, slot := range g.live(0) {
			v := g.sets[0].at(slot)
			v.C, v.A = v.C+int16(slot)+1, !v.A
		}
	}
	for range 7 {
		move()
		g.snap("all move")
	}
	for range 5 {
		move()
		g.pass(1, 1)
		move()
		g.snap("the client is sent every second snapshot")
	}
	for range 8 {
		move()
		g.pass(1, 1)
	}
	g.snap("and then none for a while: absolute values")
	move()
	g.tick++
	g.world.Diff(g.tick, g.number)
	g.take("a snapshot between two of the cadence", g.make())
	move()
	g.snap("and the next: absolute again, the values of that tick were not kept")
	return g
}

func goldenBudget(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "a budget of 24 bytes: the client holds older values, or not all entities yet, until they have come")
	for id := range uint32(8) {
		g.add(1, 1+id, thing{B: int8(id)})
	}
	g.p.view.Priority = weigh
	g.head.Budget = 24
	for range 6 {
		for _, slot := range g.live(1) {
			g.sets[1].at(slot).B += 3
		}
		g.snap("all change")
	}
	for range 3 {
		g.snap("nothing changes")
	}
	return g
}

func goldenResume(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "connections that break: the client comes back with the last tick it has")
	for id := range uint32(4) {
		g.add(0, 10+id, thing{D: int32(id)})
	}
	g.snap("a key")
	lost := func(ticks int) {
		for range ticks {
			g.tick++
			g.number++
			for _, slot := range g.live(0) {
				g.sets[0].at(slot).D++
			}
			if g.tick%2 == 0 {
				g.add(0, 0, thing{D: -1})
				g.del(0, g.live(0)[0])
			}
			g.world.Diff(g.tick, g.number)
			g.make() // taken by the socket, and lost
		}
	}
	lost(3)
	require.True(t, g.world.Resume(&g.p.view, g.p.mirror.Tick()))
	g.snap("what came and went meanwhile, and the rest absolute")
	g.sets[0].at(2).D = 5
	g.snap("and on")
	g.p.view.Sight = show(0, 1, -1, 1, 2, 3)
	g.snap("with a view of its own")
	lost(3)
	require.True(t, g.world.Resume(&g.p.view, g.p.mirror.Tick()))
	g.snap("what may have been sent meanwhile comes in full")
	lost(1)
	require.False(t, g.world.Resume(&g.p.view, 1))
	g.snap("a tick that is too old: a key")
	return g
}

func goldenOwn(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "own fields: those of the entity that has the client's id, which is 3")
	g.p.view.Owner = 3
	g.add(0, 9, thing{D: 7})
	g.snap("no entity of its own yet")
	g.add(0, 3, thing{A: true, D: -5, J: 2})
	g.snap("it comes: all own fields")
	g.sets[0].at(1).D = math.MaxInt32
	g.snap("one changes")
	g.sets[0].at(0).D = 1
	g.snap("another entity's are not told")
	g.p.view.Sight = show(0, -1)
	g.sets[0].at(1).J = -2
	g.snap("the entity is out of view, its own fields are not")
	g.del(0, 1)
	g.snap("it is gone")
	g.add(1, 3, thing{H: math.MaxUint32})
	g.snap("it comes back in another set")
	g.world.Forget(&g.p.view)
	g.snap("a key has all of them")
	return g
}

func goldenEvents(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "reliable events ride in the snapshot and come before its state")
	g.add(0, 1, thing{})
	event := func(name string, data any) {
		e := msgp.AppendUint32(msgp.AppendArrayHeader(nil, 3), g.tick+1)
		e = msgp.AppendString(e, name)
		e, err := msgp.AppendIntf(e, data)
		require.NoError(t, err)
		g.events = append(g.events, e)
	}
	event("hello", nil)
	g.snap("one in a key")
	g.snap("none")
	event("hit", map[string]any{"by": 7})
	event("text", strings.Repeat("x", 200))
	g.sets[0].at(0).D = 1
	g.snap("two, the second longer than 127 bytes")
	return g
}

func goldenHeads(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "the fields of the head at their ends")
	g.add(2, 1, thing{})
	g.head = Head{Every: 6, Level: 6, Lead: -1000, Late: 1 << 20}
	g.snap("nothing played yet; lead and late are saturated")
	g.head = Head{Every: 1, Lead: 1000, Ack: 1}
	g.snap("input 1 was played a tick ago")
	g.pass(65000, 1)
	g.head.Ack, g.head.Lead = g.tick+1, -1
	g.snap("65000 ticks later, still a delta")
	g.pass(1000, 1)
	g.snap("the low bits of the tick have wrapped around")
	g.head.Ack = g.tick + 1 - 65534
	g.snap("an input of 65534 ticks ago")
	g.head.Ack = g.tick + 1 - 65535
	g.snap("an older one is as none")
	g.pass(70000, 1)
	g.snap("more than 65535 ticks later: a key")
	return g
}

func goldenChecksums(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "checksums: in keys and in every 16th snapshot, of all that is held, own fields included")
	g.p.view.Check, g.p.view.Owner = true, 2
	for id := range uint32(5) {
		g.add(0, 1+id, thing{D: int32(id), A: id%2 == 0, J: -float32(id)})
		g.add(1, 100+id, thing{B: -int8(id)})
	}
	g.add(2, 99, thing{})
	for range 17 {
		g.sets[0].at(1).D--
		g.snap("one moves")
	}
	g.world.Forget(&g.p.view)
	g.tick++
	g.number++
	g.world.Diff(g.tick, g.number)
	wrong := bytes.Clone(g.make())
	wrong[11]++
	g.refuse("the checksum is another one", "the checksum is another one", wrong)
	return g
}

func goldenRefusals(t *testing.T) *golden {
	t.Helper()
	g := newGolden(t, "what must be refused. A client holds nothing afterwards, so a key precedes each")
	g.add(0, 1, thing{D: 5})
	g.add(1, 2, thing{B: 1})
	g.add(2, 3, thing{})
	g.tick = 9
	head := []byte{1, 11, 0, 1, 0xff, 0xff, 0, 0, 0, 1} // a delta of tick 11 on 10
	key := []byte{1 | 1<<3, 11, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 1}
	with := func(head []byte, flags byte, more ...byte) []byte {
		b := append(bytes.Clone(head), more...)
		b[0] |= flags
		return b
	}
	for _, c := range []struct {
		about, want string
		blob        []byte
	}{
		{"nothing at all", "version 0", nil},
		{"version 2", "version 2", append([]byte{2}, head[1:]...)},
		{"version 0", "version 0", append([]byte{0}, head[1:]...)},
		{"a head that is cut off", "cut off", head[:9]},
		{"a key that is cut off", "cut off", key[:10]},
		{"a key of tick 0", "tick 0", []byte{1 | 1<<3, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 1}},
		{"it builds on tick 9", "builds on another", append([]byte{1, 11, 0, 2}, head[4:]...)},
		{"it builds on itself", "builds on another", append([]byte{1, 10, 0, 0}, head[4:]...)},
		{"low bits that do not fit the step", "builds on another", append([]byte{1, 12, 0, 1}, head[4:]...)},
		{"a step of more than 32 bits", "builds on another", append([]byte{1, 11, 0, 0xff, 0xff, 0xff, 0xff, 0x1f}, head[4:]...)},
		{"a checksum that is cut off", "cut off", with(head, 1<<7, 1, 2, 3)},
		{"a record that is cut off in its id", "cut off", with(head, 0, 0x81)},
		{"a record without what follows the id", "cut off", with(head, 0, 1)},
		{"a full record that is cut off", "cut off", with(head, 0, 7, 1, 1, 0)},
		{"a difference that is cut off", "cut off", with(head, 0, 1, 1<<3<<1)},
		{"a varint of six bytes", "cut off", with(head, 0, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 2)},
		{"a varint of 33 bits", "cut off", with(head, 0, 0x81, 0x80, 0x80, 0x80, 0x10, 2)},
		{"the mask 0", "record", with(head, 0, 1, 0)},
		{"a difference of an id that is not held", "not held", with(head, 0, 9, 2)},
		{"absolute values of an id that is not held", "not held", with(head, 0, 9, 3, 1)},
		{"a record of id 0", "id 0", with(head, 0, 0, 1, 2)},
		{"an id beyond 31 bits", "record of id", with(head, 0, 0x80, 0x80, 0x80, 0x80, 0x08, 1, 2)},
		{"a mask beyond the two fields of the set", "record of fields", with(head, 0, 2, 4<<1)},
		{"an absolute mask beyond the fields", "record of fields", with(head, 0, 2, 4<<1|1, 1)},
		{"any mask where the set has no fields", "record of fields", with(head, 0, 3, 1<<1)},
		{"a set that is not there", "of set 3", with(head, 0, 7, 1, 3)},
		{"an absolute boolean of 2", "cut off", with(head, 0, 2, 1<<1|1, 2)},
		{"a boolean of 2 in a full record", "cut off", with(head, 0, 7, 1, 1, 2, 0)},
		{"own fields of a set that is not there", "own fields of set 3", with(head, 1<<6, 3, 1, 1)},
		{"own fields of a set that has none", "own fields", with(head, 1<<6, 2, 1, 1)},
		{"own fields beyond the three", "own fields", with(head, 1<<6, 0, 15, 0, 0, 0, 0)},
		{"not all own fields, with none held", "own fields", with(head, 1<<6, 0, 1, 0)},
		{"own fields that are cut off", "cut off", with(head, 1<<6, 0, 7, 0, 0)},
		{"removals that are cut off", "cut off", with(head, 1<<5, 2, 3<<1)},
		{"very many removals", "cut off", with(head, 1<<5, 0xff, 0xff, 0xff, 0xff, 0x0f, 3<<1)},
		{"events that are cut off", "cut off", with(head, 1<<4, 1, 5, 0x91)},
		{"very many events", "more events", with(head, 1<<4, 0xff, 0xff, 0xff, 0xff, 0x0f)},
		{"an event that is no msgpack", "event", with(head, 1<<4, 1, 1, 0xc1)},
		{"an event with bytes after it", "event", with(head, 1<<4, 1, 2, 0xc0, 0xc0)},
		{"more entities than the set holds", "more than 100 entities", with(key, 0, crowd(101)...)},
	} {
		g.world.Forget(&g.p.view)
		g.tick, g.number = 9, g.number+1
		g.snap("a key of tick 10")
		g.refuse(c.about, c.want, c.blob)
	}
	g.refuse("a delta after an error", "builds on another", head)
	return g
}

// crowd is so many full records of entities in set 1.
func crowd(n int) (b []byte) {
	for id := range n {
		b = appendVarint(b, uint32(id+1))
		b = append(b, 1, 1, 0, 0)
	}
	return b
}
