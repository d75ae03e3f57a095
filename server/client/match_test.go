package client

import (
	"testing"

	"github.com/stretchr/testify/require"

	engine "gameserver/engine/client"
	"gameserver/game/arena"
)

// ship is an input of the arena.
type ship struct {
	Up    bool    `json:"up"`
	Down  bool    `json:"down"`
	Left  bool    `json:"left"`
	Right bool    `json:"right"`
	Fire  bool    `json:"fire"`
	Aim   float64 `json:"aim"`
}

func TestPlay(t *testing.T) {
	url := serve(t, arena.Options{})
	for _, mp := range []bool{false, true} {
		for _, tr := range []engine.Transport{engine.WebSocket, engine.Polling, engine.Upgrade} {
			snaps := make(chan Snapshot, 1000)
			c := join(t, url, Options{Name: "bot", Transport: tr, Msgpack: mp, Handlers: Handlers{
				OnSnapshot: func(m *Match, s Snapshot) {
					select {
					case snaps <- s:
					default:
					}
				},
				OnEvent: func(m *Match, e Event) { t.Log(e.Tick, e.Name) },
			}})
			require.Equal(t, "bot", c.Player().Name)
			require.NotEmpty(t, c.Session())
			m, err := c.Queue(t.Context(), "arena")
			require.NoError(t, err)
			t.Logf("%+v", m.Welcome())
			t.Logf("%+v", m.Found())
			for i := range 30 {
				s := <-snaps
				t.Logf("%+v", s)
				in, err := m.Input(ship{Up: i%2 == 0, Aim: 1.5})
				require.NoError(t, err)
				_ = in
			}
			m.View(func(w *World) {
				set, v, ok := w.Entity(m.You())
				t.Log(set, v, ok, w.Schema())
			})
			require.NoError(t, m.Leave(t.Context()))
		}
	}
}
