//lint:file-ignore U1000 these types are only looked at by reflection

package game

import (
	"fmt"
	"testing"
	"time"

	"gameserver/game/snap"

	"github.com/stretchr/testify/require"
)

// none is the input of games that take none.
type none struct{}

// base gives a game its Step.
type base[I any] struct{}

func (*base[I]) Step(*Step[I]) {}

type registry []*Definition

func (r *registry) RegisterGame(d *Definition) { *r = append(*r, d) }

type (
	row       struct{ X int32 }
	plain     struct{ base[none] }
	hiddenSet struct {
		base[none]
		ships Set[row] // It is what Register is to find.
	}
	hiddenInside struct {
		base[none]
		world struct{ Ships Set[row] } // It is what Register is to find.
	}
	pointerSet struct {
		base[none]
		Ships *Set[row]
	}
	sliceSet struct {
		base[none]
		Ships []Set[row]
	}
	badCap struct {
		base[none]
		Ships Set[row] `snap:"cap=0"`
	}
	hugeCap struct {
		base[none]
		Ships Set[row] `snap:"cap=16385"`
	}
	manyEntities struct {
		base[none]
		A, B, C, D Set[row] `snap:"cap=16384"`
	}
	notStruct struct {
		base[none]
		Ships Set[int]
	}
	unexportedField struct {
		base[none]
		Ships Set[struct {
			x float32 `snap:"q=1"`
		}]
	}
	stringField struct {
		base[none]
		Ships Set[struct {
			Name string `snap:""`
		}]
	}
	wideField struct {
		base[none]
		Ships Set[struct {
			N int64 `snap:""`
		}]
	}
	noQuantum struct {
		base[none]
		Ships Set[struct {
			X float32 `snap:""`
		}]
	}
	zeroQuantum struct {
		base[none]
		Ships Set[struct {
			X float32 `snap:"q=0"`
		}]
	}
	intQuantum struct {
		base[none]
		Ships Set[struct {
			X int `snap:"q=2"`
		}]
	}
	sameName struct {
		base[none]
		Ships Set[struct {
			X int32 `snap:""`
			Y int32 `snap:"" json:"x"`
		}]
	}
	sameSetName struct {
		base[none]
		Ships Set[row]
		Boats Set[row] `json:"ships"`
	}
	wrongJoin struct{ base[none] }
	notPtr    struct{}
	ships     struct{ Ships Set[row] }
	behind    struct {
		base[none]
		World *ships
	}
	behindSlice struct {
		base[none]
		rooms map[ID]struct{ list []ships } // It is what Register is to find.
	}
	vec struct {
		X float32 `snap:"q=1"`
		Y float32 `snap:"q=1"`
	}
	taggedInside struct {
		base[none]
		Ships Set[struct{ Pos vec }]
	}
	embeddedTwice struct {
		base[none]
		Ships Set[struct {
			vec
			X int `snap:""`
		}]
	}
	deepSet struct {
		base[none]
		A struct {
			B struct {
				C struct {
					D struct {
						E struct {
							F struct {
								G struct{ H struct{ Ships Set[row] } }
							}
						}
					}
				}
			}
		}
	}
	// fine leads back to itself, and embeds.
	fine struct {
		base[none]
		World ships
		self  *fine          // It is what Register is to understand.
		also  *ships         // A pointer to World.
		seats map[ID]*Player // The framework's own.
		Posts Set[struct {
			ID int32
			vec
			HP uint8 `snap:""`
		}]
	}
)

func (*wrongJoin) Join(*Player) {}
func (notPtr) Step(*Step[none]) {}

type (
	inString struct{ base[struct{ Name string }] }
	inHidden struct{ base[struct{ fire bool }] }
	inRange  struct {
		base[struct {
			Aim float32 `in:"3..-3"`
		}]
	}
	inWide struct {
		base[struct {
			N int8 `in:"0..200"`
		}]
	}
	inNoZero struct {
		base[struct {
			N int `in:"1..5"`
		}]
	}
	inEdge struct {
		base[struct {
			N int `in:"edge"`
		}]
	}
	inBool struct {
		base[struct {
			B bool `in:"0..1"`
		}]
	}
	inDeep struct {
		base[struct {
			A struct {
				B struct{ C struct{ D struct{ E bool } } }
			}
		}]
	}
	inInt  struct{ base[int] }
	inSame struct {
		base[struct {
			A bool
			B bool `json:"a"`
		}]
	}
)

// try registers a game and returns what the panic said.
func try[G Stepper[I], I any](name string, mk func() G, rules Rules) (said any) {
	defer func() { said = recover() }()
	Register(&registry{}, name, mk, rules)
	return nil
}

func made[T any]() *T { return new(T) }

func TestRegisterRefusesMistakes(t *testing.T) {
	ok := Rules{}
	for _, c := range []struct {
		said any
		want string
	}{
		{try("g", made[hiddenSet], ok), "field ships is a set but is not exported, so it cannot be replicated"},
		{try("g", made[hiddenInside], ok), "field world.Ships is a set but is not exported, so it cannot be replicated"},
		{try("g", made[pointerSet], ok), "field Ships: a set must be a field of its own, not *game.Set[gameserver/game.row]"},
		{try("g", made[sliceSet], ok), "field Ships: a set must be a field of its own, not []game.Set[gameserver/game.row]"},
		{try("g", made[badCap], ok), `field Ships: tag snap:"cap=0" is not cap=1 to cap=16384`},
		{try("g", made[hugeCap], ok), `field Ships: tag snap:"cap=16385" is not cap=1 to cap=16384`},
		{try("g", made[manyEntities], ok), "its sets hold up to 65536 entities together, more than 65535"},
		{try("g", made[notStruct], ok), "field Ships: its rows are int, not structs"},
		{try("g", made[unexportedField], ok), "field Ships.x has a snap tag but is not exported"},
		{try("g", made[stringField], ok), "field Ships.Name: a string cannot be replicated"},
		{try("g", made[wideField], ok), "field Ships.N: a int64 cannot be replicated, because the wire has 32 bits"},
		{try("g", made[noQuantum], ok), `field Ships.X: tag snap:"" on a float32 is not q=STEP with STEP from 1e-06 to 1e+06`},
		{try("g", made[zeroQuantum], ok), `field Ships.X: tag snap:"q=0" on a float32 is not q=STEP with STEP from 1e-06 to 1e+06`},
		{try("g", made[intQuantum], ok), `field Ships.X: tag snap:"q=2" on a int must be empty`},
		{try("g", made[sameName], ok), `fields Ships.X and Ships.Y have the same wire name "x"`},
		{try("g", made[sameSetName], ok), `fields Ships and Boats have the same wire name "ships"`},
		{try("g", made[wrongJoin], ok), "method Join would never be called: it must be func(*game.Match, *game.Player) error"},
		{try("g", func() notPtr { return notPtr{} }, ok), "game.notPtr is not a pointer to a struct"},
		{try[*plain]("g", nil, ok), "there is no function that makes it"},
		{try("", made[plain], ok), "the name must have 1 to 64 bytes"},
		{try("Big", made[plain], ok), "the name may hold a-z, 0-9, - and _ only"},
		{try("g", made[plain], Rules{Tick: 241}), "Rules.Tick is 241, want 1 to 240"},
		{try("g", made[plain], Rules{Tick: 60, Snapshots: 25}), "Rules.Snapshots is 25, which does not divide Rules.Tick, 60"},
		{try("g", made[plain], Rules{Players: Between(3, 2)}), "Rules.Players is 3 to 2, want a range within 1 to 1024"},
		{try("g", made[plain], Rules{Players: Between(1, 1025)}), "Rules.Players is 1 to 1025, want a range within 1 to 1024"},
		{try("g", made[plain], Rules{CatchUp: -1}), "Rules.CatchUp is -1, want at least 1"},
		{try("g", made[plain], Rules{Hold: 25 * time.Hour}), "Rules holds a duration longer than 24h0m0s"},
		{try("g", made[behind], ok), "field World: a set must be a field of its own, not *game.ships"},
		{try("g", made[behindSlice], ok), "field rooms: a set must be a field of its own, not map["},
		{try("g", made[taggedInside], ok), "field Ships.Pos has fields with snap tags inside, which count in the row itself or in an embedded struct only"},
		{try("g", made[embeddedTwice], ok), `fields Ships.vec.X and Ships.X have the same wire name "x"`},
		{try("g", made[deepSet], ok), "field A.B.C.D.E.F.G.H.Ships is a set more than 8 structs deep"},
		{try("g", made[plain], Rules{SeatTTL: -1}), "Rules.SeatTTL is -1ns, which leaves no player the time to come"},
		{try("g", made[plain], Rules{Bots: true}), "Rules.Bots is set, but there is no method Bot to play them"},
		{try("g", made[inString], ok), "input field Name: a string cannot be sent as input"},
		{try("g", made[inHidden], ok), "input field fire is not exported, so no player can send it"},
		{try("g", made[inRange], ok), `input field Aim: tag in:"3..-3" is not LO..HI within a float32`},
		{try("g", made[inWide], ok), `input field N: tag in:"0..200" is not LO..HI within a int8`},
		{try("g", made[inNoZero], ok), `input field N: tag in:"1..5" does not allow 0, the value of a missing field`},
		{try("g", made[inEdge], ok), `input field N: tag in:"edge" is not LO..HI within a int`},
		{try("g", made[inBool], ok), `input field B: tag in:"0..1" on a bool is not edge`},
		{try("g", made[inDeep], ok), "input field A.B.C.D is nested more than 4 deep"},
		{try("g", made[inInt], ok), "the input is int, not a struct"},
		{try("g", made[inSame], ok), `input fields A and B have the same wire name "a"`},
	} {
		text, isText := c.said.(string)
		require.True(t, isText, "want %q, got %v", c.want, c.said)
		require.Contains(t, text, c.want)
	}
}

// TestMakersMistakes: what a maker returns is seen only when a match is made.
func TestMakersMistakes(t *testing.T) {
	var r registry
	one := &fine{}
	Register(&r, "same", func() *fine { return one }, Rules{})
	Register(&r, "nil", func() *fine { return nil }, Rules{})
	r[0].New(1)
	require.PanicsWithValue(t, `game "same": set "ships" is in use already; the function that makes the game must make a new one for each match`,
		func() { r[0].New(2) })
	require.PanicsWithValue(t, `game "nil": the function that makes it returned nil`, func() { r[1].New(1) })
}

func TestEmbeddedFieldsAreTheRowsOwn(t *testing.T) {
	var r registry
	g := &fine{}
	Register(&r, "fine", func() *fine { return g }, Rules{})
	posts := r[0].Schema.Sets[1]
	require.Equal(t, "posts", posts.Name)
	require.Len(t, posts.Fields, 3)
	d := r[0].New(1)
	id := g.Posts.Add(struct {
		ID int32
		vec
		HP uint8 `snap:""`
	}{vec: vec{X: 3, Y: 5}, HP: 7})
	w := snap.NewWorld(d.Sets())
	w.Diff(1, 1)
	require.Contains(t, string(w.Append(nil, &snap.View{}, snap.JSON, snap.Head{})), fmt.Sprintf("[%d,1,3,5,7]", id))
}

func TestRegisterAtTheBounds(t *testing.T) {
	require.Nil(t, try("g", made[plain], Rules{Tick: 240, Snapshots: 240, Players: Between(1, 1024), Hold: 24 * time.Hour}))
	require.Nil(t, try("abcdefghijklmnopqrstuvwxyz-0123456789_abcdefghijklmnopqrstuvwxyz", made[plain], Rules{}))
	require.NotNil(t, try("abcdefghijklmnopqrstuvwxyz-0123456789_abcdefghijklmnopqrstuvwxyz0", made[plain], Rules{}))
}

type arena struct {
	base[none]
	nested
	Ships Set[ship] `snap:"cap=64"`
	Field struct {
		Shots Set[struct {
			OwnerID uint32  `snap:""`
			Speed   float64 `snap:"q=0.5" json:"v"`
			Hit     bool    `snap:""`
			N       int     `snap:""`
		}] `json:"bullets"`
	}
}

type nested struct{ Walls Set[row] }

func TestRegisterFindsTheSchema(t *testing.T) {
	var r registry
	Register(&r, "arena", made[arena], Rules{})
	d := r[0]
	require.Equal(t, 60, d.Rules.Tick)
	require.Equal(t, 3, d.Rules.Every())
	require.EqualValues(t, 900, d.Rules.Ticks(d.Rules.SeatTTL))
	w := d.Schema.Wire()
	require.Len(t, w.Sets, 3)
	require.Equal(t, "walls", w.Sets[0].Name)
	require.Empty(t, w.Sets[0].Fields)
	require.Equal(t, "ships", w.Sets[1].Name)
	require.Equal(t, [][]any{{"x", "f", 0.1}, {"y", "f", 0.1}, {"hp", "u", 0.0}}, w.Sets[1].Fields)
	require.Equal(t, "bullets", w.Sets[2].Name)
	require.Equal(t, [][]any{{"ownerID", "u", 0.0}, {"v", "f", 0.5}, {"hit", "b", 0.0}, {"n", "i", 0.0}}, w.Sets[2].Fields)
	back, err := w.Schema()
	require.NoError(t, err)
	require.Equal(t, d.Schema, back)
}

func TestRulesDefaults(t *testing.T) {
	for tick, want := range map[int]int{60: 20, 30: 15, 128: 16, 7: 7, 23: 1, 20: 20, 240: 20} {
		r, err := Rules{Tick: tick}.withDefaults()
		require.NoError(t, err)
		require.Equal(t, want, r.Snapshots, "at %d Hz", tick)
	}
	r, err := Rules{Countdown: -1}.withDefaults()
	require.NoError(t, err)
	require.Zero(t, r.Countdown)
	require.EqualValues(t, 1, r.Ticks(time.Millisecond), "rounded up")
}

func TestLowerCamel(t *testing.T) {
	for in, want := range map[string]string{
		"HP": "hp", "X": "x", "EndsAt": "endsAt", "URLPath": "urlPath", "OwnerID": "ownerID", "VX": "vx", "Hit2": "hit2",
	} {
		require.Equal(t, want, lowerCamel(in))
	}
}
