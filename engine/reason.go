package engine

// Reason says why a Conn ended.
type Reason uint8

// The reasons. The zero value is none of them.
const (
	_ Reason = iota
	// ReasonTransportClose is a connection that ended without a word.
	ReasonTransportClose
	// ReasonTransportError is a transport that failed or was misused.
	ReasonTransportError
	// ReasonClientClose is a client that said goodbye.
	ReasonClientClose
	// ReasonForced is a close asked for by the server's code.
	ReasonForced
	// ReasonNoPong is a heartbeat without an answer.
	ReasonNoPong
	// ReasonProtocol is a violation of WebSocket or Engine.IO framing.
	ReasonProtocol
	// ReasonBadUTF8 is text that is not UTF-8.
	ReasonBadUTF8
	// ReasonTooLarge is a message above the limit.
	ReasonTooLarge
	// ReasonFlood is too many control frames or packets.
	ReasonFlood
	// ReasonSlowConsumer is a client that does not read what it is sent.
	ReasonSlowConsumer
	// ReasonRateLimited is a client that sends more than it may.
	ReasonRateLimited
	// ReasonAuthTimeout is a client that did not authenticate in time.
	ReasonAuthTimeout
	// ReasonAuthFailed is a refused credential.
	ReasonAuthFailed
	// ReasonBadPayload is well-framed content that was refused, or a message
	// that was begun and not finished in time.
	ReasonBadPayload
	// ReasonReplaced is a newer connection that took the place.
	ReasonReplaced
	// ReasonServerShutdown is a server that goes away.
	ReasonServerShutdown
	// ReasonOverloaded is a server that sheds load.
	ReasonOverloaded
	// ReasonInternal is a fault of the server.
	ReasonInternal

	numReasons = iota
)

type reasonInfo struct {
	code  string
	text  string
	close uint16
}

// info is a switch over constants rather than a table, so that nothing can
// change it.
func (r Reason) info() reasonInfo {
	switch r {
	case ReasonTransportClose:
		return reasonInfo{"transport_close", "transport close", 1001}
	case ReasonTransportError:
		return reasonInfo{"transport_error", "transport error", 1001}
	case ReasonClientClose:
		return reasonInfo{"client_close", "transport close", 1000}
	case ReasonForced:
		return reasonInfo{"forced", "forced close", 1000}
	case ReasonNoPong:
		return reasonInfo{"no_pong", "ping timeout", 4011}
	case ReasonProtocol:
		return reasonInfo{"protocol_error", "parse error", 1002}
	case ReasonBadUTF8:
		return reasonInfo{"bad_utf8", "parse error", 1007}
	case ReasonTooLarge:
		return reasonInfo{"too_large", "parse error", 1009}
	case ReasonFlood:
		return reasonInfo{"flood", "transport error", 1008}
	case ReasonSlowConsumer:
		return reasonInfo{"slow_consumer", "transport close", 4010}
	case ReasonRateLimited:
		return reasonInfo{"rate_limited", "transport close", 4008}
	case ReasonAuthTimeout:
		return reasonInfo{"auth_timeout", "forced close", 4003}
	case ReasonAuthFailed:
		return reasonInfo{"auth_failed", "forced close", 4004}
	case ReasonBadPayload:
		return reasonInfo{"bad_payload", "parse error", 4002}
	case ReasonReplaced:
		return reasonInfo{"replaced", "forced close", 4009}
	case ReasonServerShutdown:
		return reasonInfo{"draining", "server shutting down", 1012}
	case ReasonOverloaded:
		return reasonInfo{"overloaded", "forced close", 1013}
	case ReasonInternal:
		return reasonInfo{"internal", "transport error", 1011}
	default:
		return reasonInfo{"unknown", "transport close", 1011}
	}
}

// String returns the reason's code in the project's one vocabulary.
func (r Reason) String() string { return r.info().code }

// Text returns the disconnect text that Socket.IO uses for the reason.
func (r Reason) Text() string { return r.info().text }

// CloseCode returns the WebSocket close code that announces the reason.
func (r Reason) CloseCode() uint16 { return r.info().close }

// announces reports whether a polling client should still be told: the server
// ended the session and the client may be healthy, or the client has ended it
// and its last GET is under way.
func (r Reason) announces() bool {
	switch r {
	case ReasonClientClose, ReasonForced, ReasonRateLimited, ReasonAuthTimeout, ReasonAuthFailed,
		ReasonBadPayload, ReasonReplaced, ReasonOverloaded, ReasonInternal:
		return true
	default:
		return false
	}
}
