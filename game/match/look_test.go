package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gameserver/game"
	"gameserver/tick"

	"github.com/stretchr/testify/require"
)

type spot struct {
	X  float32 `snap:"q=0.5,x"`
	Y  int16   `snap:"y"`
	HP uint8   `snap:""`
}

type note struct {
	N uint32 `snap:""`
}

// scene is a game with every way to be seen. A test changes it between ticks.
type scene struct {
	Spots  game.Set[spot] `snap:"cap=4096"`
	Scores game.Set[note] `snap:"cap=1024"`
	Hands  game.Set[note] `snap:"cap=1024,own"`
	Plans  game.Set[note] `snap:"cap=1024,team"`
	Flags  game.Set[spot] `snap:"cap=64,all"`

	at   func(p *game.Player) spot
	step func(m *game.Match)
}

func (g *scene) Join(m *game.Match, p *game.Player) error {
	at := spot{HP: 100}
	if g.at != nil {
		at = g.at(p)
	}
	g.Spots.Put(p.ID, at)
	return nil
}

func (g *scene) Step(s *game.Step[input]) {
	if g.step != nil {
		g.step(s.Match)
	}
}

// foggy is a scene with a rule.
type foggy struct {
	scene
	hides func(p *game.Player, id game.ID) bool
}

func (g *foggy) Sees(_ *game.Match, p *game.Player, id game.ID) bool { return !g.hides(p, id) }

// filmed is a scene with a camera.
type filmed struct {
	scene
	x, y float64
	on   bool
}

func (g *filmed) Eye(*game.Match, *game.Player) (x, y float64, ok bool) { return g.x, g.y, g.on }

// stage runs a game of n players with links.
type stage struct {
	*Match
	links []*link
	tk    tick.Tick
}

func newStage[G game.Stepper[input]](tb testing.TB, g G, seats []SeatSpec, radius float64) *stage {
	tb.Helper()
	rules := quick()
	rules.Players, rules.Snapshots = game.Between(1, max(len(seats), 8)), 60
	rules.Interest = game.Interest{Radius: radius, Full: radius}
	var r registry
	game.Register(&r, "scene", func() G { return g }, rules)
	m, err := New(Config{ID: "m1", Def: r[0], Seed: 7, Seats: seats})
	require.NoError(tb, err)
	s := &stage{Match: m}
	for i, spec := range seats {
		if spec.Bot {
			s.links = append(s.links, nil)
			continue
		}
		l := &link{enc: i%2 == 0}
		s.links = append(s.links, l)
		_, err := m.Attach(i, l)
		require.NoError(tb, err)
	}
	return s
}

func (s *stage) ticks(n int) {
	for range n {
		s.tk.N++
		s.Tick(&s.tk)
	}
}

// held is what a client holds of the ids.
func (s *stage) held(seat int, ids ...game.ID) (out []bool) {
	for _, id := range ids {
		_, ok := s.links[seat].entities[int64(id)]
		out = append(out, ok)
	}
	return out
}

// TestRadius follows one entity out of a view and back, and its end in and out
// of sight: what is out of sight says nothing, and removals say why.
func TestRadius(t *testing.T) {
	g := &scene{}
	s := newStage(t, g, persons(1), 100)
	s.ticks(2)
	id := g.Spots.Add(spot{X: 50})
	far := g.Spots.Add(spot{X: 500})
	s.ticks(1)
	require.Equal(t, []bool{true, true, false}, s.held(0, 1, id, far))
	walk := func(x float32) {
		for g.Spots.Mut(id).X != x {
			g.Spots.Mut(id).X += min(max(x-g.Spots.Mut(id).X, -10), 10)
			s.ticks(1)
		}
		s.ticks(60)
	}
	walk(115)
	require.True(t, s.held(0, id)[0], "between the radii it stays")
	before := s.links[0].sent
	var removals [][]any
	note := func() {
		if l := s.links[0]; l.sent != before {
			removals, before = append(removals, l.last.R...), l.sent
		}
	}
	for g.Spots.Mut(id).X < 150 {
		g.Spots.Mut(id).X += 5
		s.ticks(1)
		note()
	}
	for range 60 {
		s.ticks(1)
		note()
	}
	require.Equal(t, [][]any{{float64(id), 0.0}}, removals, "left the view")
	g.Spots.Mut(id).HP = 3
	g.Spots.Del(far)
	s.ticks(1)
	require.Empty(t, s.links[0].last.E)
	require.Empty(t, s.links[0].last.R)
	walk(115)
	require.False(t, s.held(0, id)[0], "between the radii it stays away")
	walk(95)
	require.Equal(t, []any{190.0, 0.0, 3.0}, s.links[0].entities[int64(id)])
	g.Spots.Del(id)
	s.ticks(1)
	require.Equal(t, [][]any{{float64(id), 1.0}}, s.links[0].last.R, "destroyed")
	id = g.Spots.Add(spot{X: 5000})
	s.ticks(1)
	g.Spots.Del(id)
	s.ticks(1)
	require.Empty(t, s.links[0].last.R)
}

// TestEndOutOfSight lets an entity walk out of a view and end there before the
// player is sent another snapshot: it has left, and no more is told.
func TestEndOutOfSight(t *testing.T) {
	g := &scene{}
	s := newStage(t, g, persons(1), 100)
	s.ticks(2)
	id := g.Spots.Add(spot{X: 50})
	s.ticks(60)
	require.True(t, s.held(0, id)[0])
	s.links[0].refuse = true
	g.Spots.Mut(id).X = 5000
	s.ticks(20)
	g.Spots.Del(id)
	s.ticks(1)
	s.links[0].refuse = false
	s.ticks(1)
	require.Equal(t, [][]any{{float64(id), 0.0}}, s.links[0].last.R)
}

// TestOwnAndTeam holds who is sent the sets that are not about places.
func TestOwnAndTeam(t *testing.T) {
	seats := persons(4)
	for i := range seats {
		seats[i].Team = i / 2
	}
	for _, radius := range []float64{0, 100} {
		g := &scene{at: func(p *game.Player) spot { return spot{X: float32(p.ID) * 1000} }}
		s := newStage(t, g, seats, radius)
		s.ticks(2)
		flag := g.Flags.Add(spot{X: 1e6})
		score := g.Scores.Add(note{1})
		for seat := range seats {
			id := game.ID(seat + 1)
			require.True(t, g.Spots.Del(id))
			require.True(t, g.Hands.Put(id, note{5}))
		}
		s.ticks(1)
		for seat := range seats {
			want := []bool{seat == 0, seat == 1, seat == 2, seat == 3, true, true}
			require.Equal(t, want, s.held(seat, 1, 2, 3, 4, flag, score), "hands, radius %v, seat %d", radius, seat)
		}
		for seat := range seats {
			id := game.ID(seat + 1)
			require.True(t, g.Hands.Del(id))
			require.True(t, g.Plans.Put(id, note{6}))
		}
		s.ticks(1)
		for seat := range seats {
			first := seat < 2
			require.Equal(t, []bool{first, first, !first, !first}, s.held(seat, 1, 2, 3, 4), "plans, seat %d", seat)
		}
	}
}

// TestFog holds that what a rule hides is gone with the next snapshot, whatever
// the dwell, that it is shown again at once in a small match, and that the rule
// is asked about what is within reach only, and never about oneself.
func TestFog(t *testing.T) {
	hidden, asked := map[game.ID]bool{}, map[game.ID]bool{}
	g := &foggy{hides: func(_ *game.Player, id game.ID) bool { asked[id] = true; return hidden[id] }}
	s := newStage(t, g, persons(1), 100)
	s.ticks(2)
	id, far := g.Spots.Add(spot{X: 50}), g.Spots.Add(spot{X: 500})
	s.ticks(1)
	require.Equal(t, []bool{true, false}, s.held(0, id, far))
	for range 5 {
		hidden[id] = true
		s.ticks(1)
		require.Equal(t, [][]any{{float64(id), 0.0}}, s.links[0].last.R)
		hidden[id] = false
		s.ticks(1)
		require.True(t, s.held(0, id)[0])
	}
	require.Equal(t, map[game.ID]bool{id: true}, asked)
}

// TestFogInALargeMatch holds the same where not everybody is judged in each
// snapshot.
func TestFogInALargeMatch(t *testing.T) {
	hidden := map[game.ID]bool{}
	g := &foggy{hides: func(_ *game.Player, id game.ID) bool { return hidden[id] }}
	s := newStage(t, g, persons(fogSeats+1), 100)
	s.ticks(2)
	id := g.Spots.Add(spot{X: 50})
	s.ticks(1)
	for range 3 {
		hidden[id] = true
		s.ticks(1)
		for seat := range s.links {
			require.False(t, s.held(seat, id)[0], "hidden at once, from everybody")
		}
		hidden[id] = false
		s.ticks(lookEvery)
		for seat := range s.links {
			require.True(t, s.held(seat, id)[0])
		}
	}
}

// TestEye holds where a player sees from.
func TestEye(t *testing.T) {
	g := &filmed{}
	s := newStage(t, g, persons(1), 100)
	s.ticks(2)
	id, far := g.Spots.Add(spot{X: 50}), g.Spots.Add(spot{X: 500, Y: 7})
	s.ticks(10)
	require.Equal(t, []bool{true, false, false}, s.held(0, 1, id, far), "without a place, oneself only")
	g.on = true
	s.ticks(10)
	require.Equal(t, []bool{true, true, false}, s.held(0, 1, id, far))
	g.x = 450
	s.ticks(60)
	require.Equal(t, []bool{true, false, true}, s.held(0, 1, id, far))
	g.on = false
	s.ticks(60)
	require.Equal(t, []bool{true, false, true}, s.held(0, 1, id, far), "where it was")
}

// TestTheDeadSeeFromWhereTheyFell takes a player's entity away.
func TestTheDeadSeeFromWhereTheyFell(t *testing.T) {
	g := &scene{at: func(*game.Player) spot { return spot{X: 450} }}
	s := newStage(t, g, persons(1), 100)
	s.ticks(2)
	g.Spots.Del(1)
	far := g.Spots.Add(spot{X: 500})
	s.ticks(60)
	require.Equal(t, []bool{false, true}, s.held(0, 1, far))
}

// tape keeps the bytes of every snapshot.
type tape struct {
	link
	bytes []byte
}

func (l *tape) SendLatest(packet []byte) bool {
	l.bytes = append(l.bytes, packet...)
	return l.link.SendLatest(packet)
}

// TestHiddenStateIsInNoByte plays one game twice, the second time with much more
// going on where one player may not see it: out of reach, in the fog, in other
// players' hands and plans, births, deaths and ids included. The player is sent
// the same bytes, in every dialect and with checksums.
func TestHiddenStateIsInNoByte(t *testing.T) {
	for name, as := range map[string]link{
		"json":    {},
		"msgpack": {enc: true},
		"compact": {enc: true, quiet: true, wish: Wish{Compact: true, Check: true}},
	} {
		play := func(secrets bool) []byte {
			open, secret := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(3, 4))
			fog, g := map[game.ID]bool{}, &foggy{}
			g.hides = func(p *game.Player, id game.ID) bool { return p.ID == 1 && fog[id] }
			var ids []game.ID
			g.scene.at = func(p *game.Player) spot { return spot{X: float32(p.ID-1) * 4000} }
			g.scene.step = func(m *game.Match) {
				if m.Tick() == 3 {
					g.Hands.Put(m.NewID(), note{1}) // nobody's
					for range 100 {
						ids = append(ids, m.NewID())
						g.Spots.Put(ids[len(ids)-1], spot{X: float32(open.IntN(300)), Y: int16(open.IntN(100))})
					}
				}
				for _, id := range ids {
					v := g.Spots.Mut(id)
					v.X += float32(open.IntN(9)) - 4
					v.HP = uint8(open.IntN(50))
				}
				if secrets && m.Tick() > 3 {
					g.conspire(m, secret, fog)
				}
			}
			seats := persons(3)
			seats[1].Team, seats[2].Team = 1, 1
			s := newStage(t, g, seats, 200)
			l := &tape{link: as}
			_, err := s.Attach(0, l)
			require.NoError(t, err)
			s.ticks(400)
			return l.bytes
		}
		quiet := play(false)
		require.Greater(t, len(quiet), 50_000, name)
		require.Equal(t, as.wish.Compact, quiet[0] == 's' && quiet[1] == ' ', name)
		require.True(t, slices.Equal(quiet, play(true)), name)
	}
}

// conspire changes what the first player may not see.
func (g *foggy) conspire(m *game.Match, r *rand.Rand, fog map[game.ID]bool) {
	for range r.IntN(30) {
		near := spot{X: float32(r.IntN(100)), Y: int16(r.IntN(100))}
		id := m.NewID()
		if fog[id] = r.IntN(2) == 0; !fog[id] {
			near.X += 3000
		}
		g.Spots.Put(id, near)
	}
	for id, v := range g.Spots.All() {
		switch {
		case id == 2 || id == 3:
			v.HP = uint8(r.IntN(100))
		case fog[id] || v.X > 2000:
			v.Y = int16(r.IntN(200))
			if r.IntN(10) == 0 {
				g.Spots.Del(id)
			}
		}
	}
	if m.Tick() == 50 {
		g.Spots.Del(2)
		g.Plans.Put(2, note{})
		g.Spots.Del(3)
		g.Hands.Put(3, note{})
	}
	if m.Tick() > 50 {
		g.Plans.Mut(2).N = r.Uint32()
		g.Hands.Mut(3).N = r.Uint32()
	}
}

// TestLevelsThinTheTraffic holds that what is far comes less often, and less
// often still when the server is short of time.
func TestLevelsThinTheTraffic(t *testing.T) {
	g := &scene{}
	var rows []spot
	for d := range 20 {
		rows = append(rows, spot{X: float32(d * 5)})
	}
	s := newStage(t, g, persons(1), 100)
	s.rules.Interest.Full = 50
	s.field = s.newField()
	ids := []game.ID{}
	n := uint8(0)
	g.step = func(*game.Match) {
		n++
		for i, row := range rows {
			if len(ids) < len(rows) {
				ids = append(ids, g.Spots.Add(row))
			}
			g.Spots.Mut(ids[i]).HP = n
		}
	}
	count := func(level tick.Level) (sent int) {
		s.tk.Level = level
		s.ticks(20)
		for range 60 {
			s.ticks(1)
			sent += len(s.links[0].last.E)
		}
		return sent
	}
	// 11 entities in the first band, 5 in the second and 4 in the third.
	require.Equal(t, 11*60+5*30+4*20, count(tick.LevelFull))
	require.Equal(t, 11*60+5*20+4*10, count(tick.LevelFar))
	require.Equal(t, 11*60+5*30+4*20, count(tick.LevelFull))
}

// TestBudget changes everything in view in every tick, with room for a few of
// them in a snapshot: one's own comes each time, what is near more often than what
// is far, and nothing never.
func TestBudget(t *testing.T) {
	g := &scene{}
	var ids []game.ID
	g.step = func(m *game.Match) {
		for len(ids) < 60 {
			ids = append(ids, g.Spots.Add(spot{X: float32(len(ids)) * 1.5}))
		}
		for _, v := range g.Spots.All() {
			v.HP = uint8(m.Tick())
		}
	}
	s := newStage(t, g, persons(1), 100)
	s.rules.Interest.Full, s.rules.Interest.Budget = 50, 100
	s.field = s.newField()
	s.ticks(60)
	count := map[int64]int{}
	for range 240 {
		s.ticks(1)
		for _, e := range s.links[0].last.E {
			count[int64(e[0].(float64))]++
		}
		require.Less(t, len(s.links[0].last.E), 20, "100 bytes, 6 or more each")
	}
	require.Equal(t, 240, count[1], "one's own")
	near, middle, far := count[int64(ids[10])], count[int64(ids[40])], count[int64(ids[58])]
	require.Greater(t, near, middle)
	require.Greater(t, middle, far)
	require.Positive(t, far)
}

// TestLookingDoesNotAllocate runs whole ticks in which everybody walks about and
// sees a part of the others.
func TestLookingDoesNotAllocate(t *testing.T) {
	for _, n := range []int{100, 1000} {
		r := rand.New(rand.NewPCG(5, 6))
		g := &scene{}
		g.at = func(p *game.Player) spot { return spot{X: float32(r.IntN(4000)), Y: int16(r.IntN(4000))} }
		g.step = func(m *game.Match) {
			for _, v := range g.Spots.All() {
				v.X = min(max(v.X+float32(r.IntN(13)-6), 0), 4000)
				v.Y = min(max(v.Y+int16(r.IntN(13)-6), 0), 4000)
			}
		}
		s := newStage(t, g, persons(n), 900)
		for _, l := range s.links {
			l.quiet = true
		}
		s.ticks(12_000 / n) // views have grown to their size
		require.Zero(t, testing.AllocsPerRun(3000/n, func() { s.ticks(1) }), fmt.Sprint(n, " players"))
	}
}
