package game

import (
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"unsafe"

	"gameserver/game/snap"
)

// Past is the world as one player saw it when making the input that is played in
// this tick: the positions of the entities in sets with the tag lag. It is a
// value to look at, valid until the tick ends; the world itself stays as it is,
// and any number of them may be in use.
//
// An entity is in the Past only as what it is now. If it was born, or was told to
// Teleport, after the time that the player saw, it is not there: nobody is hit
// who has come back to life elsewhere meanwhile. All else that decides about a
// hit — whether the victim lives, has a shield, stands behind a wall — is for the
// game to ask of the present, so that whoever is safe now is safe.
type Past struct {
	h    *history
	a, b int     // rows before and after the time
	part float32 // of the way from a to b
	back float64
}

// Rewind returns the world as a player saw it, and for a bot, or a player who has
// not told, the world at the end of the last tick. However late a player is, it
// goes no further back than Rules.Rewind.
func (m *Match) Rewind(p *Player) Past {
	h := &m.history
	if p == nil || p.match != m || h.newest == 0 {
		return Past{}
	}
	at := 4 * uint64(h.newest)
	if p.look != 0 {
		oldest := uint64(max(int64(m.tick)-int64(h.reach), int64(h.first)))
		at = min(max(p.look, 4*oldest), at)
	}
	a := int(at/4) % historyTicks
	v := Past{h: h, a: a, b: a, back: float64(m.tick) - float64(at)/4}
	if rest := at % 4; rest != 0 {
		v.b, v.part = (a+1)%historyTicks, float32(rest)/4
	}
	return v
}

// Behind returns how many ticks before this one the Past is.
func (v Past) Behind() float64 { return v.back }

// At returns where an entity was.
func (v Past) At(id ID) (x, y float64, ok bool) {
	if v.h == nil {
		return 0, 0, false
	}
	e := v.h.ids.known(id)
	if e == nil || e.set < 0 {
		return 0, 0, false
	}
	for i := range v.h.tracks {
		if t := &v.h.tracks[i]; t.set == e.set {
			p, ok := t.at(v, int(e.slot))
			return float64(p.x), float64(p.y), ok
		}
	}
	return 0, 0, false
}

// Teleport says that an entity has not come by the way that lies between where it
// was and where it is now: it was moved, or has begun another life. For all that
// players saw before, it is another one.
func (s *Set[T]) Teleport(id ID) {
	slot := s.find(id)
	if slot < 0 {
		return
	}
	if n := len(s.rows.ID) - len(s.hops); n > 0 {
		s.hops = append(s.hops, make([]uint32, n)...)
	}
	s.ids.born++
	s.hops[slot] = s.ids.born
}

func (s *Set[T]) hopped() []uint32 { return s.hops }

// history is where the entities of the sets with the tag lag have been, a row for
// each of the last ticks.
type history struct {
	ids    *idTable
	tracks []track
	first  uint32 // oldest tick that is kept
	newest uint32 // newest one, 0: none
	reach  uint32 // Rules.Rewind in ticks
}

// track is the history of one set.
type track struct {
	set    int16
	from   replicated
	rows   *snap.Rows
	stride uintptr
	x, y   axis
	past   [historyTicks]moment
}

// axis is where a coordinate is in a row of a set.
type axis struct {
	offset uintptr
	kind   reflect.Kind
}

// moment is one tick of a track. Nothing in it holds a pointer for the collector to
// follow.
type moment struct {
	points []point  // by slot
	eras   []uint32 // by slot: what the entity was, 0 if there was none
	n      int      // of them
	index  index
}

type point struct{ x, y float32 }

func (h *history) open(ids *idTable, reach uint32) { h.ids, h.reach = ids, reach }

func (h *history) add(i int, s setPlan, from replicated, rows *snap.Rows) {
	cx, cy := s.layout.Columns[s.view.axes.x], s.layout.Columns[s.view.axes.y]
	h.tracks = append(h.tracks, track{
		set: int16(i), from: from, rows: rows, stride: s.layout.Stride,
		x: axis{cx.Offset, cx.Type}, y: axis{cy.Offset, cy.Type},
	})
}

// record keeps where everything is at the end of a tick.
func (h *history) record(tick uint32) {
	if len(h.tracks) == 0 {
		return
	}
	if h.newest == 0 || tick != h.newest+1 {
		h.first = tick
	}
	h.newest = tick
	if tick-h.first >= historyTicks {
		h.first = tick - historyTicks + 1
	}
	for i := range h.tracks {
		h.tracks[i].record(tick)
	}
}

func (t *track) record(tick uint32) {
	r := &t.past[tick%historyTicks]
	if n := len(t.rows.ID) - len(r.eras); n > 0 {
		r.points = append(r.points, make([]point, n)...)
		r.eras = append(r.eras, make([]uint32, n)...)
	}
	clear(r.eras)
	r.n, r.index.built = 0, false
	hops := t.from.hopped()
	for c, live := range t.rows.Live {
		r.n += bits.OnesCount64(live)
		base := t.rows.Base[c]
		for ; live != 0; live &= live - 1 {
			i := bits.TrailingZeros64(live)
			slot := c*snap.ChunkRows + i
			at := unsafe.Add(base, uintptr(i)*t.stride)
			r.points[slot] = point{t.x.read(at), t.y.read(at)}
			r.eras[slot] = t.era(hops, slot)
		}
	}
}

// era tells an entity from all that were in its slot before, and from itself
// before it was told to Teleport.
func (t *track) era(hops []uint32, slot int) uint32 {
	era := t.rows.Gen[slot]
	if slot < len(hops) {
		era = max(era, hops[slot])
	}
	return era
}

// at returns where the entity that is at a slot now was.
func (t *track) at(v Past, slot int) (p point, ok bool) {
	a := &t.past[v.a]
	if slot >= len(a.eras) || t.rows.Live[slot/64]>>(slot%64)&1 == 0 {
		return p, false
	}
	if a.eras[slot] != t.era(t.from.hopped(), slot) {
		return p, false // and what was there then and is now, was there in between
	}
	p = a.points[slot]
	if v.part != 0 {
		q := t.past[v.b].points[slot]
		p.x += float32((q.x - p.x) * v.part)
		p.y += float32((q.y - p.y) * v.part)
	}
	return p, true
}

func (a axis) read(row unsafe.Pointer) float32 {
	at := unsafe.Add(row, a.offset)
	switch a.kind {
	case reflect.Float64:
		return float32(*(*float64)(at))
	case reflect.Float32:
		return *(*float32)(at)
	case reflect.Int8:
		return float32(*(*int8)(at))
	case reflect.Int16:
		return float32(*(*int16)(at))
	case reflect.Int32:
		return float32(*(*int32)(at))
	case reflect.Int:
		return float32(*(*int)(at))
	case reflect.Uint8:
		return float32(*(*uint8)(at))
	case reflect.Uint16:
		return float32(*(*uint16)(at))
	case reflect.Uint32:
		return float32(*(*uint32)(at))
	case reflect.Uint:
		return float32(*(*uint)(at))
	default: // Column.Parse lets nothing else through, and axes.axis no bool
		return float32(math.NaN())
	}
}

// checkRewind refuses a Rules.Rewind that the history does not reach.
func (r Rules) checkRewind() error {
	switch n := r.Ticks(r.Rewind); {
	case r.Rewind > RewindMax:
		return fmt.Errorf("Rules.Rewind is %v, want at most %v", r.Rewind, RewindMax)
	case n > historyTicks-2:
		return fmt.Errorf("Rules.Rewind is %v, which is %d ticks at %d a second, more than %d", r.Rewind, n, r.Tick, historyTicks-2)
	}
	return nil
}

func (d *driver[G, I]) Record() { d.match.history.record(d.match.tick) }
