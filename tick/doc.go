// Package tick runs many fixed-rate tasks on few goroutines, on time, and keeps
// the account of every tick that was not.
//
// # What it owns
//
// A [Scheduler] owns one goroutine per worker and one beside them, and decides
// when the Tick method of each [Task] runs. A task added with [Scheduler.Add]
// becomes an [Entry]: it belongs to one worker at a time, is never called
// concurrently with itself, and is called with consecutive tick numbers 1, 2, 3
// and so on. The package knows nothing about games, sockets or wall clocks; all
// its times are nanoseconds on one monotonic clock that starts with the scheduler
// ([Scheduler.Now]).
//
// # When a tick is due
//
// Deadlines are absolute. Slot n of an entry is due at
//
//	start + phase + n*1e9/hz
//
// in integer nanoseconds, computed from n and never by adding periods, so a
// rate whose period is no whole number of nanoseconds does not drift: n ticks
// take n periods, over an hour as over a year. Phases are chosen so that the
// entries of one worker are spread over the period: a new one takes the middle
// of the largest gap, and 50 matches at 60 Hz follow one another every 333 µs
// instead of all at once. Closer together than 250 µs they are not spread: to wake
// for each would cost more than most ticks do. [Entry.Scale] pauses an entry or changes how fast its
// time passes; the grid then goes on at the other distance from the last slot.
//
// # Which tick runs first, and where
//
// Of the entries that are due, a worker runs the one whose tick must be
// finished first (earliest deadline first; a tick's deadline is the moment the
// next one is due), and looks again after every single tick. When an entry falls
// behind, its worker is overloaded until it next has nothing to do. Meanwhile
// every tick moves its entry's place in the queue back by the tick's duration
// times the number of entries on the worker, by a second at most. An entry that
// stays within an equal share of the worker is then soon delayed by no more than
// one foreign tick, however far behind the others are; one that exceeds its
// share gets all the time that nobody else needs.
//
// A worker that has nothing due takes an entry that is more than 250 µs late
// elsewhere, unless that would make its own later than this one is. After eight
// such steals within a second the entry stays. [Tick.Fork] lets idle workers
// help with parts of one tick.
//
// [Scheduler.Add] places an entry on the worker that is used least, and refuses
// it with [ErrBusy] when the p95 costs of all entries there would come to more
// than Config.Utilisation of its time.
//
// # When a tick is late
//
// [CatchUp] runs up to Max missed ticks back to back and then gives up the
// rest: the schedule is re-anchored on its own grid, nothing is simulated for
// the skipped slots, and the next Tick carries their number. The allowance is
// restored once the entry has finished a tick before the next one was due, so
// an entry that always overruns degrades to one tick at a time instead of
// spiralling. [Slip] runs nothing twice and skips nothing: a missed deadline
// moves the whole schedule. [Stretch] makes one longer tick of those missed.
//
// Every tick is counted: lateness, duration and the time of each [Phase] go
// into fixed-size histograms of the worker, and in a coarser form into the
// entry (about 3 KB each, see MaxEntryBytes), whose last minute [Entry.Recent]
// returns tick by tick. Entries with the same Options.Group have a common
// account, too, which outlives them: [Scheduler.Groups]. Slots skipped or merged are
// recorded with the lateness they had when they were given up, so a stall cannot
// hide behind the ticks that never ran. A tick is on time only when it has
// finished before the next one is due; a skipped slot is a miss.
//
// # Why it was late
//
// Every tick that begins more than LateThreshold late or takes more than half of
// its time yields a [Blame]: a sum whose parts add up to the nanosecond. The
// worker writes down what it was doing; a goroutine beside the workers, the
// keeper, adds what the runtime and the kernel know about the same time and
// calls the hooks. A part is either measured or it is unknown:
//
//   - busy: other ticks ran, from the worker's own record of them, less the
//     following;
//   - gc: the pauses of the cycles, with the times the runtime gives them, and of a
//     time asleep the part in which the collector had every processor;
//   - wake and preempted: the thread was runnable without a processor, from its
//     schedstat; before the worker ran, and while it did. A worker that has no
//     thread of its own also waits for those that hold the process's processors,
//     so what all threads waited counts, too;
//   - sched: the process had processors and ran other goroutines on them, by the
//     time its threads used, and by /sched/latencies;
//   - blocked: the thread was neither running nor waiting, and the process had
//     processors to spare: the tick waited for a lock, a channel or a file;
//   - stolen: from /proc/stat, whose unit is 10 ms.
//
// The last is coarse, and so is what is known of all threads together: it is read
// every 25 ms, and when a worker has woken late. Under Config.Realtime a worker's
// thread runs nothing else, and its own part is exact. The collector's work on
// the time of a tick that allocates, its assists, is the tick's.
//
// # Overload
//
// Once a second the p95 of an entry's ticks is compared with its budget, half of
// its period (hard: four fifths), and the use of its worker with the worker's.
// Above it the entry's [Level] rises, and after five seconds in a row below 70 %
// of it falls by one. What a level means is up to the task, which finds it in
// Tick.Level. The scheduler itself does two things: a worker with an entry at
// [LevelRefuse] gets no new ones, and at the last two levels the time of entries
// with Options.Dilate passes more slowly, which Tick.Length says.
//
// # Faults
//
// A panic in Tick ends that entry and nothing else; it is reported to
// Options.OnPanic or, without one, to the logger. The same holds for a task
// that leaves its goroutine with runtime.Goexit. A Tick that does not return
// within Config.Stuck is given up: its stack goes to Config.OnStuck, the other
// entries of its worker go on in a fresh one, and new entries are kept off until
// it returns after all, which ends its entry. Go cannot end it before.
//
// # Who may call what
//
// All methods of Scheduler, Entry and Histogram are safe for concurrent use.
// A Tick and its methods belong to the call of Task.Tick they were passed to.
// Entry.Stop and Scheduler.Close wait for a running Tick, except when they are
// called from inside one or from a hook, where waiting could not end, and Stop
// when it is stuck.
//
// # Timers
//
// On Linux a worker sleeps on a timerfd read through the runtime's own poller,
// which wakes it with the kernel's precision; elsewhere, in a testing/synctest
// bubble (detected), and on request (Config.PortableTimer) on a time.Timer,
// which the runtime rounds to milliseconds.
//
// With Config.Realtime each worker is a thread under SCHED_FIFO that sleeps in
// the kernel till an absolute time. Where the system refuses that, Stats.Refusal
// says so and the worker goes on as before. A worker that does not sleep for
// 50 ms is an ordinary thread until it does, so that the rest of the process,
// and of the machine, does not starve.
package tick
