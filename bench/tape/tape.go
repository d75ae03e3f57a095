package tape

import (
	"fmt"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"gameserver/bench/workload"
	"gameserver/game"
	"gameserver/game/match"
	"gameserver/tick"
)

// Options say what to record.
type Options struct {
	Spec      workload.Spec
	Dialect   Dialect
	Snapshots int // after the first second, which is not recorded
	Sample    int // how many players' snapshots are decoded and compared
	// Each, if not nil, is called after every recorded snapshot.
	Each func(f *Frame) error
}

// Frame is the moment after a snapshot. It is valid during Each only.
type Frame struct {
	Bodies []workload.Body // the scene
	Rows   []Row           // quantised
	Seats  []Seat          // the sample
}

// Seat is what one player of the sample was sent and sees.
type Seat struct {
	Bytes   int      // on the wire
	Visible []uint32 // ids, ascending
	Sum     Sum      // of the visible entities
}

// Tape is a recording.
type Tape struct {
	Spec  workload.Spec
	Sizes [][]int32 // bytes on the wire by snapshot and player; 0: none was sent
}

// PerSecond is the mean of bytes that one player is sent in a second.
func (t *Tape) PerSecond() float64 {
	sum, n := 0.0, 0
	for _, row := range t.Sizes {
		for _, b := range row {
			sum += float64(b)
			n++
		}
	}
	return sum / float64(max(n, 1)) * float64(t.Spec.Send)
}

// Record plays and records.
func Record(o Options) (*Tape, error) {
	if o.Snapshots < 1 || o.Snapshots > SnapshotsMax {
		return nil, fmt.Errorf("tape: %d snapshots, want 1 to %d", o.Snapshots, SnapshotsMax)
	}
	p, err := newPlayer(o)
	if err != nil {
		return nil, err
	}
	if err := p.begin(); err != nil {
		return nil, err
	}
	last := o.Spec.Tick/o.Spec.Send*(o.Spec.Send+o.Snapshots) + 2*startTicks
	for n := 0; n < o.Spec.Send+o.Snapshots; {
		if int(p.tick.N) > last { //nolint:gosec // bounded by SnapshotsMax
			return nil, fmt.Errorf("tape: %d snapshots in %d ticks", n, p.tick.N)
		}
		p.step()
		if !p.sent() {
			continue
		}
		p.remember()
		if n++; n <= o.Spec.Send {
			continue
		}
		if err := p.record(); err != nil {
			return nil, err
		}
	}
	return p.tape, nil
}

// player holds the match and both views of the scene.
type player struct {
	o      Options
	match  *match.Match
	tick   tick.Tick
	links  []*link
	input  []byte
	past   [pastMax][]Row // of the last snapshots, by their number
	sentN  int            // snapshots so far
	scene  *workload.Scene
	bodies []workload.Body
	frame  Frame
	tape   *Tape
}

type registry struct{ def *game.Definition }

func (r *registry) RegisterGame(d *game.Definition) { r.def = d }

func newPlayer(o Options) (*player, error) {
	var r registry
	workload.Register(&r, o.Spec)
	seats := make([]match.SeatSpec, o.Spec.Players)
	for i := range seats {
		seats[i].Player = fmt.Sprint(i)
	}
	m, err := match.New(match.Config{ID: "tape", Def: r.def, Seats: seats})
	if err != nil {
		return nil, err
	}
	p := &player{o: o, match: m, tape: &Tape{Spec: o.Spec}}
	p.scene, p.bodies = workload.NewScene(o.Spec)
	p.frame = Frame{Bodies: p.bodies, Seats: make([]Seat, min(o.Sample, len(seats)))}
	for i := range seats {
		l := newLink(o.Dialect, r.def.Schema, i < len(p.frame.Seats))
		if l.seat, err = m.Attach(i, l); err != nil {
			return nil, err
		}
		p.links = append(p.links, l)
	}
	v := msgp.AppendMapHeader(nil, 4)
	v = msgp.AppendBool(msgp.AppendString(v, "right"), true)
	v = msgp.AppendBool(msgp.AppendString(v, "down"), true)
	v = msgp.AppendBool(msgp.AppendString(v, "fire"), false)
	p.input = msgp.AppendFloat32(msgp.AppendString(v, "aim"), 0.7)
	return p, nil
}

// begin ticks until the match runs.
func (p *player) begin() error {
	for range startTicks {
		p.step()
		if p.match.State() == game.StateRunning {
			return nil
		}
	}
	return fmt.Errorf("tape: the match of %s does not begin", p.o.Spec.Name)
}

// step makes one tick, before which every player has sent an input.
func (p *player) step() {
	p.tick.N++
	for _, l := range p.links {
		l.bytes = 0
		l.seat.Input(uint32(p.tick.N), l.seen, p.input) //nolint:gosec // bounded by SnapshotsMax
	}
	p.match.Tick(&p.tick)
	for _, l := range p.links {
		if l.bytes > 0 {
			l.seen = uint32(p.tick.N) //nolint:gosec // bounded by SnapshotsMax
		}
	}
	if p.match.State() == game.StateRunning {
		for i := range p.bodies {
			p.scene.Step(&p.bodies[i])
		}
	}
}

// sent reports whether this tick had snapshots.
func (p *player) sent() bool {
	return slices.ContainsFunc(p.links, func(l *link) bool { return l.bytes > 0 })
}

// remember quantises the moment of a snapshot.
func (p *player) remember() {
	rows := &p.past[p.sentN%pastMax]
	p.sentN++
	*rows = (*rows)[:0]
	for i := range p.bodies {
		*rows = append(*rows, RowOf(i, &p.bodies[i]))
	}
	p.frame.Rows = *rows
}

// showed reports whether the scene had that row at this snapshot or, where what
// is far may be older, at one of the last.
func (p *player) showed(r Row) bool {
	back := 1
	if p.o.Spec.Bands {
		back = min(pastMax, p.sentN)
	}
	for n := p.sentN - back; n < p.sentN; n++ {
		if p.past[n%pastMax][r.ID-1] == r {
			return true
		}
	}
	return false
}

// record takes the sizes, and compares what the sample sees with the scene.
func (p *player) record() error {
	row := make([]int32, len(p.links))
	for i, l := range p.links {
		row[i] = int32(l.bytes) //nolint:gosec // a message
	}
	p.tape.Sizes = append(p.tape.Sizes, row)
	for i := range p.frame.Seats {
		if err := p.look(&p.frame.Seats[i], p.links[i]); err != nil {
			return fmt.Errorf("tape: player %d at tick %d: %w", i, p.tick.N, err)
		}
	}
	if p.o.Each != nil {
		return p.o.Each(&p.frame)
	}
	return nil
}

// look compares what one player sees with the scene.
func (p *player) look(s *Seat, l *link) error {
	if l.err != nil {
		return l.err
	}
	s.Bytes, s.Sum = l.bytes, NewSum
	var err error
	if s.Visible, err = l.visible(s.Visible[:0], len(p.bodies)); err != nil || l.world == nil {
		return err
	}
	for _, id := range s.Visible {
		got, ok := l.row(id)
		if !ok || !p.showed(got) {
			return fmt.Errorf("it sees %+v, the scene has %+v", got, p.frame.Rows[id-1])
		}
		s.Sum = s.Sum.Add(got)
	}
	return nil
}
