package client

import (
	"time"

	"gameserver/sio"
)

// Every bound of the package, and what happens at it.
const (
	// defaultConnectTimeout bounds one attempt to open a session.
	defaultConnectTimeout = 20 * time.Second
	// inboxMax bounds the packets that wait for handlers. One more ends the
	// session.
	inboxMax = 1024
	// inboxBytesMax bounds their bytes likewise.
	inboxBytesMax = 8 << 20
	// bufferedMax bounds the packets that wait on one Socket for a connection.
	// Emit refuses one more.
	bufferedMax = 256
	// bufferedBytesMax bounds their bytes likewise.
	bufferedBytesMax = 1 << 20
	// acksMax bounds the acknowledgements one Socket waits for.
	acksMax = 1024
	// attachmentsMax bounds the attachments of one packet, as the official
	// parser does; attachmentBytesMax bounds their bytes. Beyond either the
	// session ends.
	attachmentsMax     = 10
	attachmentBytesMax = 8 << 20
	// ackIDMask keeps acknowledgement ids in the range that servers accept.
	ackIDMask = 1<<31 - 1
	// depthMax and itemsMax bound one packet; beyond either the session ends.
	depthMax = 32
	itemsMax = 1 << 18
)

// decoderLimits bounds the packets of a server.
func decoderLimits() sio.Limits {
	return sio.Limits{
		Depth: depthMax, Items: itemsMax,
		Attachments: attachmentsMax, AttachmentBytes: attachmentBytesMax,
	}
}
