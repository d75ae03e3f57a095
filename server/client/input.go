package client

import (
	"bytes"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// SendInput sends an input, a msgpack value, meant for tick s by a player who
// has seen tick k. It is sent now or, without a connection, not at all
// (sio.ErrNotConnected). With the msgpack parser it allocates nothing.
func (m *Match) SendInput(s, k uint32, v []byte) error {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	return m.sendInputLocked(s, k, v)
}

func (m *Match) sendInputLocked(s, k uint32, v []byte) error {
	m.newest = max(m.newest, s)
	p := m.sock.AppendEventHead(m.packet[:0], "input")
	if m.c.opts.Msgpack {
		p = append(p, 0x83, 0xa1, 's')
		p = msgp.AppendUint32(p, s)
		p = append(p, 0xa1, 'k')
		p = msgp.AppendUint32(p, k)
		p = append(p, 0xa1, 'v')
		p = append(p, v...)
	} else {
		b := bytes.NewBuffer(fmt.Appendf(p, `{"s":%d,"k":%d,"v":`, s, k))
		if _, err := msgp.UnmarshalAsJSON(b, v); err != nil {
			return fmt.Errorf("server/client: input: %w", err)
		}
		p = append(b.Bytes(), '}')
	}
	p = m.sock.AppendEventTail(p)
	m.packet = p
	return m.sock.SendPacket(p)
}

// Input sends an input of the game, for example a struct with json tags, meant
// for the tick that comes next on the server as far as this client can tell.
// It returns that tick.
func (m *Match) Input(v any) (s uint32, err error) {
	m.mu.Lock()
	k, s := m.last.Tick, m.last.Tick+1
	if m.welcome.Rate > 0 && k > 0 {
		passed := time.Since(m.seenAt) * time.Duration(m.welcome.Rate) / time.Second
		s += uint32(min(max(passed, 0), leadMax)) //nolint:gosec // bounded
	}
	m.mu.Unlock()

	m.inMu.Lock()
	defer m.inMu.Unlock()
	if s <= m.newest {
		s = m.newest + 1 // strictly growing
	}
	m.value.Reset()
	if err := m.enc.Encode(v); err != nil {
		return 0, fmt.Errorf("server/client: input: %w", err)
	}
	return s, m.sendInputLocked(s, k, m.value.Bytes())
}
