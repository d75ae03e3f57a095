package server

import (
	"sync"
	"time"

	"gameserver/sio"
)

// results remembers how matches ended, for players who were not connected at
// that moment and come back with their token.
type results struct {
	mu    sync.Mutex // guards the following
	byID  map[string]*finalResult
	order []*finalResult // oldest first, at most MaxResults
}

// finalResult is the end of one match. Immutable.
type finalResult struct {
	Match  string `json:"match"`
	Reason string `json:"reason"`
	Result any    `json:"result"`

	until time.Time
}

// add remembers a result for ResultTTL, or until there are MaxResults newer ones.
func (r *results) add(f *finalResult, now time.Time) {
	f.until = now.Add(ResultTTL)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = make(map[string]*finalResult)
	}
	drop := 0
	for drop < len(r.order) && (!now.Before(r.order[drop].until) || len(r.order)-drop >= MaxResults) {
		delete(r.byID, r.order[drop].Match)
		drop++
	}
	r.order = append(r.order[:0], r.order[drop:]...)
	r.order = append(r.order, f)
	r.byID[f.Match] = f
}

// find returns the result of a match, or nil.
func (r *results) find(match string, now time.Time) *finalResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f := r.byID[match]; f != nil && now.Before(f.until) {
		return f
	}
	return nil
}

// replay tells a player who came back late how the match ended.
func (s *Server) replay(sock *sio.Socket, f *finalResult) {
	if err := sock.Emit("result", f); err != nil {
		s.log.Debug("result not sent again")
	}
	sock.Disconnect(false)
}
