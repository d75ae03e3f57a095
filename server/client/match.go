package client

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	socket "gameserver/sio/client"
)

// Match is one match from a player's seat.
type Match struct {
	// Immutable.
	c      *Client
	sock   *socket.Socket
	found  Found
	born   time.Time
	ready  chan struct{} // closed at the first schema
	done   chan struct{} // closed at the result, or the end without one
	parted chan struct{} // closed when the namespace is free again

	// Owned by the reader.
	scratch []byte            // a JSON snapshot or event, in msgpack
	names   map[string]string // event names, so that they are made once

	mu      sync.Mutex // guards the following
	seat    string     // token of match:found
	welcome Welcome
	state   string
	last    Snapshot

	result   *Result
	err      error
	leaving  bool // Leave was called: that is why it ends
	ended    bool
	isReady  bool
	isParted bool

	worldMu sync.Mutex // guards the following against readers in View
	world   *World     // nil before the first schema; written by the reader

	inMu    sync.Mutex // guards the following
	clock   clock
	compact *compactInput // nil: inputs are sent as msgpack
	spoke   float64       // when an input or an acknowledgement was sent last
	packet  []byte        // scratch
	blob    []byte        // scratch
	one     [1][]byte     // scratch
	value   bytes.Buffer
	enc     *msgpack.Encoder // into value
}

func newMatch(c *Client, f Found) *Match {
	m := &Match{
		c: c, sock: c.match, found: f, born: time.Now(), seat: f.Seat.Token,
		ready: make(chan struct{}), done: make(chan struct{}), parted: make(chan struct{}),
		names: map[string]string{},
	}
	m.enc = msgpack.NewEncoder(&m.value)
	m.enc.SetCustomStructTag("json")
	m.enc.UseCompactInts(true)
	return m
}

// ID returns the id of the match.
func (m *Match) ID() string { return m.found.Match }

// Found returns what the lobby said about the match.
func (m *Match) Found() Found { return m.found }

// You returns the id of this player, which is also that of what they control in
// games that do so.
func (m *Match) You() uint32 { return m.Welcome().You }

// Welcome returns the last welcome.
func (m *Match) Welcome() Welcome {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.welcome
}

// State returns the state of the match: open, countdown, running, and so on.
func (m *Match) State() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Last returns the head of the last snapshot, the zero Snapshot before the
// first.
func (m *Match) Last() Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}

// View calls f with the World, which does not change until f returns.
func (m *Match) View(f func(w *World)) {
	m.worldMu.Lock()
	defer m.worldMu.Unlock()
	f(m.world)
}

// World returns the World. It may be read in OnSnapshot, OnEvent and OnResult
// only; elsewhere use View.
func (m *Match) World() *World { return m.world }

// Done is closed when the match is over for this player.
func (m *Match) Done() <-chan struct{} { return m.done }

// Err returns why the match ended without a result, nil if it has one or goes
// on.
func (m *Match) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// Wait waits for the end of the match and returns its result.
func (m *Match) Wait(ctx context.Context) (Result, error) {
	select {
	case <-m.done:
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.result == nil {
		return Result{}, m.err
	}
	return *m.result, nil
}

// Request asks the game something and decodes the answer into out, unless that
// is nil.
func (m *Match) Request(ctx context.Context, event string, data, out any) error {
	req := struct {
		Ev   string `json:"ev"`
		Data any    `json:"data"`
	}{event, data}
	var ack struct {
		Data Raw `json:"data"`
	}
	if err := m.sock.Call(ctx, "request", req, &ack); err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	return Decode(ack.Data, out)
}

// Leave gives the seat up.
func (m *Match) Leave(ctx context.Context) error {
	m.mu.Lock()
	m.leaving = true
	m.mu.Unlock()
	err := m.sock.Call(ctx, "leave", struct{}{}, nil)
	if err != nil && !m.over() { // the server's DISCONNECT may overtake its answer
		return err
	}
	m.quit(ErrLeft)
	return nil
}

// auth is the auth payload of a CONNECT. It names what the World holds, so that
// the server can go on from there.
func (m *Match) auth() any {
	a := struct {
		Seat  string `json:"seat"`
		Snap  int    `json:"snap,omitempty"`
		Ack   uint32 `json:"ack,omitempty"`
		Check bool   `json:"check,omitempty"`
	}{Seat: m.token()}
	if m.c.opts.Msgpack && !m.c.opts.Plain {
		a.Snap, a.Check = 1, m.c.opts.Check
		m.worldMu.Lock()
		if m.world != nil {
			a.Ack = m.world.Tick()
		}
		m.worldMu.Unlock()
	}
	return a
}

// token returns what opens the seat now.
func (m *Match) token() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.welcome.Resume != "" {
		return m.welcome.Resume
	}
	return m.seat
}

// renew takes a newer seat token. The resume token stays the first choice.
func (m *Match) renew(token string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seat = token
}

// end ends the match without a result, unless it has ended.
func (m *Match) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked(nil, err)
}

func (m *Match) endLocked(r *Result, err error) {
	if m.ended {
		return
	}
	if m.leaving && r == nil {
		err = ErrLeft
	}
	m.ended = true
	m.result, m.err = r, err
	close(m.done)
}

// over reports whether the match has ended.
func (m *Match) over() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended
}

// quit ends the match and leaves the namespace.
func (m *Match) quit(err error) {
	m.end(err)
	m.sock.Disconnect()
	m.part(err)
}

// part notes that the namespace is free again.
func (m *Match) part(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked(nil, err)
	if !m.isParted {
		m.isParted = true
		close(m.parted)
	}
}

// Decode decodes a msgpack value by json tags, as Raw and Event.Data are.
func Decode(raw []byte, into any) error {
	d := msgpack.NewDecoder(bytes.NewReader(raw))
	d.SetCustomStructTag("json")
	d.UseLooseInterfaceDecoding(true)
	return d.Decode(into)
}
