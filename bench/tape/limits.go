package tape

// Bounds of a tape.
const (
	// SnapshotsMax is how many snapshots one tape may have.
	SnapshotsMax = 36_000
	// startTicks is in how many ticks a match must have begun to run.
	startTicks = 600
)
