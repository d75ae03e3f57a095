package game

import (
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/game/snap"
)

type tank struct {
	X    float32 `snap:"q=0.5"`
	Ammo int     `snap:"own"`
	Heat float32 `snap:"q=0.1,own"`
	Hot  bool    `snap:"own"`
}

type tanks struct {
	base[none]
	Tanks Set[tank]
}

// TestOwnFields are told to the player of their entity, and to nobody else.
func TestOwnFields(t *testing.T) {
	var r registry
	Register(&r, "tanks", made[tanks], Rules{})
	set := r[0].Schema.Sets[0]
	require.Equal(t, []snap.Field{{Name: "x", Kind: snap.KindFloat, Quantum: 0.5}}, set.Fields)
	require.Equal(t, []snap.Field{
		{Name: "ammo", Kind: snap.KindInt}, {Name: "heat", Kind: snap.KindFloat, Quantum: 0.1}, {Name: "hot", Kind: snap.KindBool},
	}, set.Own)
	back, err := r[0].Schema.Wire().Schema()
	require.NoError(t, err)
	require.Equal(t, r[0].Schema, back)

	d := r[0].New(1)
	p := d.Enter(0, "ann", 0, false)
	sets := d.Sets()
	w := snap.NewWorld(sets)
	g, ok := any(d).(*driver[*tanks, none])
	require.True(t, ok)
	require.True(t, g.game.Tanks.Put(p.ID, tank{X: 1, Ammo: 7, Heat: 0.5, Hot: true}))
	w.Diff(1, 1)
	require.Contains(t, string(w.Append(nil, &snap.View{Owner: uint32(p.ID)}, snap.JSON, snap.Head{})), `"o":[0,7,5,true]`)
	other := string(w.Append(nil, &snap.View{Owner: 2}, snap.JSON, snap.Head{}))
	require.NotContains(t, other, `"o"`)
	require.Contains(t, other, `"e":[[1,0,2]]`)
}

func TestOwnFieldIsNoPosition(t *testing.T) {
	type row struct {
		X float32 `snap:"q=1,x,own"`
		Y float32 `snap:"q=1,y"`
	}
	type lost struct {
		base[none]
		Rows Set[row]
	}
	require.Panics(t, func() {
		var r registry
		Register(&r, "lost", made[lost], Rules{})
	})
}
