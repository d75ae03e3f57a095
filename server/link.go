package server

import (
	"time"

	"gameserver/engine"
	"gameserver/game"
	"gameserver/game/match"
	"gameserver/lobby"
	"gameserver/sio"
)

// link is a match's end of a socket. It implements match.Link; its methods are
// called on the match's owner and do not block.
type link struct {
	s      *Server
	sock   *sio.Socket
	live   *liveMatch
	seat   int
	player string
	wish   match.Wish
}

// Wish implements match.Link.
func (l *link) Wish() match.Wish { return l.wish }

// Msgpack implements match.Link.
func (l *link) Msgpack() bool { return l.sock.Parser() == sio.ParserMsgpack }

// AppendHead implements match.Link.
func (l *link) AppendHead(dst []byte, event string) []byte { return l.sock.AppendHead(dst, event) }

// AppendTail implements match.Link.
func (l *link) AppendTail(dst []byte) []byte { return l.sock.AppendTail(dst) }

// SendLatest implements match.Link.
func (l *link) SendLatest(packet []byte) bool { return l.sock.SendPacketLatest(packet) }

// Send implements match.Link.
func (l *link) Send(packet []byte) error { return l.sock.SendPacket(packet) }

// AppendValue implements match.Link. sio has no other way to encode a value: it
// comes last in a CONNECT.
func (l *link) AppendValue(dst []byte, v any) ([]byte, error) {
	h := sio.Header{Type: sio.PacketConnect}
	none, err := sio.Encode(sio.ParserMsgpack, h, nil)
	if err != nil {
		return dst, err
	}
	msgs, err := sio.Encode(sio.ParserMsgpack, h, v)
	if err != nil {
		return dst, err
	}
	return append(dst, msgs[0].Data[len(none[0].Data)-1:]...), nil
}

// Emit implements match.Link.
func (l *link) Emit(event string, v any) error { return l.sock.Emit(event, v) }

// Close implements match.Link. The reason is told by the events before; the
// connection stays, because the lobby may be on it, unless the client is at
// fault.
func (l *link) Close(reason game.Reason) {
	l.s.metrics.seatClosed(reason.String())
	switch reason {
	case game.ReasonBadPayload:
		cut(l.sock, engine.ReasonBadPayload)
	case game.ReasonRateLimited:
		cut(l.sock, engine.ReasonRateLimited)
	case game.ReasonSlowConsumer:
		cut(l.sock, engine.ReasonSlowConsumer)
	default:
		l.sock.Disconnect(false)
	}
}

// ResumeToken implements match.Link. The lobby hears of the epoch, so that it
// can offer the seat to a client that lost the token.
func (l *link) ResumeToken(epoch uint32) string {
	l.live.opened[l.seat].Store(true)
	l.s.lobby.Opened(l.live.id, l.seat, epoch)
	return l.s.lobby.Keys().Seal(lobby.Token{
		Kind:    lobby.KindResume,
		Player:  l.player,
		Match:   l.live.id,
		Seat:    l.seat,
		Epoch:   epoch,
		Expires: time.Now().Add(lobby.ResumeTTL),
	})
}

// cut ends a client that misbehaves. DISCONNECT comes first for a fault that
// connecting again does not mend, so that a stock client stays away; one that
// merely sent too much, or read too little, may come back.
func cut(sock *sio.Socket, why engine.Reason) {
	if why != engine.ReasonRateLimited && why != engine.ReasonSlowConsumer {
		sock.Disconnect(false)
	}
	sock.Conn().Close(why)
}
