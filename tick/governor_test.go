package tick

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestGovernorLevels(t *testing.T) {
	var g governor
	now := int64(0)
	observe := func(pressure float64, times int) Level {
		for range times {
			now += second
			g.observe(pressure, now)
		}
		return g.level
	}
	require.Equal(t, LevelFull, observe(budgetSoft, 100), "at the bound")
	require.Equal(t, LevelFar, observe(budgetSoft+0.01, 1), "one past it")
	require.Equal(t, LevelSparse, observe(budgetSoft+0.01, 1))
	require.Equal(t, LevelQuality, observe(budgetSoft+0.01, 100), "heavy, and no more")
	require.Equal(t, LevelQuality, observe(budgetHard, 100))
	require.Equal(t, LevelDilate, observe(budgetHard+0.01, 1))
	require.Equal(t, LevelCrawl, observe(budgetHard+0.01, 100))
	require.Equal(t, LevelCrawl, observe(0.45, 100), "neither over nor calm: it stays")
	require.Equal(t, LevelCrawl, observe(budgetLeave, 100))
	require.Equal(t, LevelCrawl, observe(0.3, 5), "not yet for five seconds")
	require.Equal(t, LevelDilate, observe(0.3, 1))
	observe(0.3, 4)
	require.Equal(t, LevelDilate, observe(0.4, 1), "not in a row")
	require.Equal(t, LevelDilate, observe(0.3, 5))
	require.Equal(t, LevelRefuse, observe(0.3, 1))
	require.Equal(t, LevelFull, observe(0.3, 20))
}

// TestGovernorSteps holds that a level never rises by more than two or falls by
// more than one, and does not fall within five seconds of a change.
func TestGovernorSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g governor
		now, changed := int64(0), int64(0)
		for range 200 {
			now += second
			was := g.level
			p := rapid.Float64Range(0, 1.2).Draw(t, "pressure")
			is := g.observe(p, now)
			require.Less(t, is, numLevels)
			switch {
			case is > was:
				require.LessOrEqual(t, is-was, Level(2))
				require.Greater(t, p, budgetSoft)
			case is < was:
				require.Equal(t, was-1, is)
				require.GreaterOrEqual(t, now-changed, int64(calmTime))
				require.Less(t, p, budgetLeave)
			}
			if is != was {
				changed = now
			}
		}
	})
}

// TestOverloadDilatesTime has a match that reacts to nothing but the length of
// its ticks.
func TestOverloadDilatesTime(t *testing.T) {
	for _, dilate := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var changes []LevelChange
			s := virtualWith(t, Config{Workers: 1, OnLevel: func(c LevelChange) { changes = append(changes, c) }})
			var cost atomic.Int64
			cost.Store(int64(15 * ms))
			var length time.Duration
			var level Level
			e := add(t, s, Options{Name: "m", Hz: 60, Dilate: dilate}, func(tk *Tick) bool {
				length, level = tk.Length, tk.Level
				time.Sleep(time.Duration(cost.Load()))
				return true
			})
			until(s, 20*time.Second)
			require.Equal(t, level, Level(e.level.Load()))
			require.Equal(t, level, e.Stats().Level)
			if !dilate {
				require.Equal(t, LevelRefuse, level)
				require.Equal(t, time.Second/60, length)
			} else {
				require.GreaterOrEqual(t, level, LevelDilate)
				require.Equal(t, e.Stats().Length, length)
				require.Greater(t, length, 19*ms)
			}
			require.InDelta(t, 15*ms, e.Stats().Cost, float64(ms)/10)
			cost.Store(int64(ms))
			until(s, 80*time.Second)
			require.Equal(t, LevelFull, Level(e.level.Load()))
			require.Equal(t, time.Second/60, length, "time is itself again")
			require.Equal(t, LevelFull, changes[0].From)
			for i, c := range changes[1:] {
				require.Equal(t, changes[i].To, c.From, "no change is left out")
			}
			require.Equal(t, "m", changes[0].Name)
		})
	}
}

// TestCrowdIsPressure overloads a worker with matches that are light each.
func TestCrowdIsPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 1, Utilisation: -1})
		for range 20 {
			add(t, s, Options{Hz: 60}, func(*Tick) bool { time.Sleep(ms); return true })
		}
		until(s, 10*time.Second)
		for _, e := range s.Entries() {
			require.Equal(t, LevelRefuse, Level(e.level.Load()))
		}
		_, err := s.Add(taskFunc(idle), Options{Hz: 60})
		require.ErrorIs(t, err, ErrBusy, "no bound on utilisation, but on this")
	})
}

func TestLevelNames(t *testing.T) {
	seen := map[string]bool{}
	for l := range numLevels {
		seen[l.String()] = true
	}
	require.Len(t, seen, int(numLevels))
	require.Equal(t, LevelCrawl.String(), Level(200).String())
}
