// Command gameserver runs the arena: lobby, matches and the page to play on.
package main

import (
	"embed"
	"fmt"
	"io/fs"
	"time"

	"gameserver/game"
	"gameserver/game/arena"
	"gameserver/server"
)

// dist is the built page; empty but for .gitkeep until `make web`.
//
//go:embed all:web/dist
var dist embed.FS

// flags are the arena's own, beside those of every game server.
type flags struct {
	Players int           `group:"Arena" default:"8" placeholder:"N" help:"Most players in a match, 2 to 64 (${default})."`
	Tick    int           `group:"Arena" default:"60" placeholder:"HZ" help:"Ticks a second, up to 240 (${default})."`
	Round   time.Duration `group:"Arena" default:"3m" placeholder:"TIME" help:"Length of a round (${default})."`
	Sight   float64       `group:"Arena" placeholder:"PX" help:"How far players see (everywhere, but 1400 in matches of more than 16 and with --fog; negative: everywhere)."`
	Fog     bool          `group:"Arena" help:"Walls hide what is behind them."`
}

func main() {
	page, err := fs.Sub(dist, "web/dist")
	if err != nil {
		panic(err) // the embedded path is a constant
	}
	var f flags
	server.New(server.Config{
		Page:  page,
		Flags: &f,
		Setup: func(s *server.Server) error {
			if f.Players < arena.MinPlayers || f.Players > arena.MaxPlayers {
				return fmt.Errorf("--players must be %d to %d", arena.MinPlayers, arena.MaxPlayers)
			}
			if !(f.Sight <= arena.MaxSight) {
				return fmt.Errorf("--sight must be at most %g", arena.MaxSight)
			}
			arena.Register(s, arena.Options{
				Tick: f.Tick, Round: f.Round, Players: game.Between(arena.MinPlayers, f.Players), Sight: f.Sight, Fog: f.Fog,
			})
			return nil
		},
	}).Main()
}
