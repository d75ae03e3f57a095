package sio

import "sync/atomic"

// Stats counts what a [Server] has seen since it was made; Conns and Sockets
// are of this moment.
type Stats struct {
	Conns        int64 // engine sessions
	Sockets      int64 // connected sockets of all namespaces
	Joined       int64 // successful CONNECTs
	Events       int64 // EVENT packets accepted from clients
	Unknown      int64 // events nobody listens to, and packets to a namespace just left
	BadPayloads  int64 // events whose argument did not fit the handler
	UnknownAcks  int64 // acks for nothing that waits
	Panics       int64 // recovered in handlers
	Recovered    int64 // sockets whose clients came back, see Recovery
	Unrecovered  int64 // clients that came back too late, or had missed too much
	Waiting      int64 // packets in outboxes now
	WaitingBytes int64 // their bytes
	Coalesced    int64 // packets replaced by newer ones of their key
	Dropped      int64 // volatile events, and those that found an outbox full
	Refused      int64 // everything refused, panics and bad payloads included
}

type counters struct {
	conns, sockets, joined, events, unknown   atomic.Int64
	badPayloads, unknownAcks, panics, refused atomic.Int64
	recovered, unrecovered                    atomic.Int64
	waiting, waitingBytes, coalesced, dropped atomic.Int64
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	c := &s.count
	return Stats{
		Conns:        c.conns.Load(),
		Sockets:      c.sockets.Load(),
		Joined:       c.joined.Load(),
		Events:       c.events.Load(),
		Unknown:      c.unknown.Load(),
		BadPayloads:  c.badPayloads.Load(),
		UnknownAcks:  c.unknownAcks.Load(),
		Panics:       c.panics.Load(),
		Recovered:    c.recovered.Load(),
		Unrecovered:  c.unrecovered.Load(),
		Waiting:      c.waiting.Load(),
		WaitingBytes: c.waitingBytes.Load(),
		Coalesced:    c.coalesced.Load(),
		Dropped:      c.dropped.Load(),
		Refused:      c.refused.Load(),
	}
}
