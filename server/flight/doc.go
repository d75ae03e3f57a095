// Package flight records why ticks were late, and reads such recordings.
//
// # What it owns
//
// A [Recorder] owns the flight recorder of the process (runtime/trace keeps the
// execution trace of the last seconds in memory; there can be one), one
// goroutine, and one folder. It is told of ticks that were late, long or stuck
// ([Recorder.Blame], [Recorder.Stuck]), and saves the trace when one was so by
// more than Config.Over, at most once every Config.Every. A save is two files of
// one name: .trace is for `go tool trace` and for [Read], .json is a [Head], with
// the blame line, the entry's last ticks phase by phase, and the stack of a tick
// that did not return.
//
// # What is bounded
//
// The memory of the window, the size of one trace, the number and bytes of saves
// (the oldest go first), the saves that wait, and how often there is one. What
// exceeds a bound is refused and counted in [Stats]; a disk that is full or a
// folder that is gone is such a refusal too, and nothing else.
//
// # Reading
//
// [Read] takes a trace and keeps what ran inside ticks that took longer than a
// limit: samples of the CPU profiler, which an execution trace carries with their
// time when both are on, and the stacks on which a tick waited, with whoever
// ended the wait. [Profile.WritePprof] and [Profile.WriteText] print it. It finds
// ticks and phases by the names of their trace regions, which package tick sets.
//
// # Who may call what
//
// All methods of Recorder are safe for concurrent use. Blame and Stuck never
// block and never write; they may be called from hooks. [Recorder.Snapshot] and
// [Record] block for as long as the trace takes; of each there is one at a time.
// [Recorder.Close] waits for the goroutine, and what waits to be saved is dropped.
package flight
