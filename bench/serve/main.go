// Command serve is the server that workloads are played on: a game server whose
// only game is one of bench/workloads.md. The load generator starts it.
package main

import (
	"gameserver/bench/workload"
	"gameserver/server"
)

// flags are those beside a game server's own.
type flags struct {
	Workload string `group:"Workload" default:"w1" enum:"w1,w2,w3" placeholder:"NAME" help:"w1, w2 or w3 (${default})."`
	Players  int    `group:"Workload" placeholder:"N" help:"Players in a match; the workload's own number if 0."`
	Send     int    `group:"Workload" placeholder:"HZ" help:"Snapshots a second; the workload's own number if 0."`
}

func main() {
	var f flags
	server.New(server.Config{
		Flags: &f,
		Setup: func(s *server.Server) error {
			spec, err := workload.Named(f.Workload, f.Players, f.Send)
			if err != nil {
				return err
			}
			workload.Register(s, spec)
			return nil
		},
	}).Main()
}
