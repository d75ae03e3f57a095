package game

import (
	"bytes"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

type control struct {
	Up, Down bool
	Fire     bool    `in:"edge"`
	Aim      float32 `in:"-3.2..3.2"`
	Move     struct {
		X, Y float64 `in:"-1..1"`
		Slot int8    `in:"-2..9"`
	}
	Item  uint16
	Big   uint64
	Wide  int64
	Count int `json:"n"`
}

func pack(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := msgpack.Marshal(v)
	require.NoError(tb, err)
	return b
}

func decodeControl(b []byte) (control, error) {
	var v control
	err := controlCodec().decode(b, unsafe.Pointer(&v))
	return v, err
}

func controlCodec() *codec {
	c, err := compile[*controlled]("c", made[controlled], Rules{})
	if err != nil {
		panic(err)
	}
	return c.input
}

type controlled struct{ base[control] }

type object = map[string]any

func TestInputDecode(t *testing.T) {
	v, err := decodeControl(pack(t, object{
		"up": true, "fire": true, "aim": -3.2, "move": object{"x": 0.5, "y": -1, "slot": 9},
		"item": 65535, "big": uint64(math.MaxUint64), "wide": math.MinInt64, "n": -7,
	}))
	require.NoError(t, err)
	want := control{Up: true, Fire: true, Aim: -3.2, Item: 65535, Big: math.MaxUint64, Wide: math.MinInt64, Count: -7}
	want.Move.X, want.Move.Y, want.Move.Slot = 0.5, -1, 9
	require.Equal(t, want, v)

	v, err = decodeControl([]byte{0x80})
	require.NoError(t, err)
	require.Zero(t, v, "missing is zero")

	v, err = decodeControl(pack(t, object{"item": 3.0, "aim": float32(3.2)}))
	require.NoError(t, err, "a whole float is an integer; a bound as float32 is within it")
	require.EqualValues(t, 3, v.Item)
}

func TestInputRefusals(t *testing.T) {
	twice := append([]byte{0x82}, bytes.Repeat(append(pack(t, "up"), 0xc3), 2)...)
	for _, c := range []struct {
		value []byte
		want  string
	}{
		{nil, "bad_payload: it is not an object"},
		{[]byte{0xc0}, "bad_payload: it is not an object"},
		{[]byte{0x90}, "bad_payload: it is not an object"},
		{[]byte{0x80, 0x80}, "bad_payload: there is more after the value"},
		{[]byte{0xdf, 0xff, 0xff, 0xff, 0xff}, "bad_payload: it has more fields than there are"},
		{[]byte{0x81, 0x01, 0xc3}, "bad_payload: a key is not a string"},
		{[]byte{0x81, 0xdb, 0xff, 0xff, 0xff, 0xff, 'a'}, "bad_payload: a key is not a string"},
		{twice, "bad_payload: up: it is there twice"},
		{pack(t, object{"\x00no": 1}), "bad_payload: ?no: unknown field"},
		{pack(t, object{"up": 1}), "bad_payload: up: it is not true or false"},
		{pack(t, object{"aim": "1"}), "bad_payload: aim: it is not a number"},
		{pack(t, object{"aim": nil}), "bad_payload: aim: it is not a number"},
		{pack(t, object{"aim": 3.21}), "bad_payload: aim: it is out of range"},
		{pack(t, object{"aim": -3.21}), "bad_payload: aim: it is out of range"},
		{pack(t, object{"aim": math.NaN()}), "bad_payload: aim: it is out of range"},
		{pack(t, object{"aim": math.Inf(1)}), "bad_payload: aim: it is out of range"},
		{pack(t, object{"aim": math.Inf(-1)}), "bad_payload: aim: it is out of range"},
		{pack(t, object{"item": 65536}), "bad_payload: item: it is out of range"},
		{pack(t, object{"item": -1}), "bad_payload: item: it is out of range"},
		{pack(t, object{"item": 1.5}), "bad_payload: item: it is not a whole number"},
		{pack(t, object{"item": math.NaN()}), "bad_payload: item: it is not a whole number"},
		{pack(t, object{"item": 1e300}), "bad_payload: item: it is not a whole number"},
		{pack(t, object{"wide": uint64(1) << 63}), "bad_payload: wide: it is out of range"},
		{pack(t, object{"move": 1}), "bad_payload: move: it is not an object"},
		{pack(t, object{"move": object{"slot": 10}}), "bad_payload: move.slot: it is out of range"},
		{pack(t, object{"move": object{"slot": -3}}), "bad_payload: move.slot: it is out of range"},
		{pack(t, object{"move": object{"z": 0}}), "bad_payload: move.z: unknown field"},
	} {
		_, err := decodeControl(c.value)
		require.EqualError(t, err, c.want)
	}
}

func TestInputEdges(t *testing.T) {
	c := controlCodec()
	now, late := control{Up: true, Fire: false}, control{Down: true, Fire: true}
	c.merge(unsafe.Pointer(&now), unsafe.Pointer(&late))
	require.Equal(t, control{Up: true, Fire: true}, now)
	c.dropEdges(unsafe.Pointer(&now))
	require.Equal(t, control{Up: true}, now)
}

func TestInputDoesNotAllocate(t *testing.T) {
	c := controlCodec()
	value := pack(t, object{"up": true, "fire": true, "aim": 1.5, "move": object{"x": 0.5}, "n": 12})
	var v control
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if err := c.decode(value, unsafe.Pointer(&v)); err != nil {
			t.Fatal(err)
		}
	}))
}

// FuzzInputDecode holds the codec against a general decoder: what it accepts
// must be a map in which each field has the value that was read.
func FuzzInputDecode(f *testing.F) {
	c := controlCodec()
	for _, v := range []object{
		{}, {"up": true}, {"aim": 1.5}, {"aim": 3, "move": object{"x": 1, "slot": -2}}, {"item": 3.0, "n": -5}, {"nope": 1},
	} {
		f.Add(pack(f, v))
	}
	f.Add([]byte{0x81, 0xa3, 'a', 'i', 'm', 0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, value []byte) {
		var v control
		if c.decode(value, unsafe.Pointer(&v)) != nil {
			return
		}
		require.LessOrEqual(t, math.Abs(float64(v.Aim)), 3.2000001)
		require.LessOrEqual(t, math.Abs(v.Move.X), 1.0)
		var all map[string]any
		require.NoError(t, msgpack.Unmarshal(value, &all))
		_, err := decodeControl(pack(t, all))
		require.NoError(t, err)
		if _, ok := all["up"]; ok {
			require.Equal(t, all["up"], v.Up)
		}
		if aim, ok := all["aim"].(float64); ok {
			require.Equal(t, float32(aim), v.Aim)
		}
	})
}

func BenchmarkInputDecode(b *testing.B) {
	c := controlCodec()
	value := pack(b, object{"up": true, "down": false, "fire": true, "aim": 1.5})
	var v control
	b.ReportAllocs()
	for b.Loop() {
		if err := c.decode(value, unsafe.Pointer(&v)); err != nil {
			b.Fatal(err)
		}
	}
}
