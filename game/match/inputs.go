package match

import (
	"encoding/binary"
	"errors"

	"gameserver/game"
)

// inputs is what a seat has sent and not yet played. An input's sequence number
// is the tick it is meant for.
type inputs struct {
	seq     [game.InputRing]uint32 // of the input in each cell, kept after it was played
	look    [game.InputRing]uint64 // what the player saw when making it, in quarter ticks
	applied uint32                 // newest sequence number played
	late    uint32                 // that of CellLate, 0: empty
	seen    uint64                 // what the player saw when making that
	now     uint64                 // what the player saw when making what is played
	edges   bool                   // CellEdges holds some
	missing int                    // ticks since the last input
	lead    int                    // smallest lead since the last snapshot, in quarter ticks
	heard   bool                   // lead is of this snapshot interval
	strikes int
	bucket  bucket

	evidence *game.Evidence // of the player; set when there is one
}

// bucket bounds how many inputs a seat may have filed, in quarter inputs.
type bucket struct {
	spent uint32
	at    uint32 // tick of spent
}

// take takes one input from what a seat may file. What was taken comes back by
// InputRefill quarters a tick.
func (b *bucket) take(tick uint32) bool {
	b.spent -= uint32(min(uint64(b.spent), uint64(tick-b.at)*InputRefill))
	b.at = tick
	if b.spent > 4*(InputBurst-1) {
		return false
	}
	b.spent += 4
	return true
}

// arrival is one input that was read, into CellTemp.
type arrival struct {
	seq  uint32
	look uint64 // what the player saw, in quarter ticks
	at   int64
}

// input takes what a player sent. An error is about its form.
func (m *Match) input(s *seat, e *Entry) error {
	seen := min(e.K, m.tick)
	if e.Compact {
		return m.compact(s, e)
	}
	m.seen(s, e.K, false)
	if err := m.drv.Decode(s.index, game.CellTemp, e.Data); err != nil {
		return err
	}
	if m.file(s, arrival{seq: e.S, look: m.saw(s, seen, e.View), at: e.at}) {
		m.history.add(m.tick, e)
	}
	return nil
}

// errCompact says that a compact message is not one.
var errCompact = errors.New("match: malformed compact input")

// compactHead is the length of what precedes the inputs of a compact message.
const compactHead = 6

// compactInputs is how many inputs a compact message says that it holds.
func compactInputs(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	return int(b[0] & 7)
}

// compact takes a compact message: version and number of inputs, the low bits of
// the newest input's tick and of the newest tick seen, what was on the screen,
// then the inputs, newest first, each for the tick before the last one's.
func (m *Match) compact(s *seat, e *Entry) error {
	b := e.Data
	n := compactInputs(b)
	if len(b) < compactHead || b[0]>>6 != CompactVersion || n > CompactInputsMax {
		return errCompact
	}
	same := b[0] >> 3 & 7
	if same>>max(n-1, 0) != 0 {
		return errCompact
	}
	seq := nearest(binary.LittleEndian.Uint16(b[1:]), m.tick)
	seen := nearest(binary.LittleEndian.Uint16(b[3:]), m.tick)
	m.seen(s, seen, true)
	look := m.saw(s, min(seen, m.tick), b[5])
	rest, filed := b[compactHead:], false
	for i := range n {
		if i == 0 || same>>(i-1)&1 == 0 {
			var err error
			if rest, err = m.drv.DecodeCompact(s.index, game.CellTemp, rest); err != nil {
				return err
			}
		}
		if uint32(i) < seq {
			// It was made a tick earlier, at a sight a tick older.
			a := arrival{seq: seq - uint32(i), look: look - min(look, uint64(4*i)), at: e.at}
			filed = m.file(s, a) || filed
		}
	}
	if len(rest) > 0 {
		return errCompact
	}
	if filed {
		m.history.add(m.tick, e)
	}
	return nil
}

// nearest is the tick next to now that has these low bits.
func nearest(low uint16, now uint32) uint32 {
	return uint32(max(int64(now)+int64(int16(low-uint16(now))), 0))
}

// file files an input that was read. Each number counts once, however often it
// is sent, and what is played does not depend on the order within a tick, for who
// sends no more than there are ticks:
//
//   - one for this tick or up to InputAhead later waits for its tick;
//   - of those that come after their tick, the newest is played at this tick if
//     it is newer than what was played, unless one meant for this tick is there;
//   - the edges of late ones count at this tick, so that no shot is lost, except
//     that one older than what was played must be within InputBehind.
//
// It reports whether the input counts.
func (m *Match) file(s *seat, a arrival) bool {
	in, now := &s.in, m.tick
	cell := game.Cell(a.seq % game.InputRing)
	inWindow := a.seq+InputBehind > now && a.seq <= now+InputAhead
	switch {
	case a.seq > now+InputAhead:
		m.note(in, a)
		in.evidence.Early++
		m.stats.early.Add(1)
		m.refused("input_early")
		return false
	case inWindow && in.seq[cell] == a.seq, !inWindow && a.seq <= in.applied:
		in.evidence.Repeated++
		m.stats.repeated.Add(1)
		return false
	case inWindow && !in.bucket.take(now):
		in.evidence.Rate++
		m.stats.rate.Add(1)
		m.refused("input_rate")
		return false
	}
	m.note(in, a)
	in.evidence.Inputs++
	m.stats.inputs.Add(1)
	if inWindow {
		in.seq[cell], in.look[cell] = a.seq, a.look
	}
	if a.seq >= now {
		m.drv.Copy(s.index, cell, game.CellTemp)
		return true
	}
	in.evidence.Late++
	m.stats.late.Add(1)
	if a.seq > in.applied && a.seq > in.late {
		m.drv.Copy(s.index, game.CellLate, game.CellTemp)
		in.late, in.seen = a.seq, a.look
	}
	m.drv.Merge(s.index, game.CellEdges, game.CellTemp)
	in.edges = true
	return true
}

// restart prepares for a new connection of the same player: what the old one
// sent ahead is not played, and its faults are forgotten.
func (in *inputs) restart(now uint32) {
	for i, s := range in.seq {
		if s >= now {
			in.seq[i] = 0
		}
	}
	in.lead, in.heard, in.strikes = 0, false, 0
}

// note measures how early an input came for its tick.
func (m *Match) note(in *inputs, a arrival) {
	period := m.period()
	ahead := min(max(int64(a.seq)-int64(m.tick), -leadMax), leadMax)
	early := 4 * (ahead*period + m.started - a.at)
	quarters := int(min(max(early/period, -leadMax), leadMax))
	if early%period < 0 { // rounded down: late is never said to be in time
		quarters = max(quarters-1, -leadMax)
	}
	if !in.heard || quarters < in.lead {
		in.lead, in.heard = quarters, true
	}
}

// takeInputs chooses the input of each person for this tick.
func (m *Match) takeInputs() {
	repeat := int(m.rules.Ticks(InputRepeat))
	for i := range m.seats {
		if s := &m.seats[i]; s.player != nil && !s.spec.Bot {
			m.takeInput(s, repeat)
		}
	}
}

func (m *Match) takeInput(s *seat, repeat int) {
	in := &s.in
	cell := game.Cell(m.tick % game.InputRing)
	switch {
	case in.seq[cell] == m.tick:
		m.drv.Copy(s.index, game.CellNow, cell)
		in.applied, in.missing, in.now = m.tick, 0, in.look[cell]
	case in.late > in.applied:
		m.drv.Copy(s.index, game.CellNow, game.CellLate)
		in.applied, in.missing, in.now = in.late, 0, in.seen
	case in.missing < repeat && s.link != nil:
		m.drv.DropEdges(s.index, game.CellNow)
		in.missing++
		in.now += 4 // as if it had come
	default:
		m.drv.Zero(s.index, game.CellNow)
		in.missing = repeat
		in.now += 4
	}
	if in.applied == 0 {
		in.now = 4 * uint64(m.tick) // nobody has looked yet
	}
	m.drv.Look(s.index, in.now)
	in.late = 0
	if in.edges {
		m.drv.Merge(s.index, game.CellNow, game.CellEdges)
		m.drv.Zero(s.index, game.CellEdges)
		in.edges = false
	}
}
