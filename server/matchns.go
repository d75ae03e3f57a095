package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/lobby"
	"gameserver/sio"
)

// sitter is the Data of a match socket: one connection to one seat.
type sitter struct {
	s       *Server
	sock    *sio.Socket
	token   lobby.Token
	live    *liveMatch
	wish    match.Wish
	seat    *match.Seat // set by sit, before any handler is called
	scratch []byte      // owned by input
}

type matchAuth struct {
	Seat  string `json:"seat" check:"required"`
	Snap  int    `json:"snap"`  // 1: the compact dialect
	Ack   uint32 `json:"ack"`   // tick of the last snapshot of an earlier connection
	Check bool   `json:"check"` // checksums
}

type requestReply struct {
	OK   bool `json:"ok"`
	Data any  `json:"data,omitempty"`
}

type errorReply struct {
	OK  bool       `json:"ok"`
	Err *sio.Error `json:"err"`
}

// serveMatches wires /match.
func (s *Server) serveMatches() {
	ns := s.io.Of(lobby.MatchNamespace)
	declareMatch(ns)
	ns.Use(s.admit)
	ns.OnConnection(s.sit)
}

// admit checks a seat token and asks the match whether it may sit. Nothing has
// changed anywhere when it refuses.
func (s *Server) admit(sock *sio.Socket) error {
	if s.draining.Load() {
		return s.refused("match", lobby.ErrDraining)
	}
	var auth matchAuth
	if err := sock.Auth(&auth); err != nil || auth.Seat == "" {
		return s.refused("match", lobby.ErrAuthFailed)
	}
	tok, err := s.lobby.Keys().Open(auth.Seat, time.Now(), lobby.KindOpen, lobby.KindResume)
	if err != nil && !errors.Is(err, lobby.ErrExpired) {
		return s.refused("match", err)
	}
	live := s.matches.find(tok.Match)
	if live == nil {
		if over := s.matches.ended.find(tok.Match, time.Now()); over != nil {
			sock.Data = over
			return nil
		}
	}
	switch {
	case live == nil:
		return s.refused("match", match.ErrGone)
	case tok.Seat >= len(live.opened):
		return s.refused("match", lobby.ErrAuthFailed)
	case err != nil && (tok.Kind != lobby.KindOpen || !live.opened[tok.Seat].Load()):
		// A stock client reconnects with the token it first had: past its time
		// that opens nothing any more, but the match may let it resume.
		return s.refused("match", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), ClaimTimeout)
	defer cancel()
	if err := live.match.Claim(ctx, tok.Seat, tok.Epoch, tok.Kind == lobby.KindResume); err != nil {
		return s.refused("match", err)
	}
	sock.Data = &sitter{s: s, sock: sock, token: tok, live: live, wish: match.Wish{
		Compact: auth.Snap == 1, Ack: auth.Ack, Check: auth.Check,
	}}
	return nil
}

// sit attaches a socket to its seat.
func (s *Server) sit(sock *sio.Socket) {
	if over, ok := sock.Data.(*finalResult); ok {
		s.replay(sock, over)
		return
	}
	c, ok := sock.Data.(*sitter)
	if !ok {
		panic("server: a match socket without a seat")
	}
	if err := sock.Join("match:" + c.live.id); err != nil {
		s.log.Debug("room not joined", slog.Any("err", err))
	}
	seat, err := c.live.match.Attach(c.token.Seat, &link{
		s: s, sock: sock, live: c.live, seat: c.token.Seat, player: c.token.Player, wish: c.wish,
	})
	if err != nil {
		s.metrics.refuse("match", wireError(err).Code)
		sock.Disconnect(false)
		return
	}
	c.seat = seat
	sock.OnRaw("input", c.input)
	sock.OnRaw("i", c.compact)
	sock.OnArgs("clock", c.clock)
	sock.OnArgs("request", c.request)
	sock.OnArgs("leave", c.leave)
	sock.OnUnknown(func(*sio.Event) { s.metrics.refuse("match", "bad_event") })
	sock.OnDisconnect(func(string) { seat.Detach() })
}

// input hands an input to the match. It runs on the reader; ev's bytes die when
// it returns.
func (c *sitter) input(ev *sio.Event) {
	arg := ev.Arg(0)
	if ev.Parser() != sio.ParserMsgpack {
		var err error
		if c.scratch, err = ev.AppendArg(c.scratch[:0], 0); err != nil {
			c.strike("input")
			return
		}
		arg = c.scratch
	}
	in, err := parseInput(arg)
	if err != nil {
		c.strike("input")
		return
	}
	if in.ack {
		c.seat.Ack(in.seen)
		return
	}
	c.seat.InputAt(in.tick, in.seen, in.view, in.value)
}

// compact hands a message of inputs in the compact form to the match, as input
// does.
func (c *sitter) compact(ev *sio.Event) {
	var blob []byte
	err := errInput
	if ev.Parser() == sio.ParserMsgpack && ev.NArgs() == 1 {
		blob, c.scratch, err = readBlob(ev.Arg(0), c.scratch)
	}
	if err != nil || len(blob) > match.InputBytesMax {
		c.strike("input")
		return
	}
	c.seat.Compact(blob)
}

type clockRequest struct {
	C float64 `json:"c"` // the client's own, for the answer
}

type clockReply struct {
	OK bool    `json:"ok"`
	C  float64 `json:"c"`
	Q  uint64  `json:"q"` // the match's time, in 256ths of a tick
}

// clock answers what time it is in the match.
func (c *sitter) clock(a sio.Args) {
	var r clockRequest
	if err := a.Decode(0, &r); err != nil {
		c.strike("clock")
		c.answer(a, nil, &game.Error{Code: game.CodeBadPayload, Msg: "want {c}"})
		return
	}
	if a.WantsAck() {
		if err := a.Ack(clockReply{OK: true, C: r.C, Q: c.live.match.Clock()}); err != nil {
			c.s.log.Debug("ack not sent", slog.String("match", c.live.id), slog.Any("err", err))
		}
	}
}

// strike counts a message that cannot be understood. After too many of them the
// connection ends.
func (c *sitter) strike(what string) {
	c.s.metrics.refuse("match", "bad_"+what)
	c.sock.Strike()
}

// request asks the game something; the match answers from its owner.
func (c *sitter) request(a sio.Args) {
	raw, err := a.Event().AppendArg(nil, 0)
	var r request
	if err == nil {
		r, err = parseRequest(raw)
	}
	if err != nil {
		c.strike("request")
		c.answer(a, nil, badRequest())
		return
	}
	c.seat.Request(r.event, r.data, func(v any, err error) { c.answer(a, v, err) })
}

// leave gives the seat up.
func (c *sitter) leave(a sio.Args) {
	c.seat.Leave(func() { c.answer(a, nil, nil) })
}

// answer sends an ack, if one was asked for.
func (c *sitter) answer(a sio.Args, v any, err error) {
	if !a.WantsAck() {
		return
	}
	var reply any = requestReply{OK: true, Data: v}
	if err != nil {
		reply = errorReply{Err: wireError(err)}
	}
	if err := a.Ack(reply); err != nil {
		c.s.log.Debug("ack not sent", slog.String("match", c.live.id), slog.Any("err", err))
	}
}

func badRequest() error {
	return &game.Error{Code: "bad_payload", Msg: "want {ev, data?}"}
}
