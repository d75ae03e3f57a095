// Command crowd is a game server for the tests of the dashboard: its matches do
// nothing, but waste as much time as they are asked to.
package main

import (
	"time"

	"gameserver/game"
	"gameserver/server"
)

// flags are the crowd's own.
type flags struct {
	Players int `group:"Crowd" default:"4" placeholder:"N" help:"Players in a match (${default})."`
}

// crowd is one match.
type crowd struct {
	People game.Set[person]
	stall  time.Duration // once
	cost   time.Duration // each step
}

type person struct {
	X float64 `snap:"q=1"`
}

type none struct{}

// Join implements a capability of games.
func (c *crowd) Join(_ *game.Match, p *game.Player) error { //nolint:unparam // as games may
	c.People.Put(p.ID, person{})
	return nil
}

// Leave implements a capability of games.
func (c *crowd) Leave(_ *game.Match, p *game.Player, _ game.Reason) { c.People.Del(p.ID) }

// Step implements game.Stepper. It keeps a processor, as a loop in a game would.
func (c *crowd) Step(s *game.Step[none]) {
	for p := range s.Inputs() {
		c.People.Mut(p.ID).X++
	}
	until := time.Now().Add(c.cost + c.stall)
	c.stall = 0
	for time.Now().Before(until) {
	}
}

// Handle takes a time to waste, in ms: "stall" at the next step, "cost" at each.
func (c *crowd) Handle(_ *game.Match, _ *game.Player, ev string, a game.Args) (any, error) { //nolint:unparam // as games may
	var ms float64
	if err := a.Decode(&ms); err != nil {
		return nil, err
	}
	d := time.Duration(min(ms, 1000) * float64(time.Millisecond))
	switch ev {
	case "stall":
		c.stall = d
	case "cost":
		c.cost = d
	default:
		return nil, &game.Error{Code: game.CodeNotFound, Msg: "no such request"}
	}
	return nil, nil
}

func main() {
	var f flags
	server.New(server.Config{
		Flags: &f,
		Setup: func(s *server.Server) error {
			game.Register(s, "crowd", func() *crowd { return &crowd{} }, game.Rules{Players: game.Between(f.Players, f.Players), Countdown: -1})
			return nil
		},
	}).Main()
}
