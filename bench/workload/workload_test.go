package workload

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/game"
	"gameserver/game/snap"
)

// sum is a checksum of what is replicated.
func sum(bodies []Body) uint64 {
	h := fnv.New64a()
	var b []byte
	for _, e := range bodies {
		b = binary.LittleEndian.AppendUint32(b[:0], uint32(int32(math.Round(e.X/Quantum))))
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(math.Round(e.Y/Quantum))))
		_, _ = h.Write(append(b, e.Angle, e.HP, e.Anim))
	}
	return h.Sum64()
}

// Whoever measures twice, or in two places, measures the same scene. A change of
// these numbers makes every figure taken before it another experiment.
func TestScenesAreAlwaysTheSame(t *testing.T) {
	for name, want := range map[string]uint64{"w1": 0x5d8a2a14c57a06c3, "w2": 0x82047bf3ee6ddb02, "w3": 0xbca21425cfaf30d5} {
		spec, err := Named(name, 0, 0)
		require.NoError(t, err)
		s, bodies := NewScene(spec)
		for range 300 {
			for i := range bodies {
				s.Step(&bodies[i])
			}
		}
		require.Equal(t, want, sum(bodies), "%s: %#x", name, sum(bodies))
	}
}

// The scene is what bench/workloads.md says.
func TestSceneIsAsDescribed(t *testing.T) {
	for _, name := range Names {
		spec, err := Named(name, 0, 0)
		require.NoError(t, err)
		s, bodies := NewScene(spec)
		first := append([]Body(nil), bodies...)
		idle, harmed := 0, 0
		for range 20 * spec.Tick {
			for i := range bodies {
				b := &bodies[i]
				x, y := b.X, b.Y
				s.Step(b)
				if math.Hypot(b.X-x, b.Y-y) > kick*speed/float64(spec.Tick)+1e-9 ||
					b.X < 0 || b.X > spec.Side || b.Y < 0 || b.Y > spec.Side || b.HP < 1 || b.HP > hpFull || b.Anim >= anims {
					t.Fatalf("%s: entity %d is impossible: %+v", name, i, *b)
				}
			}
		}
		for i := range bodies {
			if bodies[i] == first[i] {
				idle++
				require.False(t, bodies[i].Moves())
				require.True(t, i >= spec.Players || spec.Entities == spec.Players, "players move where there are others to stand still")
			}
			if bodies[i].HP != first[i].HP {
				harmed++
			}
		}
		require.Equal(t, spec.Idle, idle, name)
		require.Greater(t, harmed, (spec.Entities-spec.Idle)*8/10, "ten impulses each in 20 s")
	}
}

func TestNamedRefuses(t *testing.T) {
	spec, err := Named("w2", PlayersMax, 20)
	require.NoError(t, err)
	require.Equal(t, 200, spec.Idle)
	for _, bad := range []struct {
		name          string
		players, send int
	}{{"w9", 0, 0}, {"w2", PlayersMax + 1, 0}, {"w1", 0, 7}} {
		_, err := Named(bad.name, bad.players, bad.send)
		require.Error(t, err, bad)
	}
}

type registry []*game.Definition

func (r *registry) RegisterGame(d *game.Definition) { *r = append(*r, d) }

// As a game the scene moves as it does alone, whatever the players do.
func TestTheGameShowsTheScene(t *testing.T) {
	for _, name := range Names {
		spec, err := Named(name, 0, 0)
		require.NoError(t, err)
		var r registry
		Register(&r, spec)
		d := r[0].New(99)
		require.NoError(t, d.Init())
		s, bodies := NewScene(spec)
		for tick := range uint32(100) {
			d.Advance(tick+1, game.StateRunning)
			d.Step()
			for i := range bodies {
				s.Step(&bodies[i])
			}
		}
		rows := d.Sets()[0].Rows
		require.Equal(t, spec.Entities, rows.Len())
		for i := range bodies {
			require.EqualValues(t, i+1, rows.ID[i], "entities have the numbers of their players")
			require.Equal(t, bodies[i], (*[snap.ChunkRows]Body)(rows.Base[i/snap.ChunkRows])[i%snap.ChunkRows])
		}
	}
}
