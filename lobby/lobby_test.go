package lobby

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLonePlayerMeetsBots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Bots: true, Min: 2, Max: 8}, Config{})
		b.enter("ann")
		s := b.states("ann")
		require.Len(t, s, 1)
		require.Equal(t, QueueState{
			Ticket: s[0].Ticket, Queue: "arena", Rev: 1, State: "searching",
			Players: 1, Min: 2, Max: 8, FillMs: DefaultFillAfter.Milliseconds(),
		}, s[0])

		time.Sleep(DefaultFillAfter - 1)
		require.Zero(t, b.groupCount(), "before its time")
		time.Sleep(time.Nanosecond)
		g, at := b.group(0)
		require.Equal(t, DefaultFillAfter, at)
		require.Less(t, at, 10*time.Second, "a lone player is in a match within 10 s")
		require.Len(t, g.Seats, DefaultFill)
		require.Equal(t, Seat{Player: "ann", Name: "ann"}, g.Seats[0])
		names := map[string]bool{}
		for _, seat := range g.Seats[1:] {
			require.True(t, seat.Bot)
			require.Empty(t, seat.Player)
			names[seat.Name] = true
		}
		require.Len(t, names, DefaultFill-1, "bots have names of their own")

		f := b.found("ann")
		require.Equal(t, g.Match, f.Match)
		require.Equal(t, "arena", f.Game)
		require.Equal(t, MatchNamespace, f.Seat.NS)
		require.Len(t, f.Players, DefaultFill)
		tok, err := b.Keys().Open(f.Seat.Token, time.Now(), KindOpen)
		require.NoError(t, err)
		require.Equal(t, "ann", tok.Player)
		require.Equal(t, g.Match, tok.Match)
		require.Zero(t, tok.Seat)
		require.Equal(t, "offered", b.states("ann")[0].State)
	})
}

func TestFullGroupStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 3}, Config{})
		b.enter("a", "b", "c", "d")
		g, at := b.group(0)
		require.Zero(t, at)
		require.Len(t, g.Seats, 3, "no bots, at most Max")
		require.Equal(t, "a", g.Seats[0].Player)
		require.Equal(t, 1, b.groupCount(), "d waits")
		for i, p := range []string{"a", "b", "c"} {
			tok, err := b.Keys().Open(b.found(p).Seat.Token, time.Now(), KindOpen)
			require.NoError(t, err)
			require.Equal(t, i, tok.Seat)
		}
	})
}

func TestWithoutBotsMinIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 4, FillAfter: 5 * time.Second}, Config{})
		b.enter("a")
		require.EqualValues(t, -1, b.states("a")[0].FillMs)
		time.Sleep(time.Hour)
		require.Zero(t, b.groupCount())
		b.enter("b")
		_, at := b.group(0)
		require.Equal(t, time.Hour, at, "the oldest has waited long enough")
	})
}

func TestDetachedTicketWaitsAndIsNotMatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.enter("a")
		b.Detach("a")
		b.enter("b")
		require.Zero(t, b.groupCount(), "a is not there")
		time.Sleep(DefaultGrace - 1)
		require.NoError(t, b.Attach("a", "a"))
		g, _ := b.group(0)
		require.Equal(t, "a", g.Seats[0].Player, "a kept its age")
	})
}

func TestGraceEndsTheTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.enter("a")
		b.Detach("a")
		time.Sleep(DefaultGrace)
		synctest.Wait()
		require.EqualValues(t, 1, b.Stats().Cancelled)
		require.Zero(t, b.Stats().Players, "nothing is left of a")
		require.NoError(t, b.Attach("a", "a"))
		require.Equal(t, Active{}, b.Active("a"))
	})
}

func TestReturnStopsTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.enter("a")
		ticket := b.Active("a").Ticket
		b.Detach("a")
		time.Sleep(DefaultGrace / 2)
		require.NoError(t, b.Attach("a", "a"))
		time.Sleep(10 * DefaultGrace)
		require.Equal(t, ticket, b.Active("a").Ticket)
		b.Detach("a")
		time.Sleep(DefaultGrace - time.Second)
		require.Equal(t, ticket, b.Active("a").Ticket, "and the next one is whole")
	})
}

func TestSecondConnectionKeepsThePlayerAttached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.enter("a")
		require.NoError(t, b.Attach("a", "a"))
		b.Detach("a")
		time.Sleep(2 * DefaultGrace)
		b.enter("b")
		require.Equal(t, 1, b.groupCount())
	})
}

func TestJoinIsIdempotent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{}, Config{Queues: []Queue{{Name: "other"}}})
		require.NoError(t, b.Attach("a", "a"))
		first, err := b.Join("a", "arena", "r1")
		require.NoError(t, err)
		for _, rid := range []string{"r1", "r2", ""} {
			again, err := b.Join("a", "arena", rid)
			require.NoError(t, err)
			require.Equal(t, first, again)
		}
		_, err = b.Join("a", "other", "")
		require.ErrorIs(t, err, ErrAlreadyQueued)
		_, err = b.Join("a", "nowhere", "")
		require.ErrorIs(t, err, ErrNotFound)
		_, err = b.Join("nobody", "arena", "")
		require.ErrorIs(t, err, ErrNotFound)

		_, err = b.Join("a", "other", "r1")
		require.ErrorIs(t, err, ErrAlreadyQueued, "a rid belongs to its queue")

		require.NoError(t, b.Leave("a", first))
		late, err := b.Join("a", "arena", "r1")
		require.NoError(t, err)
		require.Equal(t, first, late, "a duplicate that comes late makes no new ticket")
		require.Equal(t, Active{}, b.Active("a"))
		fresh, err := b.Join("a", "arena", "r3")
		require.NoError(t, err)
		require.NotEqual(t, first, fresh)
	})
}

func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 1, Max: 1}, Config{})
		require.ErrorIs(t, b.Leave("a", ""), ErrNotFound)
		release := make(chan struct{})
		b.create = func(Group) error { <-release; return nil }
		b.enter("a")
		synctest.Wait() // the match is being made
		require.ErrorIs(t, b.Leave("a", ""), ErrTooLate, "offered")
		close(release)
		b.found("a")
		require.ErrorIs(t, b.Leave("a", ""), ErrTooLate, "seated")

		b2 := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b2.enter("a")
		require.ErrorIs(t, b2.Leave("a", "tother"), ErrNotFound)
		require.NoError(t, b2.Leave("a", ""))
		s := b2.states("a")
		require.Equal(t, "cancelled", s[len(s)-1].State)
	})
}

func TestMatchThatCannotBeMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.refuses(errRefused)
		b.enter("a", "b")
		for i := range MaxAttempts {
			_, at := b.group(i)
			require.Equal(t, time.Duration(i)*RetryAfter, at)
			list := b.told("a", EventFailed)
			require.Len(t, list, 1)
			f, ok := list[0].payload.(Failed)
			require.True(t, ok)
			require.Equal(t, i+1 < MaxAttempts, f.Requeued)
			time.Sleep(RetryAfter)
		}
		time.Sleep(time.Minute)
		require.Equal(t, MaxAttempts, b.groupCount(), "not for ever")
		require.Equal(t, Active{}, b.Active("a"))
		s := b.states("a")
		require.Equal(t, "cancelled", s[len(s)-1].State)
		for i := range s {
			require.EqualValues(t, i+1, s[i].Rev, "one step for each state")
		}
	})
}

// TestBusyServerIsNoFailure has players search for longer than the number of
// attempts allows.
func TestBusyServerIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.refuses(fmt.Errorf("no worker: %w", ErrOverloaded))
		b.enter("a", "b")
		for i := range 3 * MaxAttempts {
			_, at := b.group(i)
			require.Equal(t, time.Duration(i)*RetryBusy, at)
			list := b.told("a", EventFailed)
			require.Len(t, list, 1)
			f, ok := list[0].payload.(Failed)
			require.True(t, ok)
			require.Equal(t, "overloaded", f.Reason)
			require.True(t, f.Requeued)
			time.Sleep(RetryBusy)
		}
		b.refuses(nil)
		time.Sleep(RetryBusy)
		require.Equal(t, b.found("a").Match, b.found("b").Match)
	})
}

func TestVoidKeepsTheAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.enter("a", "b")
		m := b.found("a").Match
		b.Freed(m, 1) // b did not show up
		time.Sleep(3 * time.Second)
		b.Voided(m, "no_show")
		list := b.told("a", EventVoid)
		require.Len(t, list, 1)
		v, ok := list[0].payload.(Void)
		require.True(t, ok)
		require.Equal(t, Void{Match: m, Reason: "no_show", Requeued: true, Ticket: b.Active("a").Ticket}, v)
		s := b.states("a")
		require.EqualValues(t, 3000, s[len(s)-1].Waited)
		require.Empty(t, b.told("b", EventVoid), "b is out already")
		require.Equal(t, Active{}, b.Active("b"))

		b.enter("c")
		g, _ := b.group(1)
		require.Equal(t, []Seat{{Player: "a", Name: "a"}, {Player: "c", Name: "c"}}, g.Seats)
	})
}

func TestFailedMatchRequeuesButNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 1, Max: 1}, Config{})
		b.enter("a")
		for i := range MaxAttempts {
			g, at := b.group(i)
			require.Equal(t, time.Duration(i)*RetryAfter, at, "the queue rests")
			b.Failed(g.Match, "failed", "ref1")
			list := b.told("a", EventFailed)
			require.Len(t, list, 1)
			f, ok := list[0].payload.(Failed)
			require.True(t, ok)
			require.Equal(t, "ref1", f.Ref)
			require.Equal(t, i+1 < MaxAttempts, f.Requeued)
			time.Sleep(RetryAfter)
		}
		require.Equal(t, MaxAttempts, b.groupCount())
		_, err := b.Join("a", "arena", "")
		require.NoError(t, err, "asking again starts anew")
		require.Equal(t, MaxAttempts+1, b.groupCount())
	})
}

// TestVoidWhileAway: a player who is away for less than the grace keeps the
// place in the queue, and is told on coming back.
func TestVoidWhileAway(t *testing.T) {
	for _, away := range []time.Duration{DefaultGrace - time.Second, DefaultGrace + time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
			b.enter("a", "b")
			m := b.found("a").Match
			b.Freed(m, 1)
			b.Detach("a")
			time.Sleep(away)
			b.Voided(m, "no_show")
			b.enter("c")
			require.Equal(t, 1, b.groupCount(), "who is away is not matched")
			require.NoError(t, b.Attach("a", "a"))
			if away < DefaultGrace {
				g, _ := b.group(1)
				require.Equal(t, "a", g.Seats[0].Player)
			} else {
				require.Equal(t, 1, b.groupCount())
				require.Equal(t, Active{}, b.Active("a"))
			}
		})
	}
}

// TestSeatGoneBeforeTheMatchIsMade: the player is free, though the news came
// before the lobby knew of the seat.
func TestSeatGoneBeforeTheMatchIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.create = func(g Group) error {
			b.Freed(g.Match, 0)
			b.Freed(g.Match, 0)
			b.Freed(g.Match, 2)
			return nil
		}
		b.enter("a", "b")
		m := b.found("b").Match
		require.Equal(t, Active{}, b.Active("a"))
		require.Equal(t, m, b.Active("b").Match.Match)
		_, err := b.Join("a", "arena", "")
		require.NoError(t, err)
	})
}

func TestOutcomeBeforeTheMatchIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 1, Max: 1}, Config{})
		b.create = func(g Group) error {
			b.Ended(g.Match) // the hook is faster than the return
			return nil
		}
		b.enter("a")
		b.found("a")
		require.Equal(t, Active{}, b.Active("a"))
		require.Zero(t, b.Stats().Matches)
	})
}

func TestSeatIsOfferedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 1, Max: 1}, Config{})
		b.enter("a")
		m := b.found("a").Match

		_, err := b.Join("a", "arena", "")
		require.ErrorIs(t, err, ErrAlreadyInMatch)
		require.Equal(t, m, b.found("a").Match, "told again with the refusal")

		b.Detach("a")
		time.Sleep(2 * DefaultGrace)
		require.NoError(t, b.Attach("a", ""))
		_, err = b.Keys().Open(b.found("a").Seat.Token, time.Now(), KindOpen)
		require.ErrorIs(t, err, ErrExpired, "the seat was not taken in its time")

		b.Opened(m, 0, 7)
		b.Opened(m, 0, 5) // late news
		require.NoError(t, b.Attach("a", ""))
		tok, err := b.Keys().Open(b.found("a").Seat.Token, time.Now(), KindResume)
		require.NoError(t, err)
		require.EqualValues(t, 7, tok.Epoch)
		require.Equal(t, m, b.Active("a").Match.Match)

		b.Ended(m)
		require.Equal(t, Active{}, b.Active("a"))
		require.NoError(t, b.Attach("a", ""))
		require.Empty(t, b.told("a", EventFound))
	})
}

func TestStatesAreThrottledAndCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 50, Max: 60}, Config{})
		b.enter("a")
		b.told("a", EventState)
		for i := range 40 {
			b.enter(fmt.Sprint("p", i))
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(10 * time.Second)
		list := b.told("a", EventState)
		require.NotEmpty(t, list)
		require.LessOrEqual(t, len(list), 6)
		for i := 1; i < len(list); i++ {
			require.GreaterOrEqual(t, list[i].at-list[i-1].at, StateEvery)
		}
		last, ok := list[len(list)-1].payload.(QueueState)
		require.True(t, ok)
		require.Equal(t, 41, last.Players, "the last word is right")
	})
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2, Bots: true}, Config{})
		b.enter("a", "b", "c")
		m := b.found("a").Match
		b.Drain()
		b.Drain()
		s := b.states("c")
		require.Equal(t, "cancelled", s[len(s)-1].State)
		require.NoError(t, b.Attach("d", "d"))
		_, err := b.Join("d", "arena", "")
		require.ErrorIs(t, err, ErrDraining)
		b.Failed(m, "failed", "x")
		list := b.told("a", EventFailed)
		require.Len(t, list, 1)
		f, ok := list[0].payload.(Failed)
		require.True(t, ok)
		require.False(t, f.Requeued)
		time.Sleep(time.Hour)
		require.Equal(t, 1, b.groupCount())
	})
}

func TestDetachWhileTheMatchIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 1, Max: 1}, Config{})
		release := make(chan error)
		b.create = func(Group) error { return <-release }
		b.enter("a")
		synctest.Wait()
		b.Detach("a")
		time.Sleep(2 * DefaultGrace) // longer than the grace, and still offered
		require.Equal(t, 1, b.Stats().Offered)
		release <- errRefused
		synctest.Wait()
		require.EqualValues(t, 1, b.Stats().Cancelled)
		require.Zero(t, b.Stats().Players)
	})
}

func TestNothingWakesAnIdleLobby(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 2, Max: 2}, Config{})
		b.enter("a")
		time.Sleep(time.Second)
		b.mu.Lock()
		b.notes = nil
		b.mu.Unlock()
		b.Lobby.mu.Lock()
		_, ok := b.core.alarms.next()
		b.Lobby.mu.Unlock()
		require.False(t, ok, "a ticket that nothing can happen to sets no alarm")
		time.Sleep(24 * time.Hour)
		require.Empty(t, b.told("a", EventState))
	})
}
