package tick

import (
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

func TestStretch(t *testing.T) {
	for _, c := range []struct {
		name    string
		policy  Stretch
		stall   time.Duration // in tick 10, due at 100 ms
		stretch int           // of tick 11
		skipped int
		late    time.Duration
	}{
		{"none missed", Stretch{}, 9 * ms, 1, 0, 0},
		{"within the period", Stretch{}, 15 * ms, 1, 0, 5 * ms},
		{"two missed", Stretch{}, 35 * ms, 3, 0, 5 * ms},
		{"at the bound", Stretch{}, 45 * ms, 4, 0, 5 * ms},
		{"one past it", Stretch{}, 55 * ms, 4, 1, 5 * ms},
		{"of two", Stretch{Max: 2}, 55 * ms, 2, 3, 5 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := virtual(t, 1)
				periods := 0
				e := add(t, s, Options{Hz: 100, Policy: c.policy}, func(tk *Tick) bool {
					periods += tk.Stretch + tk.Skipped
					require.Equal(t, int64(periods)*10*int64(ms), tk.Due, "it ends where the last period does")
					switch tk.N {
					case 10:
						time.Sleep(c.stall)
					case 11:
						require.Equal(t, c.stretch, tk.Stretch)
						require.Equal(t, c.skipped, tk.Skipped)
						require.Equal(t, c.late, tk.Late)
					default:
						require.Equal(t, 1, tk.Stretch)
					}
					return true
				})
				until(s, time.Second)
				st := e.Stats()
				require.Equal(t, 100, periods, "simulated time is real time")
				require.Equal(t, uint64(100), st.Expected)
				require.Equal(t, st.Expected, st.Lateness.Count, "a merged slot has its lateness recorded too")
				require.Equal(t, uint64(c.stretch-1), st.Merged)
				require.Equal(t, uint64(c.skipped), st.Skipped)
			})
		})
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		e := add(t, s, Options{Hz: 100}, func(tk *Tick) bool {
			require.Zero(t, tk.Late)
			require.Zero(t, tk.Skipped)
			require.Zero(t, tk.Due%int64(10*ms), "it comes back to its own phase")
			return true
		})
		until(s, time.Second)
		e.Scale(0)
		e.Scale(math.NaN()) // the same
		require.Zero(t, e.Stats().Scale)
		until(s, time.Hour)
		require.Equal(t, uint64(100), e.Stats().Ticks)
		time.Sleep(3 * ms)
		e.Scale(1)
		until(s, time.Hour+time.Second)
		st := e.Stats()
		require.Equal(t, uint64(200), st.Ticks)
		require.Equal(t, uint64(200), st.Expected, "a pause is not lateness")
		require.Equal(t, uint64(200), st.OnTime)

		e.Scale(0)
		e.Stop()
		<-e.Done()
		e.Scale(1)
		until(s, 2*time.Hour)
		require.Equal(t, uint64(200), e.Stats().Ticks)
		paused := add(t, s, Options{Hz: 100}, idle)
		paused.Scale(0)
		require.NoError(t, s.Close(t.Context()))
		<-paused.Done()
	})
}

// TestPauseFromInside has a task pause itself; an impatient second resume finds
// it running.
func TestPauseFromInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		var e *Entry
		added := make(chan struct{})
		e = add(t, s, Options{Hz: 100}, func(tk *Tick) bool {
			<-added
			if tk.N == 50 {
				e.Scale(0)
			}
			return true
		})
		close(added)
		until(s, 10*time.Second)
		require.Equal(t, uint64(50), e.Stats().Ticks)
		e.Scale(1)
		until(s, 11*time.Second)
		require.Equal(t, uint64(150), e.Stats().Ticks)
	})
}

func TestTimeScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		length := time.Duration(0)
		e := add(t, s, Options{Hz: 60}, func(tk *Tick) bool {
			require.Zero(t, tk.Late)
			length = tk.Length
			return true
		})
		at, want := time.Second, uint64(60)
		for _, c := range []struct {
			scale  float64
			ticks  uint64
			length time.Duration
		}{
			{1, 60, time.Second / 60},
			{2, 120, time.Second / 120},
			{0.5, 30, time.Second / 30},
			{1 / 1.2, 50, 20 * ms},
			{1 / 1.5, 40, 25 * ms},
			{100, MaxHz, time.Second / MaxHz}, // at the bound
		} {
			until(s, at)
			require.Equal(t, want, e.Stats().Ticks)
			e.Scale(c.scale)
			at, want = at+10*time.Second, want+10*c.ticks
			until(s, at-ms)
			require.Equal(t, c.length, length)
			require.Equal(t, c.length, e.Stats().Length)
		}
		e.Scale(1e-9)
		require.Equal(t, 10*time.Second, e.Stats().Length, "and at the other")
		until(s, at)
		require.Equal(t, e.Stats().Ticks, e.Stats().OnTime)
	})
}

// TestScaleDoesNotDrift runs an hour at odd scales.
func TestScaleDoesNotDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		last := int64(0)
		e := add(t, s, Options{Hz: 50}, func(tk *Tick) bool { last = tk.Due; return true })
		until(s, time.Second)
		from := last
		e.Scale(0.7) // 35 Hz
		until(s, time.Hour+time.Second)
		require.Equal(t, uint64(50+3600*35), e.Stats().Ticks)
		require.Equal(t, from+int64(time.Hour), last)
	})
}

func TestIdleWorkerSteals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 2)
		var pair []*Entry
		long := func(tk *Tick) bool {
			if tk.N == 10 {
				time.Sleep(50 * ms)
			}
			return true
		}
		a := add(t, s, Options{Name: "long", Hz: 100}, long)
		other := add(t, s, Options{Hz: 10}, idle)
		require.NotEqual(t, a.Stats().Worker, other.Stats().Worker)
		var worst atomic.Int64
		for range 4 { // two of them join the long one
			pair = append(pair, add(t, s, Options{Hz: 100}, func(tk *Tick) bool {
				raise(&worst, int64(tk.Late))
				return true
			}))
		}
		until(s, time.Second)
		require.Equal(t, stealAfter, time.Duration(worst.Load()), "to the microsecond")
		st := s.Stats()
		require.NotZero(t, st.Steals)
		for _, e := range pair {
			require.Equal(t, uint64(100), e.Stats().OnTime)
		}
		require.Equal(t, uint64(4), a.Stats().CatchUps, "what is running cannot be stolen")
	})
}

func TestRepeatedStealsRehome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 2, Utilisation: -1})
		hog := add(t, s, Options{Hz: 60}, func(*Tick) bool { time.Sleep(16 * ms); return true })
		add(t, s, Options{Hz: 1, Cost: time.Second}, idle) // the other worker seems loaded
		e := add(t, s, Options{Hz: 60, Cost: time.Microsecond}, idle)
		require.Equal(t, hog.Stats().Worker, e.Stats().Worker)
		until(s, 2*time.Second)
		st := s.Stats()
		require.NotEqual(t, hog.Stats().Worker, e.Stats().Worker)
		require.Equal(t, uint64(rehomeAfter), st.Steals)
		require.Equal(t, uint64(1), st.Rehomed)
		require.Equal(t, e.Stats().Ticks, e.Stats().OnTime)
		e.Stop()
		require.Len(t, s.Entries(), 2)
	})
}

// TestStealingDoesNotHurtTheThief leaves a long tick alone that would delay the
// thief's own by more than it is late.
func TestStealingDoesNotHurtTheThief(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 2, Utilisation: -1})
		for range 3 {
			add(t, s, Options{Hz: 30}, func(*Tick) bool { time.Sleep(30 * ms); return true })
		}
		worst := time.Duration(0)
		add(t, s, Options{Hz: 100, Cost: 10 * ms}, func(tk *Tick) bool {
			if tk.N > 200 {
				worst = max(worst, tk.Late)
			}
			return true
		})
		until(s, 10*time.Second)
		require.LessOrEqual(t, worst, 60*ms)
		require.Greater(t, s.Stats().Duration.Sum(), 15*time.Second, "both workers are in use")
	})
}

func TestAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 2)
		task := func(*Tick) bool { time.Sleep(2 * ms); return true } // 20 %
		n := 0
		for ; n < 100; n++ {
			if _, err := s.Add(taskFunc(task), Options{Hz: 100}); err != nil {
				require.ErrorIs(t, err, ErrBusy)
				require.ErrorIs(t, err, ErrFull)
				break
			}
			time.Sleep(3 * time.Second) // till it has been measured
			synctest.Wait()
		}
		require.Equal(t, 6, n, "three on each worker are 60 %")
		st := s.Stats()
		require.Equal(t, uint64(1), st.Refused)
		require.InDelta(t, 0.6, st.Busy[0], 0.02)
		require.InDelta(t, 0.6, st.Busy[1], 0.02)
		// One that says it needs little still fits; at the bound and past it.
		_, err := s.Add(taskFunc(task), Options{Hz: 100, Cost: 1010 * time.Microsecond})
		require.ErrorIs(t, err, ErrBusy)
		add(t, s, Options{Hz: 100, Cost: 990 * time.Microsecond}, idle)
		s.Entries()[0].Stop()
		add(t, s, Options{Hz: 100}, idle)
	})
}

func TestAdmissionCanBeOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 1, Utilisation: -1})
		for range 10 {
			add(t, s, Options{Hz: 100, Cost: time.Second}, idle)
		}
	})
}

// TestWorstOfASecond compares the kept top of a window with sorting.
func TestWorstOfASecond(t *testing.T) {
	for hz := int64(MinHz); hz <= MaxHz; hz++ {
		var w window
		got, full, n := int64(0), false, int64(0)
		for !full {
			n++
			got, full = w.add(n*7919%1000+1, n*second/hz)
		}
		var all []int64
		for i := range n {
			all = append(all, (i+1)*7919%1000+1)
		}
		want := int64(0)
		for _, v := range all {
			below := int64(0)
			for _, o := range all {
				if o <= v {
					below++
				}
			}
			if below*100 >= n*95 && (want == 0 || v < want) {
				want = v
			}
		}
		require.Equal(t, want, got, "%d Hz", hz)
	}
}
