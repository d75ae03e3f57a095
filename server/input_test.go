package server

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"gameserver/internal/mpcheck"
	"gameserver/sio"
)

func pack(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := msgpack.Marshal(v)
	require.NoError(tb, err)
	return b
}

type m = map[string]any

func TestParseInput(t *testing.T) {
	value := pack(t, m{"up": true})
	for name, c := range map[string]struct {
		arg any
		ok  bool
	}{
		"all":               {m{"s": 7, "k": 5, "v": m{"up": true}}, true},
		"without k":         {m{"s": 7, "v": m{"up": true}}, true},
		"float":             {m{"s": 7.0, "k": 5.0, "v": m{"up": true}}, true},
		"largest":           {m{"s": uint32(math.MaxUint32), "k": int64(5), "v": m{"up": true}}, true},
		"beyond":            {m{"s": uint64(math.MaxUint32) + 1, "k": 5, "v": m{"up": true}}, false},
		"float beyond":      {m{"s": float64(math.MaxUint32) + 1, "v": m{"up": true}}, false},
		"fraction":          {m{"s": 7.5, "v": m{"up": true}}, false},
		"not a number":      {m{"s": math.NaN(), "v": m{"up": true}}, false},
		"negative":          {m{"s": -1, "v": m{"up": true}}, false},
		"text":              {m{"s": "7", "v": m{"up": true}}, false},
		"without s":         {m{"k": 5, "v": m{"up": true}}, false},
		"without v":         {m{"s": 7, "k": 5}, false},
		"another key":       {m{"s": 7, "x": 5, "v": m{"up": true}}, false},
		"longer key":        {m{"ss": 7, "v": m{"up": true}}, false},
		"the view":          {m{"s": 7, "k": 5, "v": m{"up": true}, "w": 1}, true},
		"a view beyond":     {m{"s": 7, "k": 5, "v": m{"up": true}, "w": 256}, true},
		"a view before":     {m{"s": 7, "k": 5, "v": m{"up": true}, "w": -1}, false},
		"five keys":         {m{"s": 7, "k": 5, "v": m{"up": true}, "w": 1, "x": 1}, false},
		"k and w":           {m{"k": 5, "w": 1}, false},
		"nothing":           {m{}, false},
		"an array":          {[]any{7, 5, m{"up": true}}, false},
		"nil":               {nil, false},
		"key is not a text": {map[int]any{1: 7}, false},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := parseInput(pack(t, c.arg))
			if !c.ok {
				require.ErrorIs(t, err, errInput)
				return
			}
			require.NoError(t, err)
			require.Equal(t, value, in.value)
			require.NotZero(t, in.tick)
		})
	}
	in, err := parseInput(pack(t, m{"k": 5}))
	require.NoError(t, err)
	require.Equal(t, input{seen: 5, ack: true}, in)
	_, err = parseInput(append(pack(t, m{"s": 7, "v": 1}), 0))
	require.ErrorIs(t, err, errInput, "trailing bytes")
}

func TestParseInputAllocatesNothing(t *testing.T) {
	b := pack(t, m{"s": 70000, "k": 69000, "v": m{"up": true, "aim": 1.5}})
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := parseInput(b); err != nil {
			t.Fatal(err)
		}
	}))
}

func TestParseRequest(t *testing.T) {
	r, err := parseRequest(pack(t, m{"ev": strings.Repeat("e", MaxEvent), "data": []int{1}}))
	require.NoError(t, err)
	require.Len(t, r.event, MaxEvent)
	require.Equal(t, pack(t, []int{1}), r.data)
	r, err = parseRequest(pack(t, m{"ev": "x"}))
	require.NoError(t, err)
	require.Nil(t, r.data)
	for name, arg := range map[string]any{
		"name too long": m{"ev": strings.Repeat("e", MaxEvent+1)},
		"empty name":    m{"ev": "", "data": 1},
		"three keys":    m{"ev": "x", "data": 1, "more": 1},
		"nil":           nil,
		"nothing":       m{},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseRequest(pack(t, arg))
			require.ErrorIs(t, err, errInput)
		})
	}
}

// FuzzMessages gives both parsers what a client may send: any JSON value,
// transcoded, and any checked msgpack value.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"s":7,"k":5,"v":{"up":true}}`))
	f.Add([]byte(`{"ev":"x","data":[1,2,{"a":null}]}`))
	f.Add(pack(f, m{"s": 7.0, "k": 5, "v": nil}))
	f.Add(pack(f, m{"ev": "x", "data": []byte{1}}))
	for _, form := range forms {
		f.Add(form([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))
	}
	f.Add([]byte{0x81, 0xa1, 's', 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if packed, err := sio.TranscodeJSON(nil, b); err == nil {
			b = packed
		}
		if mpcheck.Check(b, mpcheck.Limits{ExtBinary: true, Undefined: true}) != nil {
			return
		}
		if in, err := parseInput(b); err == nil {
			if err := mpcheck.Check(in.value, mpcheck.Limits{ExtBinary: true, Undefined: true}); err != nil {
				t.Fatalf("the value is not whole: %v", err)
			}
		}
		if blob, _, err := readBlob(b, nil); err == nil && len(blob) > len(b) {
			t.Fatalf("%d bytes out of %d", len(blob), len(b))
		}
		if r, err := parseRequest(b); err == nil && r.data != nil {
			if err := mpcheck.Check(r.data, mpcheck.Limits{ExtBinary: true, Undefined: true}); err != nil {
				t.Fatalf("the data is not whole: %v", err)
			}
		}
	})
}
