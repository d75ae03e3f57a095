package server

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
	"gameserver/lobby"
	"gameserver/server/client"
)

// TestSendingMoreInputsGainsNoSpeed has a client that sends ten inputs for each
// tick, for now, for later, for ticks gone by, and twice. A boat goes as far as
// one input a tick takes it, until the flood is cut off.
func TestSendingMoreInputsGainsNoSpeed(t *testing.T) {
	const most = 8 // what one input moves
	for name, packed := range map[string]bool{"json": false, "msgpack": true} {
		t.Run(name, func(t *testing.T) {
			h := openShoal(t)
			cheat, honest, hello := h.rawSeat(t, packed)
			var first, last snapshot
			at := map[string]float64{} // where the cheat's boat was first and last seen
			var code int
			for code == 0 {
				p, err := cheat.next()
				var closed *enginetest.CloseError
				if errors.As(err, &closed) {
					code = closed.Code
					break
				}
				require.NoError(t, err)
				if p.name != "snapshot" {
					continue
				}
				var s snapshot
				p.into(t, &s)
				for _, e := range s.E {
					if uint32(e[0]) != hello.You || e[1] != 0 {
						continue
					}
					if first.T == 0 {
						first, at["first"] = s, e[2]
					}
					require.LessOrEqual(t, e[2]-at["first"], float64(most*(s.T-first.T)), "faster than the rules")
					last, at["last"] = s, e[2]
				}
				for i := range uint32(3) {
					require.NoError(t, honest.m.SendInput(s.T+1+i, s.T, pack(t, m{"row": most})))
				}
				for i := range uint32(30) {
					sq := []uint32{s.T + 1, s.T + 1 + i, s.T + 1 - min(i, s.T), s.T + 31, s.T + 1<<20}[i%5]
					cheat.emit(lobby.MatchNamespace, "input", packed, m{"s": sq, "k": s.T, "v": m{"row": most}})
				}
			}
			require.Equal(t, 4008, code, "a flood is cut off")
			t.Logf("the cheat went %v in %d ticks", at["last"]-at["first"], last.T-first.T)
			require.Greater(t, at["last"], at["first"], "it moved")

			// What is left over is not played later.
			x := func() (x float64) {
				honest.m.View(func(w *client.World) {
					if _, values, ok := w.Entity(hello.You); ok {
						x = float64(values[0])
					}
				})
				return x
			}
			tick := honest.m.Last().Tick
			honest.until("the inputs that were taken to be over", func() bool { return honest.m.Last().Tick > tick+64 })
			stop, tick := x(), honest.m.Last().Tick
			honest.until("more ticks", func() bool { return honest.m.Last().Tick > tick+30 })
			require.Equal(t, stop, x(), "nobody steers the boat any more") //nolint:testifylint // whole numbers
			require.LessOrEqual(t, stop-at["first"], float64(most*(tick-first.T)))
			honest.unharmed()
		})
	}
}

// badValues are what the game's schema refuses. JSON cannot say all of it.
func badValues() (both, packedOnly []any) {
	wide, deep := m{}, any(1)
	for i := range 500 {
		wide[strings.Repeat("k", 1+i%7)+string(rune('a'+i%26))] = i
	}
	for range 10 {
		deep = m{"row": deep}
	}
	both = []any{
		m{"row": 9},
		m{"row": -9},
		m{"row": 1e308},
		m{"row": 0.5},
		m{"row": "1"},
		m{"row": true},
		m{"row": nil},
		m{"row": []int{1}},
		m{"row": m{"x": 1}},
		m{"row": uint64(math.MaxUint64)},
		m{"row": int64(math.MinInt64)},
		m{"lean": 1e308},
		m{"lean": -1.0001},
		m{"lean": "0"},
		m{"lean": nil},
		m{"lean": true},
		m{"crash": 1},
		m{"crash": "true"},
		m{"crash": nil},
		m{"speed": 1},
		m{"row": 1, "Row": 1},
		m{"x": 1, "row": 1},
		m{"": 1},
		nil, 7, "row", true,
		[]any{},
		[]any{1, 2, 3},
		[]any{m{"row": 1}},
		wide, deep,
		m{"row": strings.Repeat("x", 2000)},
	}
	packedOnly = []any{
		m{"lean": math.NaN()},
		m{"lean": math.Inf(1)},
		m{"lean": math.Inf(-1)},
		m{"row": math.NaN()},
		m{"row": math.Inf(1)},
		m{"lean": float32(math.Inf(1))},
		[]byte("row"),
	}
	return both, packedOnly
}

// TestHostileInputValuesNeverReachTheGame sends them in rounds of twenty: the
// twentieth ends the connection, so that each is known to have counted. The game
// panics at any value that its schema forbids.
func TestHostileInputValuesNeverReachTheGame(t *testing.T) {
	both, packedOnly := badValues()
	for name, packed := range map[string]bool{"json": false, "msgpack": true} {
		t.Run(name, func(t *testing.T) {
			h := openShoal(t)
			values := both
			if packed {
				values = append(values, packedOnly...)
			}
			for len(values) > 0 {
				n := min(MaxStrikes-1, len(values))
				round := append(make([]any, 0, MaxStrikes), values[:n]...)
				for values = values[n:]; len(round) < MaxStrikes; {
					round = append(round, m{"row": 9})
				}
				playHostile(t, h, packed, round)
			}
		})
	}
}

// playHostile sends one round of twenty values that are refused.
func playHostile(t *testing.T, h *harbour, packed bool, round []any) {
	t.Helper()
	r, mate, hello := h.rawSeat(t, packed)
	_, before := h.matches.census()
	var s snapshot
	r.await(lobby.MatchNamespace, "snapshot").into(t, &s)
	for i, v := range round[:MaxStrikes-1] {
		r.emit(lobby.MatchNamespace, "input", packed, m{"s": s.T + 2 + uint32(i%30), "v": v}) //nolint:gosec // small
	}
	// Inputs and requests keep their order, so this answer comes behind them.
	ask := m{"ev": "say", "data": "still there"}
	if packed {
		r.pack(m{"type": 2, "nsp": lobby.MatchNamespace, "id": 7, "data": []any{"request", ask}})
	} else {
		r.text(`42%s,7["request",%s]`, lobby.MatchNamespace, toJSON(t, ask))
	}
	var ack requestReply
	r.await(lobby.MatchNamespace, "").into(t, &ack)
	require.True(t, ack.OK)
	_, after := h.matches.census()
	require.EqualValues(t, MaxStrikes-1, after.Bad-before.Bad, "one of them was taken for an input")
	require.Equal(t, before.Inputs, after.Inputs)

	r.emit(lobby.MatchNamespace, "input", packed, m{"s": s.T + 1, "v": round[MaxStrikes-1]})
	code, said := r.closeCode()
	require.Equal(t, 4002, code)
	require.NotEmpty(t, said)
	require.Equal(t, 1, parse(t, said[len(said)-1]).typ, "DISCONNECT comes first")
	mate.sees(2)
	mate.m.View(func(w *client.World) {
		_, values, ok := w.Entity(hello.You)
		require.True(t, ok)
		require.Zero(t, values[0], "the boat has not moved")
	})
	mate.unharmed()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, mate.m.Leave(ctx))
}

// TestHostileInputEnvelopes does the same with what is around the value.
func TestHostileInputEnvelopes(t *testing.T) {
	v := m{"row": 8}
	both := []any{
		m{"v": v},
		m{"s": 5},
		m{"s": -1, "v": v},
		m{"s": 1.5, "v": v},
		m{"s": "5", "v": v},
		m{"s": nil, "v": v},
		m{"s": uint64(math.MaxUint32) + 1, "v": v},
		m{"s": 5, "k": -1, "v": v},
		m{"s": 5, "x": 1, "v": v},
		m{"s": 5, "k": 1, "v": v, "w": -1},
		[]any{5, 1, v},
		"input", 7, nil,
		m{},
		m{"s": []int{5}, "v": v},
		m{"s": m{"s": 5}, "v": v},
		m{"S": 5, "v": v},
		m{"s": 1e300, "v": v},
		m{"s": true, "v": v},
	}
	require.Len(t, both, MaxStrikes)
	for name, packed := range map[string]bool{"json": false, "msgpack": true} {
		t.Run(name, func(t *testing.T) {
			h := openShoal(t)
			r, mate, _ := h.rawSeat(t, packed)
			for _, arg := range both {
				r.emit(lobby.MatchNamespace, "input", packed, arg)
			}
			code, _ := r.closeCode()
			require.Equal(t, 4002, code)
			mate.sees(2)
			mate.unharmed()
			_, sum := h.matches.census()
			require.Zero(t, sum.Inputs)
		})
	}
}
