package server

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/sio"
	"gameserver/sio/client"
)

// TestLobbyRate refuses what is above the rate and says when to come again.
func TestLobbyRate(t *testing.T) {
	h := open(t, Config{}, duo())
	for _, s := range []*sailor{h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})} {
		s.enter()
		hello := func() error { return s.lobby.Call(s.ctx(), "hello", map[string]any{"v": 1}, nil) }
		var err error
		for range 100 * LobbyBurst {
			if err = hello(); err != nil {
				break
			}
		}
		require.Equal(t, "rate_limited", refusedCode(t, err))
		var shown *sio.Error
		require.ErrorAs(t, err, &shown)
		require.Positive(t, shown.RetryMs)
		require.LessOrEqual(t, shown.RetryMs, int64(1000/LobbyRate))
		require.True(t, s.lobby.Connected())
	}
}

// TestMatchRate drops inputs above twice the tick rate, whatever the game's.
func TestMatchRate(t *testing.T) {
	h := open(t, Config{}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	h.pair(a, b)
	for _, s := range []*sailor{a, b} {
		before := h.io.Stats().Refused
		for range 1000 * InputFactor { // far beyond the burst, were the tick rate 60
			require.NoError(t, s.match.Emit("input", map[string]any{"s": 1, "v": map[string]any{}}))
		}
		require.NoError(t, s.match.Call(s.ctx(), "request", map[string]any{"ev": "echo", "data": "x"}, nil), "a barrier, of another class")
		require.Greater(t, h.io.Stats().Refused, before+500)
		require.True(t, s.match.Connected())
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
			// What is above the rate is no strike, and is answered.
			call := func(event string, arg any) (err error) {
				for {
					var limited *sio.Error
					err = s.lobby.Call(s.ctx(), event, arg, nil)
					if !errors.As(err, &limited) || limited.Code != "rate_limited" {
						return err
					}
					<-time.After(time.Duration(limited.RetryMs) * time.Millisecond) // as it is told
				}
			}
			for range MaxStrikes / 2 {
				require.NoError(t, s.lobby.Emit("queue:jion", map[string]any{"queue": "pond"}))
			}
			for range MaxStrikes - MaxStrikes/2 - 1 {
				err := call("queue:join", map[string]any{"queue": 7})
				require.Equal(t, "bad_payload", refusedCode(t, err))
				require.ErrorContains(t, err, "queue", "the path is told")
			}
			// At the bound: still there.
			require.NoError(t, call("hello", map[string]any{"v": 1}))
			require.Equal(t, "bad_payload", refusedCode(t, call("hello", strings.Repeat("x", 8))), "answered before the end")
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
