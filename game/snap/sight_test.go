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
	for _, slot := range r.live(0) {
		r.sets[0].at(slot).J++
	}
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

// TestHiddenStateIsInNoByteOfAnyDialect plays two worlds that differ only in what
// a player may not see: entities out of view, and the own fields of others. The
// bytes are the same, checksums included.
func TestHiddenStateIsInNoByteOfAnyDialect(t *testing.T) {
	for e := range encodings {
		var worlds [2]*sea
		for i := range worlds {
			s := newSea(t)
			for id := range uint32(40) {
				s.add(1, id+1, thing{B: int8(id)})
			}
			s.players = []*swimmer{{enc: e, view: View{Owner: 3, Check: true, Sight: second(window(seaCap, 0, 20))}}}
			worlds[i] = s
		}
		for tick := range uint32(60) {
			var packets [2][]byte
			for i, s := range worlds {
				p := s.players[0]
				s.tick, s.number = tick+1, tick+1
				for _, slot := range s.live(1) {
					v := s.sets[1].at(slot)
					v.B++
					v.H++
					if i == 1 && slot >= 20 {
						v.B += int8(slot)
					}
					if i == 1 && slot != 2 {
						v.H += uint32(slot) // an own field of somebody else
					}
				}
				if i == 1 && tick%4 == 0 { // secrets come and go
					s.del(1, 30)
					s.add(1, 31, thing{H: tick})
				}
				if tick == 30 {
					p.view.Sight = second(window(seaCap, 0, 15))
				}
				s.world.Diff(s.tick, s.number)
				packets[i] = s.world.Append(nil, &p.view, e, Head{Budget: int(tick % 3 * 40)})
				if tick%5 != 0 {
					s.world.Accept(&p.view)
				}
			}
			require.Equal(t, packets[0], packets[1], "tick %d of dialect %d", tick, e)
		}
	}
}

// second makes a Sight of the first set one of the second.
func second(s *Sight) *Sight { return &Sight{Sets: []SetSight{{}, s.Sets[0]}} }
