package client

import "gameserver/game/snap"

// World is the table of entities that a client holds, filled by snapshots.
type World = snap.Mirror

// Snapshot is the head of a snapshot, and what it changed.
type Snapshot = snap.Snapshot
