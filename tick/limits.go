package tick

import "time"

// Bounds of the package. Beside each: what happens there.
const (
	// MinHz and MaxHz bound Options.Hz. Outside: Add returns an error.
	MinHz = 1
	MaxHz = 240

	// MaxWorkers bounds Config.Workers. Above: clamped.
	MaxWorkers = 256

	// MaxEntries bounds the entries of one scheduler. Above: Add returns ErrFull.
	MaxEntries = 16384

	// DefaultCatchUp is the allowance of CatchUp{} and of a nil Policy.
	DefaultCatchUp = 5

	// MaxCatchUp bounds CatchUp.Max. Above: Add returns an error.
	MaxCatchUp = 240

	// MaxStack bounds the stack handed to Options.OnPanic, in bytes. Above: cut.
	MaxStack = 64 << 10

	// MaxEntryBytes bounds the size of one Entry, its statistics included. A
	// test holds it.
	MaxEntryBytes = 4 << 10

	// LateThreshold is the lateness above which a tick is counted as late.
	LateThreshold = time.Millisecond
)

const (
	// maxDebt bounds how far an entry that overran can be put back in the
	// queue, so that a single very long tick is forgiven after a second.
	maxDebt = int64(time.Second)

	// maxCorrections bounds how many skipped slots are recorded one by one
	// after a stall. Above: in strides, each sample standing for several slots.
	maxCorrections = 256

	// assumedCost is what a tick of an entry that has not run yet is taken to
	// cost when entries are placed, and floorCost the least a tick counts for.
	assumedCost = int64(100 * time.Microsecond)
	floorCost   = int64(20 * time.Microsecond)
)
