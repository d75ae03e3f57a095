package snap

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"pgregory.net/rapid"

	"gameserver/internal/mpcheck"
)

func shipSchema() Schema {
	return Schema{Sets: []Set{
		{Name: "ships", Fields: []Field{
			{Name: "x", Kind: KindFloat, Quantum: 0.1},
			{Name: "hp", Kind: KindUint},
			{Name: "alive", Kind: KindBool},
			{Name: "n", Kind: KindInt},
		}},
		{Name: "marks"},
	}}
}

// entity is one element of e.
type element struct {
	id     uint32
	set    uint32
	values []any // int or bool, as on the wire
}

// snapshot encodes one as the server does.
func snapshot(t, b uint32, changed []element, removed ...uint32) []byte {
	m := msgp.AppendMapHeader(nil, 7)
	m = msgp.AppendUint32(msgp.AppendString(m, "a"), 3)
	m = msgp.AppendInt(msgp.AppendString(m, "d"), -2)
	m = msgp.AppendUint32(msgp.AppendString(m, "l"), 4)
	m = msgp.AppendUint32(msgp.AppendString(m, "t"), t)
	m = msgp.AppendUint32(msgp.AppendString(m, "b"), b)
	m = msgp.AppendArrayHeader(msgp.AppendString(m, "e"), uint32(len(changed)))
	for _, e := range changed {
		m = msgp.AppendArrayHeader(m, uint32(2+len(e.values)))
		m = msgp.AppendUint32(msgp.AppendUint32(m, e.id), e.set)
		for _, v := range e.values {
			m, _ = msgp.AppendIntf(m, v)
		}
	}
	m = msgp.AppendArrayHeader(msgp.AppendString(m, "r"), uint32(len(removed)))
	for _, id := range removed {
		m = msgp.AppendInt(msgp.AppendUint32(msgp.AppendArrayHeader(m, 2), id), 1)
	}
	return m
}

func ship0(id uint32, x, hp int, alive bool) element {
	return element{id: id, values: []any{x, hp, alive, -x}}
}

func TestApply(t *testing.T) {
	w := NewMirror(shipSchema())
	b := snapshot(6, 0, []element{ship0(1, 105, 100, true), ship0(2, -7, 50, false), {id: 9, set: 1}})
	s, err := w.Apply(b)
	require.NoError(t, err)
	require.Equal(t, Snapshot{Tick: 6, Ack: 3, Lead: -2, Late: 4, Changed: 3, Bytes: len(b)}, s)
	require.Equal(t, uint32(6), w.Tick())
	set, values, ok := w.Entity(1)
	require.True(t, ok)
	require.Equal(t, 0, set)
	require.Equal(t, []int32{105, 100, 1, -105}, values)
	require.InDelta(t, 10.5, w.Value(0, w.FieldNamed(0, "x"), values[0]), 1e-9)
	require.Equal(t, 2, w.Count(0))
	require.Equal(t, 1, w.Count(w.SetNamed("marks")))
	require.Equal(t, 3, w.Len())

	// Removals come first: id 2 is another entity now, and of another set.
	s, err = w.Apply(snapshot(9, 6, []element{{id: 2, set: 1}}, 2, 1, 77))
	require.NoError(t, err)
	require.Equal(t, 3, s.Removed)
	require.Equal(t, 2, w.Len())
	_, _, ok = w.Entity(1)
	require.False(t, ok)
	set, values, ok = w.Entity(2)
	require.True(t, ok)
	require.Equal(t, 1, set)
	require.Empty(t, values)

	// An id that moves to another set without a removal leaves the first.
	_, err = w.Apply(snapshot(12, 9, []element{ship0(2, 1, 1, true)}))
	require.NoError(t, err)
	require.Equal(t, 1, w.Count(0))
	require.Equal(t, 1, w.Count(1))

	// A full one forgets everything.
	_, err = w.Apply(snapshot(15, 0, nil))
	require.NoError(t, err)
	require.Zero(t, w.Len()+w.Count(0)+w.Count(1))

	require.Equal(t, -1, w.SetNamed("?"))
	require.Equal(t, -1, w.FieldNamed(0, "?"))
	require.Equal(t, -1, w.FieldNamed(5, "x"))
	require.Zero(t, w.Count(5))
}

func TestApplyRefuses(t *testing.T) {
	keys := func(kv ...any) []byte {
		b := msgp.AppendMapHeader(nil, uint32(len(kv)/2))
		for i := 0; i < len(kv); i += 2 {
			b, _ = msgp.AppendIntf(msgp.AppendString(b, kv[i].(string)), kv[i+1])
		}
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":         {},
		"not a map":       {0x90},
		"no tick":         keys("b", 0),
		"tick 0":          snapshot(0, 0, nil),
		"base after tick": snapshot(5, 5, nil),
		"other base":      snapshot(9, 3, nil),
		"trailing":        append(snapshot(9, 6, nil), 0xc0),
		"negative tick":   keys("t", -1),
		"big tick":        keys("t", int64(1)<<32),
		"text tick":       keys("t", "1"),
		"e not an array":  keys("t", 9, "e", 1),
		"r not an array":  keys("t", 9, "r", map[string]any{}),
		"r of one":        keys("t", 9, "r", []any{[]any{1}}),
		"r of text":       keys("t", 9, "r", []any{[]any{1, "x"}}),
		"entity of one":   keys("t", 9, "e", []any{[]any{1}}),
		"no such set":     keys("t", 9, "e", []any{[]any{1, 2}}),
		"id 0":            keys("t", 9, "e", []any{[]any{0, 1}}),
		"too few values":  keys("t", 9, "e", []any{[]any{1, 0, 1, 1, true}}),
		"too many values": keys("t", 9, "e", []any{[]any{1, 1, 1}}),
		"number for bool": keys("t", 9, "e", []any{[]any{1, 0, 1, 1, 1, 1}}),
		"negative uint":   keys("t", 9, "e", []any{[]any{1, 0, 1, -1, true, 1}}),
		"wide int":        keys("t", 9, "e", []any{[]any{1, 0, 1, 1, true, int64(math.MaxInt32) + 1}}),
		"float":           keys("t", 9, "e", []any{[]any{1, 0, 1.5, 1, true, 1}}),
		"array bomb":      append(keys("t", 9)[:0], 0x82, 0xa1, 't', 9, 0xa1, 'e', 0xdd, 0xff, 0xff, 0xff, 0xff),
		"map bomb":        {0xdf, 0xff, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewMirror(shipSchema())
			_, err := w.Apply(snapshot(6, 0, []element{ship0(1, 1, 1, true)}))
			require.NoError(t, err)
			_, err = w.Apply(b)
			require.ErrorIs(t, err, ErrSnapshot)
			require.Zero(t, w.Len(), "a broken World is empty")
			_, err = w.Apply(snapshot(9, 6, nil))
			require.ErrorIs(t, err, ErrBase, "and builds on nothing")
			_, err = w.Apply(snapshot(9, 0, nil))
			require.NoError(t, err)
		})
	}
	full := NewMirror(shipSchema())
	most := make([]element, EntitiesMax)
	for i := range most {
		most[i] = element{id: uint32(i + 1), set: 1}
	}
	_, err := full.Apply(snapshot(1, 0, most))
	require.NoError(t, err)
	_, err = full.Apply(snapshot(2, 1, []element{{id: EntitiesMax, set: 1}}))
	require.NoError(t, err)
	_, err = full.Apply(snapshot(3, 2, []element{{id: EntitiesMax + 1, set: 1}}))
	require.ErrorIs(t, err, ErrSnapshot)
}

// TestUnknownKeys lets a newer server say more.
func TestUnknownKeys(t *testing.T) {
	b := snapshot(6, 0, nil)
	b[0]++
	b, err := msgp.AppendIntf(msgp.AppendString(b, "new"), map[string]any{"x": []any{1}})
	require.NoError(t, err)
	_, err = NewMirror(shipSchema()).Apply(b)
	require.NoError(t, err)
}

// TestWorldModel compares the table with a map under random snapshots.
func TestWorldModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := NewMirror(shipSchema())
		model := map[uint32]string{}
		tick := uint32(0)
		for range rapid.IntRange(1, 20).Draw(t, "snapshots") {
			base := tick
			tick += uint32(rapid.IntRange(1, 3).Draw(t, "step"))
			if rapid.IntRange(0, 9).Draw(t, "full") == 0 {
				base = 0
				clear(model)
			}
			removed := rapid.SliceOfN(rapid.Uint32Range(1, 12), 0, 4).Draw(t, "removed")
			for _, id := range removed {
				delete(model, id)
			}
			var changed []element
			for range rapid.IntRange(0, 6).Draw(t, "n") {
				e := element{id: rapid.Uint32Range(1, 12).Draw(t, "id"), set: 1}
				if rapid.Bool().Draw(t, "ship") {
					e = ship0(e.id, rapid.IntRange(-9, 9).Draw(t, "x"), 5, rapid.Bool().Draw(t, "alive"))
				}
				changed = append(changed, e)
				model[e.id] = fmt.Sprint(e.set, want(e))
			}
			if _, err := w.Apply(snapshot(tick, base, changed, removed...)); err != nil {
				t.Fatal(err)
			}
			got := map[uint32]string{}
			for set := range w.Schema().Sets {
				for row := range w.Count(set) {
					id, values := w.At(set, row)
					got[id] = fmt.Sprint(set, values)
				}
			}
			if !maps.Equal(got, model) || w.Len() != len(model) {
				t.Fatalf("got %v, want %v", got, model)
			}
			for _, id := range slices.Collect(maps.Keys(model)) {
				if set, values, ok := w.Entity(id); !ok || fmt.Sprint(set, values) != model[id] {
					t.Fatalf("entity %d", id)
				}
			}
		}
	})
}

// want is the values of an entity as a World keeps them.
func want(e element) []int32 {
	v := make([]int32, len(e.values))
	for i, x := range e.values {
		switch x := x.(type) {
		case int:
			v[i] = int32(x)
		case bool:
			if x {
				v[i] = 1
			}
		}
	}
	return v
}

// TestApplyAllocatesNothing applies snapshots with changes, births and deaths.
func TestApplyAllocatesNothing(t *testing.T) {
	w := NewMirror(shipSchema())
	var full, odd, even []element
	for id := range uint32(50) {
		full = append(full, ship0(id+1, 1, 1, true))
		odd = append(odd, ship0(id+1, 2, 1, true))
	}
	even = append(slices.Clone(full), ship0(99, 1, 1, true))
	_, err := w.Apply(snapshot(1, 0, full))
	require.NoError(t, err)
	a, b := snapshot(2, 1, even), snapshot(3, 2, odd, 99)
	again := snapshot(1, 0, full)
	run := func() {
		for _, s := range [][]byte{a, b, again} {
			if _, err := w.Apply(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	run()
	require.Zero(t, testing.AllocsPerRun(100, run))
}

func BenchmarkApply(b *testing.B) {
	w := NewMirror(shipSchema())
	var all []element
	for id := range uint32(100) {
		all = append(all, ship0(id+1, int(id)*100, 100, true))
	}
	s := snapshot(1, 0, all)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Apply(s); err != nil {
			b.Fatal(err)
		}
	}
}

// TestSkipFlat agrees with the general skip wherever it has an answer.
func TestSkipFlat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.SampledFrom([]byte{
			0, 0x7f, 0x90, 0x92, 0xc0, 0xc2, 0xc3, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xdc, 0xdd, 0xa1, 0x81, 0xff,
		})).Draw(t, "bytes")
		rest, ok := skipFlat(b)
		general, err := mpcheck.Skip(b)
		if ok && (err != nil || !bytes.Equal(rest, general)) {
			t.Fatalf("%x: %x, want %x %v", b, rest, general, err)
		}
	})
	b := snapshot(6, 0, []element{ship0(1, 1000, 100000, true)}, 7)
	require.Equal(t, byte(0x87), b[0])
	list := b[bytes.IndexByte(b, 'e')+1:]
	rest, ok := skipFlat(list)
	require.True(t, ok)
	require.Equal(t, "\xa1r", string(rest[:2]))
}

func FuzzSnapshotDecode(f *testing.F) {
	f.Add(snapshot(6, 0, []element{ship0(1, 105, 100, true), {id: 9, set: 1}}, 3))
	f.Add(snapshot(9, 6, nil, 1))
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x82, 0xa1, 't', 9, 0xa1, 'e', 0xdd, 0xff, 0xff, 0xff, 0xff})
	first := snapshot(6, 0, []element{ship0(1, 1, 1, true), ship0(2, 2, 2, false)})
	f.Fuzz(func(t *testing.T, b []byte) {
		w := NewMirror(shipSchema())
		if _, err := w.Apply(first); err != nil {
			t.Fatal(err)
		}
		given := bytes.Clone(b)
		s, err := w.Apply(b)
		if !bytes.Equal(given, b) {
			t.Fatal("the input was written to")
		}
		if err != nil {
			if w.Len() != 0 || w.Tick() != 0 {
				t.Fatalf("%d entities at %d after %v", w.Len(), w.Tick(), err)
			}
			return
		}
		if s.Tick != w.Tick() || s.Tick == 0 || s.Changed > len(b) || w.Len() > len(b)+2 {
			t.Fatalf("%+v with %d entities", s, w.Len())
		}
		rows := 0
		for set := range w.Schema().Sets {
			rows += w.Count(set)
			for row := range w.Count(set) {
				id, values := w.At(set, row)
				at, same, ok := w.Entity(id)
				if !ok || at != set || !slices.Equal(values, same) {
					t.Fatalf("entity %d is lost", id)
				}
			}
		}
		if rows != w.Len() {
			t.Fatalf("%d rows, %d entities", rows, w.Len())
		}
	})
}
