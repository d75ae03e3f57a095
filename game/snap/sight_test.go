package snap

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

// show makes a Sight of one set: the band of each slot, -1 for none.
func show(bands ...int) *Sight {
	s := &Sight{Sets: make([]SetSight, 1)}
	for slot, band := range bands {
		if band < 0 {
			continue
		}
		b := &s.Sets[0].Bands[band]
		for len(*b) <= slot/ChunkRows {
			*b = append(*b, 0)
		}
		(*b)[slot/ChunkRows] |= 1 << (slot % ChunkRows)
	}
	return s
}

// tell sends a plain snapshot and returns the ids of what was in it.
func (r *rig) tell(t *testing.T, p *rigPlayer, h Head) (ids []int64) {
	t.Helper()
	before := p.client.entities
	p.client.entities = map[int64]entity{}
	maps.Copy(p.client.entities, before)
	packet := r.world.Append(nil, &p.view, p.enc, h)
	r.world.Accept(&p.view)
	p.client.take(t, packet, p.enc)
	for id, e := range p.client.entities {
		if old, held := before[id]; !held || !same(old, e) {
			ids = append(ids, id)
		}
	}
	for id := range before {
		if _, held := p.client.entities[id]; !held {
			ids = append(ids, -id)
		}
	}
	return ids
}

func same(a, b entity) bool {
	for i := range a.fields {
		if a.fields[i] != b.fields[i] {
			return false
		}
	}
	return a.set == b.set
}

func (r *rig) next1() {
	r.tick++
	r.move()
	r.world.Diff(r.tick, r.tick)
}

func TestBandsComeAtTheirCadence(t *testing.T) {
	r := newRig(t, 2)
	for i := range 5 {
		r.add(0, thing{D: int32(i)})
	}
	p := r.players[0]
	p.view.Sight = show(0, 1, 2, 3, -1)
	came := map[int64][]uint32{}
	for range 13 {
		r.next1()
		for _, id := range r.tell(t, p, Head{}) {
			came[id] = append(came[id], r.tick)
		}
	}
	require.Equal(t, map[int64][]uint32{
		1: {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13},
		2: {1, 2, 4, 6, 8, 10, 12},
		3: {1, 3, 6, 9, 12},
		4: {1, 6, 12},
	}, came)
	r.del(0, 4)
	r.next1()
	require.NotContains(t, r.tell(t, p, Head{}), int64(-5), "who never saw it does not hear of its end")
	p.view.Sight = show(0, -1, 2, 3)
	r.del(0, 3)
	r.next1()
	packet := string(r.world.Append(nil, &p.view, JSON, Head{}))
	require.Contains(t, packet, `"r":[[2,0],[4,1]]`, "one left the view, one is no more")
	r.tell(t, p, Head{})
	p.view.Sight = nil
	r.next1()
	r.tell(t, p, Head{})
	require.Equal(t, r.state(), p.client.entities)
	require.False(t, p.view.base.own, "who sees everything again shares again")
}

// TestBudget: a snapshot holds what has room, by weight and waiting, and in the
// end everything has come.
func TestBudget(t *testing.T) {
	for _, e := range []Encoding{JSON, Msgpack} {
		r := newRig(t, 2)
		for i := range 40 {
			r.add(0, thing{D: int32(i)})
		}
		p := r.players[e]
		r.next1()
		from, end := r.world.locate(0, 0, 0, e)
		size := int(end - from)
		p.view.Priority = func(_, slot int) float32 { return float32(1 + slot) }
		first := r.tell(t, p, Head{Budget: 10*size + size/2})
		require.InDelta(t, 10, len(first), 1)
		require.Contains(t, first, int64(40))
		require.NotContains(t, first, int64(1))
		seen := map[int64]bool{}
		for range 100 {
			r.next1()
			for _, id := range r.tell(t, p, Head{Budget: 10 * size}) {
				seen[id] = true
			}
		}
		require.Len(t, seen, 40, "nothing waits for ever")
		for range 8 {
			r.tick++
			r.world.Diff(r.tick, r.tick)
			r.tell(t, p, Head{Budget: 10 * size})
		}
		require.Equal(t, r.state(), p.client.entities)
		r.next1()
		require.Len(t, r.tell(t, p, Head{Budget: 1}), 1, "one goes whatever its size")
	}
}
