package ops

import "time"

// The maxima and times of this package. What happens at each is said beside it.
const (
	// SampleEvery is the time between two readings while somebody watches.
	SampleEvery = 250 * time.Millisecond
	// MaxWatchers bounds the pages that watch at once; one more is refused with
	// overloaded.
	MaxWatchers = 16
	// MaxSlots bounds the matches that are shown; the rest is counted in
	// Frame.Hidden until there is room.
	MaxSlots = 1024
	// MaxRows bounds the matches of a frame that come with all their numbers: the
	// worst ones.
	MaxRows = 16
	// MaxBlames bounds the blame lines that are kept, and sent in one frame; the
	// oldest go first, and are counted.
	MaxBlames = 64
	// MaxTicks bounds the ticks of the selected match in one frame; more come with
	// the next ones.
	MaxTicks = 1024
	// MaxSeats bounds the seats shown of the selected match.
	MaxSeats = 128
	// MaxTraces bounds the saved traces that are listed, the newest.
	MaxTraces = 50
	// MaxName bounds the names of matches, games, players and operators in
	// characters; the rest is cut off.
	MaxName = 64
	// MaxLine bounds a blame line in bytes; the rest is cut off.
	MaxLine = 400
	// MaxPayload bounds a message from a page in bytes; above it the connection is
	// closed with too_large.
	MaxPayload = 8 << 10
	// MaxFrame bounds a frame in bytes. A test holds it at every bound above.
	MaxFrame = 256 << 10
	// OutboxBytes bounds what waits for one page; above it the connection is closed
	// with slow_consumer. Two frames fit.
	OutboxBytes = 640 << 10
	// MaxConns bounds the connections, those that do not watch yet included.
	MaxConns = 64
	// ConnectTimeout is how long a connection may live without having joined /ops.
	ConnectTimeout = 10 * time.Second
	// MaxFailures is how many wrong tokens an address may give at once, and
	// FailureEvery when it may give another; above it rate_limited is answered.
	MaxFailures = 5
	// FailureEvery is the time in which one wrong token is forgiven.
	FailureEvery = 5 * time.Second
	// MaxAddresses bounds the addresses whose wrong tokens are remembered; beyond
	// it the one that was seen longest ago is forgotten.
	MaxAddresses = 1024
	// ActionRate and ActionBurst bound what one page does, by the second and at
	// once; above it rate_limited is answered.
	ActionRate = 2
	// ActionBurst is what a page may do at once.
	ActionBurst = 20

	// rowsEvery is how many readings pass between two of the numbers that move
	// slowly.
	rowsEvery = 4
	// heatStride is how many bytes the heat map has for each slot.
	heatStride = 4
	// histBuckets is the number of buckets on the wire, four to an octave from 1 µs
	// on: the last is for all above 0.9 s.
	histBuckets = 81
)
