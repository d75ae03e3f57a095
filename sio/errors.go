package sio

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// Errors a caller may branch on.
var (
	// ErrNotConnected is returned by sends on a socket that has not joined its
	// namespace yet or has left it.
	ErrNotConnected = errors.New("sio: socket is not connected")
	// ErrReserved is returned by emits of a reserved event name.
	ErrReserved = errors.New("sio: reserved event name")
	// ErrTooManyAcks is returned by EmitWithAck beyond Limits.PendingAcks.
	ErrTooManyAcks = errors.New("sio: too many pending acks")
	// ErrTooManyRooms is returned by Join beyond Limits.Rooms.
	ErrTooManyRooms = errors.New("sio: too many rooms")
	// ErrAckTimeout is returned by EmitWithAck when the answer did not come in time.
	ErrAckTimeout = errors.New("sio: ack timeout")
	// ErrProtocol is what every refusal of [Decoder.Decode] wraps.
	ErrProtocol = errors.New("sio: protocol error")
	// ErrTooLarge is what Decode wraps when attachments exceed their bound.
	ErrTooLarge = errors.New("sio: attachments too large")
	// ErrPayload is what refusals of a well-formed payload wrap: it does not
	// fit the Go type, repeats a key, or holds a number that is not finite. They
	// are also an *[Error] for errors.As, with the code bad_payload and the path.
	ErrPayload = errors.New("sio: bad payload")
)

// The codes this package itself puts into an [Error].
const (
	codeBadPayload  = "bad_payload"
	codeInternal    = "internal"
	codeRateLimited = "rate_limited"
	codeNamespaces  = "too_many_namespaces"
)

// Error is a refusal that may be shown to the client: the err of a negative
// ack and the data of a CONNECT_ERROR. Handlers and middleware return one to
// say why; any other error reaches the client only as code "internal" with a
// reference into the log.
type Error struct {
	Code    string `json:"code"`              // from the vocabulary of docs/PROTOCOL.md
	Msg     string `json:"msg"`               // for people
	Path    string `json:"path,omitempty"`    // the field that is wrong, as a.b[2].c
	Ref     string `json:"ref,omitempty"`     // finds the log line
	RetryMs int64  `json:"retryMs,omitempty"` // try again after so many milliseconds
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s at %s: %s", e.Code, e.Path, e.Msg)
	}
	return e.Code + ": " + e.Msg
}

// refusal is the negative answer of an ack.
type refusal struct {
	OK  bool   `json:"ok"`
	Err *Error `json:"err"`
}

// payloadError says where a payload does not fit. It becomes bad_payload.
type payloadError struct {
	path, msg string
}

func (e *payloadError) Error() string {
	if e.path == "" {
		return "sio: bad payload: " + e.msg
	}
	return "sio: bad payload at " + e.path + ": " + e.msg
}

func (e *payloadError) Unwrap() error { return ErrPayload }

// As implements the method that errors.As asks for: to a client the error is an
// *[Error] with the code bad_payload.
func (e *payloadError) As(target any) bool {
	shown, ok := target.(**Error)
	if ok {
		*shown = &Error{Code: codeBadPayload, Msg: e.msg, Path: e.path}
	}
	return ok
}

func badPayload(msg string) error { return &payloadError{msg: msg} }

// under puts the name of a field or an index in front of the path of err.
func under(err error, step string) error {
	var p *payloadError
	if !errors.As(err, &p) {
		return err
	}
	switch {
	case p.path == "":
		p.path = step
	case p.path[0] == '[':
		p.path = step + p.path
	default:
		p.path = step + "." + p.path
	}
	return p
}

// public is err as the client may see it, or nil when err must not be shown.
func public(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	return nil
}

func newRef() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}

// protocolError is a refusal of the decoder. The reasons are constants, so that
// they can be a metric label.
type protocolError string

func (e protocolError) Error() string { return "sio: protocol error: " + string(e) }

func (e protocolError) Unwrap() error { return ErrProtocol }
