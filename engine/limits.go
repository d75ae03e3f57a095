package engine

import "time"

// Defaults of Config.
const (
	defaultPingInterval   = 25 * time.Second
	defaultPingTimeout    = 20 * time.Second
	defaultUpgradeTimeout = 10 * time.Second
	defaultMaxPayload     = 1_000_000
	defaultEarlyPayload   = 8 << 10
	defaultOutboxBytes    = 1 << 20

	defaultSessionRate  = 20
	defaultSessionBurst = 40
	defaultSessions     = 200
	defaultUnknownSIDs  = 10
)

// Bounds that no configuration changes. Each says what happens at the bound.
const (
	// descriptorReserve is kept free of sessions, for files and everything else.
	descriptorReserve = 512
	// fallbackMaxConns is used where the descriptor limit cannot be read.
	fallbackMaxConns = 8192
	// maxQuery bounds the raw query of a request; more is a bad request.
	maxQuery = 8 << 10
	// maxPayloadPackets bounds the packets of one polling payload to a client;
	// the rest waits for its next GET.
	maxPayloadPackets = 64
	// maxPostPackets bounds those of one from a client, which sends all that it
	// has in one POST; one more closes the session.
	maxPostPackets = 1024
	// maxFragments bounds the frames of one message; one more is 1009.
	maxFragments = 64
	// maxControls bounds the control frames between two data messages; one
	// more is 1008.
	maxControls = 8
	// maxControlsWindow bounds the control frames within a controlWindow; one more
	// is 1008.
	maxControlsWindow = 20
	// maxControlPayload is the protocol's own bound of a control frame.
	maxControlPayload = 125
	// maxCloseReason is what remains of it for the text of a close frame.
	maxCloseReason = maxControlPayload - 2
	// maxDrain bounds what is read and thrown away after a violation, so that
	// the close frame is not destroyed by a reset.
	maxDrain = 1 << 20
	// readBuffer is the size of the read buffer of a WebSocket.
	readBuffer = 512
	// outboxBlock is the unit in which an outbox grows. It is also the least
	// that a peer must take within writeStall.
	outboxBlock = 16 << 10
	// maxPooledFrame is the largest frame buffer that is kept for reuse.
	maxPooledFrame = 64 << 10
	// packetOverhead is what one queued polling packet is counted for besides
	// its bytes, so that empty messages cannot fill the memory.
	packetOverhead = 48
	// notSentLowat bounds what the kernel holds beyond the congestion window.
	notSentLowat = 16 << 10
	// sidBytes is the entropy of a session id; 15 bytes are 20 characters.
	sidBytes = 15
	// compressFrom is the least length of a polling answer that is compressed.
	compressFrom = 1 << 10
	// maxSqueezed is the largest buffer for compressed answers that is kept.
	maxSqueezed = 256 << 10
	// maxJSONPIndex bounds the digits of a JSONP callback's index.
	maxJSONPIndex = 10
	// maxLengthDigits bounds the digits of a length in a v3 payload.
	maxLengthDigits = 8
	// minID and maxID bound the length of an id that Config.NewID makes.
	minID = 16
	maxID = 64
	// maxQuotas bounds the networks whose use is remembered; the one not seen for
	// the longest time is forgotten first.
	maxQuotas = 64 << 10
	// siteScale is how many times the limits of an IPv6 /64 its /48 has.
	siteScale = 8
	// maxHops bounds the hops of X-Forwarded-For that are looked at; a longer
	// chain of trusted proxies is ignored.
	maxHops = 32
	// maxHopText bounds one of them.
	maxHopText = 64
	// maxPreflight bounds the header names that a preflight may ask for; more are
	// answered with the usual ones.
	maxPreflight = 1 << 10
	// preflightAge is how long, in seconds, a browser may remember a preflight.
	preflightAge = "600"
)

// Deadlines that no configuration changes.
const (
	// missWindow is the time in which requests for unknown sessions are counted.
	missWindow = 10 * time.Second
	// overloadRetry is the advice given with a 503.
	overloadRetry = 5 * time.Second
	// fullRetry is the advice to a network that has all its sessions.
	fullRetry = 5 * time.Second
	// controlWindow is the time in which control frames are counted; it starts
	// with the first.
	controlWindow = 10 * time.Second
	// messageTimeout bounds the time from the first byte of a WebSocket message
	// to its last; later closes the session.
	messageTimeout = 5 * time.Second
	// bodyTimeout bounds the reading of a POST body.
	bodyTimeout = 10 * time.Second
	// drainFactor is how many times the limit a POST body may be to be read, and
	// thrown away, before it is refused. A larger one is refused unread.
	drainFactor = 2
	// responseTimeout bounds the writing of a polling answer.
	responseTimeout = 10 * time.Second
	// writeStall is how long one outbox block may take; longer closes the
	// session as a slow consumer.
	writeStall = 10 * time.Second
	// closeTimeout bounds flushing and the closing handshake of a WebSocket.
	closeTimeout = 2 * time.Second
	// noopDelay is how long a GET during an upgrade waits for the upgrade to
	// complete before it gets its empty answer.
	noopDelay = 10 * time.Millisecond
	// openPause3 is how long after the 101 a v3 client is sent its open packet.
	// Clients of that time, the official test suite among them, miss one that
	// comes in the same read.
	openPause3 = 5 * time.Millisecond
	// goodbyeLinger is how long a polling session that its client has closed waits
	// for the GET that was sent at the same time on another connection.
	goodbyeLinger = time.Second
	// pollLinger is how long a closed polling session waits for the GET that
	// fetches its last packets.
	pollLinger = 10 * time.Second
	// handshakeTimeout bounds the writing of the 101 answer.
	handshakeTimeout = 5 * time.Second
	// userTimeout is how long sent bytes may stay unacknowledged by the peer's
	// kernel.
	userTimeout = 20 * time.Second
)
