package client

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// SendInput sends an input, a msgpack value, meant for tick s by a player who
// has seen tick k. It is sent now or, without a connection, not at all
// (sio.ErrNotConnected). With the msgpack parser it allocates nothing.
func (m *Match) SendInput(s, k uint32, v []byte) error { return m.SendInputs(s, k, 0, v) }

// SendInputs sends the inputs of up to four ticks, the newest of which is s, newest
// first, in one message if it can. The screen of the player shows what was so many
// quarter ticks before k; see Playback.View.
func (m *Match) SendInputs(s, k uint32, view uint8, values ...[]byte) error {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	return m.sendInputsLocked(s, k, view, values)
}

func (m *Match) sendInputsLocked(s, k uint32, view uint8, values [][]byte) error {
	now := m.time()
	m.clock.advance(now)
	for i := range values {
		m.clock.sent(s - uint32(i)) //nolint:gosec // few
	}
	m.spoke = now
	if m.compact != nil && len(values) <= compactInputs {
		blob, ok := m.compact.appendMessage(m.blob[:0], s, k, view, values)
		m.blob = blob
		if ok {
			return m.sendBlobLocked(blob)
		}
	}
	for i := len(values) - 1; i >= 0; i-- {
		if err := m.sendPlainLocked(s-uint32(i), k, view, values[i]); err != nil { //nolint:gosec // few
			return err
		}
	}
	return nil
}

// sendPlainLocked sends one input in the form that every server takes.
func (m *Match) sendPlainLocked(s, k uint32, view uint8, v []byte) error {
	p := m.sock.AppendEventHead(m.packet[:0], "input")
	if m.c.opts.Msgpack {
		p = append(p, 0x84, 0xa1, 'w')
		p = msgp.AppendUint8(p, view)
		p = append(p, 0xa1, 's')
		p = msgp.AppendUint32(p, s)
		p = append(p, 0xa1, 'k')
		p = msgp.AppendUint32(p, k)
		p = append(p, 0xa1, 'v')
		p = append(p, v...)
	} else {
		b := bytes.NewBuffer(fmt.Appendf(p, `{"s":%d,"k":%d,"w":%d,"v":`, s, k, view))
		if _, err := msgp.UnmarshalAsJSON(b, v); err != nil {
			return fmt.Errorf("server/client: input: %w", err)
		}
		p = append(b.Bytes(), '}')
	}
	p = m.sock.AppendEventTail(p)
	m.packet = p
	return m.sock.SendPacket(p)
}

// sendBlobLocked sends a message of the event i.
func (m *Match) sendBlobLocked(blob []byte) error {
	p := m.sock.AppendEventHead(m.packet[:0], "i")
	p = msgp.AppendBytes(p, blob)
	p = m.sock.AppendEventTail(p)
	m.packet = p
	return m.sock.SendPacket(p)
}

// Input sends an input of the game, for example a struct with json tags, meant
// for the tick that the server will come to when it is there. It returns that
// tick. Called more often than there are ticks, it runs ahead.
func (m *Match) Input(v any) (s uint32, err error) {
	k := m.Last().Tick
	m.inMu.Lock()
	defer m.inMu.Unlock()
	m.value.Reset()
	if err := m.enc.Encode(v); err != nil {
		return 0, fmt.Errorf("server/client: input: %w", err)
	}
	m.clock.advance(m.time())
	s = max(m.clock.newest, k) + 1 // strictly growing
	if aim := m.clock.aim(); m.clock.set && aim > float64(s) && aim < math.MaxUint32 {
		s = uint32(aim)
	}
	m.one[0] = m.value.Bytes()
	return s, m.sendInputsLocked(s, k, 0, m.one[:])
}

// Due returns the ticks that inputs are to be made for now, in order to be there
// in time: n of them, the last of which is last. There is one for each tick, and
// four at most when it has not been asked for long.
func (m *Match) Due() (last uint32, n int) {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	return m.clock.due(m.time())
}

// time is the client's own, in milliseconds.
func (m *Match) time() float64 { return float64(time.Since(m.born)) / float64(time.Millisecond) }

// observe takes in what a snapshot says about the clock.
func (m *Match) observe(s Snapshot) {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	m.clock.snapshot(m.time(), s.Tick, s.Ack, s.Lead)
}

// acknowledge says what was seen if no input has for a while: who sends compact
// inputs has promised to.
func (m *Match) acknowledge(s Snapshot) {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	now := m.time()
	if m.compact == nil || now-m.spoke < ackAfter {
		return
	}
	m.spoke = now
	m.blob, _ = m.compact.appendMessage(m.blob[:0], 0, s.Tick, 0, nil)
	_ = m.sendBlobLocked(m.blob) // without a connection there is nothing to acknowledge
}

// paced takes in that ticks are of another length, in microseconds.
func (m *Match) paced(length float64) {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	m.clock.pace(m.time(), length/1000)
}

// settle prepares for inputs once welcome and schema are there.
func (m *Match) settle(form [][]any, w Welcome) {
	m.inMu.Lock()
	defer m.inMu.Unlock()
	m.compact = nil
	if m.c.opts.Msgpack && w.Snap == 1 {
		m.compact = newCompactInput(form)
	}
	if m.clock.period == 0 && w.Rate > 0 {
		m.clock = newClock(w.Rate)
	}
}

// handshake asks what time it is in the match, a few times.
func (m *Match) handshake() {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	t := time.NewTicker(handshakeEvery)
	defer t.Stop()
	for range handshakeCalls {
		m.inMu.Lock()
		sent := m.time()
		m.inMu.Unlock()
		var answer struct {
			Q float64 `json:"q"`
		}
		if m.sock.Call(ctx, "clock", map[string]float64{"c": sent}, &answer) != nil {
			return // the snapshots say it as well
		}
		m.inMu.Lock()
		m.clock.answered(sent, m.time(), answer.Q/256)
		m.inMu.Unlock()
		select {
		case <-t.C:
		case <-m.done:
			return
		case <-m.c.Done():
			return
		}
	}
}
