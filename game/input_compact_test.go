package game

import (
	"encoding/binary"
	"math"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// handle has a field of each kind.
type handle struct {
	Up, Down bool
	Fire     bool `in:"edge"`
	Jump     Edge
	Aim      float32 `in:"-3.2..3.2"`
	Turn     float64 `in:"-3.15..3.15"`
	Move     struct {
		X, Y float64 `in:"-1..1"`
		Slot int8    `in:"-2..9"`
	}
	Item uint16 `in:"0..500"`
	Wide int64
	Big  uint64
}

type handled struct{ base[handle] }

func handleCodec() *codec {
	c, err := compile[*handled]("h", made[handled], Rules{})
	if err != nil {
		panic(err)
	}
	return c.input
}

func (c *codec) compact(b []byte) (v handle, rest []byte, err *Error) {
	rest, err = c.decodeCompact(b, unsafe.Pointer(&v))
	return v, rest, err
}

func TestCompactInput(t *testing.T) {
	c := handleCodec()
	require.Equal(t, [][]any{
		{"up", "b"},
		{"down", "b"},
		{"fire", "b"},
		{"jump", "e"},
		{"aim", "f"},
		{"turn", "f"},
		{"move.x", "f"},
		{"move.y", "f"},
		{"move.slot", "i"},
		{"item", "u"},
		{"wide", "i"},
		{"big", "u"},
	}, c.wire())

	b := binary.AppendUvarint(nil, 1<<0|1<<2|1<<3|1<<4|1<<8|1<<9|1<<10|1<<11)
	b = append(b, 200)
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(-3.2))
	b = binary.AppendVarint(b, -2)
	b = binary.AppendUvarint(b, 500)
	b = binary.AppendVarint(b, math.MinInt64)
	b = binary.AppendUvarint(b, math.MaxUint64)
	v, rest, err := c.compact(append(b, 7, 7))
	require.Nil(t, err)
	require.Equal(t, []byte{7, 7}, rest)
	want := handle{Up: true, Fire: true, Jump: 200, Aim: -3.2, Item: 500, Wide: math.MinInt64, Big: math.MaxUint64}
	want.Move.Slot = -2
	require.Equal(t, want, v)

	v, rest, err = c.compact([]byte{0})
	require.Nil(t, err)
	require.Empty(t, rest)
	require.Zero(t, v)

	// The bound of a field of 64 bits, said with 32, lies beyond it.
	require.Greater(t, float64(float32(3.15)), 3.15)
	b = binary.LittleEndian.AppendUint32([]byte{1 << 5}, math.Float32bits(3.15))
	v, _, err = c.compact(b)
	require.Nil(t, err)
	require.Equal(t, 3.15, v.Turn) //nolint:testifylint // the bound itself
}

func TestCompactInputRefusals(t *testing.T) {
	c := handleCodec()
	f32 := func(bit int, v float32) []byte {
		return binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, 1<<bit), math.Float32bits(v))
	}
	for name, x := range map[string]struct {
		b    []byte
		want string
	}{
		"nothing":      {nil, "bad_payload: it is not an input"},
		"endless mask": {[]byte{0x80, 0x80}, "bad_payload: it is not an input"},
		"long mask":    {[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, "bad_payload: it is not an input"},
		"no field":     {binary.AppendUvarint(nil, 1<<12), "bad_payload: it is not an input"},
		"half a float": {f32(4, 1)[:4], "bad_payload: aim: it is cut short"},
		"NaN":          {f32(4, float32(math.NaN())), "bad_payload: aim: it is out of range"},
		"infinite":     {f32(7, float32(math.Inf(-1))), "bad_payload: move.y: it is out of range"},
		"too far":      {f32(4, 3.3), "bad_payload: aim: it is out of range"},
		"no edge":      {[]byte{1 << 3}, "bad_payload: jump: it is cut short"},
		"too large":    {binary.AppendUvarint(binary.AppendUvarint(nil, 1<<9), 501), "bad_payload: item: it is out of range"},
		"too small":    {binary.AppendVarint(binary.AppendUvarint(nil, 1<<8), -3), "bad_payload: move.slot: it is out of range"},
		"no integer":   {binary.AppendUvarint(nil, 1<<10), "bad_payload: wide: it is cut short"},
		"long integer": {append(binary.AppendUvarint(nil, 1<<11), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), "bad_payload: big: it is cut short"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := c.compact(x.b)
			require.NotNil(t, err)
			require.EqualError(t, err, x.want)
		})
	}
}

func TestCompactInputDoesNotAllocate(t *testing.T) {
	c := handleCodec()
	b := binary.LittleEndian.AppendUint32([]byte{1<<0 | 1<<4}, math.Float32bits(1.5))
	var v handle
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := c.decodeCompact(b, unsafe.Pointer(&v)); err != nil {
			t.Fatal(err)
		}
	}))
}

func TestEdge(t *testing.T) {
	for _, c := range []struct {
		part float64
		want Edge
	}{{0, 1}, {0.5, 128}, {1, 255}, {7, 255}, {-1, 1}, {math.NaN(), 1}} {
		e := EdgeAt(c.part)
		require.Equal(t, c.want, e)
		require.True(t, e.Happened())
		if c.part >= 0 && c.part <= 1 {
			require.InDelta(t, c.part, e.Part(), 0.002)
		}
	}
	require.False(t, Edge(0).Happened())
	require.Zero(t, Edge(0).Part())

	c := handleCodec()
	decode := func(jump any) (v handle, err error) {
		return v, c.decode(pack(t, object{"jump": jump}), unsafe.Pointer(&v))
	}
	for _, x := range []struct {
		sent any
		want Edge
	}{{true, 1}, {false, 0}, {0, 0}, {1, 1}, {77, 77}, {255, 255}, {3.0, 3}} {
		v, err := decode(x.sent)
		require.NoError(t, err)
		require.Equal(t, x.want, v.Jump)
	}
	for _, bad := range []any{256, -1, 0.5, "1", nil} {
		_, err := decode(bad)
		require.Error(t, err)
	}
	// One that is late counts at once, whatever there is already; a repeated
	// input has none.
	now, late := handle{Jump: 90}, handle{Jump: 200}
	c.merge(unsafe.Pointer(&now), unsafe.Pointer(&late))
	require.Equal(t, Edge(1), now.Jump)
	c.dropEdges(unsafe.Pointer(&now))
	require.Zero(t, now)
}

// msgpackOf writes what a compact input says in msgpack, without a look at what
// is allowed. It returns nothing if the bytes do not say anything.
func (c *codec) msgpackOf(b []byte) []byte {
	mask, n := binary.Uvarint(b)
	if n <= 0 || mask>>len(c.leaves) != 0 {
		return nil
	}
	b = b[n:]
	var order []string // of objects
	maps := map[string][]byte{}
	count := map[string]uint32{}
	for i := range c.leaves {
		l := &c.leaves[i]
		if mask&(1<<i) == 0 {
			continue
		}
		in, name := "", l.path
		if j := strings.LastIndex(l.path, "."); j >= 0 {
			in, name = l.path[:j], l.path[j+1:]
		}
		if _, ok := maps[in]; !ok {
			order = append(order, in)
		}
		v := msgp.AppendString(maps[in], name)
		switch l.kindName() {
		case "b":
			v = msgp.AppendBool(v, true)
		case "f":
			if len(b) < 4 {
				return nil
			}
			v = msgp.AppendFloat32(v, math.Float32frombits(binary.LittleEndian.Uint32(b)))
			b = b[4:]
		case "e":
			if len(b) == 0 {
				return nil
			}
			v, b = msgp.AppendUint8(v, b[0]), b[1:]
		case "i":
			x, n := binary.Varint(b)
			if n <= 0 {
				return nil
			}
			v, b = msgp.AppendInt64(v, x), b[n:]
		case "u":
			x, n := binary.Uvarint(b)
			if n <= 0 {
				return nil
			}
			v, b = msgp.AppendUint64(v, x), b[n:]
		}
		maps[in] = v
		count[in]++
	}
	out := maps[""]
	total := count[""]
	for _, in := range order {
		if in == "" {
			continue
		}
		out = append(msgp.AppendMapHeader(msgp.AppendString(out, in), count[in]), maps[in]...)
		total++
	}
	return append(msgp.AppendMapHeader(nil, total), out...)
}

// FuzzInputCompact: a compact input is the same value as its msgpack form, or is
// refused as that is.
func FuzzInputCompact(f *testing.F) {
	c := handleCodec()
	f.Add([]byte{0})
	f.Add([]byte{1<<0 | 1<<3, 200})
	f.Add(binary.LittleEndian.AppendUint32([]byte{1 << 4}, math.Float32bits(-3.2)))
	f.Add(binary.LittleEndian.AppendUint32([]byte{1 << 5}, math.Float32bits(3.15)))
	f.Add(binary.LittleEndian.AppendUint32([]byte{1 << 6}, math.Float32bits(float32(math.NaN()))))
	f.Add(binary.AppendVarint(binary.AppendUvarint(nil, 1<<8), -3))
	f.Add(binary.AppendUvarint(binary.AppendUvarint(nil, 1<<9|1<<1), 501))
	f.Add(binary.AppendVarint(binary.AppendUvarint(nil, 1<<10), math.MinInt64))
	f.Add(binary.AppendUvarint(binary.AppendUvarint(nil, 1<<11), math.MaxUint64))
	f.Add([]byte{0x80, 0x20})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, rest, err := c.compact(b)
		if err == nil {
			b = b[:len(b)-len(rest)]
		}
		packed := c.msgpackOf(b)
		if packed == nil {
			require.NotNil(t, err)
			return
		}
		var same handle
		want := c.decode(packed, unsafe.Pointer(&same))
		if err == nil {
			require.NoError(t, want)
			require.True(t, reflect.DeepEqual(v, same), "%+v, want %+v", v, same)
			return
		}
		// Of several faults each form may find another one first.
		require.Error(t, want)
		require.Equal(t, CodeBadPayload, err.Code)
	})
}
