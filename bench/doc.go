// Command bench measures a game server by playing on it.
//
// It starts a server of its own (or is pointed at one), joins N bots through
// real sockets, plays for a bounded time, and prints one table: ticks on time,
// tick lateness and duration, input-to-snapshot latency, snapshots and bytes per
// client, server CPU per delivered snapshot, memory. Where the machine has two
// cores or more, server and load are pinned to different ones.
//
// Load is open loop: every bot owes an input on an absolute schedule, and its
// latency counts from the instant it was due, so a stalled server or generator
// cannot hide. The generator's own lateness is printed with the rest.
//
// lateness, ticks and neighbour need no server: they run matches in processes of
// their own (bench/timing) and say how late ticks begin, how many one core holds on
// time, and what a match that misbehaves does to others.
//
// It aims only at loopback addresses.
package main
