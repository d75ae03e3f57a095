package match

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"runtime/debug"

	"gameserver/game"
)

// Crash is what is known about a match that failed: enough to run it again.
type Crash struct {
	Ref   string // what players and logs are told
	Match string
	Game  string
	Seed  uint64
	Tick  uint32
	State game.State // before
	What  string     // the panic value, or Init's error
	Stack []byte     // of the panic, nil otherwise
	// Inputs are the newest ones that were accepted, oldest first.
	Inputs []CrashInput
}

// CrashInput is one accepted input.
type CrashInput struct {
	Tick  uint32 // in which it was accepted
	Seat  int
	S     uint32 // the tick it was meant for
	Value []byte // msgpack
}

// Crash returns what is known about the failure, or nil if there was none. Any
// goroutine may call it.
func (m *Match) Crash() *Crash { return m.crash.Load() }

// trap is deferred around a tick. A panic, or the end of the goroutine, in the
// game's code ends the match and goes no further.
func (m *Match) trap(finished, more *bool) {
	if m.lost.Load() {
		*more = false
		_ = recover() // whoever abandoned the match has told all there is to tell
		m.bury()
		return
	}
	if *finished {
		return
	}
	*more = false
	what := "runtime.Goexit was called"
	if v := recover(); v != nil {
		what = fmt.Sprint(v)
	}
	m.fail(what, debug.Stack())
}

// fail ends the match without asking the game anything more. Nothing of this
// tick is published. It may come at any moment up to the hook that tells the
// end: a result that cannot be encoded fails a match that has ended.
func (m *Match) fail(what string, stack []byte) {
	if m.told.Load() {
		// The fault is in a hook. Whoever listens has been told already.
		m.cfg.Logger.Error("match: a hook failed", slog.String("match", m.cfg.ID), slog.String("what", what),
			slog.String("stack", string(stack)))
		m.dispose(game.ReasonFailed)
		return
	}
	c := &Crash{
		Ref: fmt.Sprintf("%s@%d", m.cfg.ID, m.tick), Match: m.cfg.ID, Game: m.cfg.Def.Name, Seed: m.cfg.Seed,
		Tick: m.tick, State: m.state, What: what, Stack: stack, Inputs: m.history.list(),
	}
	m.crash.Store(c)
	m.state = game.StateFailed
	m.shown.Store(uint32(m.state))
	m.cfg.Logger.Error("match failed", slog.String("match", m.cfg.ID), slog.String("game", c.Game),
		slog.String("ref", c.Ref), slog.String("what", what), slog.String("stack", string(stack)))
	m.dispose(game.ReasonFailed)
	if m.first() && m.cfg.Hooks.Failed != nil {
		m.cfg.Hooks.Failed(m, c.Ref, stack)
	}
}

// history remembers the newest inputs in two halves: when the younger is full it
// becomes the older one.
type history struct{ young, old []byte }

func (h *history) init() { h.young, h.old = make([]byte, 0, 1024), nil }

const historyHead = 12

func (h *history) add(tick uint32, e *Entry) {
	if len(h.young)+historyHead+len(e.Data) > CrashInputBytes {
		h.young, h.old = h.old[:0], h.young
	}
	h.young = binary.LittleEndian.AppendUint32(h.young, tick)
	h.young = binary.LittleEndian.AppendUint16(h.young, uint16(e.Seat))
	h.young = binary.LittleEndian.AppendUint32(h.young, e.S)
	h.young = binary.LittleEndian.AppendUint16(h.young, uint16(len(e.Data)))
	h.young = append(h.young, e.Data...)
}

func (h *history) list() []CrashInput {
	var out []CrashInput
	for _, b := range [][]byte{h.old, h.young} {
		for len(b) >= historyHead {
			n := historyHead + int(binary.LittleEndian.Uint16(b[10:]))
			out = append(out, CrashInput{
				Tick:  binary.LittleEndian.Uint32(b),
				Seat:  int(binary.LittleEndian.Uint16(b[4:])),
				S:     binary.LittleEndian.Uint32(b[6:]),
				Value: append([]byte(nil), b[historyHead:n]...),
			})
			b = b[n:]
		}
	}
	return out
}
