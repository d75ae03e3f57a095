package interest

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// crowd is many entities and viewers that walk about, for figures.
type crowd struct {
	*world
	f       *Field
	eyes    []Eye
	viewers []Viewer
	r       *rand.Rand
	tick    uint32
	size    int
	idle    int // of 100
	speed   int // quanta a tick
}

func newCrowd(entities, viewers, size int, radius float64, idle int) *crowd {
	c := &crowd{world: newWorld(1, entities), r: rand.New(rand.NewPCG(3, 4)), size: size, idle: idle, speed: 10}
	c.f = NewField(c.config(Config{Radius: radius, Full: radius / 2, Every: 8, Dwell: 30}))
	for range entities {
		c.add(0, float64(c.r.IntN(size)), float64(c.r.IntN(size)))
	}
	c.eyes, c.viewers = make([]Eye, viewers), make([]Viewer, viewers)
	for i := range c.viewers {
		c.viewers[i] = Viewer{Number: i, Set: 0, Slot: i}
	}
	return c
}

func (c *crowd) walk() {
	s, top := c.sets[0], int32(float64(c.size)/quantum)
	for slot := range s.xs {
		if slot%100 < c.idle {
			continue
		}
		s.xs[slot] = min(max(s.xs[slot]+int32(c.r.IntN(2*c.speed+1)-c.speed), 0), top)
		s.ys[slot] = min(max(s.ys[slot]+int32(c.r.IntN(2*c.speed+1)-c.speed), 0), top)
	}
}

func (c *crowd) look() {
	c.tick++
	c.f.Update(c.tick, c)
	for i := range c.viewers {
		c.viewers[i].At, _ = c.f.At(0, i)
		c.f.Look(&c.eyes[i], c.viewers[i])
	}
}

func TestLookAllocatesNothing(t *testing.T) {
	for _, viewers := range []int{100, 1000} {
		c := newCrowd(2000, viewers, 4000, 900, 20)
		c.look()
		require.Zero(t, testing.AllocsPerRun(50, func() { c.walk(); c.look() }), "%d viewers", viewers)
	}
}

// BenchmarkLook is one tick of interest management: W3 is ten thousand entities
// of which most stand still and 500 viewers, W2 an arena of players only.
func BenchmarkLook(b *testing.B) {
	for _, w := range []struct {
		name                          string
		entities, viewers, size, idle int
		radius                        float64
	}{
		{"W3/E=10000/P=500", 10000, 500, 10000, 80, 900},
		{"W2/P=100", 100, 100, 4000, 20, 1600},
		{"W2/P=1000", 1000, 1000, 4000, 20, 1600},
	} {
		b.Run(w.name, func(b *testing.B) {
			c := newCrowd(w.entities, w.viewers, w.size, w.radius, w.idle)
			c.look()
			seen := 0
			for b.Loop() {
				b.StopTimer()
				c.walk()
				b.StartTimer()
				c.look()
			}
			for i := range c.eyes {
				seen += visible(&c.eyes[i])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(w.viewers), "ns/viewer")
			b.ReportMetric(float64(seen)/float64(w.viewers), "seen/viewer")
		})
	}
}
