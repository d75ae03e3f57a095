package server

import (
	"context"
	"errors"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/lobby"
	"gameserver/sio"
)

// refused counts a refusal and turns it into the error of an ack or of a
// CONNECT_ERROR.
func (s *Server) refused(layer string, err error) error { return s.refusal(layer, err) }

func (s *Server) refusal(layer string, err error) *sio.Error {
	e := wireError(err)
	s.metrics.refuse(layer, e.Code)
	return e
}

// wireError turns an error of the lobby, a match or a game into that of the
// wire. What is not in the vocabulary stays inside.
func wireError(err error) *sio.Error {
	var (
		own *sio.Error
		g   *game.Error
		l   lobby.Error
	)
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &g):
		return &sio.Error{Code: g.Code, Msg: g.Msg, Path: g.Path}
	case errors.As(err, &l):
		e := &sio.Error{Code: string(l), Msg: l.Error()}
		if l == lobby.ErrOverloaded || l == lobby.ErrDraining {
			e.RetryMs = retryBusy.Milliseconds()
		}
		return e
	case errors.Is(err, match.ErrSeatGone):
		return &sio.Error{Code: "seat_gone", Msg: "the seat is gone"}
	case errors.Is(err, match.ErrGone):
		return &sio.Error{Code: "not_found", Msg: "the match is over"}
	case errors.Is(err, match.ErrTooLarge):
		return &sio.Error{Code: "bad_payload", Msg: "the message is too large"}
	case errors.Is(err, match.ErrBusy):
		return &sio.Error{Code: "overloaded", Msg: "the match has no time for more players", RetryMs: retryBusy.Milliseconds()}
	case errors.Is(err, match.ErrFull):
		return &sio.Error{Code: "rate_limited", Msg: "too many messages", RetryMs: 1000}
	case errors.Is(err, context.DeadlineExceeded):
		return &sio.Error{Code: "overloaded", Msg: "the match did not answer in time", RetryMs: retryBusy.Milliseconds()}
	default:
		return &sio.Error{Code: "internal", Msg: "internal error"}
	}
}
