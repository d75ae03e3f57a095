package client

import "time"

// Every bound of the package, and what happens at it.
const (
	// defaultMaxPayload bounds one received message unless Options say
	// otherwise. A larger one ends the session.
	defaultMaxPayload = 4 << 20
	// defaultMaxBuffered bounds the messages waiting for a poll. Send refuses
	// what would exceed it.
	defaultMaxBuffered = 1 << 20
	// defaultHandshakeTimeout bounds Dial and, separately, the upgrade.
	defaultHandshakeTimeout = 20 * time.Second
	// bodyFactor times MaxPayload bounds the body of one poll, which may hold
	// many messages in base64.
	bodyFactor = 4
	// payloadPackets bounds the packets of one POST; the rest goes into the
	// next. Some servers take no more.
	payloadPackets = 16
	// headMax bounds the HTTP response head before a WebSocket.
	headMax = 16 << 10
	// errorBodyMax bounds what is read of a refusal.
	errorBodyMax = 4 << 10
	// keepMax is the largest buffer kept for reuse.
	keepMax = 64 << 10
	// readBuffer is the size of the WebSocket reader's buffer.
	readBuffer = 4 << 10
	// fragmentsMax bounds the frames of one fragmented message.
	fragmentsMax = 64
	// lingerMax is how long a closing session waits for the other side.
	lingerMax = time.Second
	// goodbyeMax is how long Close waits for a writer that is stuck.
	goodbyeMax = 200 * time.Millisecond
	// heartbeatMax bounds the heartbeat times that a server may announce.
	heartbeatMax = 24 * time.Hour
)
