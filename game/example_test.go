package game_test

import (
	"fmt"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/tick"
)

// Input is what a player of Race sends.
type Input struct {
	Speed int32 `in:"0..3"`
	Jump  bool  `in:"edge"`
}

// Runner is what every player sees of a runner.
type Runner struct {
	X     float32 `snap:"q=0.1"`
	Jumps uint8   `snap:""`
}

// Race is a whole game: whoever first comes to the goal wins.
type Race struct {
	Runners game.Set[Runner] `snap:"cap=8"`
	winner  string
}

const goal = 3

func (r *Race) Join(_ *game.Match, p *game.Player) error {
	r.Runners.Put(p.ID, Runner{})
	return nil
}

func (r *Race) Leave(_ *game.Match, p *game.Player, _ game.Reason) { r.Runners.Del(p.ID) }

func (r *Race) Bot(s *game.Step[Input], p *game.Player) Input {
	return Input{Speed: int32(p.ID), Jump: s.Tick%60 == 0}
}

func (r *Race) Step(s *game.Step[Input]) {
	for p, in := range s.Inputs() {
		runner := r.Runners.Mut(p.ID)
		runner.X += float32(float64(in.Speed) * s.DT)
		if in.Jump {
			runner.Jumps++
		}
		if runner.X >= goal {
			r.winner = p.Name
			s.Match.Broadcast("goal", p.ID)
			s.Match.End()
		}
	}
}

func (r *Race) Close(_ *game.Match, why game.Reason) any {
	return fmt.Sprintf("%v, %s wins", why, r.winner)
}

// server stands for the real one, which is a game.Registry as well.
type server struct{ games []*game.Definition }

func (s *server) RegisterGame(d *game.Definition) { s.games = append(s.games, d) }

func Example() {
	var srv server
	game.Register(&srv, "race", func() *Race { return &Race{} }, game.Rules{Countdown: -1})

	m, err := match.New(match.Config{
		ID:    "race-1",
		Def:   srv.games[0],
		Seats: []match.SeatSpec{{Name: "Ann", Bot: true}, {Name: "Bob", Bot: true}},
		Hooks: match.Hooks{Ended: func(_ *match.Match, _ game.Reason, result any) { fmt.Println(result) }},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for m.Tick(new(tick.Tick)) { // a tick.Scheduler does this 60 times a second
	}
	fmt.Println(m.State(), "at tick", m.Stats().Tick)
	// Output:
	// ended, Bob wins
	// ended at tick 92
}
