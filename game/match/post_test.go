package match

import (
	"strings"
	"testing"

	"gameserver/game"
	"gameserver/game/snap"

	"github.com/stretchr/testify/require"
)

// compact is a link that asked for the compact dialect.
func (f *fixture) compact(ack uint32, m *snap.Mirror) *link {
	if m == nil {
		m = snap.NewMirror(f.cfg.Def.Schema)
	}
	return &link{enc: true, mirror: m, wish: Wish{Compact: true, Ack: ack, Check: true}}
}

// TestEventsRideInCompactSnapshots keeps them until a snapshot is taken, in order.
func TestEventsRideInCompactSnapshots(t *testing.T) {
	rules := quick()
	rules.Snapshots = 20
	f := newFixture(t, rules, persons(2))
	f.game.on["step"] = func(m *game.Match, _ *game.Player) error {
		if m.Tick() >= 4 && m.Tick() <= 8 {
			m.Broadcast("said", m.Tick())
		}
		return nil
	}
	l, plain := f.compact(0, nil), &link{enc: true}
	f.attach(0, l)
	f.attach(1, plain)
	f.ticks(3)
	require.Equal(t, []string{"welcome", "schema", "riding", "s", "s"}, l.names())
	require.Contains(t, l.log[0], `"snap":1`)
	require.Contains(t, plain.log[0], `"snap":0`)
	l.log = nil
	l.refuse = true
	f.ticks(4)
	require.Empty(t, l.log)
	l.refuse = false
	f.ticks(2)
	require.Equal(t, []string{
		"riding [4 said 4]", "riding [5 said 5]", "riding [6 said 6]", "riding [7 said 7]", "riding [8 said 8]", "s 8 on 3", "s 9 on 8",
	}, l.log)
	require.Equal(t, 5, strings.Count(strings.Join(plain.log, "\n"), `"said"`))

	l.refuse = true
	f.game.on["step"] = func(m *game.Match, _ *game.Player) error {
		m.Broadcast("last", 1)
		m.End()
		return nil
	}
	l.log = nil
	f.ticks(2)
	require.Equal(t, []string{"event", "event", "event", "result", "close"}, l.names(),
		"what no snapshot took is sent before the result: %v", l.log)
}

// TestWhoTakesNoSnapshotIsCutWhenTheEventsAreTooMany: at PostBytesMax nothing
// happens, one event later the connection ends, and what is owed is lost.
func TestWhoTakesNoSnapshotIsCutWhenTheEventsAreTooMany(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	l := f.compact(0, nil)
	f.attach(0, l)
	f.ticks(2)
	l.refuse = true
	size := 8 << 10
	say := func(m *game.Match, _ *game.Player) error {
		m.Broadcast("x", strings.Repeat("x", size))
		return nil
	}
	f.game.on["step"] = say
	f.ticks(PostBytesMax / (size + 20))
	require.False(t, f.seats[0].post.full)
	require.LessOrEqual(t, len(f.seats[0].post.bytes), PostBytesMax)
	f.ticks(1)
	require.True(t, f.seats[0].post.full)
	f.ticks(1)
	require.Equal(t, game.ReasonSlowConsumer, l.closed)
	f.game.on["step"] = nil
	again := f.compact(l.mirror.Tick(), l.mirror)
	f.attach(0, again)
	f.ticks(1)
	require.Equal(t, []string{"welcome", "schema", "riding", "s"}, again.names())
	require.Contains(t, again.log[2], "match:state", "more is owed than a snapshot holds: none of it comes")
	require.Zero(t, f.seats[0].post.events)
}

// TestResumeGoesOnFromTheLastSnapshot builds on what the player says to have,
// on every kind of new connection.
func TestResumeGoesOnFromTheLastSnapshot(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	f.game.on["step"] = func(m *game.Match, _ *game.Player) error {
		f.game.Bodies.Add(body{X: float32(m.Tick())})
		return nil
	}
	l := f.compact(0, nil)
	s := f.attach(0, l)
	f.ticks(3)
	held := l.mirror.Tick()
	l.quiet = true // taken, and lost on the way
	f.ticks(6)
	s.Detach()
	f.ticks(2)
	next := f.compact(held, l.mirror)
	f.attach(0, next)
	f.ticks(1)
	require.Contains(t, next.log[len(next.log)-1], "s 12 on 3")
	require.Equal(t, f.game.Bodies.Len(), next.mirror.Len())

	over := f.compact(0, nil) // a newer one, that holds nothing
	f.attach(0, over)
	f.ticks(1)
	require.Equal(t, game.ReasonReplaced, next.closed)
	require.Contains(t, over.log[len(over.log)-1], "on 0")
	plain := &link{enc: true, wish: Wish{Ack: over.mirror.Tick()}}
	f.attach(0, plain)
	f.ticks(1)
	require.Contains(t, plain.log[len(plain.log)-1], "on 0", "only the compact dialect goes on")
}
