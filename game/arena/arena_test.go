package arena

import (
	"math"
	"testing"
	"time"

	"gameserver/game"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// duel is two players face to face on open ground, 300 px apart.
func duel(t *testing.T, o Options) (s *sim, p, q *game.Player) {
	t.Helper()
	s = newSim(t, 1, o)
	p, q = s.enter("ann", false), s.enter("bob", false)
	s.step()
	s.place(p, 500, 60)
	s.place(q, 800, 60)
	return s, p, q
}

func TestSchemaIsTheDocumentedWire(t *testing.T) {
	var c catcher
	Register(&c, Options{})
	require.Equal(t, "arena", c.def.Name)
	want := map[string][]string{
		"ships":  {"x", "y", "rot", "vx", "vy", "hp", "flags", "respawn"},
		"shots":  {"x", "y", "vx", "vy", "owner"},
		"round":  {"phase", "endsAt"},
		"beams":  {"x", "y", "tx", "ty", "owner"},
		"scores": {"player", "kills", "deaths", "alive"},
	}
	names := []string{"ships", "shots", "round", "beams", "scores"}
	require.Len(t, c.def.Schema.Sets, len(names))
	for i, set := range c.def.Schema.Sets {
		require.Equal(t, names[i], set.Name)
		var got []string
		for _, f := range set.Fields {
			got = append(got, f.Name)
		}
		require.Equal(t, want[set.Name], got)
	}
}

func TestOptions(t *testing.T) {
	var c catcher
	Register(&c, Options{})
	require.Equal(t, 60, c.def.Rules.Tick)
	require.Equal(t, game.Between(2, 8), c.def.Rules.Players)
	require.True(t, c.def.Rules.Bots)
	Register(&c, Options{Tick: 30, Players: game.Between(1, MaxPlayers), NoBots: true})
	require.Equal(t, 30, c.def.Rules.Tick)
	require.False(t, c.def.Rules.Bots)
	Register(&c, Options{Tick: game.TickMax, Players: game.Between(2, MaxPlayers)})
	require.Equal(t, 250*time.Millisecond, c.def.Rules.Rewind)
	require.Equal(t, game.Interest{Radius: crowdSight, Full: crowdSight}, c.def.Rules.Interest)
	Register(&c, Options{Sight: -1, Fog: true})
	require.Equal(t, game.Interest{Radius: MaxSight, Full: MaxSight}, c.def.Rules.Interest)
	Register(&c, Options{})
	require.Equal(t, game.Interest{}, c.def.Rules.Interest)
	require.Equal(t, 400*time.Millisecond, c.def.Rules.Rewind)
	require.Panics(t, func() { Register(&c, Options{Players: game.Between(2, MaxPlayers+1)}) })
	require.Equal(t, minRound, Options{Round: 1}.withDefaults().Round)
	require.Equal(t, maxRound, Options{Round: maxRound + 1}.withDefaults().Round)
}

func TestWorld(t *testing.T) {
	s := newSim(t, 1, Options{Tick: 30})
	w, ok := s.d.World().(World)
	require.True(t, ok)
	require.Equal(t, [2]float64{2400, 1600}, [2]float64{w.W, w.H})
	require.Equal(t, uint32(180*30), w.Round)
	require.Len(t, w.Walls, len(s.a.field.Walls))
	require.Equal(t, 100, w.HP)
}

func TestFullFieldRefusesOneMore(t *testing.T) {
	s := newSim(t, 1, Options{})
	for range MaxPlayers {
		s.enter("p", false)
	}
	require.Equal(t, MaxPlayers, s.a.Ships.Len())
	require.ErrorIs(t, s.a.Join(s.d.Match(), &game.Player{ID: MaxPlayers + 1}), errFull)
}

func TestKillGivesScoreAndTheVictimRespawns(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.hold(p, Input{Fire: true})
	for s.kills == 0 && s.tick < 300 {
		s.step()
	}
	killer, victim := s.ship(p), s.ship(q)
	require.Equal(t, 1, s.kills)
	require.Equal(t, MaxHP/ShotDamage, s.hits)
	require.Equal(t, uint16(1), killer.Kills)
	require.Equal(t, uint16(1), victim.Deaths)
	require.False(t, victim.alive())
	require.Zero(t, victim.HP)
	require.Equal(t, uint8(3), victim.Respawn)

	x, y, spawns := victim.X, victim.Y, s.spawns
	s.hold(p, Input{})
	s.hold(q, Input{Right: true, Fire: true})
	s.steps(3*60 - 1)
	require.False(t, victim.alive())
	require.Equal(t, [2]float64{x, y}, [2]float64{victim.X, victim.Y}, "the dead do not move")
	require.Equal(t, uint8(1), victim.Respawn)
	s.step()
	require.True(t, victim.alive())
	require.Equal(t, uint8(MaxHP), victim.HP)
	require.NotZero(t, victim.Flags&FlagShielded)
	require.Equal(t, spawns+1, s.spawns)
	require.Greater(t, length(victim.X-killer.X, victim.Y-killer.Y), 500.0, "far from the enemy")

	r := s.a.result(s.d.Match())
	require.Equal(t, Standing{ID: p.ID, Name: "ann", Kills: 1, Score: 100, damage: 100}, r.Players[0])
	require.Equal(t, p.ID, r.Winner)
}

func TestFireInterval(t *testing.T) {
	s, p, _ := duel(t, Options{})
	s.hold(p, Input{Fire: true, Aim: math.Pi / 2})
	fired := 0
	for range 60 {
		s.step()
		if at := s.ship(p).fireAt; at == s.tick+s.a.clock.fire {
			fired++
			require.NotZero(t, s.ship(p).Flags&FlagFiring)
		}
	}
	require.Equal(t, 5, fired, "every 13 ticks of 60")
}

func TestShieldProtectsUntilItEndsOrItsShipFires(t *testing.T) {
	s, p, q := duel(t, Options{})
	victim := s.ship(q)
	victim.shieldEnd = s.tick + 1000
	s.hold(p, Input{Fire: true})
	s.steps(60)
	require.Equal(t, uint8(MaxHP), victim.HP)
	require.Zero(t, s.hits)
	require.NotZero(t, victim.Flags&FlagShielded)
	s.hold(q, Input{Fire: true, Aim: math.Pi / 2})
	s.step()
	require.Zero(t, victim.Flags&FlagShielded)
	s.steps(60)
	require.Less(t, victim.HP, uint8(MaxHP))
}

func TestEverybodyStartsShielded(t *testing.T) {
	s := newSim(t, 1, Options{})
	p := s.enter("ann", false)
	s.tick = 500 // a long countdown, in which the world stands
	s.steps(90)
	require.NotZero(t, s.ship(p).Flags&FlagShielded)
	s.step()
	require.Zero(t, s.ship(p).Flags&FlagShielded, "1.5 s")
}

func TestHealthComesBack(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.hold(p, Input{Fire: true})
	for s.hits == 0 {
		s.step()
	}
	s.hold(p, Input{})
	s.a.Shots.All()(func(id game.ID, _ *Shot) bool { s.a.Shots.Del(id); return true })
	s.steps(int(regenDelay*60) - 1)
	require.Equal(t, uint8(80), s.ship(q).HP)
	s.steps(60)
	require.InDelta(t, 90, int(s.ship(q).HP), 1)
	s.steps(120)
	require.Equal(t, uint8(100), s.ship(q).HP)
}

func TestShotsLiveTheirTime(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.place(q, 100, 1500)
	s.hold(p, Input{Fire: true})
	s.step()
	s.hold(p, Input{})
	require.Equal(t, 1, s.a.Shots.Len())
	s.steps(65)
	require.Equal(t, 1, s.a.Shots.Len())
	for _, shot := range s.a.Shots.All() {
		require.InDelta(t, 500+muzzle+66*ShotSpeed/60, shot.X, 1e-6)
	}
	s.step()
	require.Zero(t, s.a.Shots.Len())
}

// TestShotsDoNotTunnel fires from everywhere in every direction at both tick
// rates and checks each shot's way, sample by sample, against the walls.
func TestShotsDoNotTunnel(t *testing.T) {
	for _, rate := range []int{60, 30} {
		s := newSim(t, 1, Options{Tick: rate, Round: time.Hour})
		p := s.enter("ann", false)
		s.step()
		rapid.Check(t, func(t *rapid.T) {
			x, y := s.a.field.nav.centre(int(rapid.SampledFrom(s.a.field.nav.open).Draw(t, "at")))
			ship := s.place(p, x, y)
			ship.fireAt = 0
			s.hold(p, Input{Fire: true, Aim: rapid.Float64Range(-3.14, 3.14).Draw(t, "aim")})
			s.step()
			s.hold(p, Input{})
			for px, py := x, y; s.a.Shots.Len() > 0; s.step() {
				for _, shot := range s.a.Shots.All() {
					for i := range 50 {
						k := float64(i+1) / 50
						x, y := px+(shot.X-px)*k, py+(shot.Y-py)*k
						if _, _, depth := s.a.field.deepest(x, y, ShotRadius-0.01); depth > 0 {
							t.Fatalf("in a wall at %g,%g from %g,%g", x, y, px, py)
						}
					}
					px, py = shot.X, shot.Y
				}
			}
		})
	}
}

// TestShotsDoNotPassShips fires across a ship from distances that put the
// tick boundaries anywhere relative to it.
func TestShotsDoNotPassShips(t *testing.T) {
	s, p, q := duel(t, Options{Tick: 30})
	for d := 2 * muzzle; d < 600; d += 3.7 {
		s.place(p, 200, 60).fireAt = 0
		s.place(q, 200+d, 60+15).HP = MaxHP
		was := s.hits
		s.hold(p, Input{Fire: true})
		s.step()
		s.hold(p, Input{})
		for s.a.Shots.Len() > 0 {
			s.step()
		}
		require.Equal(t, was+1, s.hits, "at distance %g", d)
	}
}

func TestAWallStopsAShotAtTheMuzzle(t *testing.T) {
	s, p, q := duel(t, Options{})
	// Both sides of the inner rampart, touching it.
	s.place(p, 880, 420-ShipRadius)
	s.place(q, 880, 460+ShipRadius)
	s.hold(p, Input{Fire: true, Aim: math.Pi / 2})
	s.steps(60)
	require.Zero(t, s.hits)
}

func TestPointBlankHits(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.place(q, 505, 60)
	s.hold(p, Input{Fire: true})
	s.step()
	require.Equal(t, 1, s.hits)
}

// TestOneDeathPerLife lets three shots meet a ship that has health for one in
// the same tick.
func TestOneDeathPerLife(t *testing.T) {
	s, p, q := duel(t, Options{})
	ship := s.ship(q)
	ship.HP = ShotDamage
	for range 3 {
		s.a.Shots.Add(Shot{X: 775, Y: 60, VX: ShotSpeed, Owner: p.ID, ends: s.tick + 60})
	}
	s.step()
	require.Equal(t, [2]int{1, 1}, [2]int{s.hits, s.kills})
	require.Equal(t, uint16(1), s.ship(p).Kills)
	require.Equal(t, uint16(1), ship.Deaths)
	require.Equal(t, 2, s.a.Shots.Len(), "the others fly on")
}

func TestHeadingStaysWithoutInput(t *testing.T) {
	s, p, _ := duel(t, Options{})
	s.hold(p, Input{Aim: 2})
	s.step()
	s.hold(p, Input{})
	s.step()
	require.Equal(t, 2.0, s.ship(p).Rot)
}

func TestRoundEndsWithAResult(t *testing.T) {
	s, p, q := duel(t, Options{Round: 10 * time.Second})
	_ = q
	s.hold(p, Input{Fire: true})
	for !s.d.Ended() {
		require.Less(t, s.tick, uint32(700))
		s.step()
	}
	require.Equal(t, uint32(601), s.tick, "ten seconds after the first step")
	for _, r := range s.a.Rounds.All() {
		require.Equal(t, Round{Phase: PhaseOver, EndsAt: 601}, *r)
	}
	was := s.hash()
	s.steps(10)
	require.Equal(t, was, s.hash(), "nothing moves any more")
	r, ok := s.d.Close(game.ReasonEnded).(Result)
	require.True(t, ok)
	require.Equal(t, p.ID, r.Winner)
	require.Len(t, r.Players, 2)
	require.GreaterOrEqual(t, r.Players[0].Kills, 1)
}

func TestResultIsSorted(t *testing.T) {
	s := newSim(t, 1, Options{}).bots(5)
	require.Zero(t, s.a.result(s.d.Match()).Winner, "nobody has scored")
	for i, v := range [][3]int{{2, 1, 90}, {3, 9, 0}, {2, 0, 0}, {2, 1, 95}, {2, 1, 90}} {
		ship := s.a.Ships.Mut(game.ID(i + 1))
		ship.Kills, ship.Deaths, ship.damage = uint16(v[0]), uint16(v[1]), uint32(v[2])
	}
	r := s.a.result(s.d.Match())
	var order []game.ID
	for _, st := range r.Players {
		require.True(t, st.Bot)
		order = append(order, st.ID)
	}
	require.Equal(t, []game.ID{2, 3, 4, 1, 5}, order)
	require.Equal(t, game.ID(2), r.Winner)
}

func TestLeaverTakesShipAndShots(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.hold(p, Input{Fire: true})
	s.hold(q, Input{Fire: true})
	s.steps(3)
	require.Equal(t, 2, s.a.Shots.Len())
	s.d.Exit(p)
	s.d.Leave(p, game.ReasonLeft)
	require.Nil(t, s.a.Ships.Mut(p.ID))
	for _, shot := range s.a.Shots.All() {
		require.Equal(t, q.ID, shot.Owner)
	}
	s.steps(200)
	require.Len(t, s.a.result(s.d.Match()).Players, 1)
}

func TestDroppedShipStandsStillAndComesBack(t *testing.T) {
	s, p, _ := duel(t, Options{})
	s.hold(p, Input{Left: true, Fire: true, Aim: 1})
	s.steps(20)
	s.d.Drop(p)
	s.steps(20)
	ship := s.ship(p)
	x, shots := ship.X, s.a.Shots.Len()
	require.Zero(t, ship.VX)
	require.Equal(t, 1.0, ship.Rot)
	s.steps(20)
	require.Equal(t, x, ship.X)
	require.LessOrEqual(t, s.a.Shots.Len(), shots, "it fires no more")
	s.d.Resume(p)
	s.steps(5)
	require.Less(t, ship.X, x)
}

// TestSpawnKeepsItsDistance holds the reason for drawing several places.
func TestSpawnKeepsItsDistance(t *testing.T) {
	s := newSim(t, 7, Options{}).bots(8)
	s.step()
	for range 200 {
		ship := s.a.Ships.Mut(3)
		ship.Flags = 0
		s.a.spawn(s.d.Match(), 3, ship)
		require.Greater(t, math.Sqrt(s.a.nearest2(3, ship.X, ship.Y)), 250.0)
	}
}

func TestShotsAreBounded(t *testing.T) {
	s, p, _ := duel(t, Options{})
	ship := s.ship(p)
	for i := range maxShots {
		s.a.fire(s.tick, p.ID, ship)
		require.Equal(t, i+1, s.a.Shots.Len())
	}
	at := ship.fireAt
	s.a.fire(s.tick+50, p.ID, ship)
	require.Equal(t, maxShots, s.a.Shots.Len())
	require.Equal(t, at, ship.fireAt, "a shot that found no room costs nothing")
}
