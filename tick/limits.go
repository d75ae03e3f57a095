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

	// DefaultStretch is the longest tick of Stretch{}, in periods.
	DefaultStretch = 4

	// MaxStretch bounds Stretch.Max. Above: Add returns an error.
	MaxStretch = 240

	// DefaultUtilisation is the share of a worker's time that Add fills. Above:
	// ErrBusy.
	DefaultUtilisation = 0.7

	// DefaultStuck is how long a tick may run before it counts as stuck.
	DefaultStuck = 2 * time.Second

	// MaxBlames bounds the blames a scheduler keeps. Above: the oldest go.
	MaxBlames = 512

	// DefaultBlameEvery is the shortest time between two calls of OnBlame.
	DefaultBlameEvery = time.Second

	// MaxForks bounds the parts of one Tick.Fork. Above: it panics.
	MaxForks = 1 << 16

	// MaxStack bounds the stack handed to OnPanic and OnStuck, in bytes. Above:
	// cut.
	MaxStack = 64 << 10

	// MaxEntryBytes bounds the size of one Entry, its statistics included, without
	// the ring of its last ticks. A
	// test holds it.
	MaxEntryBytes = 4 << 10

	// MaxGroups bounds the groups of a scheduler. The entries of any more share
	// the group "other".
	MaxGroups = 64

	// MaxRingBytes bounds the memory for the last minute of all entries' ticks:
	// 115 KB for one at 60 Hz. Above: an entry's ring holds 256 ticks.
	MaxRingBytes = 64 << 20

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

	// assumedCost is what a tick is taken to cost while none has been measured,
	// and floorCost the least a measured one counts for.
	assumedCost = int64(20 * time.Microsecond)
	floorCost   = int64(2 * time.Microsecond)

	// stealAfter is how late an entry is before an idle worker takes it, and
	// rehomeAfter how often within a second until it stays there.
	stealAfter  = 250 * time.Microsecond
	rehomeAfter = 8

	// wakeEvery is how close to one another the places are where entries begin.
	wakeEvery = 250 * time.Microsecond

	// stealScan is how many others an idle worker looks after, and guardPoll
	// how often at least while there is anything to look after.
	stealScan = 8
	guardPoll = 50 * time.Millisecond

	// calmTime is how long a governor waits before it goes down a level.
	calmTime = 5 * time.Second

	// historyTicks is how many ticks a worker remembers to explain the next.
	historyTicks = 64

	// maxPending bounds the late ticks of one worker that wait for the keeper.
	// Above: they are counted in Stats.BlamesLost.
	maxPending = 128

	// sampleEvery is the shortest time over which a thread is observed.
	sampleEvery = int64(500 * time.Microsecond)

	// maxCensus is how many threads of the process are followed, and censusRing
	// how many readings of their sums are kept. settleFor is how long after a late
	// tick the waiting of other threads may come to light, because a thread that
	// waits is not charged for it before it runs.
	maxCensus  = 512
	censusRing = 256
	settleFor  = 5 * time.Millisecond

	// crowdedOut is the share of its processors that a process must have used while
	// a tick was off its thread, for that to be want of a processor.
	crowdedOut = 0.8

	// maxThreads is how many threads' files a worker keeps open.
	maxThreads = 8

	// judgeAfter is how long a late tick waits for evidence, and evidenceEvery
	// how often the machine is looked at.
	judgeAfter    = 20 * time.Millisecond
	evidenceEvery = 25 * time.Millisecond

	// realtimePriority is the one among SCHED_FIFO threads: low. After
	// realtimeBurst without sleep a worker loses it until it sleeps.
	realtimePriority = 10
	realtimeBurst    = int64(50 * time.Millisecond)

	// ringSpan is how far back Entry.Recent goes, and shortRing how many ticks when
	// there is no memory for that.
	ringSpan  = time.Minute
	shortRing = 256

	// latelySeconds is how long a time EntryStats.Lately looks at.
	latelySeconds = 10

	otherGroup = "other"

	// stuckLooks is how often a tick is looked at before it counts as stuck.
	stuckLooks = 4

	// maxDump bounds the dump in which the stack of a stuck tick is searched.
	maxDump = 128 << 20
)
