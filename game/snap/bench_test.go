package snap

import (
	"fmt"
	"testing"
)

var dialects = [encodings]string{"json", "msgpack", "compact"}

// BenchmarkDiff compares 1024 entities of eleven fields of every type, of which
// none, some or all change in a tick: ns for each field.
func BenchmarkDiff(b *testing.B) {
	for _, changed := range []string{"none", "half", "all"} {
		b.Run(changed, func(b *testing.B) {
			s := newSea(b)
			l := thingLayout(b)
			const entities = 1024
			s.world = NewWorld([]Source{{Rows: &s.sets[0].rows, Layout: l, Cap: entities}})
			for i := range entities {
				s.born++
				s.sets[0].add(entities, uint32(i+1), s.born, thing{D: int32(i)})
			}
			b.ReportAllocs()
			for b.Loop() {
				s.tick++
				if changed != "none" {
					b.StopTimer()
					for _, rows := range s.sets[0].mem {
						for i := range rows {
							if v := &rows[i]; changed == "all" || i%2 == 0 {
								*v = thing{
									!v.A, v.B + 1, v.C + 1, v.D + 1, v.E + 1, v.F + 1, v.G + 1, v.H + 1, v.I + 1, v.J + 1, v.K + 1, "",
								}
							}
						}
					}
					b.StartTimer()
				}
				s.world.Diff(s.tick, s.tick)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/entities/11, "ns/field")
		})
	}
}

// BenchmarkRecord makes the records of 1000 entities of five fields, three of
// which changed: ns for each, and its bytes.
func BenchmarkRecord(b *testing.B) {
	for _, kind := range []string{"delta", "some", "full", "msgpack", "json"} {
		b.Run(kind, func(b *testing.B) {
			const entities = 1000
			s := newSchool(b, entities, 0, 0, Compact)
			for range 2 * ringLen {
				s.swim()
				s.world.Diff(s.tick, s.number)
			}
			e, sent := Compact, uint32(0)
			switch kind {
			case "delta":
				sent = s.tick - 1
			case "some":
				sent = s.tick - ringLen - 1
			case "msgpack":
				e = Msgpack
			case "json":
				e = JSON
			}
			w, size := s.world, 0
			make1 := func(slot uint32) {
				if kind != "delta" && kind != "some" || slot%5 != 0 {
					from, end := w.locate(0, slot, sent, e)
					size += int(end - from)
				}
			}
			b.ReportAllocs()
			before := w.encodes
			for b.Loop() {
				w.others[e], w.partials = w.others[e][:0], w.partials[:0]
				w.tick++ // nothing is made yet
				w.times[w.now] = w.tick
				for slot := range uint32(entities) {
					make1(slot)
				}
			}
			n := float64(w.encodes - before)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/record")
			b.ReportMetric(float64(size)/n, "B/record")
		})
	}
}

// BenchmarkSplice makes the snapshots of one tick: ns for each pair of a player
// and an entity in view, of which four in five have changed, and ns and bytes for
// each snapshot. Without a sight all share one body.
func BenchmarkSplice(b *testing.B) {
	for _, c := range []struct{ entities, players, seen int }{
		{100, 100, 50}, {1000, 1000, 50}, {1000, 100, 500}, {100, 100, 0}, {1000, 1000, 0},
	} {
		for e := range encodings {
			b.Run(fmt.Sprintf("E=%d/P=%d/k=%d/%s", c.entities, c.players, c.seen, dialects[e]), func(b *testing.B) {
				s := newSchool(b, c.entities, c.players, c.seen, e)
				size := 0
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					s.swim()
					s.world.Diff(s.tick, s.number)
					b.StartTimer()
					s.publish()
					size += len(s.dst)
				}
				k := c.seen
				if k == 0 {
					k = c.entities
				}
				ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / float64(c.players)
				b.ReportMetric(ns/float64(k), "ns/pair")
				b.ReportMetric(ns, "ns/snapshot")
				b.ReportMetric(float64(size)/float64(b.N), "B/snapshot")
			})
		}
	}
}

// BenchmarkApplyCompact decodes snapshots of 80 changed entities.
func BenchmarkApplyCompact(b *testing.B) {
	s := newSchool(b, 100, 1, 0, Compact)
	blobs := s.blobs(b, 8)
	m := s.players[0].mirror
	b.ReportAllocs()
	for b.Loop() {
		for _, blob := range blobs {
			if _, err := m.ApplyCompact(blob); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(100+7*80), "ns/record")
}
