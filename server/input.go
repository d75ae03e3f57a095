package server

import (
	"errors"
	"math"

	"github.com/tinylib/msgp/msgp"

	"gameserver/internal/mpcheck"
)

var errInput = errors.New("server: malformed input")

// input is the argument of the event input.
type input struct {
	tick  uint32 // s: the tick it is meant for
	seen  uint32 // k: the last tick the client saw
	view  uint8  // w: how far behind k the screen was, in quarter ticks
	value []byte // v: the game's own value, msgpack; part of the argument
	ack   bool   // it is only k
}

// parseInput reads {s, k, w, v} from one checked msgpack value without an
// allocation. s and v are required, unless k is alone; other keys are refused.
func parseInput(b []byte) (in input, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil || n > 4 {
		return input{}, errInput
	}
	var tick, seen bool
	for range n {
		var key []byte
		if key, b, err = msgp.ReadStringZC(b); err != nil || len(key) != 1 {
			return input{}, errInput
		}
		switch key[0] {
		case 's':
			in.tick, b, err = readUint32(b)
			tick = true
		case 'k':
			in.seen, b, err = readUint32(b)
			seen = true
		case 'w':
			var view uint32
			view, b, err = readUint32(b)
			in.view = uint8(min(view, math.MaxUint8)) //nolint:gosec // bounded
		case 'v':
			var rest []byte
			if rest, err = mpcheck.Skip(b); err == nil {
				in.value = b[:len(b)-len(rest)]
				b = rest
			}
		default:
			err = errInput
		}
		if err != nil {
			return input{}, errInput
		}
	}
	in.ack = n == 1 && seen
	if !in.ack && (!tick || len(in.value) == 0) || len(b) != 0 {
		return input{}, errInput
	}
	return in, nil
}

// readUint32 reads a whole number in any of the formats that encoders choose;
// JavaScript's have been seen to send floats for large ones.
func readUint32(b []byte) (uint32, []byte, error) {
	switch msgp.NextType(b) {
	case msgp.Float64Type:
		f, rest, err := msgp.ReadFloat64Bytes(b)
		if err != nil || f < 0 || f > math.MaxUint32 || f != math.Trunc(f) {
			return 0, nil, errInput
		}
		return uint32(f), rest, nil
	case msgp.IntType, msgp.UintType:
		return msgp.ReadUint32Bytes(b)
	default:
		return 0, nil, errInput
	}
}

// request is the argument of the event request.
type request struct {
	event string // ev
	data  []byte // data: msgpack; part of the argument, nil when missing
}

// parseRequest reads {ev, data?} from one checked msgpack value.
func parseRequest(b []byte) (r request, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil || n > 2 {
		return request{}, errInput
	}
	for range n {
		var key []byte
		if key, b, err = msgp.ReadStringZC(b); err != nil {
			return request{}, errInput
		}
		switch string(key) {
		case "ev":
			r.event, b, err = msgp.ReadStringBytes(b)
		case "data":
			var rest []byte
			if rest, err = mpcheck.Skip(b); err == nil {
				r.data = b[:len(b)-len(rest)]
				b = rest
			}
		default:
			err = errInput
		}
		if err != nil {
			return request{}, errInput
		}
	}
	if r.event == "" || len(r.event) > MaxEvent || len(b) != 0 {
		return request{}, errInput
	}
	return r, nil
}
