package engine_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"

	"gameserver/engine"
	"gameserver/engine/enginetest"

	"github.com/stretchr/testify/require"
)

// The upgrade as a model: where a session is, and what each packet does there.

type place uint8

const (
	polling    place = iota // no WebSocket
	candidate1              // a WebSocket that has said nothing
	probedWS                // a WebSocket that has sent its probe
	upgraded                // the WebSocket is the transport
	dead
)

// step is one thing a client does: a POST, a new WebSocket, or a frame on the
// one it has.
type step struct {
	how    byte // 'P', 'C', 'W'
	packet string
}

const binaryPacket = "\x00binary"

func (s step) String() string { return fmt.Sprintf("%c%s", s.how, s.packet) }

func alphabet() []step {
	steps := []step{{'C', ""}}
	for _, p := range []string{"4x", "3", "1", "2", "7"} {
		steps = append(steps, step{'P', p})
	}
	for _, p := range []string{"2probe", "5", "4x", "1", "2", binaryPacket} {
		steps = append(steps, step{'W', p})
	}
	return steps
}

// model predicts a session.
type model struct {
	at       place
	messages []string
	reason   engine.Reason
}

func (m *model) die(r engine.Reason) { m.at, m.reason = dead, r }

// apply makes a step and returns the status of a POST.
func (m *model) apply(s step) (status int) {
	switch s.how {
	case 'P':
		return m.post(s.packet)
	case 'C':
		if m.at == polling {
			m.at = candidate1
		}
	case 'W':
		m.frame(s.packet)
	}
	return 0
}

func (m *model) post(packet string) int {
	if m.at == upgraded || m.at == dead {
		return http.StatusBadRequest
	}
	return m.hear(packet)
}

// hear is a packet on the live transport.
func (m *model) hear(packet string) int {
	switch packet {
	case "4x":
		m.messages = append(m.messages, "t:x")
	case binaryPacket:
		m.messages = append(m.messages, "b:"+binaryPacket)
	case "3", "5":
	case "1":
		m.die(engine.ReasonClientClose)
	default:
		m.die(engine.ReasonProtocol)
		return http.StatusBadRequest
	}
	return http.StatusOK
}

func (m *model) frame(packet string) {
	switch {
	case m.at == candidate1 && packet == "2probe":
		m.at = probedWS
	case m.at == probedWS && packet == "5":
		m.at = upgraded
	case m.at == candidate1, m.at == probedWS:
		m.at = polling
	case m.at == upgraded:
		m.hear(packet)
	}
}

// TestUpgradeStateMachine tries every sequence of three steps, and thousands of
// six, against the model. Nothing may panic, and nothing but what the model says
// may end a session.
func TestUpgradeStateMachine(t *testing.T) {
	steps := alphabet()
	var all [][]step
	for _, a := range steps {
		for _, b := range steps {
			for _, c := range steps {
				all = append(all, []step{a, b, c})
				// And with a probe before, so that the later states are reached.
				all = append(all, []step{{'C', ""}, {'W', "2probe"}, a, b, c})
			}
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		seq := make([]step, 6)
		for i := range seq {
			seq[i] = steps[rnd.IntN(len(steps))]
		}
		all = append(all, seq)
	}
	t.Logf("%d sequences", len(all))
	const perBubble = 400
	for len(all) > 0 {
		n := min(perBubble, len(all))
		bubbled(t, engine.Config{}, func(b *bubble) {
			for _, seq := range all[:n] {
				walk(b, seq)
			}
			require.Zero(b.t, b.Stats().Panics)
		})
		all = all[n:]
	}
}

// walk makes the steps of a sequence on a new session, and compares.
func walk(b *bubble, seq []step) {
	t := b.t
	p := b.poll(t)
	m := &model{}
	var ws *enginetest.WS // the one that the server listens to, if any
	for i, s := range seq {
		before := m.at
		want := m.apply(s)
		switch s.how {
		case 'P':
			require.Equal(t, want, p.post(t, s.packet).status, "%v at %d", seq, i)
		case 'C':
			c, err := b.ln.Dial()
			require.NoError(t, err)
			defer c.Close()
			w, err := enginetest.Upgrade(c, wsURI+"&sid="+p.sid)
			require.Equal(t, before == dead, err != nil, "%v at %d", seq, i)
			if before == polling {
				ws = w
			}
		case 'W':
			switch {
			case ws == nil:
			case s.packet == binaryPacket:
				_ = ws.SendBinary([]byte(s.packet)) // fails if the server has closed it
			default:
				_ = ws.Send(s.packet)
			}
		}
		synctest.Wait()
	}
	require.Equal(t, m.messages, p.messages(), "%v", seq)
	if m.at == dead {
		require.Equal(t, m.reason, p.ended(t), "%v", seq)
		return
	}
	p.goesOn(t)
	require.Equal(t, m.at == upgraded, p.conn.Transport() == "websocket", "%v", seq)
	p.conn.Close(engine.ReasonTransportClose)
	p.ended(t)
}
