package game

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"unsafe"

	"gameserver/game/snap"
)

// Driver is one match of a game with the game's types erased: what the runner
// calls. A panic in the game's code passes through it.
type Driver interface {
	// Match returns the author's view of the match.
	Match() *Match
	// Sets returns the occupancy and layout of the replicated sets.
	Sets() []snap.Source
	// Advance tells the match its tick and state.
	Advance(tick uint32, s State)
	// Enter makes a player of a seat; Join follows. IDs are seats plus one.
	Enter(seat int, name string, team int, bot bool) *Player
	// Exit takes the player out of the match; Leave follows.
	Exit(p *Player)

	// Init, and so on to Close, call the game where it has the method.
	Init() error
	Join(p *Player) error
	Drop(p *Player)
	Resume(p *Player)
	Leave(p *Player, why Reason)
	Handle(p *Player, ev string, a Args) (any, error)
	World() any
	Quality(level int)
	Close(why Reason) any
	// Bots reports whether the game can play bots.
	Bots() bool
	// Step calls the After functions that are due, then Bot for each bot, then
	// Step.
	Step()
	// Look tells the point in time, in quarter ticks, that the player of a seat
	// saw on the screen when the input that is played in this tick was made.
	Look(seat int, quarters uint64)
	// Record keeps where everything is at the end of the tick, for Match.Rewind.
	Record()
	// Views says how each of Sets is seen, and Where finds an entity: the number of
	// its set, -1 if it is in none, and its slot.
	Views() []SetView
	Where(id ID) (set, slot int)
	// Eyes reports whether the game has Eye and Sees. They may be called then.
	Eyes() (eye, sees bool)
	Eye(p *Player) (x, y float64, ok bool)
	Sees(p *Player, id ID) bool
	// Steps returns the number of steps made.
	Steps() uint32

	// Events returns what the game said since the last Clear.
	Events() []Event
	// Kicks returns whom the game wants removed since the last Clear.
	Kicks() []Kick
	// ClearEvents and ClearKicks forget them.
	ClearEvents()
	ClearKicks()
	// Ended reports whether the game called Match.End.
	Ended() bool

	// Decode reads a msgpack value into a cell of a seat; a refused value is an
	// *Error with the path, and leaves the cell undefined.
	Decode(seat int, cell Cell, value []byte) error
	// DecodeCompact does the same with the compact form at the front of b, and
	// returns what follows.
	DecodeCompact(seat int, cell Cell, b []byte) (rest []byte, err error)
	// Evidence is where the runner counts what a player's inputs show, nil if
	// the player is not in the match.
	Evidence(seat int) *Evidence
	// Copy copies a cell, Zero makes it neutral, Merge adds the edges of src to
	// dst, and DropEdges clears them.
	Copy(seat int, dst, src Cell)
	Zero(seat int, cell Cell)
	Merge(seat int, dst, src Cell)
	DropEdges(seat int, cell Cell)
}

// Cell is a place for one input of a seat. Those below InputRing are free for
// the runner's ring.
type Cell int

// InputRing is the number of ring cells of a seat, a power of two. The others
// have names.
const (
	InputRing = 64

	CellNow   Cell = InputRing + iota - 1 // what the next Step sees
	CellLate                              // newest input that came after its tick
	CellEdges                             // edges that came after their tick
	CellTemp                              // for one Decode
	cells     = iota + InputRing - 1
)

type driver[G Stepper[I], I any] struct {
	plan  *plan
	game  G
	match Match
	step  Step[I]
	seats [][]I     // by seat, then by Cell but CellNow, which is in step.now
	who   []*Player // by seat, nil: nobody
	sets  []snap.Source
	can   capabilities[I]
}

// capabilities are the optional methods of a game, nil where it has none.
type capabilities[I any] struct {
	initer  Initer
	joiner  Joiner
	dropper Dropper
	resumer Resumer
	leaver  Leaver
	handler Handler
	botter  Botter[I]
	worlder Worlder
	sparer  Sparer
	closer  Closer
	eyer    Eyer
	seer    Seer
}

func newDriver[G Stepper[I], I any](p *plan, g G, seed uint64) *driver[G, I] {
	d := &driver[G, I]{plan: p, game: g, can: capabilitiesOf[I](g)}
	d.match = Match{
		Rand: rand.New(rand.NewPCG(seed, seed^0x9e3779b97f4a7c15)),
		rate: p.def.Rules.Tick,
		ids:  newIDTable(),
	}
	for range p.def.Rules.Players.Max {
		d.match.ids.take(idPlayer)
	}
	d.step = Step[I]{DT: 1 / float64(p.def.Rules.Tick), Match: &d.match}
	d.match.history.open(d.match.ids, p.def.Rules.Ticks(p.def.Rules.Rewind))
	v := reflect.ValueOf(g).Elem()
	if !v.IsValid() {
		panic(fmt.Sprintf("game %q: the function that makes it returned nil", p.def.Name))
	}
	for i, s := range p.sets {
		set, ok := v.FieldByIndex(s.index).Addr().Interface().(replicated)
		switch {
		case !ok:
			panic("game: findSets found what is not a set")
		case set.bound():
			panic(fmt.Sprintf("game %q: set %q is in use already; the function that makes the game must make a new one for each match",
				p.def.Name, s.name))
		}
		rows := set.bind(d.match.ids, int16(i), s.limit)
		d.sets = append(d.sets, snap.Source{Rows: rows, Layout: s.layout, Cap: s.limit})
		if s.view.lag {
			d.match.history.add(i, s, set, rows)
		}
	}
	return d
}

func capabilitiesOf[I any](g any) capabilities[I] {
	var c capabilities[I]
	c.initer, _ = g.(Initer)
	c.joiner, _ = g.(Joiner)
	c.dropper, _ = g.(Dropper)
	c.resumer, _ = g.(Resumer)
	c.leaver, _ = g.(Leaver)
	c.handler, _ = g.(Handler)
	c.botter, _ = g.(Botter[I])
	c.worlder, _ = g.(Worlder)
	c.sparer, _ = g.(Sparer)
	c.closer, _ = g.(Closer)
	c.eyer, _ = g.(Eyer)
	c.seer, _ = g.(Seer)
	return c
}

func (d *driver[G, I]) Match() *Match       { return &d.match }
func (d *driver[G, I]) Sets() []snap.Source { return d.sets }
func (d *driver[G, I]) Events() []Event     { return d.match.events }
func (d *driver[G, I]) Kicks() []Kick       { return d.match.kicks }
func (d *driver[G, I]) Ended() bool         { return d.match.ended }
func (d *driver[G, I]) Bots() bool          { return d.can.botter != nil }
func (d *driver[G, I]) Steps() uint32       { return d.match.steps }

func (d *driver[G, I]) Advance(tick uint32, s State) {
	d.match.tick, d.match.state, d.match.ids.tick = tick, s, tick
}

func (d *driver[G, I]) Enter(seat int, name string, team int, bot bool) *Player {
	for len(d.seats) <= seat {
		d.seats, d.who = append(d.seats, nil), append(d.who, nil)
		var none I
		d.step.now = append(d.step.now, none)
	}
	if !bot {
		d.seats[seat] = make([]I, cells)
	}
	p := &Player{ID: ID(seat + 1), Name: name, Team: team, Bot: bot, Connected: true, match: &d.match, seat: seat}
	d.who[seat] = p
	i, _ := slices.BinarySearchFunc(d.match.players, p.ID, func(p *Player, id ID) int { return int(p.ID) - int(id) })
	d.match.players = slices.Insert(d.match.players, i, p)
	return p
}

func (d *driver[G, I]) Exit(p *Player) {
	d.match.players = slices.DeleteFunc(d.match.players, func(q *Player) bool { return p == q })
	var none I
	d.step.now[p.seat] = none
	d.who[p.seat] = nil
}

func (d *driver[G, I]) Look(seat int, quarters uint64) {
	if p := d.who[seat]; p != nil {
		p.look = quarters
	}
}

func (d *driver[G, I]) ClearEvents() {
	clear(d.match.events)
	d.match.events = d.match.events[:0]
}

func (d *driver[G, I]) ClearKicks() {
	clear(d.match.kicks)
	d.match.kicks = d.match.kicks[:0]
}

func (d *driver[G, I]) Step() {
	d.match.steps++
	d.match.expire()
	d.step.Tick = d.match.tick
	if d.can.botter != nil {
		for _, p := range d.match.players {
			if p.Bot {
				d.step.now[p.seat] = d.can.botter.Bot(&d.step, p)
			}
		}
	}
	d.game.Step(&d.step)
}

// cell returns the memory of a cell.
func (d *driver[G, I]) cell(seat int, c Cell) *I {
	if c == CellNow {
		return &d.step.now[seat]
	}
	return &d.seats[seat][c]
}

func (d *driver[G, I]) Decode(seat int, c Cell, value []byte) error {
	at := d.cell(seat, c)
	var none I
	*at = none
	return d.plan.input.decode(value, unsafe.Pointer(at))
}

func (d *driver[G, I]) DecodeCompact(seat int, c Cell, b []byte) ([]byte, error) {
	at := d.cell(seat, c)
	var none I
	*at = none
	rest, err := d.plan.input.decodeCompact(b, unsafe.Pointer(at))
	if err != nil {
		return nil, err
	}
	return rest, nil
}

func (d *driver[G, I]) Evidence(seat int) *Evidence {
	if p := d.who[seat]; p != nil {
		return &p.evidence
	}
	return nil
}

func (d *driver[G, I]) Copy(seat int, dst, src Cell) { *d.cell(seat, dst) = *d.cell(seat, src) }

func (d *driver[G, I]) Zero(seat int, c Cell) {
	var none I
	*d.cell(seat, c) = none
}

func (d *driver[G, I]) Merge(seat int, dst, src Cell) {
	d.plan.input.merge(unsafe.Pointer(d.cell(seat, dst)), unsafe.Pointer(d.cell(seat, src)))
}

func (d *driver[G, I]) DropEdges(seat int, c Cell) {
	d.plan.input.dropEdges(unsafe.Pointer(d.cell(seat, c)))
}
