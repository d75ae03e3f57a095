package match

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestClientsHoldWhatTheySee plays random games with a radius, fog, births, ends,
// jumps, a budget and links that refuse. After each snapshot that a client takes
// it holds exactly what its player sees; and when the world stands still for a
// while, as it is.
func TestClientsHoldWhatTheySee(tt *testing.T) {
	rapid.Check(tt, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 9))
		hidden := map[game.ID]bool{}
		place := func() spot {
			return spot{X: float32(r.IntN(500)), Y: int16(r.IntN(500)), HP: uint8(r.IntN(9))}
		}
		g := &foggy{hides: func(p *game.Player, id game.ID) bool { return hidden[id*8+p.ID] }}
		g.scene.at = func(*game.Player) spot { return place() }
		still := false
		g.scene.step = func(*game.Match) {
			if still {
				return
			}
			for id, v := range g.Spots.All() {
				switch n := r.IntN(100); {
				case n == 0 && id > 3:
					g.Spots.Del(id)
				case n == 1:
					*v = place()
				case n == 2:
					hidden[id*8+game.ID(1+r.IntN(3))] = r.IntN(2) == 0
				case n < 50:
					v.X += float32(r.IntN(9) - 4)
					v.HP++
				}
			}
			for range r.IntN(3) {
				g.Spots.Add(place())
			}
		}
		s := newStage(tt, g, persons(3), 120)
		s.rules.Interest.Full = float64(rapid.SampledFrom([]int{30, 120}).Draw(t, "full"))
		s.field = s.newField()
		budget := rapid.Bool().Draw(t, "budget")
		if budget {
			s.rules.Interest.Budget = 64
		}
		check := func(exact bool) {
			for seat, l := range s.links {
				if l.refuse || l.last.T != s.tick {
					continue
				}
				if n := s.compare(t, seat, g, exact); n != len(l.entities) && (!budget || exact) {
					t.Fatalf("tick %d, seat %d: %d entities held, %d seen", s.tick, seat, len(l.entities), n)
				}
			}
		}
		s.ticks(2)
		for range rapid.IntRange(10, 120).Draw(t, "ticks") {
			for _, l := range s.links {
				l.refuse = r.IntN(6) == 0
			}
			s.ticks(1)
			check(false)
		}
		still = true
		for _, l := range s.links {
			l.refuse = false
		}
		s.ticks(240) // a budget, the slowest band and the dwell have let everything through
		check(true)
	})
}

// compare counts what a seat sees of the spots, and fails when its client holds
// something else or, if exact is set, something different.
func (s *stage) compare(t *rapid.T, seat int, g *foggy, exact bool) (n int) {
	eye, l := &s.seats[seat].eye, s.links[seat]
	seen := map[int64]bool{}
	for id, v := range g.Spots.All() {
		set, slot := s.drv.Where(id)
		band := -1
		for b, words := range eye.Sight.Sets[set].Bands {
			if slot/64 < len(words) && words[slot/64]>>(slot%64)&1 != 0 {
				band = b
			}
		}
		row, held := l.entities[int64(id)]
		switch {
		case band < 0 && held:
			t.Fatalf("tick %d, seat %d holds %d, which it may not see", s.tick, seat, id)
		case band < 0:
			continue
		case !held && s.rules.Interest.Budget == 0:
			t.Fatalf("tick %d, seat %d sees %d but does not hold it", s.tick, seat, id)
		}
		n++
		seen[int64(id)] = true
		if held && (exact || band == 0 && s.rules.Interest.Budget == 0) {
			want := []any{math.RoundToEven(float64(v.X) * 2), float64(v.Y), float64(v.HP)}
			require.Equal(t, want, row, fmt.Sprint("tick ", s.tick, " seat ", seat, " id ", id, " band ", band))
		}
	}
	for id := range l.entities {
		if !seen[id] {
			t.Fatalf("tick %d, seat %d holds %d, which is no more", s.tick, seat, id)
		}
	}
	return n
}
