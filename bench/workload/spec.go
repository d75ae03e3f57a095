package workload

import "fmt"

// Spec is a workload with its numbers.
type Spec struct {
	Name     string
	Players  int     // in one match
	Entities int     // in one match, the players' own first
	Idle     int     // of them, never moving
	Side     float64 // of the square field, px
	Radius   float64 // that a player sees, px; 0: the whole field
	Bands    bool    // what is beyond half the Radius is refreshed less often
	Tick     int     // steps a second
	Send     int     // snapshots a second
}

// Names are the workloads that Named knows.
var Names = []string{"w1", "w2", "w3"}

// Named returns a workload of bench/workloads.md. players and send of 0 mean the
// usual ones.
func Named(name string, players, send int) (Spec, error) {
	var s Spec
	switch name {
	case "w1":
		s = Spec{Players: 10, Side: 1000, Tick: 60, Send: 20}
	case "w2":
		s = Spec{Players: 100, Side: 4000, Radius: 1600, Tick: 60, Send: 60}
	case "w3":
		s = Spec{Players: 500, Entities: 10_000, Idle: 8000, Side: 12_650, Radius: 900, Tick: 20, Send: 20}
	default:
		return s, fmt.Errorf("no workload %q, want one of %v", name, Names)
	}
	s.Name = name
	if players > 0 {
		s.Players = players
	}
	if send > 0 {
		s.Send = send
	}
	s.Entities = max(s.Entities, s.Players)
	if name == "w2" {
		s.Idle = s.Entities / 5
	}
	switch {
	case s.Players > PlayersMax:
		return s, fmt.Errorf("%s has at most %d players in a match", name, PlayersMax)
	case s.Tick%s.Send != 0:
		return s, fmt.Errorf("%d snapshots a second do not divide the %d ticks of %s", s.Send, s.Tick, name)
	}
	return s, nil
}
