package game

import (
	"bytes"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"
)

// Args is what came with a request.
type Args struct{ raw []byte }

// NewArgs wraps a msgpack value that has passed the format check.
func NewArgs(raw []byte) Args { return Args{raw} }

// Raw returns the value as msgpack. It dies when the call returns.
func (a Args) Raw() []byte { return a.raw }

// Decode reads the value into what v points to, by json tags. A request without
// a value leaves v alone. Keys that v has no field for are ignored, and numbers
// are not checked against anything: the ranges of in tags are for inputs.
func (a Args) Decode(v any) (err error) {
	if len(a.raw) == 0 {
		return nil
	}
	defer func() {
		if recover() != nil { // a list as the key of a map, for one
			err = &Error{Code: CodeBadPayload, Msg: "the request could not be read"}
		}
	}()
	d := msgpack.GetDecoder()
	defer msgpack.PutDecoder(d)
	d.Reset(bytes.NewReader(a.raw))
	d.SetCustomStructTag("json")
	if err := d.Decode(v); err != nil {
		return &Error{Code: CodeBadPayload, Msg: "the request could not be read"}
	}
	return nil
}

// Codes of the refusals that come from this package.
const (
	CodeBadPayload = "bad_payload" // it could not be read
	CodeNotFound   = "not_found"   // there is nothing of that name
)

// Error is a refusal that the client is told of as it is: a code in lower snake
// case, a sentence, and the path of the offending field where there is one.
type Error struct{ Code, Msg, Path string }

// Error returns the refusal in one line.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s: %s", e.Code, e.Msg)
	}
	return fmt.Sprintf("%s: %s: %s", e.Code, e.Path, e.Msg)
}
