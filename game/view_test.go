//lint:file-ignore U1000 some of these types are only looked at by reflection

package game

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// place is a row with a position.
type place struct {
	X float32 `snap:"q=0.5,x"`
	Y float64 `snap:"y,q=0.25"`
	H int16   `snap:""`
}

type (
	places struct {
		base[none]
		Places Set[place] `snap:"cap=16,lag"`
		Notes  Set[row]
		Hands  Set[row]   `snap:"own"`
		Plans  Set[row]   `snap:"team,cap=8"`
		Flags  Set[place] `snap:"all"`
		Mine   Set[place] `snap:"own"`
	}
	nowhere struct {
		base[none]
		Notes Set[row]
	}
	seeing struct {
		base[none]
		Places Set[place]
	}
	eyed      struct{ places }
	twoSights struct {
		base[none]
		A Set[row] `snap:"own,team"`
	}
	halfPlace struct {
		base[none]
		A Set[struct {
			X float32 `snap:"q=1,x"`
		}]
	}
	twoX struct {
		base[none]
		A Set[struct {
			X, Z float32 `snap:"q=1,x"`
			Y    float32 `snap:"q=1,y"`
		}]
	}
	boolPlace struct {
		base[none]
		A Set[struct {
			X bool `snap:"x"`
		}]
	}
	lagWithoutPlace struct {
		base[none]
		A Set[row] `snap:"lag"`
	}
	wordTag struct {
		base[none]
		A Set[row] `snap:"lagg"`
	}
)

func (*seeing) Sees(*Match, *Player, ID) bool             { return true }
func (*eyed) Eye(*Match, *Player) (x, y float64, ok bool) { return 0, 0, false }

func TestViewsOfTheSets(t *testing.T) {
	var r registry
	Register(&r, "places", func() *places { return &places{} }, Rules{Interest: Interest{Radius: 100}})
	Register(&r, "everywhere", func() *places { return &places{} }, Rules{})
	want := []SetView{
		{SightNear, 0, 1}, {SightAll, -1, -1}, {SightOwn, -1, -1}, {SightTeam, -1, -1}, {SightAll, 0, 1}, {SightOwn, 0, 1},
	}
	require.Equal(t, want, r[0].New(1).Views())
	want[0].Sight = SightAll
	require.Equal(t, want, r[1].New(1).Views())
	require.Equal(t, Interest{Radius: 100, Full: 50}, r[0].Rules.Interest)
	require.Equal(t, 250*time.Millisecond, r[0].Rules.Rewind)
	require.InDelta(t, 0.5, r[0].Schema.Sets[0].Fields[0].Quantum, 0)
	require.InDelta(t, 0.25, r[0].Schema.Sets[0].Fields[1].Quantum, 0)
	d := r[0].New(1)
	p := d.Enter(3, "ann", 0, false)
	set, _ := d.Where(p.ID)
	require.Equal(t, -1, set)
}

func TestRegisterRefusesMistakesAboutViews(t *testing.T) {
	var r registry
	near := Rules{Interest: Interest{Radius: 10}}
	for _, c := range []struct {
		want string
		call func()
	}{
		{`field A: tag snap:"own,team" names more than one of own, team and all`, func() { Register(&r, "g", func() *twoSights { return nil }, Rules{}) }},
		{"field A: its rows have one of the tags x and y, but not the other", func() { Register(&r, "g", func() *halfPlace { return nil }, Rules{}) }},
		{"field A.Z: there is another field with the tag x", func() { Register(&r, "g", func() *twoX { return nil }, Rules{}) }},
		{"field A.X: a bool is no position", func() { Register(&r, "g", func() *boolPlace { return nil }, Rules{}) }},
		{"field A is to be rewound, but none of its rows' fields have the tags x and y", func() { Register(&r, "g", func() *lagWithoutPlace { return nil }, Rules{}) }},
		{`field A: tag snap:"lagg" is not cap=1 to cap=16384, own, team, all or lag`, func() { Register(&r, "g", func() *wordTag { return nil }, Rules{}) }},
		{"Rules.Interest.Radius is set, but no set has a position: mark two fields of its rows with the tags x and y", func() { Register(&r, "g", func() *nowhere { return nil }, near) }},
		{"method Sees would never be called: it is about what is within Rules.Interest.Radius, which is not set", func() { Register(&r, "g", func() *seeing { return nil }, Rules{}) }},
		{"method Eye would never be called: Rules.Interest.Radius is not set", func() { Register(&r, "g", func() *eyed { return nil }, Rules{}) }},
		{"Rules.Rewind is set, but there is nothing to rewind: no set has the tag lag", func() { Register(&r, "g", func() *nowhere { return nil }, Rules{Rewind: time.Second / 10}) }},
		{"Rules.Rewind is 501ms, want at most 500ms", func() { Register(&r, "g", func() *places { return nil }, Rules{Rewind: 501 * time.Millisecond}) }},
		{"Rules.Rewind is 500ms, which is 64 ticks at 128 a second, more than 62", func() {
			Register(&r, "g", func() *places { return nil }, Rules{Tick: 128, Snapshots: 64, Rewind: 500 * time.Millisecond})
		}},
		{"Rules.Interest.Radius is -1, want 0.001 to 1e+09", func() { Register(&r, "g", func() *places { return nil }, Rules{Interest: Interest{Radius: -1}}) }},
		{"Rules.Interest.Radius is NaN, want 0.001 to 1e+09", func() {
			Register(&r, "g", func() *places { return nil }, Rules{Interest: Interest{Radius: math.NaN()}})
		}},
		{"Rules.Interest.Full is 11, want at most the Radius, 10", func() {
			Register(&r, "g", func() *places { return nil }, Rules{Interest: Interest{Radius: 10, Full: 11}})
		}},
		{"Rules.Interest.Budget is 63, want 64 to 1048576", func() { Register(&r, "g", func() *places { return nil }, Rules{Interest: Interest{Budget: 63}}) }},
		{"Rules.Interest.Budget is 1048577, want 64 to 1048576", func() {
			Register(&r, "g", func() *places { return nil }, Rules{Interest: Interest{Budget: BudgetMax + 1}})
		}},
		{"Rules.Interest.Full is set without a Radius", func() { Register(&r, "g", func() *places { return nil }, Rules{Interest: Interest{Full: 11}}) }},
	} {
		require.PanicsWithValue(t, `game "g": `+c.want, c.call)
	}
	Register(&r, "seeing", func() *seeing { return &seeing{} }, near)
	Register(&r, "eyed", func() *eyed { return &eyed{} }, near)
	Register(&r, "bounds", func() *places { return &places{} }, Rules{
		Tick: 120, Rewind: RewindMax, Interest: Interest{Radius: RadiusMax, Full: RadiusMax, Budget: BudgetMax},
	})
	Register(&r, "fast", func() *places { return &places{} }, Rules{Tick: TickMax, Interest: Interest{Budget: BudgetMin}})
}
