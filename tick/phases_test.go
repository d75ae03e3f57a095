package tick

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPhasesAddUp spends known times in phases, one of them entered twice, and
// some in none.
func TestPhasesAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		const us = time.Microsecond
		e := add(t, s, Options{Name: "m1", Hz: 10}, func(tk *Tick) bool {
			time.Sleep(10 * us)
			tk.Begin(PhaseInput)
			time.Sleep(20 * us)
			tk.Begin(PhaseStep)
			time.Sleep(40 * us)
			tk.Begin(PhaseInput)
			time.Sleep(80 * us)
			tk.Begin(NumPhases)
			time.Sleep(160 * us)
			tk.Begin(PhaseRecord)
			time.Sleep(time.Duration(tk.N) * us)
			return true
		})
		until(s, 1050*time.Millisecond)
		st := e.Stats()
		require.Equal(t, "m1", st.Name)
		require.Equal(t, 10, st.Hz)
		require.Equal(t, 10*310*us+55*us, st.Duration.Sum)
		want := [NumPhases]PhaseTotal{
			PhaseInput:  {1000 * us, 100 * us},
			PhaseStep:   {400 * us, 40 * us},
			PhaseRecord: {55 * us, 10 * us},
		}
		require.Equal(t, want, st.Phases)
		all := s.Stats()
		for p, w := range want {
			require.Equal(t, w.Sum, all.Phases[p].Sum(), Phase(p))
			require.Equal(t, w.Max, all.Phases[p].Max(), Phase(p))
		}
		require.Equal(t, uint64(10), all.Phases[PhaseInput].Count(), "once per tick")
		require.Zero(t, all.Phases[PhaseWrite].Count())
		require.Equal(t, st.Duration.Sum, all.Duration.Sum())
	})
}

func TestTickWithoutAScheduler(t *testing.T) {
	tk := Tick{N: 1}
	tk.Begin(PhaseStep) // so that a task can be called by hand
	require.Equal(t, Tick{N: 1}, tk)
}

func TestPhaseNames(t *testing.T) {
	seen := map[string]bool{}
	for p := range NumPhases + 1 {
		require.NotEmpty(t, p.String())
		seen[p.String()] = true
	}
	require.Len(t, seen, int(NumPhases)+1)
	require.Equal(t, "other", Phase(200).String())
}

func TestHeavyAndOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		took := []time.Duration{1: 50 * time.Millisecond, 50*time.Millisecond + 1, 100 * time.Millisecond, 100*time.Millisecond + 1}
		e := add(t, s, Options{Hz: 10}, func(tk *Tick) bool {
			time.Sleep(took[tk.N])
			return tk.N < 4
		})
		<-e.Done()
		st := e.Stats()
		require.Equal(t, uint64(3), st.Heavy, "more than half of the period")
		require.Equal(t, uint64(1), st.Overruns, "more than the period")
		require.Equal(t, uint64(2), st.OnTime, "finished before the next was due")
		require.InDelta(t, 0.5, st.OnTimeRatio(), 0)
		require.InDelta(t, 1, Counts{}.OnTimeRatio(), 0)
	})
}
