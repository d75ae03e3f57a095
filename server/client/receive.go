package client

import (
	"errors"
	"log/slog"
	"reflect"

	"github.com/tinylib/msgp/msgp"

	"gameserver/game/snap"
	"gameserver/sio"
	socket "gameserver/sio/client"
)

// listenMatch sets the handlers of the match namespace. They serve one Match
// after the other.
func (c *Client) listenMatch() {
	raw := func(event string, h func(*Match, *sio.Event) error) {
		c.match.OnRaw(event, func(ev *sio.Event) {
			m := c.current()
			if m == nil {
				return
			}
			if err := h(m, ev); err != nil {
				c.opts.Logger.Warn("bad event from the server", slog.String("event", event), slog.Any("err", err))
				c.io.Drop()
			}
		})
	}
	raw("welcome", (*Match).onWelcome)
	raw("schema", (*Match).onSchema)
	raw("snapshot", (*Match).onSnapshot)
	raw("s", (*Match).onCompact)
	raw("event", (*Match).onEvent)
	raw("result", (*Match).onResult)
	c.match.OnDisconnect(func(reason string) {
		m := c.current()
		switch {
		case m == nil, reason == socket.ReasonClient: // whoever disconnects parts
		case reason == socket.ReasonServer:
			m.part(ErrPutOut)
		case m.over():
			c.match.Disconnect() // there is nothing to resume
			m.part(nil)
		default:
			if h := c.opts.Handlers.OnLost; h != nil {
				h(m, reason)
			}
		}
	})
	c.match.OnConnectError(func(err error) {
		if m := c.current(); m != nil {
			m.part(err)
		}
	})
}

func (c *Client) current() *Match {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cur
}

func (m *Match) onWelcome(ev *sio.Event) error {
	var w Welcome
	if err := ev.Args(nil).Decode(0, &w); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.welcome, m.state = w, w.State
	return nil
}

func (m *Match) onSchema(ev *sio.Event) error {
	var wire snap.Wire
	if err := ev.Args(nil).Decode(0, &wire); err != nil {
		return err
	}
	s, err := wire.Schema()
	if err != nil {
		return err
	}
	m.worldMu.Lock()
	if m.world == nil || !reflect.DeepEqual(m.world.Schema(), s) {
		m.world = snap.NewMirror(s)
	} // else the first snapshot says whether it builds on what is there
	m.worldMu.Unlock()
	m.settle(wire.Input, m.Welcome())
	m.mu.Lock()
	resumed := m.isReady
	if !resumed {
		m.isReady = true
		close(m.ready)
	}
	m.mu.Unlock()
	if !resumed {
		go m.handshake()
	}
	if h := m.c.opts.Handlers.OnResumed; resumed && h != nil {
		h(m)
	}
	return nil
}

// argument returns the first argument in msgpack, which lives until the next
// call.
func (m *Match) argument(ev *sio.Event) ([]byte, error) {
	if ev.Parser() == sio.ParserMsgpack {
		return ev.Arg(0), nil
	}
	var err error
	m.scratch, err = ev.AppendArg(m.scratch[:0], 0)
	return m.scratch, err
}

var (
	errNoSchema  = errors.New("server/client: snapshot before the schema")
	errNotBinary = errors.New("server/client: a compact snapshot without msgpack")
)

func (m *Match) onSnapshot(ev *sio.Event) error {
	b, err := m.argument(ev)
	if err != nil {
		return err
	}
	if m.world == nil {
		return errNoSchema
	}
	m.worldMu.Lock()
	s, err := m.world.Apply(b)
	m.worldMu.Unlock()
	if err != nil {
		return err
	}
	m.applied(s)
	return nil
}

func (m *Match) onCompact(ev *sio.Event) error {
	if m.world == nil {
		return errNoSchema
	}
	if ev.Parser() != sio.ParserMsgpack {
		return errNotBinary
	}
	b, _, err := msgp.ReadBytesZC(ev.Arg(0))
	if err == nil {
		err = m.world.Events(b, m.takeEvent) // without the lock: they may look at the World
	}
	if err != nil {
		return err
	}
	m.worldMu.Lock()
	s, err := m.world.ApplyCompact(b)
	m.worldMu.Unlock()
	if err != nil {
		return err
	}
	m.applied(s)
	return nil
}

// applied tells of a snapshot.
func (m *Match) applied(s Snapshot) {
	m.mu.Lock()
	m.last = s
	m.mu.Unlock()
	m.observe(s)
	if h := m.c.opts.Handlers.OnSnapshot; h != nil {
		h(m, s)
	}
	m.acknowledge(s)
}

func (m *Match) onEvent(ev *sio.Event) error {
	b, err := m.argument(ev)
	if err != nil {
		return err
	}
	return m.takeEvent(b)
}

// takeEvent takes [tick, name, data].
func (m *Match) takeEvent(b []byte) error {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return err
	}
	var e Event
	if n != 3 {
		return errors.New("server/client: event without three parts")
	}
	if e.Tick, b, err = msgp.ReadUint32Bytes(b); err != nil {
		return err
	}
	name, b, err := msgp.ReadStringZC(b)
	if err != nil {
		return err
	}
	e.Name, e.Data = m.intern(name), b
	switch e.Name {
	case "match:state":
		m.onState(e)
	case "match:pace":
		m.onPace(e)
	}
	if h := m.c.opts.Handlers.OnEvent; h != nil {
		h(m, e)
	}
	return nil
}

func (m *Match) onState(e Event) {
	var v struct {
		State string `json:"state"`
	}
	if Decode(e.Data, &v) != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = v.State
}

// onPace takes over how long ticks last.
func (m *Match) onPace(e Event) {
	var v struct {
		Length float64 `json:"length"`
	}
	if Decode(e.Data, &v) == nil {
		m.paced(v.Length)
	}
}

// intern returns a name without making it again each time.
func (m *Match) intern(name []byte) string {
	if s, ok := m.names[string(name)]; ok {
		return s
	}
	s := string(name)
	if len(m.names) < namesMax {
		m.names[s] = s
	}
	return s
}

func (m *Match) onResult(ev *sio.Event) error {
	var r Result
	if err := ev.Args(nil).Decode(0, &r); err != nil {
		return err
	}
	if h := m.c.opts.Handlers.OnResult; h != nil {
		h(m, r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked(&r, nil)
	return nil
}
