package match

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gameserver/game"
	"gameserver/tick"

	"github.com/stretchr/testify/require"
)

func TestPanicEndsTheMatchInEveryCallback(t *testing.T) {
	for _, where := range []string{"init", "join", "drop", "resume", "leave", "handle", "world", "close", "step", "after", "bot"} {
		t.Run(where, func(t *testing.T) {
			seats := append(persons(2), SeatSpec{Bot: true})
			f := newFixture(t, quick(), seats)
			a, b := &link{}, &link{}
			boom := func(*game.Match, *game.Player) error { panic("boom in " + where) }
			if where == "init" || where == "join" || where == "world" {
				f.game.on[where] = boom
			}
			sa := f.attach(0, a)
			sb := f.attach(1, b)
			more := f.ticks(1)
			f.game.on[where] = boom
			if where == "after" {
				f.game.on["step"] = func(m *game.Match, _ *game.Player) error { m.After(1, func() { panic("boom in after") }); return nil }
			}
			logged := len(b.log)
			answers := 0
			reply := func(any, error) { answers++ }
			if more {
				sb.Input(2, 0, value(5, true))
			}
			switch {
			case !more:
			case where == "drop":
				sa.Detach()
			case where == "resume":
				f.attach(0, &link{})
			case where == "leave":
				sa.Leave(func() { answers++ })
			case where == "close":
				f.Stop(game.ReasonDrain)
			}
			sb.Request("r", nil, reply)
			require.False(t, f.ticks(2))
			require.Equal(t, game.StateFailed, f.State())
			require.Len(t, f.ends, 1)
			c := f.Crash()
			require.Equal(t, "failed "+c.Ref, f.ends[0])
			require.Equal(t, "boom in "+where, c.What)
			require.Contains(t, string(c.Stack), "crash_test.go")
			require.EqualValues(t, 7, c.Seed)
			require.Equal(t, "probe", c.Game)
			require.Greater(t, answers, 0, "what waited is answered")
			require.Equal(t, game.ReasonFailed, b.closed)
			if where != "close" {
				for _, line := range b.log[logged:] {
					require.False(t, strings.HasPrefix(line, "snapshot"), "nothing of that tick is published")
				}
			}
			require.Less(t, strings.Count(strings.Join(f.game.log, " "), "close"), 2)
			_, err := f.Attach(0, &link{})
			require.ErrorIs(t, err, ErrGone)
			require.False(t, f.ticks(1), "and stays so")
			require.Len(t, f.ends, 1)
		})
	}
}

// TestThereIsOneEnd: whatever breaks while a match ends, one of the hooks is
// called, and one only. A match that nobody hears of holds its players forever.
func TestThereIsOneEnd(t *testing.T) {
	end := func(where string, hooks Hooks) *fixture {
		f := newFixture(t, quick(), persons(2))
		f.Match.cfg.Hooks = hooks
		a, b := &link{broken: "result"}, &link{}
		if where == "void" {
			f.Match.rules.Countdown = time.Hour
			a.broken = "event"
		}
		f.attach(0, a)
		f.attach(1, b)
		f.ticks(1)
		if where == "hook" {
			a.broken = ""
		}
		f.Stop(game.ReasonDrain)
		require.False(t, f.ticks(2))
		require.True(t, f.State().Final())
		require.NotZero(t, a.closed)
		require.NotZero(t, b.closed)
		_, err := f.Attach(0, &link{})
		require.ErrorIs(t, err, ErrGone)
		return f
	}
	for _, where := range []string{"result", "void"} {
		var told []string
		f := end(where, Hooks{
			Ending: func(*Match) { told = append(told, "ending") },
			Ended:  func(*Match, game.Reason, any) { told = append(told, "ended") },
			Voided: func(*Match, game.Reason) { told = append(told, "voided") },
			Failed: func(*Match, string, []byte) { told = append(told, "failed") },
		})
		want := []string{"failed"}
		if where == "result" {
			want = []string{"ending", "failed"}
		}
		require.Equal(t, want, told, where)
		require.Equal(t, game.StateFailed, f.State())
		require.Contains(t, f.Crash().What, "cannot encode")
	}
	n := 0
	end("hook", Hooks{
		Ended:  func(*Match, game.Reason, any) { n++; panic("in the hook") },
		Failed: func(*Match, string, []byte) { n += 10 },
	})
	require.Equal(t, 1, n)
}

// TestPanicLeavesNoLinkOpen: the connection of a player who is just being put
// out is closed, though the game panics at that moment.
func TestPanicLeavesNoLinkOpen(t *testing.T) {
	for where, want := range map[string]game.Reason{
		"leave": game.ReasonLeft, "kick": game.ReasonKicked, "drop": game.ReasonBadPayload, "resume": game.ReasonReplaced,
	} {
		f := newFixture(t, quick(), persons(1))
		l := &link{}
		s := f.attach(0, l)
		f.ticks(1)
		for _, on := range []string{"leave", "drop", "resume"} {
			f.game.on[on] = func(*game.Match, *game.Player) error { panic("boom") }
		}
		switch where {
		case "leave":
			s.Leave(func() {})
		case "kick":
			f.drv.Match().Kick(f.drv.Match().Player(1), game.ReasonKicked)
		case "drop":
			for range StrikesMax {
				s.Input(f.tick+1, 0, nil)
			}
		case "resume":
			f.attach(0, &link{})
		}
		require.False(t, f.ticks(1), where)
		require.Equal(t, want, l.closed, where)
	}
}

func TestInitErrorFailsTheMatch(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	f.game.on["init"] = func(*game.Match, *game.Player) error { return errors.New("no map") }
	l := &link{}
	f.attach(0, l)
	require.False(t, f.ticks(1))
	require.Equal(t, "init: no map", f.Crash().What)
	require.Nil(t, f.Crash().Stack)
	require.NotZero(t, l.closed)
	require.Equal(t, []string{"init"}, f.game.log)
}

func TestGoexitEndsTheMatch(t *testing.T) {
	f := newFixture(t, quick(), persons(1))
	f.game.on["init"] = func(*game.Match, *game.Player) error { runtime.Goexit(); return nil }
	done := make(chan struct{})
	go func() { defer close(done); f.ticks(1) }()
	<-done
	require.Equal(t, game.StateFailed, f.State())
	require.Equal(t, "runtime.Goexit was called", f.Crash().What)
}

func TestCrashHoldsTheNewestInputs(t *testing.T) {
	f, s, _ := inputFixture(t)
	big := value(1, true)
	n := 3 * CrashInputBytes / (len(big) + historyHead)
	for range n {
		s.Input(f.tick+1, 0, value(int(f.tick), true))
		f.ticks(1)
	}
	f.game.step = nil
	f.game.on["step"] = func(*game.Match, *game.Player) error { panic("now") }
	f.ticks(1)
	in := f.Crash().Inputs
	require.Less(t, len(in), n)
	require.Greater(t, len(in), n/3)
	for i, one := range in {
		require.Equal(t, f.tick-uint32(len(in)-i), one.Tick)
		require.Equal(t, one.Tick, one.S)
		require.Equal(t, value(int(one.Tick)-1, true), one.Value)
	}
}

// TestOnePanicDisturbsNobody runs 101 matches on a real scheduler. One panics;
// the other 100 miss no tick.
func TestOnePanicDisturbsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sched := tick.New(tick.Config{Workers: 2})
		rules := quick()
		rules.Tick, rules.Snapshots = 20, 20
		matches := make([]*fixture, 101)
		for i := range matches {
			f := newFixture(t, rules, []SeatSpec{{Bot: true}})
			f.game.step = func(*game.Step[input]) {
				if i == 50 && f.drv.Steps() == 7 {
					panic("one")
				}
			}
			matches[i] = f
			_, err := sched.Add(f.Match, tick.Options{Name: f.ID(), Hz: rules.Tick})
			require.NoError(t, err)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		require.NoError(t, sched.Close(t.Context()))
		for i, f := range matches {
			if i == 50 {
				require.Equal(t, game.StateFailed, f.State())
				continue
			}
			require.Equal(t, game.StateRunning, f.State())
			require.GreaterOrEqual(t, f.Stats().Tick, uint32(40))
			require.Equal(t, f.Stats().Tick, f.drv.Steps())
		}
		require.Zero(t, sched.Stats().Skipped)
	})
}
