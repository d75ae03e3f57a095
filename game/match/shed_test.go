package match

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gameserver/game"
	"gameserver/tick"

	"github.com/stretchr/testify/require"
)

// paces are the match:pace events a link was sent, without the tick.
func (l *link) paces() (out []string) {
	for _, line := range l.log {
		if _, rest, ok := strings.Cut(line, `"match:pace",`); ok {
			out = append(out, strings.TrimSuffix(rest, "]"))
		}
	}
	return out
}

// TestLevels goes up all levels and down again.
func TestLevels(t *testing.T) {
	var taped []string
	f := newFixture(t, quick(), persons(3))
	f.tk.Length = time.Second / 60
	f.Match.cfg.Tap = func(tick uint32, e *Entry) {
		if e.Kind == KindLevel {
			taped = append(taped, fmt.Sprint(tick, " ", e.S))
		}
	}
	a, b := &link{}, &link{}
	f.attach(0, a)
	f.attach(1, b)
	f.ticks(9)
	require.Empty(t, a.paces(), "the usual pace is not told")
	snapshots := func() int {
		before := a.sent
		f.ticks(60)
		return a.sent - before
	}
	require.Equal(t, 20, snapshots())
	levels := []tick.Level{
		tick.LevelFar, tick.LevelSparse, tick.LevelQuality, tick.LevelRefuse, tick.LevelDilate, tick.LevelCrawl,
		tick.LevelSparse, tick.LevelFull,
	}
	rates := []int{20, 10, 10, 10, 10, 10, 10, 20}
	for i, level := range levels {
		f.tk.Level = level
		if level == tick.LevelDilate {
			f.tk.Length = 20 * time.Millisecond
		}
		require.Equal(t, rates[i], snapshots(), level)
		if level == tick.LevelDilate {
			f.tk.Length = 25 * time.Millisecond
		}
	}
	f.tk.Length = time.Second / 60
	f.ticks(1)
	require.Equal(t, []string{
		`{"level":"far","length":16666}`, `{"level":"sparse","length":16666}`, `{"level":"quality","length":16666}`,
		`{"level":"refuse","length":16666}`, `{"level":"dilate","length":20000}`, `{"level":"crawl","length":25000}`,
		`{"level":"sparse","length":25000}`, `{"level":"full","length":25000}`, `{"level":"full","length":16666}`,
	}, a.paces())
	require.Equal(t, a.paces(), b.paces())
	require.Equal(t, []int{1, 2, 3, 4, 0}, f.game.told)
	require.Len(t, taped, 5, "a recording has what the game was told")
	for i := range taped {
		require.True(t, strings.HasPrefix(taped[i], fmt.Sprint(f.game.toldAt[i], " ")))
	}
}

// TestQualityIsForWhomWantsIt has a game without the method, and one whose method
// looks different.
func TestQualityIsForWhomWantsIt(t *testing.T) {
	var r registry
	game.Register(&r, "plain", func() *plain { return new(plain) }, quick())
	m, err := New(Config{ID: "m1", Def: r[0], Seats: persons(1)})
	require.NoError(t, err)
	require.True(t, m.Tick(&tick.Tick{Level: tick.LevelCrawl}))
	require.Equal(t, tick.LevelCrawl, m.level)
	require.PanicsWithValue(t, `game "odd": method Quality would never be called: it must be func(*game.Match, int)`, func() {
		game.Register(&r, "odd", func() *odd { return new(odd) }, quick())
	})
}

type plain struct{}

func (*plain) Step(*game.Step[input]) {}

type odd struct{}

func (*odd) Step(*game.Step[input])   {}
func (*odd) Quality(level tick.Level) {}

// TestFullMatchRefusesNewcomers lets in who was there and whom it waits for.
func TestFullMatchRefusesNewcomers(t *testing.T) {
	rules := quick()
	rules.SeatTTL = time.Hour
	rules.Bots = true
	f := newFixture(t, rules, persons(3))
	a, b := &link{}, &link{}
	f.tk.Level = tick.LevelRefuse
	f.ticks(1)
	require.NoError(t, f.mayClaim(0, 0, false), "it has not begun: it waits for its players")
	sa := f.attach(0, a)
	f.attach(1, b)
	f.ticks(1)
	f.Match.enter(game.StateRunning, 0) // as if the third had not been waited for
	f.ticks(1)
	require.ErrorIs(t, f.mayClaim(2, 0, false), ErrBusy)
	late := &link{}
	f.attach(2, late)
	f.ticks(1)
	require.Equal(t, game.ReasonBusy, late.closed)
	require.Equal(t, SeatReserved, f.seats[2].state, "and may try again")
	sa.Detach()
	f.ticks(1)
	require.NoError(t, f.mayClaim(0, 1, true), "who was there comes back")
	f.tk.Level = tick.LevelQuality
	f.ticks(1)
	require.NoError(t, f.mayClaim(2, 0, false))
	f.attach(2, late)
	f.ticks(1)
	require.Equal(t, SeatConnected, f.seats[2].state)
	require.Contains(t, late.paces(), `{"level":"quality","length":0}`, "a newcomer hears of the pace")
	require.Less(t, slices.IndexFunc(late.log, func(s string) bool { return strings.HasPrefix(s, "schema") }),
		slices.IndexFunc(late.log, func(s string) bool { return strings.Contains(s, "match:pace") }))
}

// TestOverloadedMatch is a match in a scheduler, in virtual time, whose step
// takes too long until it is told to save time.
func TestOverloadedMatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, quick(), persons(3))
		g := f.game
		l := &link{}
		f.attach(0, l)
		var cost atomic.Int64
		cost.Store(int64(9 * time.Millisecond))
		f.game.step = func(*game.Step[input]) {
			d := time.Duration(cost.Load())
			if len(g.told) > 0 && g.told[len(g.told)-1] > 0 {
				d /= 2
			}
			time.Sleep(d)
		}
		s := tick.New(tick.Config{Workers: 1})
		defer func() { require.NoError(t, s.Close(context.Background())) }()
		f.attach(1, &link{})
		f.attach(2, &link{})
		e, err := s.Add(f.Match, tick.Options{Name: "m1", Hz: 60, Dilate: true})
		require.NoError(t, err)
		// The match stands still while the test looks at what belongs to it.
		look := func(after time.Duration) {
			time.Sleep(after)
			e.Scale(0)
			time.Sleep(time.Second)
			synctest.Wait()
		}
		look(20 * time.Second)
		require.GreaterOrEqual(t, len(l.paces()), 3)
		require.Equal(t, `{"level":"far","length":16666}`, l.paces()[0])
		require.Equal(t, 1, g.told[0], "the game saves time")
		require.Equal(t, "quality", e.Stats().Level.String(), "and nothing more is needed")
		before := len(l.log)
		cost.Store(int64(17 * time.Millisecond)) // 8.5 when it saves: heavy still
		e.Scale(1)
		time.Sleep(30 * time.Second)
		cost.Store(int64(time.Millisecond))
		look(60 * time.Second)
		require.Equal(t, tick.LevelFull, e.Stats().Level)
		require.Zero(t, g.told[len(g.told)-1])
		require.Contains(t, strings.Join(l.log[before:], "\n"), `"match:pace",{"level":"full","length":16666}`)
		require.Less(t, l.sent, 110*20, "there were fewer snapshots meanwhile")
	})
}

// TestForkCoversEverySeat calls the parts of a fork alone and with idle workers.
func TestForkCoversEverySeat(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 200, 201, 1000, 1024} {
		f := newFixture(t, quick(), persons(1))
		seen := make([]atomic.Int32, n)
		parts := atomic.Int32{}
		part := func(from, to int) {
			parts.Add(1)
			for i := from; i < to; i++ {
				seen[i].Add(1)
			}
		}
		s := tick.New(tick.Config{Workers: 2, PortableTimer: true})
		e, err := s.Add(taskFunc(func(tk *tick.Tick) bool { f.fork(tk, n, part); return false }), tick.Options{Hz: 100})
		require.NoError(t, err)
		<-e.Done()
		require.NoError(t, s.Close(t.Context()))
		for i := range seen {
			require.EqualValues(t, 1, seen[i].Load(), "%d of %d", i, n)
		}
		want := 1
		if n > forkSeats {
			want = (n + forkRange - 1) / forkRange
		}
		require.EqualValues(t, want, parts.Load(), n)
	}
	f := newFixture(t, quick(), persons(1))
	calls := 0
	count := func(int, int) { calls++ }
	f.fork(&tick.Tick{Length: 10 * time.Millisecond, Cost: 4 * time.Millisecond}, 64, count)
	require.Equal(t, 4, calls, "a costly match is big, too")
	f.fork(&tick.Tick{Length: 10 * time.Millisecond, Cost: 2 * time.Millisecond}, 64, count)
	require.Equal(t, 5, calls)
	tk := &tick.Tick{}
	require.Zero(t, testing.AllocsPerRun(100, func() { f.fork(tk, 1000, count) }))
}

type taskFunc func(*tick.Tick) bool

func (f taskFunc) Tick(t *tick.Tick) bool { return f(t) }
