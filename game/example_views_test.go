package game_test

import (
	"fmt"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/tick"
)

// Sentry is what players see of one another, where they can.
type Sentry struct {
	X  float32 `snap:"q=0.1,x"`
	Y  float32 `snap:"q=0.1,y"`
	HP uint8   `snap:""`
}

// Woods is a game of sentries who see 300 far, but not into the thicket, and
// shoot at whom they see.
type Woods struct {
	Sentries game.Set[Sentry] `snap:"cap=16,lag"`
}

func (w *Woods) Join(_ *game.Match, p *game.Player) error {
	w.Sentries.Put(p.ID, Sentry{X: 100 * float32(p.ID), HP: 100})
	return nil
}

// Sees hides who is in the thicket, below 0, from everybody else.
func (w *Woods) Sees(_ *game.Match, _ *game.Player, id game.ID) bool {
	other := w.Sentries.Mut(id)
	return other == nil || other.Y >= 0
}

func (w *Woods) Step(s *game.Step[Trigger]) {
	for p, in := range s.Inputs() {
		me := w.Sentries.Mut(p.ID)
		if !in.Fire {
			continue
		}
		// Where the others were when the player pulled the trigger.
		past := s.Match.Rewind(p)
		id, dist, hit := past.RayCast(float64(me.X), float64(me.Y), 1, 0, 300, 5, func(id game.ID) bool {
			return id != p.ID && w.Sentries.Mut(id).HP > 0 // who lives now
		})
		if hit {
			w.Sentries.Mut(id).HP = 0
			fmt.Printf("%s hits %d at %.0f\n", p.Name, id, dist)
			s.Match.End()
		}
	}
	for _, sentry := range w.Sentries.All() {
		sentry.Y += 3 // they all run
	}
}

// Bot fires in the tenth tick.
func (w *Woods) Bot(s *game.Step[Trigger], p *game.Player) Trigger {
	return Trigger{Fire: s.Tick == 10 && p.ID == 1}
}

// Trigger is what a player of Woods sends.
type Trigger struct {
	Fire bool `in:"edge"`
}

func ExampleMatch_Rewind() {
	var srv server
	game.Register(&srv, "woods", func() *Woods { return &Woods{} }, game.Rules{
		Countdown: -1,
		Interest:  game.Interest{Radius: 300},
	})
	m, err := match.New(match.Config{
		ID: "woods-1", Def: srv.games[0],
		Seats: []match.SeatSpec{{Name: "Ann", Bot: true}, {Name: "Bob", Bot: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for m.Tick(new(tick.Tick)) {
	}
	// Output: Ann hits 2 at 95
}
