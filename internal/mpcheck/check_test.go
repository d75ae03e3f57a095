package mpcheck

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func u16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func u32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func cat(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

// valid has one value of every code that is accepted without extensions.
func valid() map[string][]byte {
	return map[string][]byte{
		"fixint":   {0x7f},
		"negative": {0xe0},
		"nil":      {0xc0},
		"false":    {0xc2},
		"true":     {0xc3},
		"float32":  {0xca, 1, 2, 3, 4},
		"float64":  {0xcb, 1, 2, 3, 4, 5, 6, 7, 8},
		"uint8":    {0xcc, 255},
		"uint16":   {0xcd, 1, 2},
		"uint32":   {0xce, 1, 2, 3, 4},
		"uint64":   {0xcf, 1, 2, 3, 4, 5, 6, 7, 8},
		"int8":     {0xd0, 255},
		"int16":    {0xd1, 1, 2},
		"int32":    {0xd2, 1, 2, 3, 4},
		"int64":    {0xd3, 1, 2, 3, 4, 5, 6, 7, 8},
		"fixstr":   cat(0xa2, "hi"),
		"str8":     cat(0xd9, 2, "hi"),
		"str16":    cat(0xda, u16(2), "hi"),
		"str32":    cat(0xdb, u32(2), "hi"),
		"bin8":     cat(0xc4, 2, 0xff, 0xfe),
		"bin16":    cat(0xc5, u16(1), 0xff),
		"bin32":    cat(0xc6, u32(0)),
		"fixarray": {0x92, 1, 0x90},
		"array16":  cat(0xdc, u16(1), 1),
		"array32":  cat(0xdd, u32(2), 1, 2),
		"fixmap":   cat(0x81, 0xa1, "k", 1),
		"map16":    cat(0xde, u16(1), 0xa1, "k", 1),
		"map32":    cat(0xdf, u32(1), 0xa1, "k", 0x81, 0xa1, "k", 0x91, 1),
		"input":    cat(0x83, 0xa1, "s", 0xcd, u16(900), 0xa1, "k", 0x10, 0xa1, "v", 0x82, 0xa2, "up", 0xc3, 0xa3, "aim", 0xcb, make([]byte, 8)),
	}
}

func TestCheckAccepts(t *testing.T) {
	for name, b := range valid() {
		require.NoError(t, Check(b, Limits{}), name)
		rest, err := Skip(append(bytes.Clone(b), 0x2a))
		require.NoError(t, err, name)
		require.Equal(t, []byte{0x2a}, rest, name)
	}
}

// Every strict prefix of a valid value is refused, and so is the value with one
// more byte.
func TestCheckPrefixes(t *testing.T) {
	all := valid()
	all["undefined"] = []byte{0xd4, 0, 0}
	all["date"] = cat(0xd7, 0, make([]byte, 8))
	all["ext"] = cat(0xc8, u16(2), 0, 1, 2)
	l := Limits{Undefined: true, Date: true, ExtBinary: true}
	for name, b := range all {
		require.NoError(t, Check(b, l), name)
		for i := range b {
			require.ErrorIs(t, Check(b[:i], l), ErrShort, "%s up to %d", name, i)
		}
		require.ErrorIs(t, Check(append(bytes.Clone(b), 0), l), ErrTrailing, name)
	}
}

func TestCheckExtensionsOnlyWhenAsked(t *testing.T) {
	undefined, date := []byte{0xd4, 0, 0}, cat(0xd7, 0, make([]byte, 8))
	exts := [][]byte{cat(0xc7, 0, 0), cat(0xc7, 1, 0, 9), cat(0xc8, u16(1), 0, 9), cat(0xc9, u32(1), 0, 9)}
	require.NoError(t, Check(undefined, Limits{Undefined: true}))
	require.ErrorIs(t, Check(undefined, Limits{Date: true, ExtBinary: true}), ErrExt)
	require.NoError(t, Check(date, Limits{Date: true}))
	require.ErrorIs(t, Check(date, Limits{Undefined: true, ExtBinary: true}), ErrExt)
	for _, e := range exts {
		require.NoError(t, Check(e, Limits{ExtBinary: true}), "%x", e)
		require.ErrorIs(t, Check(e, Limits{Undefined: true, Date: true}), ErrExt, "%x", e)
	}
	all := Limits{Undefined: true, Date: true, ExtBinary: true}
	for _, e := range [][]byte{
		{0xd4, 0, 1},
		{0xd4, 1, 0},
		{0xd5, 0, 0, 0},
		{0xd6, 0xff, 0, 0, 0, 0},
		cat(0xd7, 0xff, make([]byte, 8)), cat(0xd8, 0, make([]byte, 16)), cat(0xc7, 1, 1, 9), cat(0xc7, 12, 0xff, make([]byte, 12)),
	} {
		require.ErrorIs(t, Check(e, all), ErrExt, "%x", e)
	}
}

func TestCheckDepthBound(t *testing.T) {
	for _, depth := range []int{0, 1, 16, MaxDepth, MaxDepth + 1} {
		l := Limits{Depth: depth}
		n := l.depth()
		for _, open := range []string{"\x91", "\x81\xa1k"} {
			require.NoError(t, Check([]byte(strings.Repeat(open, n)+"\x01"), l), "%d levels of %x", n, open)
			require.ErrorIs(t, Check([]byte(strings.Repeat(open, n+1)+"\x01"), l), ErrDepth, "%d levels of %x", n+1, open)
		}
	}
}

func TestCheckItemsBound(t *testing.T) {
	array := func(n int) []byte { return cat(0xdd, u32(n), make([]byte, n)) }
	require.NoError(t, Check(array(DefaultItems-1), Limits{}))
	require.ErrorIs(t, Check(array(DefaultItems), Limits{}), ErrItems)
	require.NoError(t, Check(array(9), Limits{Items: 10}))
	require.ErrorIs(t, Check(array(10), Limits{Items: 10}), ErrItems)
	// A map's keys count: the map, two keys, two values.
	m := cat(0x82, 0xa1, "a", 1, 0xa1, "b", 2)
	require.NoError(t, Check(m, Limits{Items: 5}))
	require.ErrorIs(t, Check(m, Limits{Items: 4}), ErrItems)
}

func TestCheckRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":           {nil, ErrShort},
		"0xc1":              {[]byte{0xc1}, ErrCode},
		"0xc1 inside":       {[]byte{0x91, 0xc1}, ErrCode},
		"str not UTF-8":     {cat(0xa2, 0xc3, 0x28), ErrUTF8},
		"surrogate in str":  {cat(0xa3, 0xed, 0xa0, 0x80), ErrUTF8},
		"key not UTF-8":     {cat(0x81, 0xa1, 0xff, 1), ErrUTF8},
		"int key":           {[]byte{0x81, 1, 1}, ErrKey},
		"array key":         {[]byte{0x81, 0x90, 0xc0}, ErrKey},
		"nil key":           {[]byte{0x81, 0xc0, 0xc0}, ErrKey},
		"bin key":           {cat(0x81, 0xc4, 1, "k", 1), ErrKey},
		"second key an int": {cat(0x82, 0xa1, "k", 1, 2, 3), ErrKey},
		"trailing":          {[]byte{1, 1}, ErrTrailing},
	} {
		require.ErrorIs(t, Check(tc.b, Limits{}), tc.want, name)
	}
}

// The dozen messages that end or bloat a process whose decoder believes them.
func bombs() map[string][]byte {
	nested := bytes.Repeat([]byte{0xdd, 0x00, 0x0f, 0x42, 0x40}, 100)
	return map[string][]byte{
		"array32 of 4 G":          {0xdd, 0xff, 0xff, 0xff, 0xff},
		"map32 of 20 M":           {0xdf, 0x01, 0x31, 0x2d, 0x00},
		"map32 of 4 G":            {0xdf, 0xff, 0xff, 0xff, 0xff},
		"bin32 of 4 G":            {0xc6, 0xff, 0xff, 0xff, 0xff},
		"str32 of 4 G":            {0xdb, 0xff, 0xff, 0xff, 0xff},
		"ext32 of 4 G":            {0xc9, 0xff, 0xff, 0xff, 0xff, 0x00},
		"1 MB of arrays":          bytes.Repeat([]byte{0x91}, 1<<20),
		"5 MB of arrays":          bytes.Repeat([]byte{0x91}, 5<<20),
		"64 KiB of maps":          bytes.Repeat([]byte{0x81, 0xa1, 'k'}, 22000),
		"nested array32 of 1 M":   nested,
		"unhashable key":          {0x81, 0x90, 0xc0},
		"int8 slice of 33 M":      {0xdd, 0x01, 0xf7, 0x8a, 0x40, 0x01},
		"map16 short of one pair": cat(0xde, u16(2), 0xa1, "a", 1, 0xa1, "b"),
	}
}

func TestCheckBombs(t *testing.T) {
	l := Limits{Undefined: true, Date: true, ExtBinary: true}
	for name, b := range bombs() {
		require.Error(t, Check(b, l), name)
		require.Zero(t, testing.AllocsPerRun(1, func() { _ = Check(b, l) }), name)
		_, _ = Skip(b) // must return
	}
}

func TestCheckAllocatesNothing(t *testing.T) {
	b := valid()["input"]
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if Check(b, Limits{}) != nil {
			t.Fatal("refused")
		}
		if rest, err := Skip(b); err != nil || len(rest) != 0 {
			t.Fatal("not skipped")
		}
	}))
}

func BenchmarkCheckInput(b *testing.B) {
	in := valid()["input"]
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if err := Check(in, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
