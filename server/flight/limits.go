package flight

import "time"

// Bounds of the package. Beside each: what happens there.
const (
	// DefaultWindow is how far back a trace goes, and DefaultWindowBytes the memory
	// for it. Above: it goes back less far.
	DefaultWindow      = 5 * time.Second
	DefaultWindowBytes = 16 << 20

	// DefaultEvery is the shortest time between two saves, unless the second tick
	// is more than twice as bad. Before: the tick is counted in Stats.Suppressed,
	// and in the next save.
	DefaultEvery = 30 * time.Second

	// DefaultSaves and DefaultBytes bound the folder. Above: the oldest saves go.
	// A trace that exceeds the bytes by itself is refused.
	DefaultSaves = 32
	DefaultBytes = 256 << 20

	// PauseAbove is the share of its processors above which a process is too busy
	// to be recorded. Above: saves are heads without a trace. It is recorded again
	// below resumeBelow; lookEvery is how often that is looked at.
	PauseAbove  = 0.5
	resumeBelow = 0.4
	lookEvery   = 2 * time.Second

	// MaxSaves bounds Config.Saves. Above: New returns an error.
	MaxSaves = 1024

	// MaxTraceBytes bounds one trace. A window above it is refused; a trace that
	// is being recorded ends there.
	MaxTraceBytes = 64 << 20

	// MaxRecord bounds the time that Record takes. Above: it returns an error.
	MaxRecord = time.Minute

	// MaxQueue bounds the saves that wait. Above: counted in Stats.QueueFull.
	MaxQueue = 4

	// MaxTicks bounds the ticks in a Head: the newest are kept.
	MaxTicks = 600

	// MaxText bounds each text of a Head in bytes. Above: cut.
	MaxText = 64 << 10

	// MaxHeadBytes bounds a Head that is read back. Above: that save is not
	// listed.
	MaxHeadBytes = 1 << 20

	// staleAfter is when a half-written file of a process that died is removed.
	staleAfter = 5 * time.Minute

	// maxGoroutines bounds those that Read follows, maxParts what it keeps of one
	// tick, maxRows and maxFrames the rows of a Profile and their stacks. Above:
	// ignored, or added to another one.
	maxGoroutines = 1 << 12
	maxParts      = 1 << 16
	maxRows       = 1 << 16
	maxFrames     = 128
)
