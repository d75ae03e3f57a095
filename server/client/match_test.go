package client

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"

	engineclient "gameserver/engine/client"
	"gameserver/game/snap"
	"gameserver/server"
	"gameserver/sio"
	socket "gameserver/sio/client"
)

func TestPlay(t *testing.T) {
	url := serve(t, 1)
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		h := listening(&o)
		c := dial(t, url, o)
		require.Equal(t, "anna", c.Player().Name)
		require.NotEmpty(t, c.Player().ID)
		require.NotEmpty(t, c.Session())

		m, err := c.Queue(within(t), "pond")
		require.NoError(t, err)
		w := m.Welcome()
		require.Equal(t, m.ID(), w.Match)
		require.Equal(t, 60, w.Rate)
		require.Equal(t, 3, w.Every)
		require.Equal(t, "pond", m.Found().Game)
		require.Equal(t, []Player{{ID: m.You(), Name: "anna"}}, w.Players)
		var world struct {
			Width int `json:"width"`
		}
		require.NoError(t, Decode(w.World, &world))
		require.Equal(t, 800, world.Width)

		// What is sent is played, exactly once.
		first := until(t, h.snapshots, func(Snapshot) bool { return m.State() == "running" })
		require.NotZero(t, first.Tick)
		const inputs = 5
		var last uint32
		for range inputs {
			s, err := m.Input(row{Row: 3})
			require.NoError(t, err)
			require.Greater(t, s, last)
			last = s
			until(t, h.snapshots, func(Snapshot) bool { return true })
		}
		last, err = m.Input(row{})
		require.NoError(t, err)
		until(t, h.snapshots, func(s Snapshot) bool { return s.Ack >= last })
		m.View(func(w *World) {
			set, values, ok := w.Entity(m.You())
			require.True(t, ok)
			require.Equal(t, "boats", w.Schema().Sets[set].Name)
			x, rowed := w.FieldNamed(set, "x"), w.FieldNamed(set, "rowed")
			require.GreaterOrEqual(t, values[rowed], int32(inputs), "an input lasts until the next")
			require.InDelta(t, 1.5*float64(values[rowed]), w.Value(set, x, values[x]), 1e-9)
			require.Equal(t, int32(1), values[w.FieldNamed(set, "crew")])
		})

		finish(t, c, m, h)
	})
}

// finish uses requests and events, ends the match and plays another.
func finish(t *testing.T, c *Client, m *Match, h *heard) {
	t.Helper()
	var n int
	require.NoError(t, m.Request(within(t), "shout", "ahoy", &n))
	require.Equal(t, 4, n)
	for receive(t, h.events) != "shoutedmap[by:1 what:ahoy] <nil>" {
	}
	var se *sio.Error
	require.ErrorAs(t, m.Request(within(t), "nonsense", nil, nil), &se)
	require.Equal(t, "not_found", se.Code)

	require.NoError(t, m.Request(within(t), "end", nil, nil))
	r, err := m.Wait(within(t))
	require.NoError(t, err)
	require.NoError(t, m.Err())
	require.Equal(t, "ended", r.Reason)
	require.Equal(t, r, receive(t, h.results))
	var result struct {
		Why   string `json:"why"`
		Boats int    `json:"boats"`
	}
	require.NoError(t, Decode(r.Result, &result))
	require.Equal(t, "ended", result.Why)
	receive(t, m.parted)
	require.ErrorIs(t, m.SendInput(1, 1, []byte{0x80}), sio.ErrNotConnected)

	// And again, on the same connection: the lobby knows of the end before the
	// player does.
	m2, err := c.Queue(within(t), "pond")
	require.NoError(t, err)
	require.NotEqual(t, m.ID(), m2.ID())
	require.NoError(t, m2.Leave(within(t)))
	require.ErrorIs(t, m2.Err(), ErrLeft)
}

// TestResume loses the connection in the middle of a match.
func TestResume(t *testing.T) {
	url := serve(t, 1)
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		o.Check = true
		h := listening(&o)
		c := dial(t, url, o)
		m, err := c.Queue(within(t), "pond")
		require.NoError(t, err)
		who := c.Player()
		for range 3 {
			last, err := m.Input(row{Row: 2})
			require.NoError(t, err)
			until(t, h.snapshots, func(s Snapshot) bool { return s.Ack >= last })
			before := m.Welcome().Resume
			c.Drop()
			require.Equal(t, engineclient.ReasonTransportError, receive(t, h.lost))
			require.Equal(t, m.ID(), receive(t, h.resumed))
			compact, back := o.Msgpack && !o.Plain, m.Welcome().Tick
			first := until(t, h.snapshots, func(s Snapshot) bool { return s.Tick >= back })
			require.Equal(t, compact, first.Base != 0, "it goes on from what it has, or is told everything")
			require.NotEqual(t, before, m.Welcome().Resume)
			m.View(func(w *World) {
				set, values, ok := w.Entity(m.You())
				require.True(t, ok)
				require.NotZero(t, values[w.FieldNamed(set, "rowed")], "the same boat")
			})
		}
		require.Equal(t, who, c.Player(), "the lobby knows the player again")
		require.NoError(t, m.Request(within(t), "end", nil, nil))
		_, err = m.Wait(within(t))
		require.NoError(t, err)
	})
}

// TestOffer closes a client in a match and takes the seat up with another.
func TestOffer(t *testing.T) {
	url := serve(t, 1)
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		c := dial(t, url, o)
		m, err := c.Queue(within(t), "pond")
		require.NoError(t, err)
		_, ok := c.Offer()
		require.False(t, ok)
		o.Session = c.Session()
		hangUp(c)
		require.ErrorIs(t, m.Err(), ErrClosed)
		_, err = c.Queue(within(t), "pond")
		require.Error(t, err)

		again := dial(t, url, o)
		require.Equal(t, c.Player(), again.Player())
		f, ok := again.Offer()
		require.True(t, ok)
		require.Equal(t, m.ID(), f.Match)
		m2, err := again.Join(within(t), f)
		require.NoError(t, err)
		require.Equal(t, m.You(), m2.You())
		_, ok = again.Offer()
		require.False(t, ok)
	})
}

// TestReplaced lets the newest connection of a player have the seat.
func TestReplaced(t *testing.T) {
	url := serve(t, 1)
	o := Options{Transport: engineclient.WebSocket, Msgpack: true}
	a := dial(t, url, o)
	m, err := a.Queue(within(t), "pond")
	require.NoError(t, err)
	o.Session = a.Session()
	b := dial(t, url, o)
	f, ok := b.Offer()
	require.True(t, ok)
	_, err = b.Join(within(t), f)
	require.NoError(t, err)
	_, err = m.Wait(within(t))
	require.ErrorIs(t, err, ErrPutOut)

	// A seat that never was is refused.
	f.Seat.Token = "nonsense"
	_, err = b.Join(within(t), f)
	var se *sio.Error
	require.ErrorAs(t, err, &se)
	require.Equal(t, "auth_failed", se.Code)
}

func TestQueue(t *testing.T) {
	url := serve(t, 2)
	each(t, func(t *testing.T, o Options) {
		t.Helper()
		states := make(chan QueueState, 100)
		o.Handlers.OnQueue = func(q QueueState) { states <- q }
		a := dial(t, url, o)
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 1)
		go func() {
			_, err := a.Queue(ctx, "pond")
			errs <- err
		}()
		q := receive(t, states)
		require.Equal(t, "pond", q.Queue)
		require.Equal(t, "searching", q.State)
		require.Equal(t, []int{2, 2}, []int{q.Min, q.Max})
		_, err := a.Queue(within(t), "pond")
		require.ErrorIs(t, err, ErrBusy)
		cancel()
		require.ErrorIs(t, receive(t, errs), context.Canceled)

		// The one who left is not matched; a lost connection does not lose the place.
		found := make(chan *Match, 1)
		go func() {
			m, err := a.Queue(within(t), "pond")
			errs <- err
			found <- m
		}()
		for q := receive(t, states); q.State != "searching"; q = receive(t, states) {
		}
		a.Drop()
		o.Name = "bea"
		b := dial(t, url, o)
		m, err := b.Queue(within(t), "pond")
		require.NoError(t, err)
		require.NoError(t, receive(t, errs))
		other := receive(t, found)
		require.Equal(t, m.ID(), other.ID())
		require.NotEqual(t, m.You(), other.You())
		require.Len(t, m.Found().Players, 2)

		var se *sio.Error
		_, err = b.Queue(within(t), "pond")
		require.ErrorAs(t, err, &se)
		require.Equal(t, "already_in_match", se.Code)
		_, err = b.Queue(within(t), "lake")
		require.ErrorAs(t, err, &se)
	})
}

// TestPutOutOfQueue ends the wait of a client whose player came again elsewhere
// once too often.
func TestPutOutOfQueue(t *testing.T) {
	url := serve(t, 2)
	states := make(chan QueueState, 100)
	o := Options{Transport: engineclient.WebSocket}
	o.Handlers.OnQueue = func(q QueueState) { states <- q }
	a := dial(t, url, o)
	errs := make(chan error, 1)
	go func() {
		_, err := a.Queue(within(t), "pond")
		errs <- err
	}()
	receive(t, states)
	o.Session = a.Session()
	for range server.MaxPlayerSockets {
		dial(t, url, o)
	}
	require.ErrorIs(t, receive(t, errs), ErrPutOut)
}

func TestDialFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Dial(ctx, "http://127.0.0.1:1", Options{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = Dial(within(t), "http://127.0.0.1:1", Options{Reconnect: socket.Backoff{Disabled: true}})
	require.Error(t, err)
}

// TestHotPathAllocates holds the budget of a player: nothing for an input, and
// nothing for a snapshot or an event, with the msgpack parser.
func TestHotPathAllocates(t *testing.T) {
	c := &Client{opts: Options{Msgpack: true}}
	c.io = socket.New("http://x", socket.Options{Msgpack: true})
	c.match = c.io.Socket("/match")
	m := newMatch(c, Found{})
	value := msgp.AppendInt(msgp.AppendString([]byte{0x81}, "row"), 3)
	send := func() { _ = m.SendInput(70_000, 69_990, value) }
	send()
	require.Zero(t, testing.AllocsPerRun(100, send))

	m.world = snap.NewMirror(snap.Schema{Sets: []snap.Set{{Name: "marks"}}})
	feed := func(event string, arg []byte, h func(*sio.Event) error) func() {
		packet := append(c.match.AppendEventHead(nil, event), arg...)
		dec := sio.NewDecoder(sio.ParserMsgpack, sio.Limits{})
		return func() {
			ev, err := dec.Decode(packet, true)
			if err == nil {
				err = h(ev)
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
	snapshots := feed("snapshot", []byte("\x83\xa1t\x06\xa1b\x00\xa1e\x91\x92\x01\x00"), m.onSnapshot)
	events := feed("event", []byte("\x93\x05\xa3hit\x80"), m.onEvent)
	snapshots()
	events()
	require.Zero(t, testing.AllocsPerRun(100, snapshots))
	require.Zero(t, testing.AllocsPerRun(100, events))
	require.Equal(t, uint32(6), m.Last().Tick)
}

// TestInputBytes reads back what SendInput builds, in both encodings.
func TestInputBytes(t *testing.T) {
	for _, mp := range []bool{false, true} {
		c := &Client{opts: Options{Msgpack: mp}}
		c.io = socket.New("http://x", socket.Options{Msgpack: mp})
		c.match = c.io.Socket("/match")
		m := newMatch(c, Found{})
		value := msgp.AppendFloat64(msgp.AppendString([]byte{0x81}, "aim"), -1.5)
		require.ErrorIs(t, m.SendInput(300, 299, value), sio.ErrNotConnected)
		parser := sio.ParserJSON
		if mp {
			parser = sio.ParserMsgpack
		}
		ev, err := sio.NewDecoder(parser, sio.Limits{}).Decode(m.packet, mp)
		require.NoError(t, err)
		require.Equal(t, "input", ev.Name())
		require.Equal(t, "/match", ev.Namespace())
		var in struct {
			S uint32             `json:"s"`
			K uint32             `json:"k"`
			V map[string]float64 `json:"v"`
		}
		require.NoError(t, ev.Args(nil).Decode(0, &in))
		require.Equal(t, uint32(300), in.S)
		require.Equal(t, uint32(299), in.K)
		require.Equal(t, map[string]float64{"aim": -1.5}, in.V)
		require.Error(t, m.SendInput(1, 1, []byte{0xc1}))
	}
}
