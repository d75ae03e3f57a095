package server

import (
	"errors"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/server/flight"
	"gameserver/server/ops"
)

// dashboard makes what operators look at.
func (s *Server) dashboard() *ops.Dashboard {
	return ops.New(ops.Config{
		Ticks:   s.ticks,
		House:   house{s},
		Token:   s.cfg.AdminToken,
		Traces:  s.savedTraces(),
		Version: version(s.cfg.Version),
		Logger:  s.log,
		Refused: s.metrics.refuse,
		Acted:   func(action, result string) { s.metrics.acts.WithLabelValues(action, result).Inc() },
	})
}

// savedTraces returns what lists the saves of the flight recorder, nil if it is off.
func (s *Server) savedTraces() func() []ops.Trace {
	if s.flight == nil {
		return nil
	}
	return func() []ops.Trace {
		saves := s.flight.List()
		list := make([]ops.Trace, min(len(saves), ops.MaxTraces))
		for i := range list {
			save := &saves[i]
			list[i] = ops.Trace{
				Head: save.Name + flight.HeadExt, At: save.Time.UnixMilli(), Bytes: save.TraceBytes,
				Entry: save.Entry, Why: string(save.Why), Line: save.Blame,
			}
			if save.TraceBytes > 0 {
				list[i].File = save.Name + flight.TraceExt
			}
		}
		return list
	}
}

// house is the server as the dashboard sees it. It implements ops.House.
type house struct{ s *Server }

// Figures implements ops.House.
func (h house) Figures() ops.Figures {
	e, l := h.s.io.Engine().Stats(), h.s.lobby.Stats()
	f := ops.Figures{
		Conns: e.WebSocket + e.Polling, Players: l.Attached, BytesOut: e.BytesOut, Outbox: e.OutboxBytes,
		Ready: h.s.ready.Load(), Draining: h.s.draining.Load(),
	}
	for _, n := range l.Searching {
		f.Waiting += n
	}
	return f
}

// Match implements ops.House.
func (h house) Match(id string) (state string, seats []ops.Seat, ok bool) {
	l := h.s.matches.find(id)
	if l == nil {
		return "", nil, false
	}
	seats = make([]ops.Seat, len(l.group.Seats))
	for i := range seats {
		state := match.SeatState(l.seats[i].Load()) //nolint:gosec // was one
		seats[i] = ops.Seat{Seat: i, Name: l.group.Seats[i].Name, State: state.String(), Bot: state == match.SeatBot}
	}
	return l.match.State().String(), seats, true
}

// Kick implements ops.House.
func (h house) Kick(id string, seat int) error {
	l := h.s.matches.find(id)
	if l == nil {
		return ops.ErrNotFound
	}
	err := l.match.Kick(seat, game.ReasonKicked)
	if errors.Is(err, match.ErrSeatGone) || errors.Is(err, match.ErrGone) {
		return ops.ErrNotFound
	}
	return err
}

// Stop implements ops.House.
func (h house) Stop(id string) error {
	l := h.s.matches.find(id)
	if l == nil {
		return ops.ErrNotFound
	}
	l.match.Stop(game.ReasonStopped)
	return nil
}
