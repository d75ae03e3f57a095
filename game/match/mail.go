package match

import "slices"

// mail holds the game's events that one player may not have got: those of a
// time without a connection, and those that were given to a connection which
// may have been dead already. What the player has got is told by the inputs,
// which name the newest tick seen.
type mail struct {
	letters []letter // oldest first, at most ReplayMax
	before  uint32   // events to this player that are older than letters
	lost    uint32   // newest tick in which one was given away unseen for want of room, 0: none
	acks    bool     // the player tells what was seen
}

// letter is one event.
type letter struct {
	tick uint32 // of the event
	sent uint32 // tick in which a connection was given it last, 0: none was yet
	name string
	data any
}

// never is the tick in which an event was given to a connection that never was.
const never = ^uint32(0)

// add keeps an event. With ReplayMax waiting the oldest makes room, and if the
// player may have missed that one there is a gap from then on.
func (b *mail) add(l letter) {
	if len(b.letters) >= ReplayMax {
		switch old := b.letters[0]; {
		case old.sent == 0:
			b.lost = never
		case b.acks && b.lost != never:
			b.lost = old.sent
		}
		b.forget(1)
	}
	b.letters = append(b.letters, l)
}

// seen notes the newest tick that the player has seen. All that was sent in
// earlier ticks came before it.
func (b *mail) seen(tick uint32) {
	if tick == 0 {
		return
	}
	b.acks = true
	if b.lost < tick {
		b.lost = 0
	}
	n := 0
	for n < len(b.letters) && b.letters[n].sent != 0 && b.letters[n].sent < tick {
		n++
	}
	b.forget(n)
}

// resume leaves what a new connection is to be given: nothing if there is a gap.
// A player who never told what was seen is taken to have got all that was sent.
func (b *mail) resume() {
	n := 0
	switch {
	case b.lost != 0:
		n = len(b.letters)
	case !b.acks:
		for n < len(b.letters) && b.letters[n].sent != 0 {
			n++
		}
	}
	b.forget(n)
	b.lost = 0
}

func (b *mail) forget(n int) {
	if n > 0 {
		b.letters = slices.Delete(b.letters, 0, n)
		b.before += uint32(n)
	}
}
