package match

import "time"

// Bounds of one match. What happens at each is said beside it.
const (
	// InboxMax is how many inputs and requests may wait for the next tick. One
	// more is refused and counted. One half is divided among the seats. Control entries (attach, detach, leave,
	// claim, stop) have ControlMax of their own, because they must not be lost
	// behind a flood.
	InboxMax   = 4096
	ControlMax = 4096
	// InboxBytesMax bounds the bytes of those inputs and requests, and is divided
	// in the same way.
	InboxBytesMax = 1 << 20
	// SeatInputsMax and SeatRequestsMax bound what one seat has in the inbox.
	SeatInputsMax   = 64
	SeatRequestsMax = 32
	// RequestRate is how many requests a second a seat may make in the long run.
	// More are refused, so that what a game does for each — an event, an After —
	// stays within the game's own bounds.
	RequestRate = 30
	// InputBytesMax and RequestBytesMax bound one message. A longer one is
	// refused; a long input is a strike.
	InputBytesMax   = 1024
	RequestBytesMax = 16 << 10
	// StrikesMax is how many unreadable inputs a seat may send before its
	// connection is closed with bad_payload.
	StrikesMax = 20
	// InputAhead and InputBehind are the input window around the tick T about to
	// be stepped: s in (T-InputBehind, T+InputAhead]. An input beyond is dropped
	// and counted.
	InputAhead  = 32
	InputBehind = 8
	// InputRepeat is how long the last input stands in for missing ones.
	InputRepeat = 150 * time.Millisecond
	// InputBurst is how many inputs a seat may file at once for ticks within the
	// window, InputRefill how many quarters of one it may file more in each tick.
	// Others are dropped and counted.
	InputBurst  = 24
	InputRefill = 5
	// CompactInputsMax is how many inputs a compact message may hold, and
	// CompactVersion the version of its form.
	CompactInputsMax = 4
	CompactVersion   = 1
	// JoinBytes bounds the entities of one snapshot of a player who has just come.
	// The rest of a larger world follows at the next ticks, for JoinTime at most;
	// what is left then comes at once, unless the game has a budget of its own.
	JoinBytes = 8 << 10
	JoinTime  = 5 * time.Second
	// ViewToleranceMs is how far what players say they saw may lie from what
	// their round trips say. Beyond that, these count.
	ViewToleranceMs = 200
	// PaceSlackMs is how much later than the fastest a snapshot may be named as
	// seen before there is no credit for more, beside two intervals.
	PaceSlackMs = 60
	// PaceStuck is how many seconds a connection may be without credit before it
	// is stalled, PaceGiveUp how many it may be stalled before it is closed as
	// slow_consumer.
	PaceStuck  = 1
	PaceGiveUp = 12
	// FlightMax is how many snapshots may be on their way to a player who says what
	// was seen, however long the line. Of those that go out beyond (probes, and to
	// a player who does not say it) the oldest are not remembered.
	FlightMax = 64
	// PaceRise is how many seconds without a miss bring a slower connection one
	// step up. Each rise that it cannot bear doubles them, up to PaceRiseMax.
	PaceRise    = 3
	PaceRiseMax = 24
	// PaceWindow is after how many seconds without a round trip as small as the
	// smallest, that one grows by an eighth.
	PaceWindow = 15
	// ownWeight is what a player's own entity weighs when there is no room for all.
	ownWeight = 1e9
	// tripMax bounds a round trip, in seconds.
	tripMax = 60
	// judgedMin is how many moments a judgement of the pace needs.
	judgedMin = 4
	// ReplayMax is how many events of the game are kept for a player who may not
	// have got them. With more, a player who comes back gets none of them, and a
	// full snapshot as always.
	ReplayMax = 256
	// PostBytesMax bounds the events that wait for a compact snapshot to be taken.
	// With one more the connection is closed with slow_consumer, and a player who
	// comes back and is owed more gets none of them.
	PostBytesMax = 128 << 10
	// TicksMax is the tick in which a match ends whatever its rules say, years
	// from its start, so that no tick number ever wraps.
	TicksMax = 1<<32 - 1<<25
	// CrashInputBytes bounds the inputs that are remembered for a crash dump.
	// Between one and two times as many bytes are kept.
	CrashInputBytes = 32 << 10
	// writeBatch is how many packets are built before they are written.
	writeBatch = 64
	// forkRange is how many seats one part of a fork is for, forkSeats above how
	// many a match is big, and forkCost above which share of its time.
	forkRange = 16
	forkSeats = 200
	forkCost  = 0.3
	// leadMax bounds the lead that is reported, in quarter ticks.
	leadMax = 127
	// lateMax bounds the lateness that is reported, in units of 10 µs.
	lateMax = 65535
)
