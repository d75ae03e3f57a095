// Package tape plays a workload without sockets or clocks and records what would
// be on the wire: for every snapshot and player its size, Socket.IO packet and
// WebSocket frame included, and for a sample of the players what they then see,
// held against the scene itself.
//
// The match is the real one, ticked by hand; only its links are ours. A tape is
// the same in every run of the same Options.
package tape
