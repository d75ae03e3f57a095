package server

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/sio"
	"gameserver/sio/client"
)

// TestMeter counts what is taken, refused and cut at the bounds of both buckets.
func TestMeter(t *testing.T) {
	m, now := newMeter(LobbyRate, LobbyBurst, LobbyFlood), time.Unix(1000, 0)
	count := func(n int, want verdict) {
		t.Helper()
		for i := range n {
			v, _ := m.count(now)
			require.Equal(t, want, v, "event %d", i)
		}
	}
	refusals := (LobbyFlood - 1) * LobbyRate * int(FloodTime/time.Second)
	count(LobbyBurst, verdictTake)
	count(refusals-1, verdictDrop)
	v, wait := m.count(now)
	require.Equal(t, verdictDrop, v)
	require.Equal(t, time.Second/LobbyRate, wait)
	count(1, verdictCut)
	now = now.Add(wait)
	count(1, verdictTake)
	count((LobbyFlood-1)*LobbyRate/LobbyRate, verdictDrop) // what a fifth of a second forgives
	count(1, verdictCut)

	// At the rate nothing is ever refused, above it and below the flood the rest is.
	m = newMeter(LobbyRate, LobbyBurst, LobbyFlood)
	now = now.Add(time.Hour)
	for range 1000 {
		count(1, verdictTake)
		now = now.Add(time.Second / LobbyRate)
	}
	count(LobbyBurst, verdictTake)
	for range 1000 {
		now = now.Add(time.Second / LobbyRate)
		count(1, verdictTake)
		count(LobbyFlood-1, verdictDrop)
	}
}

func TestMeterAllocatesNothing(t *testing.T) {
	m, now := newMeter(120, 120, InputFlood), time.Now()
	require.Zero(t, testing.AllocsPerRun(1000, func() { m.count(now) }))
}

// TestLobbyRate refuses what is above the rate and says when to come again.
func TestLobbyRate(t *testing.T) {
	h := open(t, Config{}, duo())
	for _, s := range []*sailor{h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})} {
		id := s.enter().Player.ID
		h.hub.mu.Lock()
		who, ok := h.hub.players[id][0].Data.(*person)
		h.hub.mu.Unlock()
		require.True(t, ok)
		for range 15 { // a minute's worth, so that it does not matter how fast this is
			who.meter.soft.ReserveN(time.Now(), LobbyBurst)
		}
		for _, event := range []string{"hello", "queue:join", "queue:leave"} {
			err := s.lobby.Call(s.ctx(), event, "not even looked at", nil)
			require.Equal(t, "rate_limited", refusedCode(t, err))
			var shown *sio.Error
			require.ErrorAs(t, err, &shown)
			require.Greater(t, shown.RetryMs, int64(1000))
		}
		require.Zero(t, who.strikes.Load())
		require.True(t, s.lobby.Connected())
	}
}

// TestLobbyFlood ends a client that goes on far above the rate.
func TestLobbyFlood(t *testing.T) {
	h := open(t, Config{}, duo())
	s := h.arrive("ann", client.Options{Transport: clientOptions().Transport})
	s.enter()
	for range 100_000 { // until it is far above the rate, however slow this is
		if !s.lobby.Connected() || s.lobby.Emit("hello", map[string]any{"v": 1}) != nil {
			break
		}
	}
	s.await(s.inLobby, "disconnect: transport close")
}

// TestLobbyStrikes sends what no client should: unknown events and arguments
// that do not fit.
func TestLobbyStrikes(t *testing.T) {
	h := open(t, Config{}, duo())
	for name, o := range map[string]client.Options{"json": {}, "msgpack": {Msgpack: true}} {
		t.Run(name, func(t *testing.T) {
			s := h.arrive("ann", o)
			s.t = t
			s.enter()
			for range MaxStrikes - 2 {
				require.NoError(t, s.lobby.Emit("queue:jion", map[string]any{"queue": "pond"}))
			}
			err := s.lobby.Call(s.ctx(), "queue:join", map[string]any{"queue": 7}, nil)
			require.Equal(t, "bad_payload", refusedCode(t, err))
			require.ErrorContains(t, err, "queue", "the path is told")
			// At the bound: still there.
			require.NoError(t, s.lobby.Call(s.ctx(), "hello", map[string]any{"v": 1}, nil))
			require.NoError(t, s.lobby.Emit("hello", strings.Repeat("x", 8)))
			s.await(s.inLobby, "disconnect: "+client.ReasonServer)
		})
	}
}

// TestMatchStrikes does the same in a match, where inputs are not answered.
func TestMatchStrikes(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	h.pair(a, b)
	for _, s := range []*sailor{a, b} {
		for range MaxStrikes - 2 {
			require.NoError(t, s.match.Emit("input", "nonsense"))
		}
		require.NoError(t, s.match.Emit("inputs", map[string]any{"s": 1, "v": 1}))
		// Still there: an answer comes back behind them.
		require.NoError(t, s.match.Call(s.ctx(), "request", map[string]any{"ev": "echo", "data": "x"}, nil))
		require.NoError(t, s.match.Emit("input", map[string]any{"s": 1, "q": 1}))
		s.await(s.inMatch, "disconnect: "+client.ReasonServer)
	}
}
