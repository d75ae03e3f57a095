package timing

import (
	"fmt"
	"time"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/tick"
)

// drill is a small game: bots that walk about in a box.
type drill struct {
	Bodies game.Set[body] `snap:"cap=64"`
}

type body struct {
	X, Y   float32 `snap:"q=0.1"`
	VX, VY float32 `snap:"q=0.1"`
}

type command struct {
	Right bool `json:"right"`
	Down  bool `json:"down"`
}

// side is the length of the box.
const side = 1000

func (d *drill) Join(m *game.Match, p *game.Player) error {
	d.Bodies.Put(p.ID, body{X: float32(m.Rand.IntN(side)), Y: float32(m.Rand.IntN(side)), VX: 3, VY: 2})
	return nil
}

// Bot changes its mind every second.
func (d *drill) Bot(s *game.Step[command], p *game.Player) command {
	n := int(s.Tick)/s.Match.Rate() + int(p.ID)
	return command{Right: n&1 == 0, Down: n&2 == 0}
}

// Step moves everybody.
func (d *drill) Step(s *game.Step[command]) {
	for p, in := range s.Inputs() {
		b := d.Bodies.Mut(p.ID)
		if in.Right {
			b.VX += 0.1
		} else {
			b.VX -= 0.1
		}
		if in.Down {
			b.VY += 0.1
		} else {
			b.VY -= 0.1
		}
		b.X, b.VX = bounce(b.X+b.VX, b.VX)
		b.Y, b.VY = bounce(b.Y+b.VY, b.VY)
	}
}

func bounce(at, v float32) (position, velocity float32) {
	switch {
	case at < 0:
		return -at, -v / 2
	case at > side:
		return 2*side - at, -v / 2
	default:
		return at, v
	}
}

type registry struct{ def *game.Definition }

func (r *registry) RegisterGame(d *game.Definition) { r.def = d }

// newMatches makes matches of the drill, all seats played by bots.
func newMatches(n, players, hz int) ([]*match.Match, error) {
	var r registry
	game.Register(&r, "drill", func() *drill { return &drill{} }, game.Rules{
		Tick: hz, Players: game.Between(1, 64), Bots: true, Countdown: -1,
	})
	seats := make([]match.SeatSpec, players)
	for i := range seats {
		seats[i] = match.SeatSpec{Name: fmt.Sprint("bot ", i), Bot: true}
	}
	all := make([]*match.Match, n)
	for i := range all {
		m, err := match.New(match.Config{ID: fmt.Sprint("m", i), Def: r.def, Seed: uint64(i), Seats: seats})
		if err != nil {
			return nil, err
		}
		all[i] = m
	}
	return all, nil
}

// nothing is a task that does nothing.
type nothing struct{}

func (nothing) Tick(*tick.Tick) bool { return true }

// period is the time between two ticks.
func period(hz int) time.Duration { return time.Second / time.Duration(hz) }
