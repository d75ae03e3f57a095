package netfault

import "time"

// Bounds of this package.
const (
	// SegmentBytes is the most that one segment carries: the payload of an
	// Ethernet frame.
	SegmentBytes = 1460
	// BufferDefault and BufferMax bound what one direction of a connection holds,
	// in bytes; when it is full the sender has to wait.
	BufferDefault = 256 << 10
	BufferMax     = 4 << 20
	// SegmentsMax bounds the segments that one direction holds, so that tiny ones
	// are bounded too.
	SegmentsMax = 8192
	// ConnsDefault is how many connections a Proxy takes by default; one more is
	// reset.
	ConnsDefault = 4096
	// DelayMax bounds every duration of a Profile.
	DelayMax = time.Minute

	// writeBytes is the most that one write delivers.
	writeBytes = 16 << 10
	// retriesMax is how often a retransmission may be lost again.
	retriesMax = 6
	// rtoMin is what Linux adds to the round trip before it retransmits unasked.
	rtoMin = 200 * time.Millisecond
	// dialTimeout bounds the dialling of the server.
	dialTimeout = 5 * time.Second
)
