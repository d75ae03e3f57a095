package workload

import (
	"math"
	"math/rand/v2"
)

// Quantum is the resolution of positions, px.
const Quantum = 0.125

const (
	speed     = 120.0 // px/s of an entity that moves
	kick      = 3.0   // times that, after an impulse
	calm      = 2.0   // the time in which a kick falls to 1/e is 1/calm seconds
	impulses  = 0.5   // per second and entity
	turnMin   = 0.5   // rad/s
	turnRange = 1.0   // rad/s
	hpFull    = 100
	harmMax   = 20
	anims     = 8
)

// Body is one entity: what is replicated, and how it moves.
type Body struct {
	X     float64 `json:"x" snap:"q=0.125,x"`
	Y     float64 `json:"y" snap:"q=0.125,y"`
	Angle uint8   `json:"angle" snap:""` // 256ths of a turn
	HP    uint8   `json:"hp" snap:""`
	Anim  uint8   `json:"anim" snap:""`

	heading uint32  // 2^32nds of a turn
	turn    int32   // of heading, each step; 0: idle
	boost   float64 // beyond speed, as a factor
}

// Moves reports whether the entity ever moves.
func (b *Body) Moves() bool { return b.turn != 0 }

// Radians is the direction as a rival would send it, unquantised.
func (b *Body) Radians() float64 { return float64(b.heading) / (1 << 32) * 2 * math.Pi }

// Scene moves the entities of a workload. Equal Specs give equal scenes.
type Scene struct {
	spec   Spec
	rng    *rand.Rand
	sines  []float64 // of 1024ths of a turn, and a quarter more
	decay  float64   // of boost, each step
	chance int       // an impulse comes in one of so many steps
}

// NewScene returns a scene and its entities as they are before the first step.
func NewScene(s Spec) (*Scene, []Body) {
	w := &Scene{
		spec: s, rng: rand.New(rand.NewPCG(uint64(s.Entities), uint64(s.Tick))),
		sines: make([]float64, 1024+256), decay: math.Exp(-calm / float64(s.Tick)),
		chance: int(float64(s.Tick) / impulses),
	}
	for i := range w.sines {
		w.sines[i] = math.Sin(float64(i) / 1024 * 2 * math.Pi)
	}
	bodies := make([]Body, s.Entities)
	for i := range bodies {
		turn := (turnMin + turnRange*w.rng.Float64()) / float64(s.Tick) / (2 * math.Pi) * (1 << 32)
		if w.rng.IntN(2) == 0 {
			turn = -turn
		}
		b := &bodies[i]
		*b = Body{
			X: w.rng.Float64() * s.Side, Y: w.rng.Float64() * s.Side, HP: hpFull,
			heading: w.rng.Uint32(), turn: int32(turn),
		}
		b.Angle = uint8(b.heading >> 24)
	}
	for _, i := range w.idlers() {
		bodies[i].turn = 0
	}
	return w, bodies
}

// idlers picks who never moves: from those who are nobody's, if there are any.
func (w *Scene) idlers() []int {
	from := 0
	if w.spec.Entities > w.spec.Players {
		from = w.spec.Players
	}
	all := w.rng.Perm(w.spec.Entities - from)
	all = all[:min(len(all), w.spec.Idle)]
	for i := range all {
		all[i] += from
	}
	return all
}

// Step moves one entity by one step. A scene's entities are stepped in the order
// of their numbers.
func (w *Scene) Step(b *Body) {
	if b.turn == 0 {
		return
	}
	if w.rng.IntN(w.chance) == 0 {
		b.heading = w.rng.Uint32()
		b.boost = kick - 1
		b.Anim = uint8(w.rng.IntN(anims))
		harm := uint8(1 + w.rng.IntN(harmMax))
		if b.HP <= harm {
			b.HP += hpFull
		}
		b.HP -= harm
	}
	b.heading += uint32(b.turn)
	d := speed * (1 + b.boost) / float64(w.spec.Tick)
	b.boost *= w.decay
	at := b.heading >> 22
	b.X, b.Y = b.X+float64(d*w.sines[at+256]), b.Y+float64(d*w.sines[at])
	if x, y := min(max(b.X, 0), w.spec.Side), min(max(b.Y, 0), w.spec.Side); x != b.X || y != b.Y {
		b.X, b.Y = x, y
		b.heading += 1 << 31
	}
	b.Angle = uint8(b.heading >> 24)
}
