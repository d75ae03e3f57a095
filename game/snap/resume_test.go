package snap

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// lastWords lets a tick pass and its snapshot be taken by the socket, and lost.
func (g *golden) lastWords() {
	g.tick++
	g.number++
	g.world.Diff(g.tick, g.number)
	g.make()
}

// TestResumeAcrossAChangeOfViews: what left while a player saw everything is not
// in the list that a view of its own interests keeps, so that it cannot be brought
// back to before it had one.
func TestResumeAcrossAChangeOfViews(t *testing.T) {
	g := newGolden(t, "")
	g.add(1, 1, thing{})
	g.add(1, 2, thing{})
	g.snap("a key")
	g.del(1, 0)
	g.lastWords() // 1 is no more, and nobody hears of it
	g.p.view.Sight = second(window(seaCap, 0, 10))
	g.lastWords()
	require.False(t, g.world.Resume(&g.p.view, 1))
	g.snap("a key")
	require.Equal(t, 1, g.p.mirror.Len())
}

// TestResumeKnowsSoMuch holds the bounds: as many removals as are remembered, and
// one more.
func TestResumeKnowsSoMuch(t *testing.T) {
	for _, c := range []struct {
		sight *Sight
		most  int
	}{{nil, deathsMax}, {second(window(seaCap, 0, 1)), lossesMax}} {
		for _, more := range []int{0, 1} {
			g := newGolden(t, "")
			g.p.view.Sight = c.sight
			g.add(1, 1, thing{})
			g.snap("a key")
			for id := range c.most + more {
				g.del(1, 0)
				g.add(1, uint32(id+2), thing{})
				g.lastWords()
			}
			require.Equal(t, more == 0, g.world.Resume(&g.p.view, 1), "%d removals", c.most+more)
			g.snap("what is there")
			require.Equal(t, 1, g.p.mirror.Len())
		}
	}
}
