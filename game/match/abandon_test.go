package match

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"gameserver/game"

	"github.com/stretchr/testify/require"
)

// TestAbandonedMatch hangs in each callback, is given up, and comes back.
func TestAbandonedMatch(t *testing.T) {
	for _, where := range []string{"init", "join", "handle", "step", "bot", "leave", "close"} {
		for _, panics := range []bool{false, true} {
			t.Run(fmt.Sprint(where, panics), func(t *testing.T) { abandon(t, where, panics) })
		}
	}
}

func abandon(t *testing.T, where string, panics bool) {
	t.Helper()
	f := newFixture(t, quick(), append(persons(2), SeatSpec{Bot: true}))
	hang, release := make(chan struct{}), make(chan struct{})
	a, b := &link{}, &link{}
	sa, sb := f.attach(0, a), f.attach(1, b)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.hangIn(where, sa, func(*game.Match, *game.Player) error {
			close(hang)
			<-release
			if panics {
				panic("late")
			}
			return nil
		})
	}()
	<-hang
	answers := atomic.Int32{}
	sb.Request("r", nil, func(_ any, err error) {
		if err == ErrGone { //nolint:errorlint // that and no other
			answers.Add(1)
		}
	})
	claimed := make(chan error)
	go func() { claimed <- f.Claim(t.Context(), 0, 0, false) }()
	for f.waiting() < 2 {
		runtime.Gosched()
	}
	c := f.Abandon([]byte("here"))
	require.NotNil(t, c)
	require.Nil(t, f.Abandon(nil), "once")
	require.Equal(t, c, f.Crash())
	require.Equal(t, "here", string(c.Stack))
	require.Equal(t, fmt.Sprintf("m1@%d", c.Tick), c.Ref)
	require.ErrorIs(t, <-claimed, ErrGone)
	require.Equal(t, int32(1), answers.Load())
	require.Equal(t, game.StateFailed, f.State())
	_, err := f.Attach(0, &link{})
	require.ErrorIs(t, err, ErrGone)
	f.Stop(game.ReasonDrain)

	close(release)
	<-ended
	require.Empty(t, f.ends, "no hook tells of an end")
	require.Equal(t, game.StateFailed, f.State())
	require.False(t, f.ticks(1))
	require.NotZero(t, a.closed)
	require.NotZero(t, b.closed)
}

// hangIn ticks until the game has hung and come back.
func (f *fixture) hangIn(where string, s *Seat, hang func(*game.Match, *game.Player) error) {
	if where == "init" || where == "join" {
		f.game.on[where] = hang
	}
	if !f.ticks(1) {
		return
	}
	f.game.on[where] = hang
	switch where {
	case "leave":
		s.Leave(func() {})
	case "close":
		f.Stop(game.ReasonDrain)
	case "handle":
		s.Request("r", nil, func(any, error) {})
	}
	f.ticks(5)
}

// waiting is how much the next tick will find in the inbox.
func (f *fixture) waiting() int {
	f.inbox.mu.Lock()
	defer f.inbox.mu.Unlock()
	return len(f.inbox.batch.entries)
}

// TestAbandonTooLate comes when the match is over.
func TestAbandonTooLate(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	f.attach(0, &link{})
	f.ticks(2)
	f.Stop(game.ReasonDrain)
	f.ticks(3)
	require.Len(t, f.ends, 1)
	require.Nil(t, f.Abandon(nil))
	require.Equal(t, game.StateEnded, f.State())
}
