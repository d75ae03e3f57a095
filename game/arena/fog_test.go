package arena

import (
	"encoding/json"
	"testing"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/tick"

	"github.com/stretchr/testify/require"
)

// TestFogHidesWhatIsBehindWalls walks two ships around a wall and looks at what
// the one is sent of the other, its shots and its beams.
func TestFogHidesWhatIsBehindWalls(t *testing.T) {
	var c catcher
	var a *Arena
	register(&c, Options{Field: field(), Fog: true}, func(made *Arena) { a = made })
	c.def.Rules.Countdown = 0
	m, err := match.New(match.Config{ID: "m", Def: c.def, Seed: 1, Seats: []match.SeatSpec{{Name: "ann"}, {Name: "bob"}}})
	require.NoError(t, err)
	w := &wire{}
	_, err = m.Attach(0, w)
	require.NoError(t, err)
	bob, err := m.Attach(1, &wire{})
	require.NoError(t, err)
	n := uint32(0)
	// run plays half a second and returns how often each set came up.
	run := func(x, y float64, in Input) map[int]bool {
		w.down = nil
		for range 30 {
			n++
			if n > 2 {
				a.Ships.Mut(1).setBody(Body{X: 700, Y: 200})
				a.Ships.Mut(2).setBody(Body{X: x, Y: y})
				a.Ships.Mut(2).beamAt = 0
			}
			bob.Input(n, n-1, appendInput(nil, in))
			require.True(t, m.Tick(new(tick.Tick)))
		}
		told := map[int]bool{}
		for _, p := range w.down {
			var s struct{ E [][]any }
			require.NoError(t, json.Unmarshal(p.body, &s))
			for _, e := range s.E {
				if id, set := game.ID(e[0].(float64)), int(e[1].(float64)); set != 0 || id == 2 {
					told[set] = true
				}
			}
		}
		return told
	}
	run(820, 200, Input{})
	run(820, 200, Input{})
	firing := Input{Fire: true, Beam: true}
	told := run(820, 200, firing)
	require.False(t, told[0] || told[1] || told[3], "%v: behind the wall at 740 to 780", told)
	firing.Aim = 3
	told = run(700, 330, firing)
	require.True(t, told[0] && told[1] && told[3], "%v: on this side of it", told)
	run(820, 200, Input{})
	told = run(820, 200, Input{Aim: 1})
	require.False(t, told[0], "%v: hidden again", told)
}
