package sio

import (
	"time"

	"gameserver/internal/mpcheck"
)

// Fixed maxima. Reaching one of the first four is a protocol error, which ends
// the connection.
const (
	maxEventName         = 256     // bytes of an event name
	maxNamespace         = 256     // bytes of a namespace name
	maxAckID             = 1 << 31 // largest ack id either side may use
	maxAttachments       = 16      // ceiling of Limits.Attachments
	maxRefused           = 64      // CONNECT_ERRORs per connection; the next CONNECT closes it (rate_limited)
	maxDepth             = mpcheck.MaxDepth - envelopeDepth
	maxSeen              = 16 << 10  // sockets in a set that is kept
	maxPooled            = 64 << 10  // buffers that grew beyond are not kept
	defaultChildren      = 10_000    // Config.MaxChildren
	maxHeld              = 256 << 10 // bytes of events emitted by the middleware of a namespace with recovery
	logOverhead          = 192       // what an event in the log of recovery counts beside its payload
	defaultOutboxPackets = 1024      // Config.Outbox
	defaultOutboxBytes   = 256 << 10
	defaultReplay        = 512 << 10            // bytes of missed events for one client, where Engine.OutboxBytes is not set; otherwise half of that
	defaultInbox         = 2048                 // Limits.Inbox: twice what one POST may hold, which comes at once
	minGaps              = 64                   // empty places in an outbox before it is looked at whether they are most
	markBytes            = 32                   // room for an offset
	hardFactor           = 4                    // times a rate of Config.Abuse …
	hardSeconds          = 3                    // … for so many seconds on end: closed
	hardBurst            = 60                   // seconds' worth within one, the burst not counted; more: closed
	lowWater             = 16 << 10             // bytes in the transport below which it is given more
	pumpEvery            = 5 * time.Millisecond // between two looks at whether it has room
	replaceWait          = 5 * time.Second      // for the handlers of a connection that its client has given up
	minSweep             = time.Second          // between two looks for what recovery may forget
	maxMarshal           = 128                  // nesting of a Go value given to Emit; deeper is an error

	// A msgpack packet is a map around the payload: one more level, and up to
	// sixteen more values than the same payload has in JSON.
	envelopeDepth = 1
	envelopeItems = 16
)

// Limits bounds what one connection may make the server hold or do. A zero
// field means the default in its comment.
type Limits struct {
	Depth           int           // containers inside one another in one payload; 16, at most 63; beyond: protocol error
	Items           int           // values in one payload, keys included; 4096; beyond: protocol error
	Attachments     int           // binary attachments of one JSON packet; 10, at most 16; beyond: protocol error
	AttachmentBytes int           // bytes of all attachments of one packet; 1e6; beyond: too_large
	AttachmentTime  time.Duration // from the header to the last attachment; 5 s; later: protocol error
	Namespaces      int           // namespaces of one connection; 8; beyond: CONNECT_ERROR
	Inbox           int           // packets waiting for handlers; 2048; beyond: rate_limited
	InboxBytes      int           // their bytes; 2 MiB; beyond: rate_limited
	PendingAcks     int           // EmitWithAck calls waiting on one socket; 64; beyond: ErrTooManyAcks
	AckTimeout      time.Duration // life of a pending ack; 10 s
	Rooms           int           // rooms of one socket, its own included; 64; beyond: ErrTooManyRooms
}

func (l Limits) withDefaults() Limits {
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	orTime := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	orInt(&l.Depth, mpcheck.DefaultDepth)
	orInt(&l.Items, mpcheck.DefaultItems)
	orInt(&l.Attachments, 10)
	orInt(&l.AttachmentBytes, 1_000_000)
	orTime(&l.AttachmentTime, 5*time.Second)
	orInt(&l.Namespaces, 8)
	orInt(&l.Inbox, defaultInbox)
	orInt(&l.InboxBytes, 2<<20)
	orInt(&l.PendingAcks, 64)
	orTime(&l.AckTimeout, 10*time.Second)
	orInt(&l.Rooms, 64)
	l.Depth = min(l.Depth, maxDepth)
	l.Attachments = min(l.Attachments, maxAttachments)
	return l
}

// packet is what mpcheck has to hold for a whole msgpack packet.
func (l Limits) packet() mpcheck.Limits {
	return mpcheck.Limits{
		Depth:     l.Depth + envelopeDepth,
		Items:     l.Items + envelopeItems,
		Undefined: true,
		ExtBinary: true,
		Date:      true,
	}
}
