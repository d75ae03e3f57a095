package tick

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPackedNumbers(t *testing.T) {
	for v := range int64(1 << 11) {
		require.Equal(t, time.Duration(v), unpack(pack(v)), "small ones are exact")
	}
	rnd, last := rand.New(rand.NewPCG(1, 2)), uint64(0)
	for v := int64(1 << 11); v < 1<<42; v += 1 + rnd.Int64N(v/16) {
		c := pack(v)
		require.GreaterOrEqual(t, c, last, "they compare like what they stand for")
		require.Less(t, c, uint64(1<<16))
		require.InEpsilon(t, v, unpack(c), 0.001)
		last = c
	}
	require.Equal(t, uint64(1<<16-1), pack(1<<62), "too large is the largest")
	require.Zero(t, pack(-1))
}

// TestRecent reads back what ticks did.
func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		e := add(t, s, Options{Hz: 50, Policy: CatchUp{Max: -1}}, func(tk *Tick) bool {
			tk.Begin(PhaseStep)
			time.Sleep(ms)
			tk.Begin(PhaseWrite)
			time.Sleep(2 * ms)
			tk.Count(100*int(tk.N), 7)
			if tk.N == 100 {
				time.Sleep(50 * ms)
			}
			return true
		})
		require.Empty(t, e.Recent(nil, 0))
		until(s, 90*time.Second)
		all := e.Recent(nil, 0)
		require.Len(t, all, 50*60-1, "a minute, less the one that may be under way")
		last := all[len(all)-1]
		require.Equal(t, e.Stats().Ticks, last.N)
		for i, r := range all {
			require.Equal(t, last.N-uint64(len(all)-1-i), r.N)
			sum := time.Duration(0)
			for _, d := range r.Phases {
				sum += d
			}
			require.Equal(t, r.Took, sum)
			require.InEpsilon(t, 3*ms, r.Took, 0.001)
			require.InEpsilon(t, 2*ms, r.Phases[PhaseWrite], 0.001)
			require.InEpsilon(t, 100*r.N, r.Bytes, 0.001)
			require.Equal(t, 7, r.Entities)
			if i > 0 {
				require.Equal(t, int64(20*ms), r.Due-all[i-1].Due)
			}
		}
		require.Equal(t, all[len(all)-10:], e.Recent(nil, last.N-10), "only the new ones")
		require.Len(t, e.Recent(all[:3], last.N-1), 4, "appended")
		require.Empty(t, e.Recent(nil, last.N))

		r := e.Stats().Lately
		require.Equal(t, 500, r.Ticks)
		require.InEpsilon(t, 3*ms, r.Took, 0.001)
		require.Zero(t, r.Late)
	})
}

// TestLately finds the p99 of ten seconds and forgets what is older.
func TestLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		e := add(t, s, Options{Hz: 100}, func(tk *Tick) bool {
			if tk.N%100 == 50 { // ten of a thousand
				time.Sleep(4 * ms)
			}
			if tk.N == 1000 {
				time.Sleep(5 * ms)
			}
			return true
		})
		until(s, 10*time.Second+500*ms)
		r := e.Stats().Lately
		require.Equal(t, 1000, r.Ticks)
		require.InEpsilon(t, 4*ms, r.Took, 0.001)
		require.InEpsilon(t, 5*ms, r.Worst, 0.001)
		until(s, 25*time.Second)
		r = e.Stats().Lately
		require.InEpsilon(t, 4*ms, r.Worst, 0.001, "the longest is too long ago")
		require.Equal(t, Lately{}, new(Entry).ring.lately(60))
	})
}

// TestRecentWhileItRuns reads a ring that is being overwritten: the numbers of
// each record belong together.
func TestRecentWhileItRuns(t *testing.T) {
	var r ring
	r.open(64)
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		defer close(done)
		for n := uint64(1); n < 200_000; n++ {
			tk := Tick{N: n, Due: int64(n) * 1000}
			r.put(&tk, &outcome{decision: decision{late: int64(n%2000) * unit}, duration: int64(n%2000) * unit})
		}
	})
	e, buf, seen := &Entry{}, []Record(nil), 0
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
		}
		head := r.head.Load()
		e.ring.words, e.ring.size = r.words, r.size
		e.ring.head.Store(head)
		buf = e.Recent(buf[:0], 0)
		oldest := r.first(r.head.Load())
		for _, rec := range buf {
			if rec.N < oldest {
				continue // overwritten since; Recent looks at the same head again
			}
			seen++
			if rec.Due != int64(rec.N)*1000 || rec.Late != time.Duration(rec.N%2000)*unit || rec.Took != rec.Late {
				t.Fatalf("torn: %+v", rec)
			}
		}
	}
	wg.Wait()
	require.Positive(t, seen)
}

// TestRingsAreBounded gives entries beyond the bound a short ring, and takes the
// memory back from those that end.
func TestRingsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 1, Utilisation: -1})
		const each = 240 * 60 * recordWords * 8
		var all []*Entry
		for range MaxRingBytes/each + 1 {
			e := add(t, s, Options{Hz: 240}, idle)
			e.Scale(0)
			all = append(all, e)
		}
		last := len(all) - 1
		require.Len(t, all[last-1].ring.words, each/8)
		require.Len(t, all[last].ring.words, shortRing*recordWords, "one past the bound")
		all[0].Stop()
		e := add(t, s, Options{Hz: 240}, idle)
		require.Len(t, e.ring.words, each/8)
	})
}

// TestGroups adds up the accounts of entries, of those that are gone too.
func TestGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 2, Utilisation: -1})
		for i := range 6 {
			add(t, s, Options{Name: fmt.Sprint(i), Group: []string{"arena", "chess"}[i%2], Hz: 50}, func(tk *Tick) bool {
				tk.Begin(PhaseStep)
				time.Sleep(time.Duration(i%2+1) * ms)
				tk.Count(10, 1)
				return i > 1 || tk.N < 50
			})
		}
		until(s, 10*time.Second-ms)
		all := s.Groups()
		require.Len(t, all, 2)
		a, c := all[0], all[1]
		require.Equal(t, "arena", a.Group)
		require.Equal(t, 2, a.Entries)
		require.InDelta(t, 2*500+50, a.Ticks, 3)
		require.Equal(t, 10*a.Ticks, a.Bytes)
		require.Equal(t, a.Ticks, a.Duration.Count)
		require.Equal(t, time.Duration(a.Ticks)*ms, a.Phases[PhaseStep].Sum) //nolint:gosec // a thousand
		require.InEpsilon(t, 2*ms, c.Duration.P99, 0.07)
		st := s.Stats()
		require.Equal(t, st.Ticks, a.Ticks+c.Ticks)
		require.Equal(t, "chess", s.Entries()[1].Stats().Group)
	})
}

// TestGroupsAreBounded makes one more than there may be.
func TestGroupsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 1, Utilisation: -1})
		for i := range MaxGroups + 2 {
			add(t, s, Options{Group: fmt.Sprint(i), Hz: 1}, idle)
		}
		all := s.Groups()
		require.Len(t, all, MaxGroups+1)
		require.Equal(t, otherGroup, all[MaxGroups].Group)
		require.Equal(t, 2, all[MaxGroups].Entries)
	})
}

// TestCausesAreAddedUp has one entry make another late and looks at all three
// accounts.
func TestCausesAreAddedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtualWith(t, Config{Workers: 1, Utilisation: -1})
		bad := add(t, s, Options{Group: "bad", Hz: 50, Policy: CatchUp{Max: -1}}, func(*Tick) bool { time.Sleep(15 * ms); return true })
		good := add(t, s, Options{Group: "good", Hz: 50}, idle)
		until(s, 10*time.Second)
		g, b := good.Stats().Causes, bad.Stats().Causes
		require.InDelta(t, 500, g.Blames, 3)
		require.InEpsilon(t, 500*5*ms, g.Late[CauseBusy], 0.05)
		require.InEpsilon(t, 500*15*ms, b.Took[CauseBusy], 0.05)
		require.Zero(t, g.Took[CauseBusy])
		require.Equal(t, g, s.Groups()[1].Causes)
		require.Equal(t, g.Blames+b.Blames, s.Stats().Causes.Blames)
	})
}
