package sio_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"

	"gameserver/engine/client"
	"gameserver/sio"
)

// line is what a chat client sends and receives. The json tags name the fields
// for clients of either parser.
type line struct {
	Room string `json:"room"`
	From string `json:"from,omitempty"`
	Text string `json:"text"`
}

// newChat is a whole chat server: names come with the CONNECT, rooms are joined
// with an ack, and what is said reaches the others in the room.
func newChat(log *slog.Logger) *sio.Server {
	s := sio.New(sio.Config{Logger: log})
	chat := s.Of("/chat")
	chat.Use(func(s *sio.Socket) error {
		var auth struct {
			Name string `json:"name"`
		}
		if err := s.Auth(&auth); err != nil {
			return err
		}
		if auth.Name == "" {
			return &sio.Error{Code: "auth_failed", Msg: "A name is required"}
		}
		s.Data = auth.Name
		return nil
	})
	chat.OnConnection(func(s *sio.Socket) {
		name, _ := s.Data.(string)
		sio.OnAck(s, "join", func(room string) (int, error) {
			if err := s.Join(room); err != nil {
				return 0, &sio.Error{Code: "rooms_full", Msg: "You are in too many rooms"}
			}
			n := 0
			for range chat.To(room).Sockets() {
				n++
			}
			return n, nil
		})
		sio.On(s, "say", func(l line) {
			l.From = name
			if err := s.To(l.Room).Emit("said", l); err != nil {
				log.Warn("not said", slog.Any("err", err))
			}
		})
	})
	return s
}

// listener is the smallest client there is: it prints what it hears.
type listener struct {
	dec  *sio.Decoder
	done chan struct{}
}

func (l *listener) OnMessage(data []byte, binary bool) {
	e, err := l.dec.Decode(data, binary)
	if err != nil || e == nil {
		return
	}
	switch e.Type() {
	case sio.PacketEvent:
		var heard line
		if err := e.Args(nil).Decode(0, &heard); err == nil {
			fmt.Printf("%s in %s: %s\n", heard.From, heard.Room, heard.Text)
		}
		l.done <- struct{}{}
	case sio.PacketConnect, sio.PacketAck:
		l.done <- struct{}{}
	default:
	}
}

func (l *listener) OnClose(error) {}

// join connects a client under a name and enters a room. Events may be sent
// once the CONNECT is answered.
func join(ctx context.Context, addr, name string) (*client.Conn, *listener) {
	l := &listener{dec: sio.NewDecoder(sio.ParserJSON, sio.Limits{}), done: make(chan struct{}, 1)}
	c, err := client.Dial(ctx, "http://"+addr+"/socket.io/", client.Options{Handler: l})
	if err != nil {
		panic(err)
	}
	_ = c.Send([]byte(`0/chat,{"name":"`+name+`"}`), false)
	<-l.done
	_ = c.Send([]byte(`2/chat,1["join","garden"]`), false)
	<-l.done
	return c, l
}

func Example() {
	ctx := context.Background()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	chat := newChat(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", chat)
	web := &http.Server{Handler: mux}
	go web.Serve(ln)

	ann, _ := join(ctx, ln.Addr().String(), "ann")
	bob, heard := join(ctx, ln.Addr().String(), "bob")
	_ = ann.Send([]byte(`2/chat,["say",{"room":"garden","text":"hello"}]`), false)
	<-heard.done

	_ = ann.Close()
	_ = bob.Close()
	_ = chat.Shutdown(ctx)
	_ = web.Shutdown(ctx)
	// Output: ann in garden: hello
}
