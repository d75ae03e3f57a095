package engine

import (
	"bytes"
	"encoding/binary"
	"math"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

const guardTestLimit = 1000

func newGuard() *guard {
	g := &guard{limit: new(atomic.Int64)}
	g.limit.Store(guardTestLimit)
	g.refill()
	return g
}

// cf is a masked client frame.
func cf(first byte, n int) []byte {
	b := appendHeader(nil, first&0x0F, n)
	b[0], b[1] = first, b[1]|bitMask
	return append(append(b, 1, 2, 3, 4), make([]byte, n)...)
}

func long(first byte, n uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, bitMask | len64}, n), 1, 2, 3, 4)
}

func short(first byte, n uint16) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{first, bitMask | len16}, n), 1, 2, 3, 4)
}

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func times(n int, b []byte) []byte { return bytes.Repeat(b, n) }

func TestGuardTable(t *testing.T) {
	ping, text := cf(bitFin|opPing, 0), cf(bitFin|opText, 5)
	begin, cont, end := cf(opText, 0), cf(opContinuation, 0), cf(bitFin|opContinuation, 0)
	for name, tc := range map[string]struct {
		in   []byte
		want violation
		bad  int // index of the offending byte, if want
	}{
		"text":                         {text, 0, 0},
		"empty text":                   {cf(bitFin|opText, 0), 0, 0},
		"125":                          {cf(bitFin|opBinary, 125), 0, 0},
		"126":                          {cf(bitFin|opBinary, 126), 0, 0},
		"at the limit":                 {cf(bitFin|opBinary, guardTestLimit), 0, 0},
		"one past the limit":           {cf(bitFin|opBinary, guardTestLimit+1), violationTooLarge, 3},
		"negative length":              {long(bitFin|opText, 1<<63|5), violationProtocol, 9},
		"all ones":                     {long(bitFin|opText, math.MaxUint64), violationProtocol, 9},
		"2^40":                         {long(bitFin|opText, 1<<40), violationTooLarge, 9},
		"2^63-1":                       {long(bitFin|opText, math.MaxInt64), violationTooLarge, 9},
		"16 bit not minimal":           {short(bitFin|opText, 125), violationProtocol, 3},
		"64 bit not minimal":           {long(bitFin|opText, 65535), violationProtocol, 9},
		"64 bit zero":                  {long(bitFin|opText, 0), violationProtocol, 9},
		"unmasked":                     {[]byte{bitFin | opText, 5}, violationProtocol, 1},
		"rsv1":                         {cf(bitFin|0x40|opText, 5), violationProtocol, 0},
		"rsv2":                         {cf(bitFin|0x20|opText, 5), violationProtocol, 0},
		"rsv3":                         {cf(bitFin|0x10|opText, 5), violationProtocol, 0},
		"opcode 3":                     {cf(bitFin|3, 0), violationProtocol, 0},
		"opcode 7":                     {cf(bitFin|7, 0), violationProtocol, 0},
		"opcode 11":                    {cf(bitFin|11, 0), violationProtocol, 0},
		"opcode 15":                    {cf(bitFin|15, 0), violationProtocol, 0},
		"control 125":                  {cf(bitFin|opPing, 125), 0, 0},
		"control 126":                  {cf(bitFin|opPing, 126), violationProtocol, 1},
		"control 64 bit":               {long(bitFin|opPong, 5), violationProtocol, 1},
		"control fragmented":           {cf(opPing, 0), violationProtocol, 0},
		"close of one byte":            {cf(bitFin|opClose, 1), violationProtocol, 1},
		"close of two":                 {cf(bitFin|opClose, 2), 0, 0},
		"continuation without a start": {cont, violationProtocol, 0},
		"last without a start":         {end, violationProtocol, 0},
		"start inside a message":       {cat(begin, text), violationProtocol, len(begin)},
		"fragments at the bound":       {cat(begin, times(maxFragments-2, cont), end), 0, 0},
		"fragments past the bound":     {cat(begin, times(maxFragments-1, cont), end), violationTooLarge, len(begin) * maxFragments},
		"fragment sum at the limit":    {cat(cf(opText, 500), cf(bitFin|opContinuation, 500)), 0, 0},
		"fragment sum past the limit":  {cat(cf(opText, 500), cf(bitFin|opContinuation, 501)), violationTooLarge, len(cf(opText, 500)) + 3},
		"ping inside a message":        {cat(begin, ping, end), 0, 0},
		"controls at the bound":        {times(maxControls, ping), 0, 0},
		"controls past the bound":      {times(maxControls+1, ping), violationFlood, len(ping) * maxControls},
		"controls, message, controls":  {cat(times(maxControls, ping), text, times(maxControls, ping)), 0, 0},
		"fragments do not reset":       {cat(times(maxControls, ping), begin, ping), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "fragments do not reset" {
				in := cat(begin, times(maxControls, ping), cont, ping)
				good, v := newGuard().Feed(in)
				require.Equal(t, violationFlood, v)
				require.Equal(t, len(in)-len(ping), good)
				return
			}
			good, v := newGuard().Feed(tc.in)
			require.Equal(t, tc.want, v)
			if v == 0 {
				require.Equal(t, len(tc.in), good)
			} else {
				require.Equal(t, tc.bad, good)
			}
		})
	}
}

func TestGuardStaysFailed(t *testing.T) {
	g := newGuard()
	_, v := g.Feed([]byte{0xFF})
	require.Equal(t, violationProtocol, v)
	n, v := g.Feed(cf(bitFin|opText, 1))
	require.Zero(t, n)
	require.Equal(t, violationProtocol, v)
}

func TestGuardMid(t *testing.T) {
	g := newGuard()
	whole := cat(cf(opText, 3), cf(bitFin|opPing, 0), cf(bitFin|opContinuation, 2))
	require.False(t, g.mid())
	for i, b := range whole {
		_, v := g.Feed([]byte{b})
		require.Zero(t, v)
		require.Equal(t, i < len(whole)-1, g.mid(), "after byte %d", i)
	}
	require.EqualValues(t, 1, g.messages)
}

func TestGuardLimitMayRise(t *testing.T) {
	g := newGuard()
	_, v := g.Feed(cf(bitFin|opBinary, guardTestLimit))
	require.Zero(t, v)
	g.limit.Store(5000)
	_, v = g.Feed(cf(bitFin|opBinary, 5000))
	require.Zero(t, v)
	_, v = g.Feed(cf(bitFin|opBinary, 5001))
	require.Equal(t, violationTooLarge, v)
}

func TestGuardAllowanceAtTheBound(t *testing.T) {
	g := newGuard()
	pair := cat(cf(bitFin|opPing, 0), cf(bitFin|opText, 1))
	require.False(t, g.spent())
	_, v := g.Feed(times(maxControlsWindow, pair))
	require.Zero(t, v)
	require.True(t, g.spent())
	g.refill()
	_, v = g.Feed(times(maxControlsWindow, pair))
	require.Zero(t, v)
	_, v = g.Feed(cf(bitFin|opClose, 0)) // saying goodbye is no flood
	require.Zero(t, v)
	good, v := g.Feed(pair)
	require.Equal(t, violationFlood, v)
	require.Zero(t, good)
}

func TestGuardEmptyContinuationsAreCheap(t *testing.T) {
	g := newGuard()
	p := cat(cf(opText, 0), times(10_000, cf(opContinuation, 0)))
	good, v := g.Feed(p)
	require.Equal(t, violationTooLarge, v)
	require.Equal(t, maxFragments*6, good)
}

func TestGuardAllocs(t *testing.T) {
	g := newGuard()
	p := cat(cf(opText, 30), cf(bitFin|opPing, 3), cf(bitFin|opContinuation, 300))
	require.Zero(t, testing.AllocsPerRun(100, func() {
		g.refill()
		if _, v := g.Feed(p); v != 0 {
			t.Fatal(v)
		}
	}))
}

// referenceParse is the oracle: it reads whole frames from whole input, in the
// most obvious way, and returns the complete messages' sizes.
func referenceParse(b []byte) (sizes []int) {
	size := 0
	for len(b) >= 2 {
		op, fin, n, head := b[0]&15, b[0]>>7 == 1, int(b[1]&127), 2
		switch n {
		case 126:
			head = 4
		case 127:
			head = 10
		}
		if len(b) < head+4 {
			break
		}
		switch head {
		case 4:
			n = int(b[2])<<8 | int(b[3])
		case 10:
			n = int(binary.BigEndian.Uint64(b[2:]))
		}
		if len(b) < head+4+n {
			break
		}
		b = b[head+4+n:]
		if op >= 8 {
			continue
		}
		if size += n; fin {
			sizes = append(sizes, size)
			size = 0
		}
	}
	return sizes
}

func FuzzGuard(f *testing.F) {
	f.Add(cf(bitFin|opText, 5), uint64(1))
	f.Add(cat(cf(opText, 3), cf(bitFin|opPing, 2), cf(bitFin|opContinuation, 200)), uint64(7))
	f.Add(long(bitFin|opText, 1<<63), uint64(3))
	f.Add(short(bitFin|opBinary, 300), uint64(3))
	f.Add(times(9, cf(bitFin|opPing, 0)), uint64(5))
	f.Fuzz(func(t *testing.T, in []byte, cut uint64) {
		whole := newGuard()
		good, v := whole.Feed(in)
		if good < 0 || good > len(in) || (v == 0) != (good == len(in)) && v == 0 {
			t.Fatalf("good %d of %d, violation %d", good, len(in), v)
		}
		// However the bytes are cut, the verdict is the same.
		parts, rest, sum := newGuard(), in, 0
		var pv violation
		for len(rest) > 0 && pv == 0 {
			cut = cut*6364136223846793005 + 1442695040888963407
			k := min(int(cut>>60)+1, len(rest))
			var n int
			n, pv = parts.Feed(rest[:k])
			sum += n
			rest = rest[k:]
		}
		if pv != v || sum != good {
			t.Fatalf("whole: %d, %d; in parts: %d, %d", good, v, sum, pv)
		}
		// What was let through says the same to a simple parser.
		sizes := referenceParse(in[:good])
		if len(sizes) != int(whole.messages) {
			t.Fatalf("%d messages, the reference sees %d", whole.messages, len(sizes))
		}
		for _, n := range sizes {
			if n > guardTestLimit {
				t.Fatalf("let a message of %d bytes through", n)
			}
		}
	})
}

func BenchmarkGuard(b *testing.B) {
	g := newGuard()
	p := cf(bitFin|opBinary, 40)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		g.Feed(p)
	}
}
