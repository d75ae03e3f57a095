package match

import (
	"encoding/binary"
	"fmt"
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// compactValue is an input of the probe in its compact form.
func compactValue(n int, fire bool) []byte {
	var mask uint64
	if n != 0 {
		mask = 1
	}
	if fire {
		mask |= 2
	}
	b := binary.AppendUvarint(nil, mask)
	if n != 0 {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}

// compactMessage holds inputs, newest first; nil is the same as the one before.
func compactMessage(newest, seen uint32, view uint8, inputs ...[]byte) []byte {
	b := []byte{CompactVersion<<6 | byte(len(inputs))}
	b = binary.LittleEndian.AppendUint16(b, uint16(newest))
	b = binary.LittleEndian.AppendUint16(b, uint16(seen))
	b = append(b, view)
	for i, in := range inputs {
		if in == nil {
			b[0] |= 1 << (3 + i - 1)
		}
		b = append(b, in...)
	}
	return b
}

func TestCompactMessage(t *testing.T) {
	f, s, out := inputFixture(t)
	next := f.tick + 1
	s.Compact(compactMessage(next+3, f.tick, 0, compactValue(4, true), nil, compactValue(2, false), compactValue(0, false)))
	f.ticks(5)
	require.Equal(t, []played{{0, false}, {2, false}, {4, true}, {4, true}, {4, false}}, *out)
	require.Equal(t, next+3, f.seats[0].in.applied)
	require.EqualValues(t, 4, f.seats[0].in.evidence.Inputs)

	s.Compact(compactMessage(0, f.tick, 0)) // nothing but an acknowledgement
	f.ticks(1)
	require.EqualValues(t, 4, f.Stats().Inputs)
	require.Zero(t, f.Stats().Bad)
	require.Equal(t, f.tick-1, f.seats[0].pacer.acked)
}

func TestCompactRefusals(t *testing.T) {
	good := func(f *fixture) []byte {
		return compactMessage(f.tick+1, f.tick, 0, compactValue(1, false), compactValue(2, true))
	}
	for name, change := range map[string]func(b []byte) []byte{
		"nothing":           func([]byte) []byte { return nil },
		"half a head":       func(b []byte) []byte { return b[:compactHead-1] },
		"another version":   func(b []byte) []byte { b[0] ^= 3 << 6; return b },
		"too many":          func(b []byte) []byte { b[0] = CompactVersion<<6 | (CompactInputsMax + 1); return b },
		"the same, of none": func(b []byte) []byte { b[0] |= 1 << 4; return b },
		"the same, alone":   func(b []byte) []byte { b[0] = CompactVersion<<6 | 1<<3 | 1; return b[:len(b)-1] },
		"one is missing":    func(b []byte) []byte { return b[:len(b)-2] },
		"more follows":      func(b []byte) []byte { return append(b, 0) },
		"too large":         func(b []byte) []byte { return append(b, make([]byte, InputBytesMax)...) },
		"out of range":      func(b []byte) []byte { return append(b[:compactHead], append(compactValue(1e6+1, false), 0)...) },
	} {
		t.Run(name, func(t *testing.T) {
			f, s, _ := inputFixture(t)
			s.Compact(change(good(f)))
			f.ticks(1)
			require.EqualValues(t, 1, f.Stats().Bad)
			require.EqualValues(t, 1, f.seats[0].in.evidence.Bad)
			require.Equal(t, 1, f.seats[0].in.strikes)
		})
	}
	f, s, _ := inputFixture(t)
	s.Compact(good(f))
	f.ticks(1)
	require.Zero(t, f.Stats().Bad)
}

func TestCompactTicks(t *testing.T) {
	for _, c := range []struct{ want, now uint32 }{
		{100, 100},
		{101, 100},
		{65536, 65535},
		{65535, 65536},
		{131000, 131072 + 9},
		{131072 + 9, 131000},
		{0, 3},
		{40000, 65535},
		{TicksMax, TicksMax - 9},
	} {
		require.Equal(t, c.want, nearest(uint16(c.want), c.now))
	}
	require.Zero(t, nearest(65530, 5), "before the first tick")
}

// TestCompactIsPlain: what is sent in compact messages is played, acknowledged
// and counted as the same inputs in msgpack are.
func TestCompactIsPlain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type sent struct {
			after, seq, k int
			view          uint8
			values        []played // newest first
		}
		var plan []sent
		for after := range rapid.IntRange(1, 30).Draw(rt, "ticks") {
			for range rapid.IntRange(0, 2).Draw(rt, "messages") {
				x := sent{
					after: after, seq: after + rapid.IntRange(-20, InputAhead+4).Draw(rt, "seq"),
					k: after - rapid.IntRange(-3, 40).Draw(rt, "k"), view: rapid.Byte().Draw(rt, "view"),
				}
				for range rapid.IntRange(1, CompactInputsMax).Draw(rt, "n") {
					v := played{int32(rapid.IntRange(0, 3).Draw(rt, "value")), rapid.Bool().Draw(rt, "fire")}
					x.values = append(x.values, v)
				}
				plan = append(plan, x)
			}
		}
		run := func(compact bool) ([]played, uint32, game.Evidence) {
			f, s, out := inputFixture(t)
			start := int(f.tick) + 1
			for after := range 70 {
				for _, x := range plan {
					if x.after != after {
						continue
					}
					newest, k := uint32(start+x.seq), uint32(start+x.k)
					if !compact {
						for i, v := range x.values {
							// Each was made a tick earlier, at a sight a tick older.
							s.InputAt(newest-uint32(i), k-uint32(i), x.view, value(int(v.N), v.Fire))
						}
						continue
					}
					var inputs [][]byte
					for i, v := range x.values {
						if i > 0 && v == x.values[i-1] {
							inputs = append(inputs, nil)
						} else {
							inputs = append(inputs, compactValue(int(v.N), v.Fire))
						}
					}
					s.Compact(compactMessage(newest, k, x.view, inputs...))
				}
				f.ticks(1)
			}
			e := *f.seats[0].in.evidence
			e.View = 0 // a message names one sight for all its inputs
			return *out, f.seats[0].in.applied, e
		}
		a, b := fmt.Sprint(run(false)), fmt.Sprint(run(true))
		require.Equal(rt, a, b)
	})
}

func TestCompactDoesNotAllocate(t *testing.T) {
	f, seats := crowd(t, 50, 20)
	for range 200 {
		f.ticks(1)
	}
	var messages [50][]byte
	run := func() {
		for i, s := range seats {
			m := messages[i][:0]
			m = append(m, CompactVersion<<6|2|1<<3)
			m = binary.LittleEndian.AppendUint16(m, uint16(f.tick+2))
			m = binary.LittleEndian.AppendUint16(m, uint16(f.tick))
			messages[i] = append(m, 6, 1, 10) // n is 5, twice
			s.Compact(messages[i])
		}
		f.ticks(1)
	}
	for range 1500 {
		run()
	}
	before := f.Stats().Inputs
	require.Zero(t, testing.AllocsPerRun(100, run))
	require.EqualValues(t, 101*50, f.Stats().Inputs-before, "the older of two is known already")
	require.Zero(t, f.Stats().Bad)
}
