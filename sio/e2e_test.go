package sio_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	"gameserver/engine/client"
	"gameserver/sio"
)

// wireClient is a Socket.IO client made of the codec alone.
type wireClient struct {
	t    *testing.T
	p    sio.Parser
	conn *client.Conn
	dec  *sio.Decoder
	in   chan packet
	gone chan error
}

type packet struct {
	typ  sio.PacketType
	nsp  string
	id   uint32
	data []byte
	args sio.Args
}

func (c *wireClient) OnMessage(data []byte, binary bool) {
	e, err := c.dec.Decode(data, binary)
	if err != nil {
		c.gone <- err
		return
	}
	if e != nil {
		id, _ := e.AckID()
		c.in <- packet{e.Type(), e.Namespace(), id, append([]byte(nil), e.Data()...), e.Args(nil)}
	}
}

func (c *wireClient) OnClose(err error) { c.gone <- err }

func (c *wireClient) sends(h sio.Header, args ...any) {
	c.t.Helper()
	msgs, err := sio.Encode(c.p, h, args...)
	require.NoError(c.t, err)
	require.NoError(c.t, c.conn.SendAll(msgs))
}

func (c *wireClient) emits(args ...any) {
	c.t.Helper()
	c.sends(sio.Header{Type: sio.PacketEvent, Namespace: "/chat"}, args...)
}

func (c *wireClient) next() packet {
	c.t.Helper()
	select {
	case p := <-c.in:
		return p
	case err := <-c.gone:
		c.t.Fatalf("closed: %v", err)
	case <-c.t.Context().Done():
		c.t.Fatal("nothing came")
	}
	return packet{}
}

// serve runs a server on loopback and shuts it down with the test.
func serve(t *testing.T, s *sio.Server) (url string) {
	t.Helper()
	l, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, s.Shutdown(ctx))
		require.NoError(t, srv.Shutdown(ctx))
		<-done
		http.DefaultClient.CloseIdleConnections()
	})
	return "http://" + l.Addr().String() + "/socket.io/"
}

func dialChat(t *testing.T, url string, p sio.Parser, tr client.Transport) *wireClient {
	t.Helper()
	c := &wireClient{t: t, p: p, dec: sio.NewDecoder(p, sio.Limits{}), in: make(chan packet, 64), gone: make(chan error, 4)}
	conn, err := client.Dial(t.Context(), url, client.Options{Handler: c, Transport: tr})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	c.conn = conn
	c.sends(sio.Header{Type: sio.PacketConnect, Namespace: "/chat"}, map[string]string{"name": "ann"})
	require.Equal(t, sio.PacketConnect, c.next().typ)
	return c
}

type message struct {
	From string `json:"from"`
	Text string `json:"text"`
	Blob []byte `json:"blob,omitempty"`
}

func chat() *sio.Server {
	s := sio.New(sio.Config{})
	n := s.Of("/chat")
	n.Use(func(s *sio.Socket) error {
		var auth struct {
			Name string `json:"name"`
		}
		if err := s.Auth(&auth); err != nil {
			return err
		}
		s.Data = auth.Name
		return nil
	})
	n.OnConnection(func(s *sio.Socket) {
		sio.OnAck(s, "join", func(room string) ([]string, error) {
			return s.Rooms(), s.Join(room)
		})
		sio.On(s, "say", func(m message) {
			m.From, _ = s.Data.(string)
			_ = n.To("lobby").Emit("said", m)
		})
		sio.OnAck(s, "ask me", func(int) (int, error) {
			a, err := s.EmitWithAck(context.Background(), "question", 21)
			if err != nil {
				return 0, err
			}
			var n int
			err = a.Decode(0, &n)
			return n, err
		})
		s.OnRaw("raw", func(e *sio.Event) {
			_ = s.SendPacket(s.AppendTail(append(s.AppendHead(nil, "raw"), e.Arg(0)...)))
		})
		sio.On(s, "leave", func(int) { s.Disconnect(false) })
	})
	return s
}

// Two clients of each parser on each transport talk to one another through the
// real engine over real sockets.
func TestEndToEnd(t *testing.T) {
	for _, tr := range []client.Transport{client.WebSocket, client.Polling, client.Upgrade} {
		t.Run(tr.String(), func(t *testing.T) {
			url := serve(t, chat())
			text, bin := dialChat(t, url, sio.ParserJSON, tr), dialChat(t, url, sio.ParserMsgpack, tr)
			for _, c := range []*wireClient{text, bin} {
				c.sends(sio.Header{Type: sio.PacketEvent, Namespace: "/chat", ID: 1, HasID: true}, "join", "lobby")
				p := c.next()
				require.Equal(t, sio.PacketAck, p.typ)
				require.EqualValues(t, 1, p.id)
			}
			text.emits("say", message{Text: "<hi>", Blob: []byte{1, 2, 0xff}})
			bin.emits("raw", map[string]int{"x": 1})
			text.emits("raw", map[string]int{"x": 1})
			for _, c := range []*wireClient{text, bin} {
				seen := map[string]bool{}
				for range 2 {
					p := c.next()
					require.Equal(t, "/chat", p.nsp)
					seen[p.args.Event().Name()] = true
					if p.args.Event().Name() == "said" {
						var m message
						require.NoError(t, p.args.Decode(0, &m))
						require.Equal(t, message{"ann", "<hi>", []byte{1, 2, 0xff}}, m)
					}
				}
				require.Equal(t, map[string]bool{"said": true, "raw": true}, seen)

				c.sends(sio.Header{Type: sio.PacketEvent, Namespace: "/chat", ID: 9, HasID: true}, "ask me")
				q := c.next()
				require.Equal(t, "question", q.args.Event().Name())
				c.sends(sio.Header{Type: sio.PacketAck, Namespace: "/chat", ID: q.id, HasID: true}, 42)
				p := c.next()
				var n int
				require.NoError(t, p.args.Decode(0, &n))
				require.Equal(t, 42, n)

				c.emits("leave")
				require.Equal(t, sio.PacketDisconnect, c.next().typ)
			}
		})
	}
}

// A hostile client is cut off; a bystander on the same server does not notice.
func TestEndToEndHostile(t *testing.T) {
	s := chat()
	url := serve(t, s)
	good := dialChat(t, url, sio.ParserMsgpack, client.WebSocket)
	for _, m := range []engine.Message{
		{Data: []byte{0xdd, 0xff, 0xff, 0xff, 0xff}, Binary: true},
		{Data: []byte{0xdf, 0x01, 0x31, 0x2d, 0x00}, Binary: true},
		{Data: []byte(`2["disconnect"]`)},
		{Data: []byte(`50-[]`)},
		{Data: []byte("\x00")},
	} {
		c := &wireClient{t: t, dec: sio.NewDecoder(sio.ParserAuto, sio.Limits{}), in: make(chan packet, 4), gone: make(chan error, 4)}
		conn, err := client.Dial(t.Context(), url, client.Options{Handler: c, Transport: client.WebSocket})
		require.NoError(t, err)
		require.NoError(t, conn.Send(m.Data, m.Binary))
		require.Error(t, <-c.gone)
	}
	require.EqualValues(t, 5, s.Stats().Refused)
	good.emits("raw", 1)
	require.Equal(t, "raw", good.next().args.Event().Name())
}

// Shutdown closes everybody with its reason and waits.
func TestEndToEndShutdown(t *testing.T) {
	s := chat()
	reason := make(chan string, 1)
	s.Of("/chat").OnConnection(func(s *sio.Socket) {
		s.OnDisconnect(func(r string) { reason <- r })
	})
	url := serve(t, s)
	c := dialChat(t, url, sio.ParserJSON, client.WebSocket)
	require.NoError(t, s.Shutdown(t.Context()))
	require.Equal(t, "server shutting down", <-reason)
	require.Error(t, <-c.gone)
	require.Zero(t, s.Stats().Conns)
	require.Zero(t, s.Stats().Sockets)
}
