// Package tick runs many fixed-rate tasks on few goroutines, on time, and keeps
// the account of every tick that was not.
//
// # What it owns
//
// A [Scheduler] owns one goroutine per worker and decides when the Tick method
// of each [Task] runs. A task added with [Scheduler.Add] becomes an [Entry]: it
// belongs to one worker, is never called concurrently with itself, and is
// called with consecutive tick numbers 1, 2, 3 and so on. The package knows
// nothing about games, sockets or wall clocks; all its times are nanoseconds on
// one monotonic clock that starts with the scheduler ([Scheduler.Now]).
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
// instead of all at once.
//
// # Which tick runs first
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
// # When a tick is late
//
// [CatchUp] runs up to Max missed ticks back to back and then gives up the
// rest: the schedule is re-anchored on its own grid, nothing is simulated for
// the skipped slots, and the next Tick carries their number. The allowance is
// restored once the entry has finished a tick before the next one was due, so
// an entry that always overruns degrades to one tick at a time instead of
// spiralling. [Slip] runs nothing twice and skips nothing: a missed deadline
// moves the whole schedule.
//
// Every tick is counted: lateness, duration and the time of each [Phase] go
// into fixed-size histograms of the worker, and in a coarser form into the
// entry (about 3 KB each, see MaxEntryBytes). Skipped slots are recorded with
// the lateness they had when they were given up, so a stall cannot hide behind
// the ticks that never ran. A tick is on time only when it has finished before
// the next one is due; a skipped slot is a miss.
//
// # Faults
//
// A panic in Tick ends that entry and nothing else; it is reported to
// Options.OnPanic or, without one, to the logger. The same holds for a task
// that leaves its goroutine with runtime.Goexit. A Tick that never returns
// holds up the entries of its worker; the scheduler cannot end it.
//
// # Who may call what
//
// All methods of Scheduler, Entry and Histogram are safe for concurrent use.
// A Tick and its Begin belong to the call of Task.Tick they were passed to.
// Entry.Stop and Scheduler.Close wait for a running Tick, except when they are
// called from inside one, where waiting could not end.
//
// # Timers
//
// On Linux a worker sleeps on a timerfd read through the runtime's own poller,
// which wakes it with the kernel's precision; elsewhere, in a testing/synctest
// bubble (detected), and on request (Config.PortableTimer) on a time.Timer,
// which the runtime rounds to milliseconds.
package tick
