package snap

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// school is a world of moving entities, and players of one dialect who look at
// it.
type school struct {
	*sea
	dst []byte
}

// newSchool makes one. seen is how many entities each player sees, 0: all of
// them, without a Sight.
func newSchool(tb testing.TB, entities, players, seen int, e Encoding) *school {
	tb.Helper()
	s := &school{sea: newSea(tb)}
	l := Layout{Stride: thingLayout(tb).Stride, Columns: thingLayout(tb).Columns[2:7]}
	s.world = NewWorld([]Source{{Rows: &s.sets[0].rows, Layout: l, Cap: entities}})
	s.schema = Schema{Sets: []Set{l.Set("fish", entities)}}
	for i := range entities {
		s.born++
		s.sets[0].add(entities, uint32(i+1), s.born, thing{C: int16(i), D: int32(i * 7), E: i})
	}
	for i := range players {
		p := &swimmer{enc: e, mirror: NewMirror(s.schema)}
		if seen > 0 {
			p.view.Sight = window(entities, i*entities/players, seen)
		}
		s.players = append(s.players, p)
	}
	return s
}

// window is a Sight of n entities from a slot on, around the end.
func window(entities, from, n int) *Sight {
	words := make([]uint64, (entities+ChunkRows-1)/ChunkRows)
	for i := range n {
		slot := (from + i) % entities
		words[slot/ChunkRows] |= 1 << (slot % ChunkRows)
	}
	s := &Sight{Sets: make([]SetSight, 1)}
	s.Sets[0].Bands[0] = words
	return s
}

// swim moves four in five, as players do.
func (s *school) swim() {
	for c := range s.sets[0].mem {
		rows := s.sets[0].mem[c]
		for i := range rows {
			if (c*ChunkRows+i)%5 != 0 {
				rows[i].C, rows[i].D, rows[i].F = rows[i].C+3, rows[i].D-2, rows[i].F+1
			}
		}
	}
	s.tick++
	s.number++
}

// publish sends everybody a snapshot.
func (s *school) publish() {
	for _, p := range s.players {
		s.dst = s.world.Append(s.dst[:0], &p.view, p.enc, Head{Every: 1})
		s.world.Accept(&p.view)
	}
}

// TestRecordsAreMadeOnce counts encodings: however many players see an entity,
// each of its records is made at most once in a tick.
func TestRecordsAreMadeOnce(t *testing.T) {
	const entities, moving = 50, 40
	for _, e := range []Encoding{JSON, Msgpack, Compact} {
		s := newSchool(t, entities, 50, 30, e)
		made := func() int {
			s.swim()
			s.world.Diff(s.tick, s.number)
			before := s.world.encodes
			s.publish()
			return s.world.encodes - before
		}
		require.Equal(t, entities, made(), "all in full")
		require.Equal(t, moving, made(), "the differences")
		// Half of them miss a snapshot: with the compact dialect that is one more
		// difference for each.
		s.swim()
		s.world.Diff(s.tick, s.number)
		for i, p := range s.players {
			if i%2 == 0 {
				s.world.Append(nil, &p.view, e, Head{})
				s.world.Accept(&p.view)
			}
		}
		again := made()
		if e == Compact {
			require.Equal(t, 2*moving, again, "differences to two snapshots")
		} else {
			require.Equal(t, moving, again, "an element is the same for all")
		}
		// Longer ago than values are kept: one absolute record for each, because
		// the same fields have changed.
		for range ringLen {
			s.swim()
			s.world.Diff(s.tick, s.number)
		}
		require.Equal(t, moving, made())
	}
}

// TestNothingIsAllocated holds for every dialect, with and without views of
// their own, budgets, refusals and slow players.
func TestNothingIsAllocated(t *testing.T) {
	for _, e := range []Encoding{JSON, Msgpack, Compact} {
		for _, seen := range []int{0, 60} {
			for _, budget := range []int{0, 200} {
				s := newSchool(t, 200, 20, seen, e)
				run := func() {
					s.swim()
					if s.tick%3 == 0 { // one goes and another comes
						slot := int(s.tick) % 200
						id := s.sets[0].rows.ID[slot]
						s.sets[0].rows.Remove(slot)
						s.born++
						s.sets[0].rows.Insert(slot, id, s.born)
					}
					s.world.Diff(s.tick, s.number)
					for i, p := range s.players {
						if (uint32(i)+s.tick)%7 == 0 {
							continue
						}
						s.dst = s.world.Append(s.dst[:0], &p.view, e, Head{Budget: budget})
						if (uint32(i)+s.tick)%5 != 0 {
							s.world.Accept(&p.view)
						}
					}
				}
				for range 300 {
					run()
				}
				require.Zero(t, testing.AllocsPerRun(100, run), "dialect %d, %d seen, budget %d", e, seen, budget)
			}
		}
	}
}

// blobs are the first n snapshots of the first player.
func (s *school) blobs(tb testing.TB, n int) (blobs [][]byte) {
	tb.Helper()
	for range n {
		s.swim()
		s.world.Diff(s.tick, s.number)
		blob, _, err := msgp.ReadBytesZC(s.world.Append(nil, &s.players[0].view, Compact, Head{}))
		require.NoError(tb, err)
		blobs = append(blobs, blob)
		s.world.Accept(&s.players[0].view)
	}
	return blobs
}

// TestApplyCompactAllocatesNothing applies what one player is sent over and over.
func TestApplyCompactAllocatesNothing(t *testing.T) {
	s := newSchool(t, 100, 1, 0, Compact)
	blobs := s.blobs(t, 8)
	run := func() {
		for _, b := range blobs {
			if _, err := s.players[0].mirror.ApplyCompact(b); err != nil {
				t.Fatal(err)
			}
		}
	}
	run()
	require.Zero(t, testing.AllocsPerRun(100, run))
}

// goldenBlobs are the snapshots of a golden file.
func goldenBlobs(tb testing.TB, file string) (schema Schema, blobs [][]byte) {
	tb.Helper()
	text, err := os.ReadFile(file)
	require.NoError(tb, err)
	var f goldenFile
	require.NoError(tb, json.Unmarshal(text, &f))
	schema, err = f.Schema.Schema()
	require.NoError(tb, err)
	for _, step := range f.Steps {
		blob, err := hex.DecodeString(step.Snapshot)
		require.NoError(tb, err)
		blobs = append(blobs, blob)
	}
	return schema, blobs
}

// FuzzCompactDecode feeds a decoder two snapshots of anybody's: nothing panics,
// nothing is held after an error, and no more than bytes can say.
func FuzzCompactDecode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	require.NoError(f, err)
	require.NotEmpty(f, files)
	var schema Schema
	for _, file := range files {
		var blobs [][]byte
		schema, blobs = goldenBlobs(f, file)
		for i := range blobs {
			f.Add(blobs[max(i-1, 0)], blobs[i])
		}
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		m := NewMirror(schema)
		for _, blob := range [][]byte{a, b} {
			given := bytes.Clone(blob)
			before := m.Checksum()
			events := 0
			early := m.Events(blob, func([]byte) error { events++; return nil })
			require.Equal(t, before, m.Checksum(), "looking at the events changes nothing")
			s, err := m.ApplyCompact(blob)
			require.True(t, bytes.Equal(given, blob), "the input was written to")
			if early != nil {
				require.Error(t, err)
			}
			if err != nil {
				require.Zero(t, m.Len()+int(m.Tick()))
				_, _, own := m.Own()
				require.False(t, own)
				continue
			}
			require.Equal(t, s.Tick, m.Tick())
			require.Equal(t, events, s.Events)
			require.LessOrEqual(t, m.Len(), len(a)+len(b))
			require.True(t, consistent(m))
		}
	})
}

// consistent reports whether every entity is found by its id.
func consistent(m *Mirror) bool {
	rows := 0
	for set := range m.Schema().Sets {
		rows += m.Count(set)
		for row := range m.Count(set) {
			id, values := m.At(set, row)
			at, same, ok := m.Entity(id)
			if !ok || at != set || !slices.Equal(values, same) {
				return false
			}
		}
	}
	return rows == m.Len()
}

// TestHostileSnapshotsAllocateLittle: numbers that promise much cost nothing.
func TestHostileSnapshotsAllocateLittle(t *testing.T) {
	schema, _ := goldenBlobs(t, filepath.Join("testdata", "golden", "kinds.json"))
	head := []byte{1 | flagKey, 10, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 1}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f}
	for _, flags := range []byte{0, flagEvents, flagRemovals, flagOwn, flagChecksum} {
		blob := append(append(bytes.Clone(head), huge...), huge...)
		blob[0] |= flags
		m := NewMirror(schema)
		n := testing.AllocsPerRun(10, func() {
			if _, err := m.ApplyCompact(blob); err == nil {
				t.Fatal("taken")
			}
		})
		require.LessOrEqual(t, n, 8.0, "only the error is made")
	}
	// The highest id of the dense table costs that table, once, and others a map.
	m := NewMirror(schema)
	for _, id := range []uint32{denseMax - 1, denseMax, IDMax} {
		_, err := m.ApplyCompact(append(appendVarint(bytes.Clone(head), id), 1, 2))
		require.NoError(t, err)
		require.LessOrEqual(t, len(m.dense), denseMax)
		require.Equal(t, 1, m.Len())
	}
	require.Len(t, m.sparse, 1)
}
