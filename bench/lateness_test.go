package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/bench/timing"
)

func TestLatenessTable(t *testing.T) {
	o := latenessCmd{Time: time.Second, Reps: 2, Matches: []int{3}, Hz: 60}
	require.NoError(t, o.check())
	var out bytes.Buffer
	calls := 0
	require.NoError(t, o.table(t.Context(), &out, []string{"a", "b"}, 3, true, func(_ context.Context, method string, n int) (timing.Result, error) {
		calls++
		require.Equal(t, 3, n)
		if method == "b" {
			return timing.Result{Note: "refused"}, nil
		}
		return timing.Result{Late: [][2]int64{{int64(time.Millisecond), 99}, {int64(calls) * 1e6, 1}}, Expected: 100, OnTime: 98, CPU: 0.5}, nil
	}))
	require.Equal(t, 4, calls)
	lines := strings.Split(out.String(), "\n")
	require.Equal(t, []string{"a", "1.000", "1.000", "3.000", "3.000", "98.000%", "50.0%"}, strings.Fields(lines[2]))
	require.Equal(t, []string{"b", "refused"}, strings.Fields(lines[3]))
}

// TestNodeKeepsTime runs the script for a moment.
func TestNodeKeepsTime(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no node")
	}
	o := latenessCmd{Time: 500 * time.Millisecond, Hz: 60}
	for method := range nodeMethods {
		r, err := o.child(t.Context(), method, 2)
		require.NoError(t, err)
		require.InDelta(t, 60, r.Expected, 30)
		n := int64(0)
		for _, b := range r.Late {
			n += b[1]
		}
		require.Equal(t, r.Expected, n)
		require.LessOrEqual(t, r.OnTime, r.Expected)
		_, err = json.Marshal(r)
		require.NoError(t, err)
	}
}

func TestLatenessRefuses(t *testing.T) {
	good := latenessCmd{Time: time.Second, Reps: 1, Matches: []int{1}, Hz: 60}
	for _, change := range []func(*latenessCmd){
		func(o *latenessCmd) { o.Reps = 0 },
		func(o *latenessCmd) { o.Reps = repsMax + 1 },
		func(o *latenessCmd) { o.Time = 0 },
		func(o *latenessCmd) { o.Time = 10 * playMax },
		func(o *latenessCmd) { o.Hz = 241 },
		func(o *latenessCmd) { o.Matches = []int{0} },
		func(o *latenessCmd) { o.Matches = []int{timing.MaxMatches + 1} },
	} {
		o := good
		change(&o)
		require.Error(t, o.check())
	}
	require.NoError(t, good.check())
}

func TestNeighbourTable(t *testing.T) {
	var out bytes.Buffer
	o := neighbourCmd{Matches: 2, Time: 100 * time.Millisecond}
	require.NoError(t, o.table(t.Context(), &out))
	require.Contains(t, out.String(), "loops forever")
	require.Contains(t, out.String(), "allocates 1 GB/s")
}
