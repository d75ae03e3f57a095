// Command chat is an instant messenger: nicknames, rooms, who is typing, who is
// online, and the last messages of every room for those who come later.
//
//	go run ./examples/chat          # then open http://localhost:3000 twice
//
// Open it as http://localhost:3000/?parser=msgpack too: that page speaks the
// msgpack parser, and the two write to each other in the same room. The server
// has no line about it. With -eio3 clients of Socket.IO v2 are let in too; they
// send their name in the query, as they have no auth.
package main

import (
	"embed"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"gameserver/examples/internal/page"
	"gameserver/sio"
)

//go:embed index.html
var files embed.FS

func main() {
	listen := flag.String("listen", "localhost:3000", "address to listen on")
	v2 := flag.Bool("eio3", false, "let clients of Socket.IO v2 in")
	flag.Parse()
	io := newServer(*v2, page.Log())
	if err := page.Serve(*listen, io, page.Mux(io, files)); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// What clients send. The json tags name the fields for both parsers, the check
// tags say what may be in them. A payload that does not fit never reaches a
// handler; its ack is an error that names the field.
type (
	hello struct {
		Name string `json:"name" check:"required,1..24"`
	}
	roomName struct {
		Room string `json:"room" check:"required,1..24"`
	}
	saying struct {
		Room string `json:"room" check:"required,1..24"`
		Text string `json:"text" check:"required,1..500"`
	}
)

// What they get besides message and people, in rooms.go.
type typing struct {
	Room string `json:"room"`
	Name string `json:"name"`
}

func newServer(v2 bool, log *slog.Logger) *sio.Server {
	cfg := sio.Config{ClientFiles: page.Client(), Logger: log}
	cfg.Engine.AllowEIO3 = v2
	io := sio.New(cfg)
	chat := &chat{ns: io.Of("/"), log: log, rooms: rooms{}}

	// Middleware sees every CONNECT. An *Error is what the client is told.
	chat.ns.Use(func(s *sio.Socket) error {
		var auth hello
		if v2 && s.RawAuth() == nil {
			auth.Name = s.Handshake().Query.Get("name")
		} else if err := s.Auth(&auth); err != nil {
			return err
		}
		name, err := plain("name", auth.Name)
		s.Data = name
		return err
	})

	// Handlers are set here, one by one; events that are early wait for it.
	chat.ns.OnConnection(func(s *sio.Socket) {
		sio.OnAck(s, "join", func(r roomName) (view, error) { return chat.join(s, r.Room) })
		sio.OnAck(s, "leave", func(r roomName) (struct{}, error) { chat.leave(s, r.Room); return struct{}{}, nil })
		sio.OnAck(s, "say", func(t saying) (message, error) { return chat.say(s, t) })
		sio.On(s, "typing", func(r roomName) { chat.typing(s, r.Room) })
		s.OnDisconnect(func(string) {
			for _, room := range s.Rooms() { // still those it was in
				if name, ours := strings.CutPrefix(room, prefix); ours {
					chat.leave(s, name)
				}
			}
		})
	})
	return io
}

// prefix keeps the rooms of people apart from the room that every socket has
// under its own id; whoever could choose that name could read along.
const prefix = "room:"

// chat connects the sockets with the rooms.
type chat struct {
	ns    *sio.Namespace
	log   *slog.Logger
	mu    sync.Mutex // guards rooms; held for a look at them, never while something is sent
	rooms rooms
}

// join answers with the room as it is. The socket joins the broadcasts before
// the room is looked at, so nothing falls between the two; what comes twice, the
// page tells by its id.
func (c *chat) join(s *sio.Socket, name string) (view, error) {
	if err := checkRoom(name); err != nil {
		return view{}, err
	}
	if err := s.Join(prefix + name); err != nil {
		return view{}, &sio.Error{Code: "overloaded", Msg: "You are in too many rooms"}
	}
	v, ok := locked(c, func() (view, bool) { return c.rooms.join(name, s.ID(), nick(s)) })
	if !ok {
		s.Leave(prefix + name)
		return view{}, &sio.Error{Code: "overloaded", Msg: "There are too many rooms"}
	}
	c.emit(s.To(prefix+name), "people", v.People)
	return v, nil
}

func (c *chat) leave(s *sio.Socket, name string) {
	s.Leave(prefix + name)
	if left, ok := locked(c, func() (people, bool) { return c.rooms.leave(name, s.ID()) }); ok {
		c.emit(c.ns.To(prefix+name), "people", left)
	}
}

// say sends to everybody in the room but the sender, whose ack it is.
func (c *chat) say(s *sio.Socket, t saying) (message, error) {
	text, err := plain("text", t.Text)
	if err != nil {
		return message{}, err
	}
	m := message{Room: t.Room, From: nick(s), Text: text, At: time.Now().UnixMilli(), Via: s.Parser().String()}
	m, ok := locked(c, func() (message, bool) { return c.rooms.say(s.ID(), m) })
	if !ok {
		return message{}, &sio.Error{Code: "forbidden", Msg: "Join the room first", Path: "room"}
	}
	c.emit(s.To(prefix+t.Room), "message", m)
	return m, nil
}

// typing is volatile: whoever cannot take it at once misses nothing.
func (c *chat) typing(s *sio.Socket, name string) {
	if _, in := locked(c, func() (struct{}, bool) { return struct{}{}, c.rooms.has(name, s.ID()) }); in {
		c.emit(s.To(prefix+name).Volatile(), "typing", typing{Room: name, Name: nick(s)})
	}
}

// locked runs f with the rooms to itself.
func locked[T any](c *chat, f func() (T, bool)) (T, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return f()
}

// emit encodes once per parser in use and queues for everybody.
func (c *chat) emit(to sio.Broadcast, event string, v any) {
	if err := to.Emit(event, v); err != nil {
		c.log.Error("not sent", slog.String("event", event), slog.Any("err", err))
	}
}

func nick(s *sio.Socket) string {
	name, _ := s.Data.(string)
	return name
}

// plain trims a text and refuses what is then empty or has control characters.
func plain(path, s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsFunc(s, unicode.IsControl) {
		return "", &sio.Error{Code: "bad_payload", Msg: "Letters, please", Path: path}
	}
	return s, nil
}

// checkRoom keeps room names to what people can type and tell apart.
func checkRoom(name string) error {
	odd := func(r rune) bool { return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	if strings.ContainsFunc(name, odd) {
		return &sio.Error{Code: "bad_payload", Msg: "Letters, digits and - only, please", Path: "room"}
	}
	return nil
}
