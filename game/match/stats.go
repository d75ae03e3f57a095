package match

import (
	"sync/atomic"

	"gameserver/game"
)

// Stats are the numbers of a match so far.
type Stats struct {
	Tick  uint32
	State game.State
	Seats int

	Inputs   uint64 // accepted
	Late     uint64 // of them, after their tick
	Early    uint64 // dropped: too far ahead of their tick
	Repeated uint64 // dropped: seen before, or too old
	Bad      uint64 // dropped: not readable
	Rate     uint64 // dropped: more than there are ticks to play them in
	Views    uint64 // accepted, made at a sight other than they claim
	Requests uint64

	Paces [PaceStates]int // connections by how they keep up

	Snapshots        uint64 // taken by the links
	SnapshotsRefused uint64 // not taken; rebuilt at the next tick
	SnapshotsHeld    uint64 // ticks in which one was owed to a player who had not read enough
	SnapshotBytes    uint64
	Events           uint64 // sent, one for each receiver
	EventsRefused    uint64 // by links that were closing

	InboxFull  uint64 // inputs and requests dropped because the inbox was full
	StaleEpoch uint64 // dropped because a newer connection has the seat
}

// counters are written by the owner, inboxFull by anybody.
type counters struct {
	tick                                 atomic.Uint32
	inputs, late, early, repeated, bad   atomic.Uint64
	rate, views, held                    atomic.Uint64
	requests, snapshots, refusals, bytes atomic.Uint64
	events, unsent, inboxFull, stale     atomic.Uint64
}

// Stats returns the numbers of the match. Any goroutine may call it.
func (m *Match) Stats() Stats {
	c := &m.stats
	return Stats{
		Paces: m.paces.census(), Tick: c.tick.Load(), State: m.State(), Seats: len(m.cfg.Seats),
		Inputs: c.inputs.Load(), Late: c.late.Load(), Early: c.early.Load(), Repeated: c.repeated.Load(),
		Bad: c.bad.Load(), Rate: c.rate.Load(), Views: c.views.Load(), Requests: c.requests.Load(),
		SnapshotsHeld: c.held.Load(),
		Snapshots:     c.snapshots.Load(), SnapshotsRefused: c.refusals.Load(), SnapshotBytes: c.bytes.Load(),
		Events: c.events.Load(), EventsRefused: c.unsent.Load(),
		InboxFull: c.inboxFull.Load(), StaleEpoch: c.stale.Load(),
	}
}

func (m *Match) refused(reason string) {
	if m.cfg.Hooks.Refused != nil {
		m.cfg.Hooks.Refused("match", reason)
	}
}
