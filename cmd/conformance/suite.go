package main

import (
	"log/slog"

	"github.com/vmihailenco/msgpack/v5"

	"gameserver/sio"
)

// registerSuite sets what the official Socket.IO suite expects, and /sync.
func registerSuite(s *sio.Server) {
	s.Of("/").OnConnection(func(c *sio.Socket) {
		emitAuth(c)
		c.OnArgs("message", func(a sio.Args) {
			if args, err := values(a, 0); err == nil {
				_ = c.Emit("message-back", args...)
			}
		})
		c.OnArgs("message-with-ack", func(a sio.Args) { acknowledge(a) })
	})
	s.Of("/custom").OnConnection(emitAuth)
	s.Of("/sync").OnConnection(func(c *sio.Socket) {
		c.OnArgs("barrier", func(a sio.Args) { _ = a.Ack() })
	})
}

// emitAuth sends the auth payload back as it came.
func emitAuth(c *sio.Socket) {
	auth := any(struct{}{})
	if raw := c.RawAuth(); raw != nil {
		if c.Parser() == sio.ParserJSON {
			packed, err := sio.TranscodeJSON(nil, raw)
			if err != nil {
				return // a number that no client can be told
			}
			raw = packed
		}
		auth = msgpack.RawMessage(raw)
	}
	_ = c.Emit("auth", auth)
}

// acknowledge acks with the arguments, or with what is wrong with them.
func acknowledge(a sio.Args) {
	args, err := values(a, 0)
	if err != nil {
		args = []any{map[string]any{"ok": false, "err": map[string]any{"code": "bad_payload"}}}
	}
	_ = a.Ack(args...)
}

// values returns the arguments from the given one on as they came, order of
// keys and kinds of numbers included.
func values(a sio.Args, from int) ([]any, error) {
	var out []any
	for i := from; i < a.Len(); i++ {
		raw, err := a.Event().AppendArg(nil, i)
		if err != nil {
			return nil, err
		}
		out = append(out, msgpack.RawMessage(raw))
	}
	return out, nil
}

// text returns an argument that is a string, or "".
func text(a sio.Args, i int) string {
	var s string
	if a.Decode(i, &s) != nil {
		return ""
	}
	return s
}

func logError(log *slog.Logger, what string, err error) {
	if err != nil {
		log.Debug(what, slog.Any("err", err))
	}
}
