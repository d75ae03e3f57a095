package sio

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/engine"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeLink stands for an engine.Conn: it records what is sent, and Close calls
// back at once, which is the worst the engine may do.
type fakeLink struct {
	onClose func(engine.Reason)

	mu       sync.Mutex
	sent     []engine.Message
	reason   engine.Reason
	admits   int
	buffered int  // while full
	full     bool // nothing can be written at once
}

var errGone = errors.New("gone")

func (l *fakeLink) Send(data []byte, binary bool) error {
	return l.SendAll([]engine.Message{{Data: data, Binary: binary}})
}

func (l *fakeLink) SendAll(msgs []engine.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason != 0 {
		return errGone
	}
	for _, m := range msgs {
		l.sent = append(l.sent, engine.Message{Data: []byte(string(m.Data)), Binary: m.Binary})
	}
	return nil
}

func (l *fakeLink) SendLatest(data []byte, binary bool) bool {
	return l.Writable() && l.Send(data, binary) == nil
}

func (l *fakeLink) Writable() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.full && l.reason == 0
}

func (l *fakeLink) Buffered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return max(l.buffered, 1)
	}
	return 0
}

func (l *fakeLink) Admit() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.admits++
}

func (l *fakeLink) Close(r engine.Reason) {
	l.mu.Lock()
	first := l.reason == 0
	if first {
		l.reason = r
	}
	l.mu.Unlock()
	if first {
		l.onClose(r)
	}
}

func (l *fakeLink) closed() engine.Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reason
}

// peer is the client's end of a fake connection. All of it runs in a bubble.
type peer struct {
	t    testing.TB
	link *fakeLink
	conn *conn
}

func dial(tb testing.TB, s *Server) *peer {
	tb.Helper()
	l := &fakeLink{}
	c := s.accept(l, nil)
	l.onClose = c.OnClose
	p := &peer{t: tb, link: l, conn: c}
	return p
}

// bubbleT is the testing.T inside a bubble.
type bubbleT struct{ *testing.T }

// bubble runs a test with a server in virtual time; connections left open are
// closed at its end.
func bubble(t *testing.T, cfg Config, f func(t bubbleT, s *Server)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(bubbleT{t}, New(cfg))
		synctest.Wait()
	})
}

// sends delivers text messages, letting handlers finish after each.
func (p *peer) sends(texts ...string) {
	p.t.Helper()
	for _, s := range texts {
		p.conn.OnMessage([]byte(s), false)
		synctest.Wait()
	}
}

// sendsHex delivers one binary message given in hex, with spaces.
func (p *peer) sendsHex(s string) {
	p.t.Helper()
	p.conn.OnMessage(unhex(p.t, s), true)
	synctest.Wait()
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(tb, err)
	return b
}

// takes returns what was sent since the last call: texts as they are, binary in
// hex after "b:". Socket ids become SID.
func (p *peer) takes() []string {
	p.link.mu.Lock()
	defer p.link.mu.Unlock()
	var out []string
	for _, m := range p.link.sent {
		s := string(m.Data)
		if m.Binary {
			s = "b:" + hex.EncodeToString(m.Data)
		}
		if i := strings.Index(s, `{"sid":"`); i >= 0 && len(s) >= i+30 {
			s = s[:i+8] + "SID" + s[i+28:]
		}
		out = append(out, s)
	}
	p.link.sent = nil
	return out
}

func (p *peer) wants(want ...string) {
	p.t.Helper()
	got := p.takes()
	if len(want) == 0 {
		require.Empty(p.t, got)
		return
	}
	require.Equal(p.t, want, got)
}

func (p *peer) closedWith(want engine.Reason) {
	p.t.Helper()
	require.Equal(p.t, want.String(), p.link.closed().String())
}

func (p *peer) open() {
	p.t.Helper()
	require.Zero(p.t, p.link.closed(), "closed: %v", p.link.closed())
}

// leaves ends the connection from the client's side.
func (p *peer) leaves() {
	p.link.Close(engine.ReasonTransportClose)
	synctest.Wait()
}

// joined is a peer connected to "/".
func joined(tb testing.TB, s *Server) *peer {
	tb.Helper()
	p := dial(tb, s)
	p.sends("0")
	p.wants(`0{"sid":"SID"}`)
	return p
}

// notes is a list that handlers append to.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) add(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, fmt.Sprintf(format, args...))
}

func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.list
	n.list = nil
	return l
}
