package workload

import "gameserver/game"

// Bounds of the workloads.
const (
	// PlayersMax is how many players one match may have.
	PlayersMax = 1000
	// EntitiesMax is how many entities a scene may have.
	EntitiesMax = game.CapMax
)
