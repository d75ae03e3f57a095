package tape

import (
	"math"

	"gameserver/bench/workload"
)

// Row is an entity as clients see it: quantised.
type Row struct {
	ID              uint32
	X, Y            int32
	Angle, HP, Anim uint8
}

// RowOf quantises the entity of that number, from 0.
func RowOf(i int, b *workload.Body) Row {
	return Row{
		ID: uint32(i) + 1, //nolint:gosec // at most workload.EntitiesMax
		X:  int32(math.RoundToEven(b.X / workload.Quantum)), Y: int32(math.RoundToEven(b.Y / workload.Quantum)),
		Angle: b.Angle, HP: b.HP, Anim: b.Anim,
	}
}

// Sum is a checksum of entities in the order of their ids, 32 bits so that
// JavaScript computes it, too: FNV-1a over six 32-bit words each.
type Sum uint32

// NewSum is the checksum of nothing.
const NewSum Sum = 2166136261

// Add takes one more entity.
func (s Sum) Add(r Row) Sum {
	for _, w := range [...]uint32{r.ID, uint32(r.X), uint32(r.Y), uint32(r.Angle), uint32(r.HP), uint32(r.Anim)} { //nolint:gosec // bits are meant
		s = (s ^ Sum(w)) * 16777619
	}
	return s
}

// FrameBytes is the size of the WebSocket frame from a server around a payload.
func FrameBytes(payload int) int {
	switch {
	case payload < 126:
		return payload + 2
	case payload < 1<<16:
		return payload + 4
	}
	return payload + 10
}
