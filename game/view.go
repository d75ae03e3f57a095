package game

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Interest is how far players see. The zero value is everywhere: every player
// is sent everything.
//
// With a Radius, an entity whose position is known — two of its fields carry the
// tags x and y — is sent to the players within that distance of it. It leaves
// their view beyond 1.2 times as much, so that what walks along the border does
// not come and go. Everything else is sent to all. A player's own entity, the one
// with the player's ID, is always in that player's view, and that is where it is
// seen from, or where the player's entity was last, unless the game has Eye.
type Interest struct {
	// Radius is in the units of the positions.
	Radius float64
	// Budget bounds the bytes of entities in one snapshot of a player; 0 is none.
	// What is left out comes later: what is near and what has waited long goes
	// first, the player's own entity before all. It does not need a Radius.
	Budget int
	// Full is within what distance all that has changed comes with every snapshot.
	// Further away it comes with every second, third or sixth one. 0 means half
	// the Radius; as much as the Radius, that nothing is ever put off.
	Full float64
}

// Eyer says where a player sees from. Without an answer it is where it was; a
// player who never had one sees nothing that has a position.
type Eyer interface {
	Eye(m *Match, p *Player) (x, y float64, ok bool)
}

// Seer is fog of war: it says whether a player may see an entity that has a
// position and is within reach. What it hides is not sent, from the snapshot on
// in which it says so; what it shows comes within a few ticks. It is asked
// between Step and the snapshots, in no particular order, and must not change
// anything, nor draw from Match.Rand.
type Seer interface {
	Sees(m *Match, p *Player, id ID) bool
}

// Sight is who may see the entities of a set.
type Sight uint8

// The sights. Own and Team go by the players' IDs, wherever the entities are.
const (
	SightAll  Sight = iota // everybody
	SightNear              // who is near: sets with a position, in games with a Radius
	SightOwn               // the player whose ID the entity has: snap:"own"
	SightTeam              // that player's team: snap:"team"
)

// SetView is how one set is seen.
type SetView struct {
	Sight Sight
	X, Y  int // the columns of the position, -1 without
}

// viewPlan is what the tags of a set say about who sees it.
type viewPlan struct {
	sight Sight // SightNear is decided when the rules are known
	all   bool
	lag   bool
	axes  axes
}

// axes are the columns of a set's position.
type axes struct{ x, y int }

var noAxes = axes{-1, -1}

func (a *axes) ok() bool { return a.x >= 0 && a.y >= 0 }

// set takes one word of a set's tag, if it is one of a viewPlan's.
func (v *viewPlan) set(word string) bool {
	switch word {
	case "own":
		v.sight = SightOwn
	case "team":
		v.sight = SightTeam
	case "all":
		v.all = true
	case "lag":
		v.lag = true
	default:
		return false
	}
	return true
}

// check refuses what makes no sense in a set's tags.
func (v *viewPlan) check(name, tag string) error {
	words := 0
	for _, word := range tagParts(tag) {
		if word == "own" || word == "team" || word == "all" {
			words++
		}
	}
	switch {
	case words > 1:
		return fmt.Errorf("field %s: tag snap:%q names more than one of own, team and all", name, tag)
	case (v.axes.x >= 0) != (v.axes.y >= 0):
		return fmt.Errorf("field %s: its rows have one of the tags x and y, but not the other", name)
	case v.lag && !v.axes.ok():
		return fmt.Errorf("field %s is to be rewound, but none of its rows' fields have the tags x and y", name)
	}
	return nil
}

// take takes own, or else x and y, out of a field's tag. column is where the field
// will be if it is not own; what only its player knows is no position.
func (a *axes) take(tag, name string, column int, kind reflect.Kind) (rest string, own bool, err error) {
	if rest, own = cutOwn(tag); own {
		return rest, true, nil
	}
	rest, err = a.axis(tag, name, column, kind)
	return rest, false, err
}

// axis takes the words x and y out of a field's tag and notes which column that
// is.
func (a *axes) axis(tag, name string, column int, kind reflect.Kind) (rest string, err error) {
	if !strings.Contains(tag, "x") && !strings.Contains(tag, "y") {
		return tag, nil
	}
	parts := tagParts(tag)
	kept := parts[:0]
	for _, word := range parts {
		at := &a.x
		switch word {
		case "y":
			at = &a.y
		case "x":
		default:
			kept = append(kept, word)
			continue
		}
		if *at >= 0 {
			return "", fmt.Errorf("field %s: there is another field with the tag %s", name, word)
		}
		if kind == reflect.Bool {
			return "", fmt.Errorf("field %s: a %v is no position", name, kind)
		}
		*at = column
	}
	return strings.Join(kept, ","), nil
}

// checkViews refuses rules about views that fit neither each other nor the sets.
func checkViews(r Rules, rewinds bool, sets []setPlan, t reflect.Type) error {
	near, lag := false, false
	for i := range sets {
		v := &sets[i].view
		if r.Interest.Radius > 0 && v.sight == SightAll && v.axes.ok() && !v.all {
			v.sight = SightNear
			near = true
		}
		lag = lag || v.lag
	}
	switch {
	case r.Interest.Radius > 0 && !near:
		return errors.New("Rules.Interest.Radius is set, but no set has a position: mark two fields of its rows with the tags x and y")
	case r.Interest.Radius == 0 && t.Implements(reflect.TypeFor[Seer]()):
		return errors.New("method Sees would never be called: it is about what is within Rules.Interest.Radius, which is not set")
	case r.Interest.Radius == 0 && t.Implements(reflect.TypeFor[Eyer]()):
		return errors.New("method Eye would never be called: Rules.Interest.Radius is not set")
	case rewinds && !lag:
		return errors.New("Rules.Rewind is set, but there is nothing to rewind: no set has the tag lag")
	}
	return nil
}

// withDefaults fills in the zero fields and refuses what cannot work.
func (i Interest) withDefaults() (Interest, error) {
	if i.Full == 0 {
		i.Full = i.Radius / 2
	}
	switch {
	case i.Radius == 0 && i.Full != 0:
		return i, errors.New("Rules.Interest.Full is set without a Radius")
	case i.Radius != 0 && !(i.Radius >= RadiusMin && i.Radius <= RadiusMax):
		return i, fmt.Errorf("Rules.Interest.Radius is %v, want %v to %v", i.Radius, RadiusMin, RadiusMax)
	case i.Budget != 0 && (i.Budget < BudgetMin || i.Budget > BudgetMax):
		return i, fmt.Errorf("Rules.Interest.Budget is %d, want %d to %d", i.Budget, BudgetMin, BudgetMax)
	case !(i.Full >= 0 && i.Full <= i.Radius):
		return i, fmt.Errorf("Rules.Interest.Full is %v, want at most the Radius, %v", i.Full, i.Radius)
	}
	return i, nil
}

func (d *driver[G, I]) Views() []SetView {
	views := make([]SetView, len(d.plan.sets))
	for i, s := range d.plan.sets {
		views[i] = SetView{Sight: s.view.sight, X: s.view.axes.x, Y: s.view.axes.y}
	}
	return views
}

func (d *driver[G, I]) Where(id ID) (set, slot int) {
	e := d.match.ids.known(id)
	if e == nil || e.set < 0 {
		return -1, 0
	}
	return int(e.set), int(e.slot)
}

func (d *driver[G, I]) Eye(p *Player) (x, y float64, ok bool) {
	return d.can.eyer.Eye(&d.match, p)
}

func (d *driver[G, I]) Sees(p *Player, id ID) bool { return d.can.seer.Sees(&d.match, p, id) }

func (d *driver[G, I]) Eyes() (eye, sees bool) { return d.can.eyer != nil, d.can.seer != nil }
