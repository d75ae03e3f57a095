package tape

// Bounds of a tape.
const (
	// SnapshotsMax is how many snapshots one tape may have.
	SnapshotsMax = 36_000
	// startTicks is in how many ticks a match must have begun to run.
	startTicks = 600
	// pastMax is how many snapshots old what a player sees far away may be: the
	// longest cadence of package snap.
	pastMax = 6
)
