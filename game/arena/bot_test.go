package arena

import (
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
	for _, c := range []struct{ rate, bots, kills int }{
		{60, 2, 1}, {60, 8, 10}, {30, 8, 10}, {60, 64, 200},
	} {
		for seed := range uint64(3) {
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
			require.True(s.t, s.a.field.inside(ship.X, ship.Y, ShipRadius-1e-9))
			require.LessOrEqual(s.t, length(ship.VX, ship.VY), MaxSpeed+1e-9)
			require.LessOrEqual(s.t, ship.Rot, 3.2)
			require.GreaterOrEqual(s.t, ship.Rot, -3.2)
			m, ok := marks[id]
			if !ok || !ship.alive() || length(ship.X-m.x, ship.Y-m.y) > 2*ShipRadius {
				marks[id] = mark{ship.X, ship.Y, s.tick}
				continue
			}
			require.Less(s.t, s.tick-m.tick, 3*s.a.clock.rate, "ship %d is stuck at %g,%g", id, ship.X, ship.Y)
		}
	}
}

func TestBotsDiffer(t *testing.T) {
	s := newSim(t, 1, Options{}).bots(16)
	s.step()
	seen := map[temper]bool{}
	for p := range s.d.Match().Players() {
		b, ok := p.Data.(*brain)
		require.True(t, ok)
		seen[b.temper] = true
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

func TestBotReactsLate(t *testing.T) {
	for seed := range uint64(8) {
		s := newSim(t, seed, Options{})
		p, q := s.enter("bot", true), s.enter("ann", false)
		s.step()
		s.place(p, 1000, 1250).Rot = 0
		s.place(q, 1300, 1250)
		start := s.tick
		for s.ship(p).fireAt == 0 {
			require.Less(t, s.tick-start, uint32(300))
			s.step()
		}
		require.Greater(t, s.tick-start, uint32(7), "seed %d: no person fires after an eighth of a second", seed)
	}
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
	s.steps(900) // sets, queues and events reach their size
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
