package tick

import (
	"bytes"
	"runtime/pprof"
	"runtime/trace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		e := add(t, s, Options{Hz: 10}, func(tk *Tick) bool {
			tk.Count(100, 3)
			tk.Count(11, 1)
			tk.Count(-5, -5)
			return true
		})
		until(s, time.Second)
		st := e.Stats()
		require.Equal(t, uint64(1110), st.Bytes)
		require.Equal(t, uint64(40), st.Entities)
		require.Equal(t, st.Counts, s.Stats().Counts)
	})
}

// TestCountAllocs allocates a lot in every other ten ticks.
func TestCountAllocs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		var keep [][]byte
		e := add(t, s, Options{Hz: 10}, func(*Tick) bool {
			keep = keep[:0]
			for range 100 {
				keep = append(keep, make([]byte, 64<<10)) // large ones are counted at once
			}
			return true
		})
		until(s, time.Second)
		require.Zero(t, e.Stats().Allocs)
		e.CountAllocs(true)
		until(s, 2*time.Second)
		st := e.Stats()
		require.GreaterOrEqual(t, st.Allocs, uint64(1000))
		require.GreaterOrEqual(t, st.AllocMem, uint64(1000*64<<10))
		e.CountAllocs(false)
		until(s, 3*time.Second)
		require.Equal(t, st.Allocs, e.Stats().Allocs)
	})
}

// TestLabels looks for the labels in the goroutine profile of a running tick.
func TestLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := virtual(t, 1)
		e := add(t, s, Options{Name: "arena/9f2", Hz: 10}, func(tk *Tick) bool {
			tk.Begin(PhaseInterest)
			time.Sleep(50 * ms)
			return tk.N != 35
		})
		look := func(at time.Duration) string {
			until(s, at+10*ms)
			var out bytes.Buffer
			require.NoError(t, pprof.Lookup("goroutine").WriteTo(&out, 1))
			return out.String()
		}
		require.NotContains(t, look(time.Second), "arena/9f2")
		s.Label(true)
		out := look(2 * time.Second)
		require.Contains(t, out, `"match":"arena/9f2"`)
		require.Contains(t, out, `"phase":"interest"`)
		require.NotContains(t, look(2*time.Second+60*ms), "arena/9f2", "between ticks")
		s.Label(false)
		require.NotContains(t, look(3*time.Second), "arena/9f2")
		<-e.Done()
	})
}

// TestRegions finds the names in an execution trace, also when a tick panics.
func TestRegions(t *testing.T) {
	var out bytes.Buffer
	if err := trace.Start(&out); err != nil {
		t.Skip(err)
	}
	s := New(Config{Workers: 1})
	e := add(t, s, Options{Name: "arena/9f2", Hz: 200, OnPanic: func(any, []byte) {}}, func(tk *Tick) bool {
		tk.Begin(PhaseInput)
		tk.Begin(PhaseSplice)
		if tk.N == 3 {
			panic("planted")
		}
		tk.Begin(NumPhases)
		return true
	})
	<-e.Done()
	require.NoError(t, s.Close(t.Context()))
	trace.Stop()
	for _, name := range []string{"tick arena/9f2", "input", "send"} {
		require.Contains(t, out.String(), name)
	}
	require.False(t, e.tick.marks.on)
}
