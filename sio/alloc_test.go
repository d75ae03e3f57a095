package sio

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
)

// nullLink takes everything and keeps nothing.
type nullLink struct{ sent int }

func (l *nullLink) Send([]byte, bool) error              { l.sent++; return nil }
func (l *nullLink) SendAll([]engine.Message) error       { l.sent++; return nil }
func (l *nullLink) SendLatest([]byte, bool) bool         { l.sent++; return true }
func (l *nullLink) Writable() bool                       { return true }
func (l *nullLink) Buffered() int                        { return 0 }
func (l *nullLink) Admit()                               {}
func (l *nullLink) Close(engine.Reason)                  {}
func (l *nullLink) received(c *conn, b []byte, bin bool) { c.OnMessage(b, bin) }

// settled is a connected socket on a nullLink; setup runs in OnConnection.
func settled(tb testing.TB, s *Server, p Parser, setup func(*Socket)) (*conn, *Socket) {
	tb.Helper()
	l := &nullLink{}
	c := s.accept(l, nil)
	got := make(chan *Socket, 1)
	s.Of("/match").OnConnection(func(s *Socket) {
		if s.conn == c {
			setup(s)
			got <- s
		}
	})
	msgs, err := Encode(p, Header{Type: PacketConnect, Namespace: "/match"})
	require.NoError(tb, err)
	l.received(c, msgs[0].Data, msgs[0].Binary)
	sock := <-got
	require.NoError(tb, s.busy.wait(tb.Context()))
	return c, sock
}

func parsers() []Parser { return []Parser{ParserJSON, ParserMsgpack} }

// The input of a game: what arrives many times a second.
type input struct {
	S uint32 `json:"s"`
	K uint32 `json:"k"`
	V struct {
		Up  bool    `json:"up"`
		Aim float64 `json:"aim"`
	} `json:"v"`
}

func inputPacket(tb testing.TB, p Parser) []byte {
	tb.Helper()
	var in input
	in.S, in.K, in.V.Up, in.V.Aim = 90000, 89990, true, -1.25
	msgs, err := Encode(p, Header{Type: PacketEvent, Namespace: "/match"}, "input", in)
	require.NoError(tb, err)
	return msgs[0].Data
}

// Receiving an event with a raw handler allocates nothing, reading its
// arguments in either encoding included.
func TestAllocReceiveRaw(t *testing.T) {
	for _, p := range parsers() {
		got, scratch := 0, make([]byte, 0, 256)
		metered := Abuse{Classes: []Class{{Namespace: "/match", Events: []string{"input"}, Rates: func(*Socket) (messages, bytes Rate) {
			return Rate{PerSecond: 1e6}, Rate{PerSecond: 1e9}
		}}}}
		c, _ := settled(t, New(Config{Abuse: metered}), p, func(s *Socket) {
			s.OnRaw("input", func(e *Event) {
				var err error
				scratch, err = e.AppendArg(scratch[:0], 0)
				if err == nil && len(scratch) > 0 && len(e.Arg(0)) > 0 && e.Name() == "input" && e.Arg(e.NArgs()) == nil {
					got++
				}
			})
		})
		b := inputPacket(t, p)
		require.Zero(t, testing.AllocsPerRun(200, func() { c.OnMessage(b, p == ParserMsgpack) }))
		require.Equal(t, 201, got)
	}
}

// Building a packet into a buffer of the caller's and sending it allocates
// nothing.
func TestAllocSend(t *testing.T) {
	for _, p := range parsers() {
		_, s := settled(t, New(Config{}), p, func(*Socket) {})
		arg := []byte("1")
		if p == ParserMsgpack {
			arg = []byte{1}
		}
		buf := make([]byte, 0, 256)
		require.Zero(t, testing.AllocsPerRun(200, func() {
			buf = s.AppendHead(buf[:0], "snapshot")
			buf = s.AppendTail(append(buf, arg...))
			if s.SendPacket(buf) != nil || !s.SendPacketLatest(buf) {
				t.Fatal("not sent")
			}
		}))
		e, err := NewDecoder(p, Limits{}).Decode(buf, p == ParserMsgpack)
		require.NoError(t, err)
		require.Equal(t, "snapshot", e.Name())
		require.Equal(t, "/match", e.Namespace())
		require.Equal(t, 1, e.NArgs())
		require.Equal(t, arg, e.Arg(0))
	}
}

func TestHotPathNames(t *testing.T) {
	for _, p := range parsers() {
		_, s := settled(t, New(Config{}), p, func(*Socket) {})
		for _, name := range []string{"plain", `quo"te`, "back\\slash", "é", "\x01"} {
			b := s.AppendHead(nil, name)
			b = s.AppendTail(append(b, map[Parser]string{ParserJSON: "[]", ParserMsgpack: "\x90"}[p]...))
			e, err := NewDecoder(p, Limits{}).Decode(b, p == ParserMsgpack)
			require.NoError(t, err, name)
			require.Equal(t, name, e.Name())
		}
	}
}

func TestAllocTranscode(t *testing.T) {
	in := []byte(`{"s":90000,"k":89990,"v":{"up":true,"left":false,"aim":-1.25,"name":"a\u00e9\n"},"l":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}`)
	buf := make([]byte, 0, 512)
	require.Zero(t, testing.AllocsPerRun(200, func() {
		var err error
		if buf, err = TranscodeJSON(buf[:0], in); err != nil {
			t.Fatal(err)
		}
	}))
}

// What is refused costs nothing either, and no bomb makes the decoder allocate.
func TestAllocRefusals(t *testing.T) {
	for _, b := range [][]byte{
		{0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0x81, 0xa4, 't', 'y', 'p', 'e'},
	} {
		d := NewDecoder(ParserMsgpack, Limits{})
		require.LessOrEqual(t, testing.AllocsPerRun(10, func() { _, _ = d.Decode(b, true) }), 1.0)
	}
	deep := make([]byte, 1<<20)
	for i := range deep {
		deep[i] = '['
	}
	deep[0] = '2'
	d := NewDecoder(ParserJSON, Limits{})
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() { _, _ = d.Decode(deep, false) }), 1.0)
}

// A broadcast allocates a constant number of times, whatever the audience.
func TestAllocBroadcast(t *testing.T) {
	for name, to := range map[string]func(*Namespace) Broadcast{
		"all":       func(n *Namespace) Broadcast { return n.To() },
		"a room":    func(n *Namespace) Broadcast { return n.To("a") },
		"two rooms": func(n *Namespace) Broadcast { return n.To("a", "b") },
		"except":    func(n *Namespace) Broadcast { return n.To("a").Except("c") },
	} {
		t.Run(name, func(t *testing.T) {
			var counts, bytes []float64
			for _, n := range []int{10, 500} {
				s := New(Config{})
				for i := range n {
					settled(t, s, ParserJSON, func(s *Socket) { _ = s.Join("a", []string{"b", "c"}[i%2]) })
				}
				b := to(s.Of("/match"))
				require.NoError(t, b.Emit("warm", 1)) // grows the list
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				counts = append(counts, testing.AllocsPerRun(20, func() { _ = b.Emit("e", 1) }))
				runtime.ReadMemStats(&after)
				bytes = append(bytes, float64(after.TotalAlloc-before.TotalAlloc)/21)
			}
			require.InDelta(t, counts[0], counts[1], 2)
			require.InDelta(t, bytes[0], bytes[1], 12_000) // the race detector makes pools forget
		})
	}
}
