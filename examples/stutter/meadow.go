package main

import (
	"math"

	"gameserver/game"
)

// meadow is the game: a flock that wanders about.
type meadow struct {
	Sheep game.Set[sheep] `snap:"cap=128"`

	fault   fault
	steps   int
	archive *archive // with the fault lock
}

type sheep struct {
	X     float64 `snap:"q=0.1"`
	Y     float64 `snap:"q=0.1"`
	angle float64
}

// whistle is what a shepherd does.
type whistle struct {
	Loud bool `in:"edge"`
}

const (
	flock     = 100
	faultTick = 120 // ticks from one fault to the next: two seconds
	lost      = 7   // the sheep that is the matter
)

func newMeadow(f fault) *meadow { return &meadow{fault: f} }

func (g *meadow) Init(m *game.Match) error { //nolint:unparam // the interface is so
	for range flock {
		g.Sheep.Add(sheep{X: m.Rand.Float64() * 1000, Y: m.Rand.Float64() * 1000, angle: m.Rand.Float64() * 2 * math.Pi})
	}
	if g.fault == faultLock {
		g.archive = newArchive()
	}
	return nil
}

func (g *meadow) Close(*game.Match, game.Reason) any { //nolint:unparam // the interface is so
	if g.archive != nil {
		g.archive.close()
	}
	return nil
}

// Step moves every sheep, and goes wrong at one of them.
func (g *meadow) Step(*game.Step[whistle]) {
	g.steps++
	i := 0
	for _, sh := range g.Sheep.All() {
		sh.walk()
		if i == lost && g.steps%faultTick == 0 {
			g.goWrong(sh)
		}
		i++
	}
	if g.archive != nil {
		g.archive.note(g.steps)
	}
}

// walk takes one step, and turns back at the fence.
func (sh *sheep) walk() {
	sh.X += math.Cos(sh.angle)
	sh.Y += math.Sin(sh.angle)
	if sh.X < 0 || sh.X > 1000 || sh.Y < 0 || sh.Y > 1000 {
		sh.angle += math.Pi / 2
		sh.X, sh.Y = min(max(sh.X, 0), 1000), min(max(sh.Y, 0), 1000)
	}
}
