package match

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"gameserver/game"
	"gameserver/game/snap"
	"gameserver/tick"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// input is what players of the probe send.
type input struct {
	N    int32 `in:"0..1000000"`
	Fire bool  `in:"edge"`
}

type body struct {
	X  float32 `snap:"q=0.5"`
	HP uint8   `snap:""`
}

// probe is a game that logs its calls and does what a test tells it to.
type probe struct {
	Bodies game.Set[body] `snap:"cap=2048"`
	log    []string
	on     map[string]func(m *game.Match, p *game.Player) error
	step   func(s *game.Step[input])
	world  any      // nil: a small one
	told   []int    // by Quality
	toldAt []uint32 // in which tick
}

func (g *probe) call(what string, m *game.Match, p *game.Player) error {
	if p != nil {
		g.log = append(g.log, fmt.Sprintf("%s %d", what, p.ID))
	} else {
		g.log = append(g.log, what)
	}
	if f := g.on[what]; f != nil {
		return f(m, p)
	}
	return nil
}

func (g *probe) Init(m *game.Match) error { return g.call("init", m, nil) }

func (g *probe) Join(m *game.Match, p *game.Player) error {
	g.Bodies.Put(p.ID, body{X: float32(p.ID), HP: 100})
	return g.call("join", m, p)
}
func (g *probe) Drop(m *game.Match, p *game.Player)   { g.call("drop", m, p) }
func (g *probe) Resume(m *game.Match, p *game.Player) { g.call("resume", m, p) }

func (g *probe) Leave(m *game.Match, p *game.Player, why game.Reason) {
	g.Bodies.Del(p.ID)
	g.call("leave", m, p)
	g.log = append(g.log, why.String())
}

func (g *probe) Handle(m *game.Match, p *game.Player, ev string, _ game.Args) (any, error) {
	return ev, g.call("handle", m, p)
}

func (g *probe) World(m *game.Match) any {
	g.call("world", m, nil)
	if g.world != nil {
		return g.world
	}
	return map[string]any{"w": 3}
}

func (g *probe) Quality(m *game.Match, level int) {
	g.told, g.toldAt = append(g.told, level), append(g.toldAt, m.Tick())
}

func (g *probe) Close(m *game.Match, why game.Reason) any {
	g.call("close", m, nil)
	return why.String()
}

func (g *probe) Bot(s *game.Step[input], p *game.Player) input {
	if f := g.on["bot"]; f != nil {
		f(s.Match, p)
	}
	return input{N: int32(s.Tick)}
}

func (g *probe) Step(s *game.Step[input]) {
	if f := g.on["step"]; f != nil {
		f(s.Match, nil)
	}
	if g.step != nil {
		g.step(s)
		return
	}
	g.log = append(g.log, "step")
}

// link is a connection that writes down what it is given.
type link struct {
	enc      bool
	log      []string // one line per packet or event
	refuse   bool
	closed   game.Reason
	token    uint32
	last     snapshot
	entities map[int64][]any
	quiet    bool // do not look at packets
	sent     int
	deaf     bool   // takes no event
	broken   string // the event that cannot be encoded, with a panic
	wish     Wish
	mirror   *snap.Mirror // of the compact dialect
}

type snapshot struct {
	T, B, A uint32
	D, L    int
	E, R    [][]any
}

func (l *link) Wish() Wish                             { return l.wish }
func (l *link) Msgpack() bool                          { return l.enc }
func (l *link) AppendHead(dst []byte, e string) []byte { return append(append(dst, e...), ' ') }
func (l *link) AppendTail(dst []byte) []byte           { return append(dst, '\n') }
func (l *link) ResumeToken(epoch uint32) string        { l.token = epoch; return fmt.Sprint("token ", epoch) }

// Send notes an event that was put together as a packet.
func (l *link) Send(packet []byte) error {
	name, arg, _ := bytes.Cut(packet, []byte(" "))
	var v any
	if err := msgpack.Unmarshal(bytes.TrimSuffix(arg, []byte("\n")), &v); err != nil {
		panic(err)
	}
	l.log = append(l.log, fmt.Sprintf("%s %v", name, v))
	return nil
}

func (l *link) AppendValue(dst []byte, v any) ([]byte, error) {
	b, err := msgpack.Marshal(v)
	return append(dst, b...), err
}

// takeCompact decodes a compact snapshot and what rides in it.
func (l *link) takeCompact(packet []byte) {
	blob, _, err := msgp.ReadBytesZC(packet)
	if err == nil {
		err = l.mirror.Events(blob, func(e []byte) error { return l.Send(append([]byte("riding "), e...)) })
	}
	var s snap.Snapshot
	if err == nil {
		s, err = l.mirror.ApplyCompact(blob)
	}
	if err != nil {
		panic(err)
	}
	l.log = append(l.log, fmt.Sprintf("s %d on %d", s.Tick, s.Base))
}

func (l *link) SendLatest(packet []byte) bool {
	if l.refuse {
		return false
	}
	l.sent++
	if l.quiet {
		return true
	}
	if arg, ok := bytes.CutPrefix(packet, []byte("s ")); ok {
		l.takeCompact(arg)
		return true
	}
	text := strings.TrimSuffix(strings.TrimPrefix(string(packet), "snapshot "), "\n")
	var s snapshot
	if l.enc {
		var all map[string]any
		if err := msgpack.Unmarshal([]byte(text), &all); err != nil {
			panic(err)
		}
		b, _ := json.Marshal(all)
		text = string(b)
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	if s.B == 0 {
		l.entities = map[int64][]any{}
	} else if s.B != l.last.T {
		panic(fmt.Sprintf("snapshot builds on %d, the last was %d", s.B, l.last.T))
	}
	for _, r := range s.R {
		delete(l.entities, int64(r[0].(float64)))
	}
	for _, e := range s.E {
		l.entities[int64(e[0].(float64))] = e[2:]
	}
	l.last = s
	l.log = append(l.log, fmt.Sprintf("snapshot %d on %d", s.T, s.B))
	return true
}

func (l *link) Emit(event string, v any) error {
	if l.deaf {
		return errors.New("deaf")
	}
	b, err := json.Marshal(v)
	if err != nil || event == l.broken {
		panic(fmt.Sprint("cannot encode ", event, err))
	}
	l.log = append(l.log, event+" "+string(b))
	return nil
}

func (l *link) Close(why game.Reason) {
	l.closed = why
	l.log = append(l.log, "close "+why.String())
}

// names is the log without the values.
func (l *link) names() []string {
	var out []string
	for _, line := range l.log {
		name, _, _ := strings.Cut(line, " ")
		out = append(out, name)
	}
	return out
}

// fixture is a match of the probe, ticked by hand.
type fixture struct {
	*Match
	t    testing.TB
	game *probe
	ends []string // what the hooks said
	tk   tick.Tick
}

type registry []*game.Definition

func (r *registry) RegisterGame(d *game.Definition) { *r = append(*r, d) }

// quick is rules without waiting.
func quick() game.Rules {
	return game.Rules{Players: game.Between(1, 8), Countdown: -1, Hold: 100 * time.Millisecond, SeatTTL: 100 * time.Millisecond, EmptyTTL: 50 * time.Millisecond}
}

func persons(n int) []SeatSpec {
	out := make([]SeatSpec, n)
	for i := range out {
		out[i] = SeatSpec{Player: fmt.Sprint("u", i+1), Name: fmt.Sprint("name", i+1)}
	}
	return out
}

func newFixture(tb testing.TB, rules game.Rules, seats []SeatSpec) *fixture {
	tb.Helper()
	f := &fixture{t: tb, game: &probe{on: map[string]func(*game.Match, *game.Player) error{}}}
	var r registry
	game.Register(&r, "probe", func() *probe { return f.game }, rules)
	m, err := New(Config{ID: "m1", Def: r[0], Seed: 7, Seats: seats, Hooks: Hooks{
		Ended: func(_ *Match, why game.Reason, result any) {
			f.ends = append(f.ends, fmt.Sprint("ended ", why, " ", result))
		},
		Failed: func(_ *Match, ref string, _ []byte) { f.ends = append(f.ends, "failed "+ref) },
		Voided: func(_ *Match, why game.Reason) { f.ends = append(f.ends, "voided "+why.String()) },
	}})
	require.NoError(tb, err)
	f.Match = m
	return f
}

func (f *fixture) ticks(n int) bool {
	more := true
	for range n {
		f.tk.N++
		more = f.Tick(&f.tk)
	}
	return more
}

func (f *fixture) attach(seat int, l *link) *Seat {
	f.t.Helper()
	s, err := f.Attach(seat, l)
	require.NoError(f.t, err)
	return s
}

// mayClaim ticks until a claim is answered.
func (f *fixture) mayClaim(seat int, epoch uint32, resume bool) error {
	f.t.Helper()
	answer := make(chan error)
	go func() { answer <- f.Claim(context.Background(), seat, epoch, resume) }()
	for {
		select {
		case err := <-answer:
			return err
		default:
			f.inbox.mu.Lock()
			waiting := len(f.inbox.batch.entries) > 0
			f.inbox.mu.Unlock()
			if waiting {
				f.ticks(1)
			}
			runtime.Gosched()
		}
	}
}

func pack(v any) []byte {
	b, err := msgpack.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func value(n int, fire bool) []byte {
	return pack(struct {
		N    int  `msgpack:"n"`
		Fire bool `msgpack:"fire"`
	}{n, fire})
}
