package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// All servers are measured in turns, deliver, and cost something.
func TestFloorMeasures(t *testing.T) {
	file := filepath.Join(t.TempDir(), "floor.json")
	o := floorCmd{
		Workload: "w1", Dialect: "compact", Bots: 10, Rates: []int{20}, Reps: 2, Time: 500 * time.Millisecond,
		Warmup: 200 * time.Millisecond, Pin: true, JSON: file,
	}
	require.NoError(t, o.Run(t.Context()))
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var r floorReport
	require.NoError(t, json.Unmarshal(b, &r))
	require.Len(t, r.Tables, 1)
	servers := 3
	if _, err := exec.LookPath("cc"); err != nil {
		servers = 2
		require.Contains(t, r.Notes, "no floor in C: there is no cc on this machine")
	}
	require.Len(t, r.Tables[0].Rows, servers)
	for _, row := range r.Tables[0].Rows {
		require.Len(t, row.Runs, 2, row.Server)
		for _, run := range row.Runs {
			require.Positive(t, run.Delivered, row.Server)
		}
	}
}

func TestFrameSize(t *testing.T) {
	for size, head := range map[int][]byte{
		0: {0x82, 0}, 125: {0x82, 125}, 300: {0x82, 126, 1, 44}, 70_000: {0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70},
	} {
		r := bufio.NewReader(bytes.NewReader(append(head, make([]byte, size)...)))
		got, err := frameSize(r)
		require.NoError(t, err)
		require.Equal(t, size, got)
		require.Equal(t, size, func() int { n, _ := r.Discard(size + 1); return n }())
	}
	for _, bad := range [][]byte{{}, {0x82}, {0x82, 126, 1}, {0x82, 128}, {0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0}, {0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1}} {
		_, err := frameSize(bufio.NewReader(bytes.NewReader(bad)))
		require.Error(t, err, bad)
	}
}

func TestFloorRefuses(t *testing.T) {
	good := floorCmd{Bots: 10, Reps: repsMax, Time: playMax, Workload: "w1"}
	require.NoError(t, good.check())
	for _, bad := range []func(*floorCmd){
		func(o *floorCmd) { o.Bots = 0 }, func(o *floorCmd) { o.Reps++ }, func(o *floorCmd) { o.Warmup++ }, func(o *floorCmd) { o.Reps = 0 },
	} {
		o := good
		bad(&o)
		require.Error(t, o.check())
	}
}
