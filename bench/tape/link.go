package tape

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/game/snap"
	socket "gameserver/sio/client"
)

// Dialect is how snapshots are written.
type Dialect string

// The dialects.
const (
	Compact Dialect = "compact"
	Msgpack Dialect = "plain" // by the msgpack parser
	JSON    Dialect = "json"  // plain, by the default parser
)

// Dialects are all of them, the one first from which most is known.
var Dialects = []Dialect{Compact, Msgpack, JSON}

// link takes the place of a player's connection. What it does not implement it
// does not need.
type link struct {
	match.Link

	dialect Dialect
	sock    *socket.Socket // never connected: it knows how packets begin and end
	seat    *match.Seat
	head    int          // bytes of the packet before its argument
	bytes   int          // of this tick's snapshot on the wire
	world   *snap.Mirror // nil: not decoded
	seen    uint32       // tick of the last one
	err     error
}

func newLink(d Dialect, s snap.Schema, decode bool) *link {
	c := socket.New("http://127.0.0.1", socket.Options{Msgpack: d != JSON})
	l := &link{dialect: d, sock: c.Socket("/match")}
	if decode && d != JSON {
		l.world = snap.NewMirror(s)
	}
	return l
}

// Msgpack implements match.Link, and so on.
func (l *link) Msgpack() bool { return l.dialect != JSON }

// Wish implements match.Link.
func (l *link) Wish() match.Wish { return match.Wish{Compact: l.dialect == Compact} }

// AppendValue implements match.Link. The workloads have no events.
func (l *link) AppendValue(dst []byte, _ any) ([]byte, error) { return msgp.AppendNil(dst), nil }

// AppendHead implements match.Link.
func (l *link) AppendHead(dst []byte, event string) []byte {
	from := len(dst)
	dst = l.sock.AppendEventHead(dst, event)
	l.head = len(dst) - from
	return dst
}

// AppendTail implements match.Link.
func (l *link) AppendTail(dst []byte) []byte { return l.sock.AppendEventTail(dst) }

// SendLatest implements match.Link: it takes everything.
func (l *link) SendLatest(packet []byte) bool {
	n := len(packet)
	if l.dialect == JSON {
		n++ // Engine.IO's type; binary messages have none
	}
	l.bytes = FrameBytes(n)
	if l.world != nil && l.err == nil {
		l.err = l.decode(packet[l.head:])
	}
	return true
}

// decode applies a snapshot as the client does.
func (l *link) decode(arg []byte) error {
	if l.dialect != Compact {
		_, err := l.world.Apply(arg)
		return err
	}
	blob, _, err := msgp.ReadBytesZC(arg)
	if err == nil {
		_, err = l.world.ApplyCompact(blob)
	}
	return err
}

// Send implements match.Link.
func (l *link) Send([]byte) error { return nil }

// Emit implements match.Link.
func (l *link) Emit(string, any) error { return nil }

// Close implements match.Link.
func (l *link) Close(why game.Reason) { l.err = errors.Join(l.err, fmt.Errorf("closed: %v", why)) }

// ResumeToken implements match.Link.
func (l *link) ResumeToken(uint32) string { return "" }

// visible appends the ids that the player sees, ascending.
func (l *link) visible(dst []uint32, most int) ([]uint32, error) {
	if l.world == nil {
		return dst, nil
	}
	for row := range l.world.Count(0) {
		id, _ := l.world.At(0, row)
		dst = append(dst, id)
	}
	slices.Sort(dst)
	if len(dst) > 0 && (dst[0] == 0 || int(dst[len(dst)-1]) > most) {
		return nil, fmt.Errorf("ids from %d to %d", dst[0], dst[len(dst)-1])
	}
	return dst, nil
}

// row is an entity as the player sees it.
func (l *link) row(id uint32) (Row, bool) {
	_, v, ok := l.world.Entity(id)
	if !ok || len(v) != 5 {
		return Row{}, false
	}
	return Row{ID: id, X: v[0], Y: v[1], Angle: uint8(v[2]), HP: uint8(v[3]), Anim: uint8(v[4])}, true //nolint:gosec // as in the schema
}
