package sio

import (
	"net/url"
	"slices"

	"gameserver/internal/mpcheck"
)

// Event is one decoded packet: an EVENT as [Socket.OnRaw] sees it, or any packet
// as [Decoder.Decode] returns it. Its bytes belong to the decoder and die when
// the handler returns or the next message is decoded; [Event.Args] copies them.
type Event struct {
	nsp    []byte     // empty for "/"
	query  url.Values // in the namespace of a v2 client
	name   []byte     // of an EVENT
	label  string     // name as registered, so that Name allocates nothing
	data   []byte     // the whole payload
	args   []byte     // the payload from its first argument on
	parts  [][]byte   // attachments of the default parser
	nargs  int
	id     uint32
	hasID  bool
	typ    PacketType
	parser Parser
}

// Type returns the type of the packet.
func (e *Event) Type() PacketType { return e.typ }

// Namespace returns the namespace of the packet.
func (e *Event) Namespace() string {
	if len(e.nsp) == 0 {
		return "/"
	}
	return string(e.nsp)
}

// Name returns the event's name. Inside a handler it does not allocate.
func (e *Event) Name() string {
	if e.label != "" {
		return e.label
	}
	return string(e.name)
}

// NArgs returns the number of arguments, the name not counted.
func (e *Event) NArgs() int { return e.nargs }

// Arg returns argument i as it came, in the encoding of [Event.Parser], or nil
// when there are not so many. In JSON an attachment is still its placeholder;
// [Event.AppendArg] has no such limit.
func (e *Event) Arg(i int) []byte {
	if i < 0 || i >= e.nargs {
		return nil
	}
	b := e.args
	if e.parser == ParserMsgpack {
		for range i {
			b, _ = mpcheck.Skip(b) // checked on arrival
		}
		rest, _ := mpcheck.Skip(b)
		return b[: len(b)-len(rest) : len(b)-len(rest)]
	}
	b = trimSeparators(b)
	for range i {
		b = trimSeparators(skipJSON(b))
	}
	n := len(b) - len(skipJSON(b))
	return b[:n:n]
}

func trimSeparators(b []byte) []byte {
	for len(b) > 0 && (b[0] == ',' || b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// AppendArg appends argument i to dst in msgpack, whatever the parser of the
// connection, with attachments in place. A missing argument is appended as nil.
// The error wraps [ErrPayload]: a number that is not finite.
func (e *Event) AppendArg(dst []byte, i int) ([]byte, error) {
	arg := e.Arg(i)
	switch {
	case arg == nil:
		return append(dst, 0xc0), nil
	case e.parser == ParserMsgpack:
		return append(dst, arg...), nil
	}
	return transcode(dst, arg, e.parts)
}

// Parser returns the encoding of Arg.
func (e *Event) Parser() Parser { return e.parser }

// AckID returns the id under which the sender waits for an ack.
func (e *Event) AckID() (id uint32, ok bool) { return e.id, e.hasID }

// Data returns the whole payload as it came: the object of a CONNECT or
// CONNECT_ERROR, the array of an EVENT or ACK; nil when there is none.
func (e *Event) Data() []byte { return e.data }

// Args copies the arguments so that they outlive the event. reply sends the
// ack; it is nil when none can be sent.
func (e *Event) Args(reply func(args ...any) error) Args {
	a := Args{event: e.clone()}
	if e.hasID && reply != nil {
		a.reply = &replyOnce{send: reply}
	}
	return a
}

// clone copies e and everything it refers to. Attachments are already owned by
// the event, see [Decoder].
func (e *Event) clone() *Event {
	c := *e
	c.data = slices.Clone(e.data)
	c.args = c.data[len(c.data)-len(e.args):]
	c.name = []byte(c.Name())
	c.label = string(c.name)
	c.nsp = nil
	return &c
}

// size is what the event occupies while it waits.
func (e *Event) size() int {
	n := len(e.data)
	for _, p := range e.parts {
		n += len(p)
	}
	return n
}
