package arena

import (
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// beams lists the lights that are there.
func (s *sim) beams() (out []Beam) {
	for _, b := range s.a.Beams.All() {
		out = append(out, *b)
	}
	return out
}

// once holds an input for one tick.
func (s *sim) once(p *game.Player, in Input) {
	s.t.Helper()
	s.hold(p, in)
	s.step()
	in.Beam, in.Fire = false, false
	s.hold(p, in)
}

func TestBeamHitsAtOnce(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.steps(10)
	require.NotZero(t, s.ship(p).Flags&FlagCharged)
	s.once(p, Input{Beam: true})
	require.Equal(t, MaxHP-BeamDamage, int(s.ship(q).HP))
	require.Equal(t, 1, s.hits)
	require.Len(t, s.beams(), 1)
	b := s.beams()[0]
	require.Equal(t, p.ID, b.Owner)
	require.InDelta(t, 500.0, b.X, 1e-9)
	require.InDelta(t, 800-ShipRadius, b.TX, 1e-3)
	require.InDelta(t, 60.0, b.TY, 1e-3)
	require.Zero(t, s.ship(p).Flags&FlagCharged)
	s.steps(int(s.a.clock.glow) + 1)
	require.Empty(t, s.beams())
}

// TestBeamCharges holds the trigger: one beam in its time.
func TestBeamCharges(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.steps(10)
	s.hold(p, Input{Beam: true})
	for range 3 * s.a.clock.beam {
		s.ship(q).HP = MaxHP
		s.step()
	}
	require.Equal(t, 3, s.hits)
}

// TestBeamStops holds what is in its way: walls, the border, the first ship.
func TestBeamStops(t *testing.T) {
	s, p, q := duel(t, Options{})
	third := s.enter("cyd", false)
	s.place(third, 900, 60)
	s.steps(10)
	s.once(p, Input{Beam: true})
	require.Equal(t, MaxHP, int(s.ship(third).HP), "behind another")
	s.ship(p).beamAt = 0
	s.once(p, Input{Beam: true, Aim: 3.141592653589793})
	b := s.beams()[1]
	require.InDelta(t, 0.0, b.TX, 1e-6, "the border")
	s.ship(p).beamAt = 0
	s.place(p, 600, 150)
	s.place(q, 900, 150)
	s.steps(10)
	hp := s.ship(q).HP
	s.once(p, Input{Beam: true})
	require.Equal(t, hp, s.ship(q).HP)
	require.InDelta(t, 740.0, s.beams()[2].TX, 1e-6, "the wall between 740 and 780")
	s.ship(p).beamAt = 0
	s.place(p, 100, 1550)
	s.once(p, Input{Beam: true})
	require.InDelta(t, 100+BeamReach, s.beams()[len(s.beams())-1].TX, 1e-6, "its reach")
}

// TestBeamAsksThePresent holds what decides about a hit besides the place.
func TestBeamAsksThePresent(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.steps(30)
	s.ship(q).shieldEnd = s.tick + 100
	s.once(p, Input{Beam: true})
	require.Equal(t, MaxHP, int(s.ship(q).HP), "shielded now")
	require.InDelta(t, 800-ShipRadius, s.beams()[0].TX, 1e-3)

	s.ship(p).beamAt, s.ship(q).shieldEnd = 0, 0
	s.ship(q).Flags = 0
	s.ship(q).respawnAt = s.tick + 1000
	s.once(p, Input{Beam: true})
	require.Equal(t, MaxHP, int(s.ship(q).HP), "dead now")

	s.ship(p).beamAt = 0
	s.a.spawn(s.d.Match(), q.ID, s.ship(q))
	s.ship(q).shieldEnd = 0
	s.d.Look(int(p.ID)-1, uint64(4*(s.tick-5)))
	s.once(p, Input{Beam: true})
	require.Equal(t, MaxHP, int(s.ship(q).HP), "alive again, elsewhere: not where it fell")
}

// TestBeamMeetsWhatWasSeen moves the target away and shoots at where it was, with
// the eyes of somebody who is some ticks behind.
func TestBeamMeetsWhatWasSeen(t *testing.T) {
	for _, c := range []struct {
		moved, behind uint32 // ticks ago
		hit           bool
	}{
		{1, 1, false},
		{1, 2, true},
		{10, 10, false},
		{10, 11, true},
		{10, 24, true},
		{23, 24, true},
		{24, 200, false}, // no further back than 400 ms
	} {
		s, p, q := duel(t, Options{})
		s.steps(60)
		s.place(q, 800, 300)
		s.steps(int(c.moved))
		s.d.Look(int(p.ID)-1, uint64(4*(s.tick+1-min(c.behind, s.tick))))
		s.once(p, Input{Beam: true})
		require.Equal(t, c.hit, s.hits == 1, "%+v", c)
	}
}

// TestTwoBeamsAtOnceBothHit fires from both sides in one tick.
func TestTwoBeamsAtOnceBothHit(t *testing.T) {
	s, p, q := duel(t, Options{})
	s.steps(10)
	s.ship(p).HP, s.ship(q).HP = 1, 1
	s.hold(q, Input{Beam: true, Aim: 3.141592653589793})
	s.once(p, Input{Beam: true})
	require.Equal(t, 2, s.kills)
}

func TestBeamDoesNotAllocate(t *testing.T) {
	s, p, q := duel(t, Options{Sight: 500})
	s.hold(p, Input{Beam: true, Aim: 1})
	s.steps(300)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.ship(p).beamAt, s.ship(q).HP = 0, MaxHP
		s.step()
	}))
}

// TestBotsUseBothWeapons plays a minute of bots.
func TestBotsUseBothWeapons(t *testing.T) {
	s := newSim(t, 3, Options{}).bots(8)
	beams, hits := 0, 0
	for range 3600 {
		before := s.hits
		s.step()
		for _, b := range s.beams() {
			if b.ends == s.tick+s.a.clock.glow {
				beams++
				if s.hits > before {
					hits++
				}
			}
		}
	}
	require.Greater(t, beams, 30)
	require.Greater(t, hits*10, beams, "%d of %d", hits, beams)
	require.Less(t, hits*10, beams*9, "%d of %d", hits, beams)
}

// TestHitsAreToldToThoseWhoSee holds who hears of a hit where sight ends.
func TestHitsAreToldToThoseWhoSee(t *testing.T) {
	for _, fog := range []bool{false, true} {
		s, p, q := duel(t, Options{Sight: 400, Fog: fog})
		near, far, hidden := s.enter("near", false), s.enter("far", false), s.enter("hidden", false)
		s.place(near, 500, 150)
		s.place(far, 2000, 1500)
		s.place(hidden, 700, 250) // behind the wall at 740 to 780
		s.steps(10)
		s.hold(p, Input{Beam: true})
		s.tick++
		s.d.Advance(s.tick, game.StateRunning)
		s.d.Step()
		told := map[game.ID]int{}
		for _, e := range s.d.Events() {
			if e.Name == "hit" {
				told[e.To]++
			}
		}
		want := map[game.ID]int{p.ID: 1, q.ID: 1, near.ID: 1}
		if !fog {
			want[hidden.ID] = 1
		}
		require.Equal(t, want, told, "fog %v", fog)
	}
}
