package match

import (
	"sync"

	"gameserver/game"
)

// Kind is what an Entry of the inbox is about.
type Kind uint8

// The kinds of entries.
const (
	KindInput   Kind = iota // a player's input
	KindRequest             // a player's request
	KindLeave               // a player gives the seat up
	KindDetach              // a connection is lost
	KindAttach              // a new connection
	KindClaim               // may a token take a seat
	KindStop                // the server ends the match
	KindLevel               // the governor's level, in S; only Config.Tap sees it
	KindAck                 // a player says what was seen, and no more
	KindKick                // the server takes a player out
)

// Entry is one thing that happened outside and waits for the next tick. The
// exported fields are those that decide what the game sees.
type Entry struct {
	Kind  Kind
	Seat  int
	Epoch uint32 // of the connection; of the token for KindClaim
	S, K  uint32 // of an input: the tick it is meant for, the tick last seen
	View  uint8  // of an input: quarter ticks before K that were on the screen
	Event string // of a request
	Data  []byte // of an input or a request, as msgpack
	// Compact says that Data is a compact message of inputs, with S, K and View
	// in it.
	Compact bool
	Why     game.Reason

	from, size int // of Data in the batch
	at         int64
	link       Link
	reply      func(any, error)
	left       func()
	claim      chan<- error
}

// batch is what came in between two ticks.
type batch struct {
	entries []Entry
	bytes   []byte // of all Data
	control int    // entries that are neither input nor request

	common, commonBytes int // taken of the half that is nobody's
}

func (b *batch) reset() {
	clear(b.entries)
	b.entries, b.bytes, b.control = b.entries[:0], b.bytes[:0], 0
	b.common, b.commonBytes = 0, 0
}

// quota is what one seat has in the batch, and its newest epoch.
type quota struct {
	inputs, requests int
	own, ownBytes    int // taken of the share that is the seat's
	epoch            uint32
}

// inbox is the only thing in a match that other goroutines touch. Its mutex is
// held for a copy and never across a call.
//
// One half of it is divided among the seats, the other is for whoever comes
// first: those who flood it cannot keep the others from being heard.
type inbox struct {
	mu     sync.Mutex
	batch  *batch  // guarded by mu
	seats  []quota // guarded by mu
	closed bool    // guarded by mu
	spare  *batch  // of the owner

	share, shareBytes int // of one seat; immutable
}

func (in *inbox) init(seats int) {
	in.batch, in.spare = &batch{}, &batch{}
	in.seats = make([]quota, seats)
	in.share, in.shareBytes = InboxMax/2/seats, InboxBytesMax/2/seats
}

// put adds an input or a request, copying data.
func (in *inbox) put(e Entry, data []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	b, q := in.batch, &in.seats[e.Seat]
	switch {
	case in.closed:
		return ErrGone
	case e.Kind != KindRequest && q.inputs+e.inputs() > SeatInputsMax:
		return ErrFull
	case e.Kind == KindRequest && q.requests >= SeatRequestsMax:
		return ErrFull
	}
	switch {
	case q.own < in.share && q.ownBytes+len(data) <= in.shareBytes:
		q.own++
		q.ownBytes += len(data)
	case b.common < InboxMax/2 && b.commonBytes+len(data) <= InboxBytesMax/2:
		b.common++
		b.commonBytes += len(data)
	default:
		return ErrFull
	}
	if e.Kind == KindRequest {
		q.requests++
	} else {
		q.inputs += e.inputs()
	}
	e.Data, e.from, e.size = nil, len(b.bytes), len(data)
	b.bytes = append(b.bytes, data...)
	b.entries = append(b.entries, e)
	return nil
}

// inputs is how many inputs an entry counts for.
func (e *Entry) inputs() int {
	if e.Compact {
		return max(compactInputs(e.Data), 1)
	}
	return 1
}

// putControl adds any other entry. Only those that open something new are
// bounded: each connection can be closed once, and that must not be refused.
func (in *inbox) putControl(e Entry) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	opens := e.Kind == KindAttach || e.Kind == KindClaim
	switch {
	case in.closed:
		return ErrGone
	case opens && in.batch.control >= ControlMax:
		return ErrFull
	}
	in.batch.control++
	in.batch.entries = append(in.batch.entries, e)
	return nil
}

// attach adds a new connection of a seat and returns its epoch. Epochs grow in
// the order of the entries.
func (in *inbox) attach(seat int, l Link) (uint32, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return 0, ErrGone
	case in.batch.control >= ControlMax:
		return 0, ErrFull
	}
	in.seats[seat].epoch++
	epoch := in.seats[seat].epoch
	in.batch.control++
	in.batch.entries = append(in.batch.entries, Entry{Kind: KindAttach, Seat: seat, Epoch: epoch, link: l})
	return epoch, nil
}

// take returns what has come in and starts a new batch. The result is valid
// until the next call.
func (in *inbox) take() *batch {
	in.spare.reset()
	in.mu.Lock()
	b := in.batch
	in.batch, in.spare = in.spare, b
	for i := range in.seats {
		in.seats[i] = quota{epoch: in.seats[i].epoch}
	}
	in.mu.Unlock()
	for i := range b.entries {
		e := &b.entries[i]
		e.Data = b.bytes[e.from : e.from+e.size : e.from+e.size]
	}
	return b
}

// close refuses everything from now on and returns what is still waiting. It may
// be called by anybody, and gives each entry to one of the callers.
func (in *inbox) close() []Entry {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	rest := in.batch.entries
	in.batch = &batch{}
	return rest
}
