package arena

import (
	"math"
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

func TestSameSeedSameWorld(t *testing.T) {
	run := func(seed uint64) (uint64, int) {
		s := newSim(t, seed, Options{}).bots(12)
		s.steps(3600)
		return s.hash(), s.kills
	}
	h1, k1 := run(42)
	h2, k2 := run(42)
	require.Equal(t, h1, h2)
	require.Equal(t, k1, k2)
	h3, _ := run(43)
	require.NotEqual(t, h1, h3)
}

// TestBotsFight plays minutes of bots alone at both rates and holds what makes
// them worth playing against: they hunt, hit some and miss many, nobody stands
// around, and everything they do is legal.
func TestBotsFight(t *testing.T) {
	for _, c := range []struct {
		rate, bots, kills int
		seeds             uint64
	}{{60, 2, 1, 4}, {60, 8, 10, 3}, {30, 8, 10, 3}, {60, 64, 200, 1}} {
		for seed := range c.seeds {
			s := newSim(t, seed, Options{Tick: c.rate, Round: time.Hour}).bots(c.bots)
			watchBots(s, 60*c.rate)
			require.GreaterOrEqual(t, s.kills, c.kills, "%+v seed %d", c, seed)
			require.Less(t, s.kills, 40*c.kills, "%+v seed %d: a slaughter", c, seed)
		}
	}
}

// watchBots runs a match and fails when a ship breaks a rule or does not get
// away from a spot for three seconds.
func watchBots(s *sim, ticks int) {
	type mark struct {
		x, y float64
		tick uint32
	}
	marks := map[game.ID]mark{}
	for range ticks {
		s.step()
		for id, ship := range s.a.Ships.All() {
			if !s.a.field.inside(ship.X, ship.Y, ShipRadius-1e-9) ||
				length(ship.VX, ship.VY) > MaxSpeed+1e-9 || math.Abs(ship.Rot) > 3.2 {
				s.t.Fatalf("ship %d broke a rule: %+v", id, ship)
			}
			m, ok := marks[id]
			if !ok || !ship.alive() || length(ship.X-m.x, ship.Y-m.y) > 2*ShipRadius {
				marks[id] = mark{ship.X, ship.Y, s.tick}
				continue
			}
			if s.tick-m.tick >= 3*s.a.clock.rate {
				s.t.Fatalf("ship %d is stuck at %g,%g", id, ship.X, ship.Y)
			}
		}
	}
}

// memory returns what a bot that has thought at least once carries along.
func memory(t *testing.T, p *game.Player) *brain {
	t.Helper()
	b, ok := p.Data.(*brain)
	require.True(t, ok)
	return b
}

func TestBotsDiffer(t *testing.T) {
	s := newSim(t, 1, Options{}).bots(16)
	s.step()
	seen := map[temper]bool{}
	for p := range s.d.Match().Players() {
		seen[memory(t, p).temper] = true
	}
	require.Len(t, seen, 16)
}

// TestBotFindsAnEnemyBehindWalls puts a ship that never moves into the far
// corner: a bot must come and get it.
func TestBotFindsAnEnemyBehindWalls(t *testing.T) {
	for seed := range uint64(5) {
		s := newSim(t, seed, Options{})
		p, q := s.enter("bot", true), s.enter("ann", false)
		s.step()
		s.place(p, 2200, 1500)
		s.place(q, 340, 340)
		for s.hits == 0 {
			require.Less(t, s.tick, uint32(20*60), "seed %d", seed)
			s.step()
		}
	}
}

// TestBotMissesSomeoneWhoDodges holds that a bot is neither harmless nor
// perfect against a person who moves.
func TestBotMissesSomeoneWhoDodges(t *testing.T) {
	hits, fired := 0, 0
	for seed := range uint64(6) {
		s := newSim(t, seed, Options{})
		p, q := s.enter("bot", true), s.enter("ann", false)
		s.step()
		s.place(p, 1000, 1250)
		s.place(q, 1400, 1250)
		for i := range 600 {
			s.hold(q, Input{Up: i/25%2 == 0, Down: i/25%2 == 1})
			s.ship(q).HP, s.ship(p).HP = MaxHP, MaxHP
			s.step()
			if s.ship(p).fireAt == s.tick+s.a.clock.fire {
				fired++
			}
		}
		hits += s.hits
	}
	require.Greater(t, fired, 60)
	require.Greater(t, hits*20, fired, "hits %d of %d", hits, fired)
	require.Less(t, hits*10, fired*7, "hits %d of %d", hits, fired)
}

// TestBotReactsLate shows an enemy to a bot that happens to think and to point
// the right way at that very tick: it still needs its reaction time.
func TestBotReactsLate(t *testing.T) {
	for seed := range uint64(8) {
		s := newSim(t, seed, Options{})
		p, q := s.enter("bot", true), s.enter("ann", false)
		s.step()
		s.place(p, 1000, 1250)
		s.place(q, 1300, 1250)
		b := memory(t, p)
		b.aim, b.miss, b.visible = 0, 0, false
		b.thinkAt, b.burstTo = s.tick+1, 1<<30
		start, wait := s.tick, b.after(0, b.reaction)
		for s.ship(p).fireAt == 0 {
			require.Less(t, s.tick-start, uint32(300))
			s.step()
		}
		require.Greater(t, s.tick-start, wait, "seed %d", seed)
		require.Greater(t, wait, uint32(6), "no person fires within a tenth of a second")
	}
}

func TestBotAimDrifts(t *testing.T) {
	s := newSim(t, 1, Options{Round: time.Hour}).bots(8)
	sum, most := map[game.ID]float64{}, map[game.ID]float64{}
	const n = 3000
	for range n {
		s.step()
		for p := range s.d.Match().Players() {
			b := memory(t, p)
			sum[p.ID] += math.Abs(b.miss) / b.aimError / n
			most[p.ID] = max(most[p.ID], math.Abs(b.miss)/b.aimError)
		}
	}
	for id, mean := range sum {
		require.Greater(t, mean, 0.2, "bot %d aims too well for its temper", id)
		require.Less(t, mean, 1.0)
		require.LessOrEqual(t, most[id], 3.0)
	}
}

// TestLeadMeetsAMovingTarget flies a shot at the angle a bot would choose.
func TestLeadMeetsAMovingTarget(t *testing.T) {
	b := &brain{tvx: 40, tvy: -300}
	me, target := &Ship{X: 200, Y: 800}, &blip{x: 550, y: 900}
	angle, distance := b.lead(me, target)
	require.InDelta(t, length(350, 100), distance, 1e-9)
	x, y := Heading(angle)
	nearest := math.Inf(1)
	for time := 0.0; time < shotLife; time += 0.001 {
		d := muzzle + ShotSpeed*time
		nearest = min(nearest, length(me.X+x*d-target.x-b.tvx*time, me.Y+y*d-target.y-b.tvy*time))
	}
	require.Less(t, nearest, ShipRadius/2)
}

// TestDodgeGoesAway puts a shot a little to either side of a bot: it turns to
// the side that leads away from the shot's path.
func TestDodgeGoesAway(t *testing.T) {
	s, p, q := duel(t, Options{})
	for _, off := range []float64{-15, 15} {
		me := s.place(p, 700, 60)
		target := &blip{id: q.ID, x: 1000, y: 60}
		id := s.a.Shots.Add(Shot{X: 900, Y: 60 + off, VX: -ShotSpeed, Owner: q.ID, ends: s.tick + 60})
		b := &brain{side: off} // the wrong way
		s.a.dodge(b, p.ID, me, target)
		_, y := b.circle(me, target)
		require.Negative(t, y*off, "the shot comes %g px lower, the way out is the other one", off)
		s.a.Shots.Del(id)
	}
}

// TestBotHoldsFireBehindAWall pins a bot and its target to the two sides of the
// inner rampart.
func TestBotHoldsFireBehindAWall(t *testing.T) {
	s := newSim(t, 1, Options{})
	p, q := s.enter("bot", true), s.enter("ann", false)
	for range 300 {
		s.step()
		s.place(p, 880, 360)
		s.place(q, 880, 520)
		require.Zero(t, s.a.Shots.Len())
	}
	require.Equal(t, q.ID, memory(t, p).target)
	require.False(t, memory(t, p).visible)
}

// TestBotFreesItself pins a bot: it must notice and try to go elsewhere.
func TestBotFreesItself(t *testing.T) {
	s := newSim(t, 1, Options{})
	p := s.enter("bot", true)
	s.enter("ann", false)
	free := 0
	for range 300 {
		s.step()
		s.place(p, 880, 360)
		if memory(t, p).goal == goalFree {
			free++
		}
	}
	require.Greater(t, free, 30)
}

func TestBotAloneWanders(t *testing.T) {
	s := newSim(t, 1, Options{}).bots(1)
	watchBots(s, 1200)
	require.Zero(t, s.a.Shots.Len())
}

// TestASeatThatBecomesABotPlays holds that a bot may take over a ship.
func TestASeatThatBecomesABotPlays(t *testing.T) {
	s, p, _ := duel(t, Options{})
	s.d.Drop(p)
	s.steps(10)
	p.Bot = true
	x, y := s.ship(p).X, s.ship(p).Y
	s.steps(120)
	require.Greater(t, length(s.ship(p).X-x, s.ship(p).Y-y), 20.0)
}

func TestStepDoesNotAllocate(t *testing.T) {
	s := newSim(t, 1, Options{Round: time.Hour}).bots(MaxPlayers)
	s.steps(900) // sets and queues reach their size; an event now and then is boxed
	was := s.kills
	require.Zero(t, testing.AllocsPerRun(600, s.step))
	require.Greater(t, s.kills, was, "the ticks were busy ones")
}

func BenchmarkStep64(b *testing.B) {
	s := newSim(b, 1, Options{Round: time.Hour}).bots(MaxPlayers)
	s.steps(600)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		s.step()
	}
}
