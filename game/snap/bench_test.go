package snap

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func benchRig(tb testing.TB, entities int) *rig {
	tb.Helper()
	r := newRig(tb, 2)
	for i := range min(entities, rigCap) {
		r.add(0, thing{D: int32(i), J: float32(i)})
	}
	return r
}

func (r *rig) move() {
	for _, slot := range r.live(0) {
		r.sets[0].at(slot).J++
	}
}

func BenchmarkDiff(b *testing.B) {
	r := benchRig(b, 128)
	b.ReportAllocs()
	for b.Loop() {
		r.tick++
		for c := range r.sets[0].mem {
			for i := range r.sets[0].mem[c] {
				r.sets[0].mem[c][i].J++
			}
		}
		r.world.Diff(r.tick, r.tick)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/128/11, "ns/field")
}

func BenchmarkEncodeEntity(b *testing.B) {
	for _, e := range []Encoding{JSON, Msgpack} {
		b.Run([]string{"json", "msgpack"}[e], func(b *testing.B) {
			r := benchRig(b, 1)
			r.world.Diff(1, 1)
			r.tick = 1
			b.ReportAllocs()
			for b.Loop() {
				r.tick++
				r.world.tick = r.tick
				r.world.others[e] = r.world.others[e][:0]
				r.world.locate(0, 0, 0, e)
			}
		})
	}
}

// BenchmarkSplice is one body of 100 changed entities and its copy for 100
// players with equal views.
func BenchmarkSplice(b *testing.B) {
	for _, e := range []Encoding{JSON, Msgpack} {
		b.Run([]string{"json", "msgpack"}[e], func(b *testing.B) {
			r := benchRig(b, 100)
			views := make([]View, 100)
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r.tick++
				r.move()
				r.world.Diff(r.tick, r.tick)
				b.StartTimer()
				for i := range views {
					dst = r.world.Append(dst[:0], &views[i], e, Head{})
					r.world.Accept(&views[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/player")
		})
	}
}

func TestSnapshotsDoNotAllocate(t *testing.T) {
	r := benchRig(t, 100)
	views := make([]View, 10)
	dst := make([]byte, 0, 1<<16)
	tick := func() {
		r.tick++
		for c := range r.sets[0].mem {
			for i := range r.sets[0].mem[c] {
				r.sets[0].mem[c][i].J++
			}
		}
		if r.tick%3 == 0 {
			r.del(0, int(r.tick%100))
			r.add(0, thing{})
		}
		r.world.Diff(r.tick, r.tick)
		for i := range views {
			dst = r.world.Append(dst[:0], &views[i], Encoding(i%2), Head{Ack: r.tick, Lead: 3})
			if (i+int(r.tick))%4 != 0 { // the others were refused
				r.world.Accept(&views[i])
			}
		}
	}
	for range 50 {
		tick()
	}
	require.Zero(t, testing.AllocsPerRun(100, tick))
}
