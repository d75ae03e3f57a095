// Command stutter is a game with a fault in it: sheep on a meadow, and every two
// seconds the picture stops for a moment. Find out why, with the tools of any
// game server built on this module (docs/PROFILING.md walks through it):
//
//	go run ./examples/stutter --fault lock     # or stall, loop, storm, none
//	go run ./examples/stutter ticks            # in another terminal
//	go run ./examples/stutter trace --only-ticks-over 8ms
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"gameserver/game"
	"gameserver/server"
	"gameserver/server/client"
)

// flags are the game's own, beside those of every game server.
type flags struct {
	Fault  string `group:"Stutter" default:"stall" enum:"none,stall,loop,storm,lock" placeholder:"KIND" help:"What is wrong with the game: none, stall, loop, storm or lock (${default})."`
	Player string `group:"Stutter" default:"http://localhost:3000" placeholder:"URL" help:"Where a player of the program's own joins, so that there is a match (${default}); empty for none."`
}

func main() {
	var f flags
	server.New(server.Config{
		Flags: &f,
		Setup: func(s *server.Server) error {
			register(s, fault(f.Fault))
			if f.Player != "" {
				go visit(f.Player)
			}
			return nil
		},
	}).Main()
}

func register(r game.Registry, f fault) {
	game.Register(r, "meadow", func() *meadow { return newMeadow(f) }, game.Rules{
		Tick: 60, Players: game.Between(1, 1), Countdown: -1,
	})
}

// visit joins a match and stays in it, as long as the process lives.
func visit(url string) {
	for {
		if err := play(url); err != nil {
			fmt.Fprintln(os.Stderr, "the player of its own is waiting for the server:", err)
		}
		time.Sleep(time.Second)
	}
}

func play(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, url, client.Options{Name: "shepherd"})
	if err != nil {
		return err
	}
	defer c.Close()
	m, err := c.Queue(ctx, "meadow")
	if err != nil {
		return err
	}
	<-m.Done()
	return nil
}
