package workload

import (
	"fmt"
	"iter"

	"gameserver/game"
)

// Input is what players send: as much as the arena's.
type Input struct {
	Right bool    `json:"right"`
	Down  bool    `json:"down"`
	Fire  bool    `json:"fire" in:"edge"`
	Aim   float32 `json:"aim" in:"-3.2..3.2"`
}

// play is a scene as a game. Its kinds differ in how many entities fit.
type play struct {
	scene *Scene
	first []Body
	set   bodies
	shots int // inputs with fire that a step saw
}

// bodies is the set of the game around a play.
type bodies interface {
	Put(id game.ID, b Body) bool
	All() iter.Seq2[game.ID, *Body]
}

// small, large and vast are play with room for so many entities.
type (
	small struct {
		play

		Bodies game.Set[Body] `snap:"cap=64"`
	}
	large struct {
		play

		Bodies game.Set[Body] `snap:"cap=1024"`
	}
	vast struct {
		play

		Bodies game.Set[Body] `snap:"cap=16384"`
	}
)

// Register makes a workload known as a game of its name.
func Register(r game.Registry, s Spec) {
	rules := game.Rules{
		Tick: s.Tick, Snapshots: s.Send, Players: game.Between(s.Players, s.Players), Countdown: -1,
		Interest: game.Interest{Radius: s.Radius, Full: s.Radius},
	}
	if s.Bands {
		rules.Interest.Full = 0
	}
	start := func(p *play, set bodies) {
		p.scene, p.first = NewScene(s)
		p.set = set
	}
	switch {
	case s.Entities <= 64:
		game.Register(r, s.Name, func() *small { g := &small{}; start(&g.play, &g.Bodies); return g }, rules)
	case s.Entities <= 1024:
		game.Register(r, s.Name, func() *large { g := &large{}; start(&g.play, &g.Bodies); return g }, rules)
	default:
		game.Register(r, s.Name, func() *vast { g := &vast{}; start(&g.play, &g.Bodies); return g }, rules)
	}
}

// Init puts everybody on the field, whether their players have come or not.
func (p *play) Init(m *game.Match) error {
	for i, b := range p.first {
		id := game.ID(i + 1)
		if i >= p.scene.spec.Players {
			id = m.NewID()
		}
		if !p.set.Put(id, b) {
			return fmt.Errorf("no room for entity %d", i)
		}
	}
	p.first = nil
	return nil
}

// Step moves everybody.
func (p *play) Step(s *game.Step[Input]) {
	for _, in := range s.Inputs() {
		if in.Fire {
			p.shots++
		}
	}
	for _, b := range p.set.All() {
		p.scene.Step(b)
	}
}

// Close tells how many shots were heard.
func (p *play) Close(*game.Match, game.Reason) any { return map[string]int{"shots": p.shots} }
