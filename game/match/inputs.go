package match

import (
	"time"

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
	edges   bool                   // CellEdges holds some
	missing int                    // ticks since the last input
	lead    int                    // smallest lead since the last snapshot, in quarter ticks
	heard   bool                   // lead is of this snapshot interval
	strikes int
}

// accept files an input. Each number counts once, however often it is sent, and
// what is played does not depend on the order within a tick:
//
//   - one for this tick or up to InputAhead later waits for its tick;
//   - of those that come after their tick, the newest is played at this tick if
//     it is newer than what was played, unless one meant for this tick is there;
//   - the edges of late ones count at this tick, so that no shot is lost, except
//     that one older than what was played must be within InputBehind.
//
// Only an input that cannot be read is an error.
func (m *Match) accept(s *seat, e *Entry) error {
	in, now := &s.in, m.tick
	cell := game.Cell(e.S % game.InputRing)
	inWindow := e.S+InputBehind > now && e.S <= now+InputAhead
	switch {
	case e.S > now+InputAhead:
		m.note(in, e)
		m.stats.early.Add(1)
		m.refused("input_early")
		return nil
	case inWindow && in.seq[cell] == e.S, !inWindow && e.S <= in.applied:
		m.stats.repeated.Add(1)
		return nil
	}
	if e.S < now {
		cell = game.CellTemp
	}
	if err := m.drv.Decode(s.index, cell, e.Data); err != nil {
		return err
	}
	m.note(in, e)
	m.stats.inputs.Add(1)
	m.history.add(m.tick, e)
	if inWindow {
		in.seq[e.S%game.InputRing] = e.S
		in.look[e.S%game.InputRing] = look(e, now)
	}
	if e.S >= now {
		return nil
	}
	m.stats.late.Add(1)
	if e.S > in.applied && e.S > in.late {
		m.drv.Copy(s.index, game.CellLate, game.CellTemp)
		in.late, in.seen = e.S, look(e, now)
	}
	m.drv.Merge(s.index, game.CellEdges, game.CellTemp)
	in.edges = true
	return nil
}

// look is the point in time, in quarter ticks, that the player saw when making
// an input: the newest tick of those it names that there are.
func look(e *Entry, now uint32) uint64 { return 4 * uint64(min(e.K, now)) }

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
func (m *Match) note(in *inputs, e *Entry) {
	period := int64(time.Second) / int64(m.rules.Tick)
	ahead := min(max(int64(e.S)-int64(m.tick), -leadMax), leadMax)
	early := 4 * (ahead*period + m.started - e.at)
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
		m.drv.Look(s.index, in.look[cell])
		in.applied, in.missing = m.tick, 0
	case in.late > in.applied:
		m.drv.Copy(s.index, game.CellNow, game.CellLate)
		m.drv.Look(s.index, in.seen)
		in.applied, in.missing = in.late, 0
	case in.missing < repeat && s.link != nil:
		m.drv.DropEdges(s.index, game.CellNow)
		in.missing++
	default:
		m.drv.Zero(s.index, game.CellNow)
		in.missing = repeat
	}
	in.late = 0
	if in.edges {
		m.drv.Merge(s.index, game.CellNow, game.CellEdges)
		m.drv.Zero(s.index, game.CellEdges)
		in.edges = false
	}
}
