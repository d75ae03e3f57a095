// Package netfault makes a network worse: a TCP proxy in user space that delays,
// jitters, narrows, stalls, half-closes and resets the connections through it.
//
// # What is modelled
//
// Each direction of a connection is a Link of its own with a Profile: a rate with
// a bounded buffer in front of it, a one-way delay with jitter, slots in which a
// radio sends what has gathered, and loss. Bytes are taken in segments of at most
// SegmentBytes, and leave in the order they came: this is TCP, nothing overtakes.
//
// # What is not
//
// There is no real packet loss. A lost segment is a stall of the length that a
// Linux sender needs to mend it: the next segment's acknowledgement plus the
// reordering window of RACK, or, when nothing follows, the retransmission timeout;
// everything behind it waits. Congestion control does not react, and a full
// buffer refuses bytes instead of dropping them. Figures taken through this
// package say "no real TCP loss".
//
// Delays end on a Go timer, which is up to a millisecond late on real sockets and
// exact in testing/synctest. All chance comes from Config.Seed and the number of
// the connection, so equal traffic meets equal faults.
//
// # Who may call what
//
// All methods of Proxy are safe from any goroutine. A connection has four
// goroutines; Close ends them all and returns when they are gone.
package netfault
