package game

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/game/snap"
)

type describedInput struct {
	Fire  bool `in:"edge"`
	Up    bool
	Aim   float32 `in:"-3.2..3.2" json:"angle"`
	Slot  uint8   `in:"0..7"`
	Step  int
	Stick struct{ X, Y int8 }
}

type described struct{}

func (*described) Step(*Step[describedInput]) {}

func TestDefinitionDescribesInput(t *testing.T) {
	var c registry
	samples := Samples{World: 1, Events: map[string]any{"hit": ""}}
	Register(&c, "d", func() *described { return &described{} }, Rules{Samples: samples})
	require.Equal(t, samples, c[0].Rules.Samples)
	require.Equal(t, []InputField{
		{Name: "fire", Kind: snap.KindBool, Edge: true},
		{Name: "up", Kind: snap.KindBool},
		{Name: "angle", Kind: snap.KindFloat, Range: "-3.2..3.2"},
		{Name: "slot", Kind: snap.KindUint, Range: "0..7"},
		{Name: "step", Kind: snap.KindInt},
		{Name: "stick", Fields: []InputField{{Name: "x"}, {Name: "y"}}},
	}, c[0].Input)
}
