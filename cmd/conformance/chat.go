package main

import (
	"context"
	"log/slog"
	"slices"

	"gameserver/engine"
	"gameserver/sio"
)

// registerChat sets the namespace that the differential and end-to-end tests
// use. e2e/js/reference.mjs has the same handlers for the Node server; change
// both.
//
//	join(room), leave(room)    acknowledged with "ok"
//	rooms()                    acknowledged with the rooms, sorted, own id left out
//	say(room, ...args)         "said" with the same to the others in the room
//	all(room, ...args)         "said" with the same to everybody in the room
//	except(room, not, ...args) "said" with (room, ...args) to room without not
//	question(...args)          emits "question" and, once acknowledged, "answer"
//	blob()                     emits "blob" with two binaries and text between
//	twice()                    acknowledged with 1; a second ack goes nowhere
//	volatile(n)                emits n "tick"s that may be dropped, then "ticked"
//	kick()                     disconnects the socket
//	bye()                      disconnects the socket and the connection
//	drop()                     closes the transport without a word
//
// Whoever leaves, the room "watch" hears "gone" with the reason.
func registerChat(n *sio.Namespace, log *slog.Logger) {
	n.Use(func(c *sio.Socket) error {
		var auth struct {
			Token string `json:"token"`
		}
		if c.Auth(&auth) != nil || auth.Token != "open" {
			return &sio.Error{Code: "auth_failed", Msg: "not allowed"}
		}
		return nil
	})
	n.OnConnection(func(c *sio.Socket) {
		rooms(c, log)
		broadcasts(n, c)
		questions(c, log)
		c.OnDisconnect(func(reason string) { _ = n.To("watch").Emit("gone", reason) })
		c.OnArgs("drop", func(sio.Args) { c.Conn().Close(engine.ReasonTransportClose) })
		c.OnArgs("kick", func(sio.Args) { c.Disconnect(false) })
		c.OnArgs("bye", func(sio.Args) { c.Disconnect(true) })
	})
}

func rooms(c *sio.Socket, log *slog.Logger) {
	c.OnArgs("join", func(a sio.Args) {
		logError(log, "join", c.Join(text(a, 0)))
		_ = a.Ack("ok")
	})
	c.OnArgs("leave", func(a sio.Args) {
		c.Leave(text(a, 0))
		_ = a.Ack("ok")
	})
	c.OnArgs("rooms", func(a sio.Args) {
		names := slices.DeleteFunc(c.Rooms(), func(r string) bool { return r == c.ID() })
		slices.Sort(names)
		_ = a.Ack(append([]string{}, names...))
	})
}

func broadcasts(n *sio.Namespace, c *sio.Socket) {
	c.OnArgs("say", func(a sio.Args) {
		if args, err := values(a, 0); err == nil {
			_ = c.To(text(a, 0)).Emit("said", args...)
		}
	})
	c.OnArgs("all", func(a sio.Args) {
		if args, err := values(a, 0); err == nil {
			_ = n.To(text(a, 0)).Emit("said", args...)
		}
	})
	c.OnArgs("except", func(a sio.Args) {
		if args, err := values(a, 2); err == nil {
			_ = n.To(text(a, 0)).Except(text(a, 1)).Emit("said", append([]any{text(a, 0)}, args...)...)
		}
	})
}

func questions(c *sio.Socket, log *slog.Logger) {
	c.OnArgs("question", func(a sio.Args) {
		args, err := values(a, 0)
		if err != nil {
			return
		}
		// Not on this goroutine: the client may send more before it answers.
		go func() {
			answer, err := c.EmitWithAck(context.Background(), "question", args...)
			if err != nil {
				logError(log, "question", err)
				return
			}
			if args, err := values(answer, 0); err == nil {
				_ = c.Emit("answer", args...)
			}
		}()
	})
	c.OnArgs("volatile", func(a sio.Args) {
		var count int
		_ = a.Decode(0, &count)
		for i := range count {
			_ = c.Volatile().Emit("tick", i)
		}
		_ = c.Emit("ticked", count)
	})
	c.OnArgs("blob", func(sio.Args) {
		_ = c.Emit("blob", []byte{1, 2, 3}, "between", map[string]any{"deep": []any{[]byte{}}})
	})
	c.OnArgs("twice", func(a sio.Args) {
		_ = a.Ack(1)
		_ = a.Ack(2)
	})
}
