package client

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Errors that callers branch on.
var (
	// ErrClosed is returned by Send once the session has ended.
	ErrClosed = errors.New("engine/client: connection closed")
	// ErrFull is returned by Send when too much waits for a poll.
	ErrFull = errors.New("engine/client: outbox full")
	// ErrTooLarge is returned by Send for a message above the server's limit.
	ErrTooLarge = errors.New("engine/client: message larger than the server accepts")
	// errProtocol is the cause of a session that ended on malformed bytes.
	errProtocol = errors.New("engine/client: protocol violation")
	// errTooLong is the cause of a session that ended on too large a message.
	errTooLong = errors.New("engine/client: too large")
)

// Reasons a session ends with, in the words of the official client.
const (
	ReasonClientClose    = "forced close"
	ReasonTransportClose = "transport close"
	ReasonTransportError = "transport error"
	ReasonPingTimeout    = "ping timeout"
	ReasonParseError     = "parse error"
)

// CloseError says why a session ended.
type CloseError struct {
	Reason string // one of the Reason constants
	Code   int    // WebSocket close code, 0 if there was none
	Err    error  // the cause, nil for an orderly end
}

// Error describes the end of the session.
func (e *CloseError) Error() string {
	s := "engine/client: " + e.Reason
	if e.Code != 0 {
		s += fmt.Sprintf(" (%d)", e.Code)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *CloseError) Unwrap() error { return e.Err }

// HandshakeError is a server's refusal to open a session.
type HandshakeError struct {
	Status  int    // HTTP status
	Code    int    // Engine.IO error code, -1 if the body held none
	Message string // as sent by the server
}

// Error describes the refusal.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("handshake refused: status %d, code %d %q", e.Status, e.Code, e.Message)
}

// refusal reads the body of an HTTP answer that is not the wanted one.
func refusal(status int, body []byte) *HandshakeError {
	e := &HandshakeError{Status: status, Code: -1}
	var v struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &v) == nil && v.Code != nil {
		e.Code, e.Message = *v.Code, v.Message
		return e
	}
	e.Message = string(body)
	return e
}
