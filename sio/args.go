package sio

import (
	"errors"
	"sync/atomic"
)

// Args are the arguments of an event or of an ack. They own their bytes and may
// be kept.
type Args struct {
	event *Event
	reply *replyOnce
}

type replyOnce struct {
	send func(args ...any) error
	done atomic.Bool
}

// ErrAnswered is returned by a second Ack of one event, and by an Ack nobody
// asked for.
var ErrAnswered = errors.New("sio: no ack expected")

// Len returns the number of arguments.
func (a Args) Len() int {
	if a.event == nil {
		return 0
	}
	return a.event.nargs
}

// Event returns the event that the arguments are of, for its name and raw
// bytes; nil for the zero Args.
func (a Args) Event() *Event { return a.event }

// Decode decodes argument i into what into points to, by the rules of [On]. A
// missing argument leaves it alone. The error wraps [ErrPayload] when the
// argument is at fault.
func (a Args) Decode(i int, into any) error {
	if i < 0 || i >= a.Len() {
		return nil
	}
	b := a.event.Arg(i)
	if a.event.parser == ParserJSON {
		var err error
		if b, err = transcode(nil, b, a.event.parts); err != nil {
			return err
		}
	}
	return decodeInto(into, b)
}

// WantsAck reports whether the sender waits for an ack that was not sent yet.
func (a Args) WantsAck() bool { return a.reply != nil && !a.reply.done.Load() }

// Ack answers the sender, once.
func (a Args) Ack(args ...any) error {
	if a.reply == nil || !a.reply.done.CompareAndSwap(false, true) {
		return ErrAnswered
	}
	return a.reply.send(args...)
}
