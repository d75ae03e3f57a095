package client

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"gameserver/game"
)

// levers is an input with a field of each kind.
type levers struct {
	Up   bool
	Fire bool `in:"edge"`
	Jump game.Edge
	Aim  float32 `in:"-3.2..3.2"`
	Move struct {
		X    float64 `in:"-1..1"`
		Deep struct{ Slot int8 }
	}
	Item uint16 `in:"0..500"`
	Wide int64
}

// reader is a game that keeps what is played.
type reader struct{ got levers }

func (r *reader) Step(s *game.Step[levers]) {
	for _, in := range s.Inputs() {
		r.got = in
	}
}

type oneGame struct{ def *game.Definition }

func (o *oneGame) RegisterGame(d *game.Definition) { o.def = d }

func packed(tb testing.TB, v any) []byte {
	tb.Helper()
	var b strings.Builder
	e := msgpack.NewEncoder(&b)
	e.SetCustomStructTag("json")
	e.UseCompactInts(true)
	require.NoError(tb, e.Encode(v))
	return []byte(b.String())
}

// TestCompactIsWhatTheGameReads: whatever an input says, the game gets the same
// value, or the same refusal, from both forms.
func TestCompactIsWhatTheGameReads(t *testing.T) {
	var o oneGame
	var read *reader
	game.Register(&o, "levers", func() *reader { read = &reader{}; return read }, game.Rules{})
	drv := o.def.New(1)
	drv.Enter(0, "ann", 0, false)
	c := newCompactInput(o.def.Compact)
	require.NotNil(t, c)
	step := func() levers {
		drv.Step()
		return read.got
	}
	number := rapid.OneOf(
		rapid.Just[any](0), rapid.Just[any](1.5), rapid.Just[any](math.NaN()), rapid.Just[any](float32(3.2)), rapid.Just[any](-1.0),
		rapid.Just[any](1e300), rapid.Just[any](3.0), rapid.Just[any](uint64(math.MaxUint64)), rapid.Just[any](int64(math.MinInt64)),
		rapid.Map(rapid.IntRange(-600, 600), func(v int) any { return v }),
		rapid.Map(rapid.Float32Range(-4, 4), func(v float32) any { return v }),
	)
	truth := rapid.SampledFrom([]any{true, false, true, false, 1, nil})
	rapid.Check(t, func(rt *rapid.T) {
		v := map[string]any{}
		put := func(m map[string]any, name string, g *rapid.Generator[any]) {
			if rapid.IntRange(0, 2).Draw(rt, "there") > 0 {
				m[name] = g.Draw(rt, name)
			}
		}
		put(v, "up", truth)
		put(v, "fire", truth)
		put(v, "jump", rapid.OneOf(number, truth))
		put(v, "aim", number)
		put(v, "item", number)
		put(v, "wide", number)
		if rapid.Bool().Draw(rt, "move") {
			deep := map[string]any{}
			put(deep, "slot", number)
			move := map[string]any{"deep": deep}
			put(move, "x", number)
			v["move"] = move
		}
		value := packed(t, v)
		compact, ok := c.appendInput(nil, value)
		plain := drv.Decode(0, game.CellNow, value)
		if !ok {
			return // it is sent as it is
		}
		want := step()
		rest, err := drv.DecodeCompact(0, game.CellNow, compact)
		if (plain == nil) != (err == nil) {
			rt.Fatalf("%v: %v and %v", v, plain, err)
		}
		if err != nil {
			return
		}
		require.Empty(rt, rest)
		got := step()
		require.InDelta(rt, want.Move.X, got.Move.X, 1e-7) // of 32 bits
		got.Move.X = want.Move.X
		require.Equal(rt, want, got)
	})
}

func TestCompactMessage(t *testing.T) {
	c := newCompactInput([][]any{{"row", "i"}, {"crash", "b"}, {"lean", "f"}})
	v := func(row int, crash bool) []byte { return packed(t, map[string]any{"row": row, "crash": crash}) }
	b, ok := c.appendMessage([]byte{9}, 65536+112, 65536+108, 12, [][]byte{v(-5, false), v(-5, false), v(3, true), v(3, true)})
	require.True(t, ok)
	require.Equal(t, []byte{9, 1<<6 | 4 | 1<<3 | 1<<5, 112, 0, 108, 0, 12, 1, 9, 3, 6}, b)
	b, ok = c.appendMessage(nil, 0, 7, 0, nil)
	require.True(t, ok)
	require.Equal(t, []byte{1 << 6, 0, 0, 7, 0, 0}, b)

	for name, bad := range map[string][]byte{
		"no object":     packed(t, 5),
		"another field": packed(t, map[string]any{"rows": 1}),
		"half":          v(1, true)[:3],
		"more":          append(v(1, true), 0),
		"a fraction":    packed(t, map[string]any{"row": 0.5}),
		"text":          packed(t, map[string]any{"row": "1"}),
		"a bomb":        {0xdf, 0xff, 0xff, 0xff, 0xff},
	} {
		_, ok := c.appendMessage(nil, 1, 1, 0, [][]byte{bad})
		require.False(t, ok, name)
	}
	long := make([][]any, compactFields+1)
	for i := range long {
		long[i] = []any{string(rune('A' + i)), "b"}
	}
	require.NotNil(t, newCompactInput(long[:compactFields]))
	for name, form := range map[string][][]any{
		"none": {}, "too many": long, "one part": {{"x"}}, "no name": {{"", "b"}}, "a number": {{1, "b"}},
		"no kind": {{"x", ""}}, "another kind": {{"x", "z"}}, "too deep": {{strings.Repeat("x.", compactDepth) + "x", "b"}},
	} {
		require.Nil(t, newCompactInput(form), name)
	}
	value := v(-5, true)
	require.Zero(t, testing.AllocsPerRun(100, func() { b, _ = c.appendMessage(b[:0], 1, 1, 0, [][]byte{value, value}) }))
}

// TestCompactPlay plays with compact inputs, and acknowledges without them.
func TestCompactPlay(t *testing.T) {
	o := Options{Name: "anna", Msgpack: true}
	h := listening(&o)
	c := dial(t, serve(t, 1), o)
	m, err := c.Queue(within(t), "pond")
	require.NoError(t, err)
	until(t, h.snapshots, func(Snapshot) bool { return m.State() == "running" })
	m.inMu.Lock()
	m.compact = newCompactInput([][]any{{"row", "i"}})
	m.inMu.Unlock()
	row := func(n int) []byte { return msgp.AppendInt(msgp.AppendString([]byte{0x81}, "row"), n) }
	last, n := m.Due()
	for n == 0 {
		until(t, h.snapshots, func(Snapshot) bool { return true })
		last, n = m.Due()
	}
	last += 20 // whatever the machine does
	require.NoError(t, m.SendInputs(last, m.Last().Tick, 0, row(5), row(2)))
	s := until(t, h.snapshots, func(s Snapshot) bool { return s.Ack >= last })
	require.Equal(t, last, s.Ack)
	m.View(func(w *World) {
		_, values, ok := w.Entity(m.You())
		require.True(t, ok)
		require.GreaterOrEqual(t, values[0], int32(7))
	})
	// Silence is no reason to be sent less: every snapshot is acknowledged.
	for range 60 {
		next := s.Tick + 3
		s = until(t, h.snapshots, func(Snapshot) bool { return true })
		require.Equal(t, next, s.Tick)
	}
}
