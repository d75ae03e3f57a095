package tick

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNoDriftOverADay(t *testing.T) {
	for _, hz := range []int{60, 7} {
		if raceEnabled && hz == 60 {
			continue // ten times slower, and nothing to race with
		}
		synctest.Test(t, func(t *testing.T) {
			s := virtual(t, 1)
			ticks, last, bad := uint64(0), int64(0), 0
			first := s.Now()
			add(t, s, Options{Hz: hz}, func(tk *Tick) bool {
				ticks++
				last = tk.Due
				if tk.N != ticks || tk.Late != 0 || tk.Due != s.Now() {
					bad++
				}
				return true
			})
			until(s, 24*time.Hour)
			require.Equal(t, uint64(hz*86400), ticks)
			require.Equal(t, first+day, last, "the last deadline is a day after the start, to the nanosecond")
			require.Zero(t, bad)
			st := s.Stats()
			require.Equal(t, ticks, st.Ticks)
			require.Equal(t, ticks, st.OnTime)
			require.InDelta(t, 1, st.OnTimeRatio(), 0)
		})
	}
}

// stall returns a task that sleeps for d in its tick number n and records when
// each tick began.
func stall(s *Scheduler, n uint64, d time.Duration, began *[]Tick) func(*Tick) bool {
	return func(tk *Tick) bool {
		*began = append(*began, Tick{N: tk.N, Due: tk.Due, Late: tk.Late, Skipped: tk.Skipped})
		if tk.Late != time.Duration(s.Now()-tk.Due) {
			panic("tick: Late is not what it says")
		}
		if tk.N == n {
			time.Sleep(d)
		}
		return true
	}
}

func TestCatchUp(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name             string
		policy           Policy
		stall            time.Duration // in tick 10, due at 100 ms
		skipped, caught  uint64
		ticks            uint64 // within the first second
		late             uint64
		onTime, expected uint64
	}{
		{"no stall", nil, 0, 0, 0, 100, 0, 100, 100},
		{"not finished before the next is due", nil, 11 * ms, 0, 0, 100, 0, 99, 100},
		{"five missed", nil, 60 * ms, 0, 5, 100, 5, 94, 100},
		{"six missed", nil, 70 * ms, 1, 5, 99, 5, 93, 100},
		{"thirty missed", nil, 305 * ms, 24, 5, 76, 6, 70, 100},
		{"one allowed", CatchUp{Max: 1}, 60 * ms, 4, 1, 96, 1, 94, 100},
		{"none allowed", CatchUp{Max: -1}, 60 * ms, 5, 0, 95, 0, 94, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := virtual(t, 1)
				var began []Tick
				e := add(t, s, Options{Name: "m", Hz: 100, Policy: c.policy}, stall(s, 10, c.stall, &began))
				until(s, time.Second)
				st := e.Stats()
				require.Equal(t, c.ticks, st.Ticks)
				require.Equal(t, c.skipped, st.Skipped)
				require.Equal(t, c.expected, st.Expected)
				require.Equal(t, c.onTime, st.OnTime)
				require.Equal(t, c.caught, st.CatchUps)
				require.Equal(t, c.late, st.Late)
				require.Equal(t, st.Counts, s.Stats().Counts)
				require.Equal(t, st.Expected, st.Lateness.Count, "a skipped slot has its lateness recorded too")
				skipped := 0
				for i, tk := range began {
					skipped += tk.Skipped
					require.Equal(t, uint64(i+1), tk.N, "numbers have no gaps")
					slot := int64(i+1) + int64(skipped)
					require.Equal(t, slot*10*int64(ms), tk.Due, "the grid stays")
				}
				require.Equal(t, c.skipped, uint64(skipped))
			})
		})
	}
}

// TestOverloadDoesNotSpiral runs an entry that needs two and a half periods for
// every tick: after the allowance is used up it is never more than a period
// late, and the rest is skipped and counted. It recovers when the load ends.
func TestOverloadDoesNotSpiral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		worst := time.Duration(0)
		add(t, s, Options{Hz: 100}, func(tk *Tick) bool {
			if tk.N > 20 {
				worst = max(worst, tk.Late)
			}
			if tk.Due < int64(10*time.Second) {
				time.Sleep(25 * time.Millisecond)
			}
			return true
		})
		until(s, 10*time.Second)
		require.Less(t, worst, 10*time.Millisecond)
		st := s.Stats()
		require.InDelta(t, 400, st.Ticks, 3, "it runs as often as it can")
		require.Equal(t, uint64(DefaultCatchUp), st.CatchUps)
		require.InDelta(t, 1000, st.Expected, 5, "every deadline is accounted for")
		require.Zero(t, st.OnTime)
		until(s, 20*time.Second)
		require.InDelta(t, 1000, s.Stats().OnTime, 5)
	})
}

func TestSlip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		var began []Tick
		e := add(t, s, Options{Hz: 100, Policy: Slip{}}, stall(s, 10, 73*time.Millisecond, &began))
		until(s, time.Second)
		st := e.Stats()
		// Tick 11 was due at 110 ms and began at 173 ms.
		require.Equal(t, 63*time.Millisecond, st.Slipped)
		require.Equal(t, uint64(10+83), st.Ticks)
		require.Equal(t, uint64(10+83+6), st.Expected)
		require.Equal(t, uint64(10+83-2), st.OnTime)
		require.Zero(t, st.Skipped)
		require.Equal(t, int64(110*time.Millisecond), began[10].Due)
		require.Equal(t, 63*time.Millisecond, began[10].Late)
		for i, tk := range began[11:] {
			require.Equal(t, int64(183+10*i)*int64(time.Millisecond), tk.Due)
			require.Zero(t, tk.Late)
		}
	})
}

// TestSlipForgivesSmallLateness keeps the schedule while ticks are late by less
// than a period.
func TestSlipForgivesSmallLateness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		e := add(t, s, Options{Hz: 100, Policy: Slip{}}, func(tk *Tick) bool {
			if tk.N%10 == 0 {
				time.Sleep(19 * time.Millisecond)
			}
			return true
		})
		until(s, time.Second)
		require.Zero(t, e.Stats().Slipped)
		require.Equal(t, uint64(99), e.Stats().Ticks, "tick 100 still runs")
	})
}

// TestStallIsBounded puts the whole process to sleep for half a minute: a few
// ticks are caught up and every lost one is in the account.
func TestStallIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 1, Stuck: -1})
		ticks := 0
		e := add(t, s, Options{Hz: 240}, func(tk *Tick) bool {
			ticks++
			if tk.N == 1 {
				time.Sleep(30 * time.Second)
			}
			return true
		})
		until(s, 31*time.Second)
		st := e.Stats()
		require.Equal(t, uint64(31*240), st.Expected)
		require.Equal(t, st.Expected, st.Ticks+st.Skipped)
		require.Equal(t, st.Expected, st.Lateness.Count)
		require.Equal(t, uint64(1+DefaultCatchUp+1+239), st.Ticks)
		require.InEpsilon(t, 15*time.Second, st.Lateness.P50, 0.1, "half of the lost slots were later than this")
	})
}

func TestStagger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 2)
		const n = 32
		due := make([][]int64, 2)
		for i := range n {
			w := i % 2
			e := add(t, s, Options{Hz: 50}, func(tk *Tick) bool {
				due[w] = append(due[w], tk.Due)
				return tk.N < 2
			})
			require.Equal(t, w, e.w.Load().id, "equal loads alternate")
		}
		until(s, 60*time.Millisecond)
		for _, w := range due {
			require.Len(t, w, n)
			for i := 1; i < len(w); i++ {
				require.Equal(t, 20*time.Millisecond/(n/2), time.Duration(w[i]-w[i-1]), "evenly spread")
			}
		}
	})
}

func TestLeastLoadedWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 2)
		idle := func(*Tick) bool { return true }
		slow := add(t, s, Options{Hz: 10}, func(*Tick) bool { time.Sleep(50 * time.Millisecond); return true })
		until(s, time.Second)
		for range 20 {
			e := add(t, s, Options{Hz: 60}, idle)
			require.NotEqual(t, slow.Stats().Worker, e.Stats().Worker)
		}
	})
}

// TestHogStarvesNobody has one entry that takes five periods for every tick and
// a hundred that take nothing, on one worker.
func TestHogStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		const cost = 80 * time.Millisecond
		hog := add(t, s, Options{Hz: 60}, func(*Tick) bool { time.Sleep(cost); return true })
		for range 100 {
			add(t, s, Options{Hz: 60}, func(*Tick) bool { return true })
		}
		until(s, 10*time.Second)
		for _, e := range s.Entries() {
			st := e.Stats()
			if e == hog {
				require.InDelta(t, 10*time.Second/cost, st.Ticks, 2, "nothing else needs the worker")
				continue
			}
			require.Zero(t, st.Skipped)
			require.GreaterOrEqual(t, st.Ticks, uint64(10*60-6))
			require.LessOrEqual(t, st.Lateness.Max, cost, "one foreign tick at most")
		}
	})
}

// TestOverloadIsSharedFairly overloads a worker with two equal entries: they get
// the same, and eight light ones beside them are soon within one foreign tick of
// their schedule.
func TestOverloadIsSharedFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		const cost, light = 12 * time.Millisecond, 100 * time.Microsecond
		busy := func(*Tick) bool { time.Sleep(cost); return true }
		a := add(t, s, Options{Hz: 60}, busy)
		b := add(t, s, Options{Hz: 60}, busy)
		worst := time.Duration(0)
		for range 8 {
			add(t, s, Options{Hz: 60}, func(tk *Tick) bool {
				if tk.Due > int64(100*time.Millisecond) {
					worst = max(worst, tk.Late)
				}
				time.Sleep(light)
				return true
			})
		}
		until(s, 20*time.Second)
		require.InDelta(t, a.Stats().Ticks, b.Stats().Ticks, 10)
		require.InDelta(t, 20*time.Second*95/100/(2*cost), a.Stats().Ticks, 20, "no time is wasted")
		for _, e := range s.Entries()[2:] {
			require.Zero(t, e.Stats().Skipped)
		}
		require.LessOrEqual(t, worst, cost+7*light)
	})
}

// TestEarliestDeadlineFirst lets a slow rate and a fast one come due during the
// same stall: the tick that must be finished sooner runs first, although it came
// due later.
func TestEarliestDeadlineFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = int64(time.Millisecond)
		s := virtual(t, 1)
		var order []string
		var due []int64
		task := func(name string, d time.Duration) func(*Tick) bool {
			return func(tk *Tick) bool {
				order, due = append(order, name), append(due, tk.Due/ms)
				time.Sleep(d)
				return false
			}
		}
		add(t, s, Options{Hz: 10}, task("slow", 0))
		add(t, s, Options{Hz: 10}, task("stall", 90*time.Millisecond))
		until(s, 110*time.Millisecond)
		add(t, s, Options{Hz: 20}, task("fast", 0))
		until(s, time.Second)
		require.Equal(t, []string{"stall", "fast", "slow"}, order)
		require.Equal(t, []int64{50, 125, 100}, due, "the slow one has until 200, the fast one until 175")
	})
}
