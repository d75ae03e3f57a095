package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/bench/tape"
	"gameserver/bench/workload"
)

// The table is complete, the same twice, and what was decoded is the scene.
func TestBytesAreCounted(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("without Node there is no @colyseus/schema")
	}
	run := func() bytesReport {
		file := filepath.Join(t.TempDir(), "bytes.json")
		o := bytesCmd{Workloads: []string{"w1@20", "w2"}, Players: 30, Time: time.Second, Colyseus: true, Bands: true, JSON: file}
		require.NoError(t, o.Run(t.Context()))
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var r bytesReport
		require.NoError(t, json.Unmarshal(b, &r))
		return r
	}
	r := run()
	require.Empty(t, r.Notes)
	require.Len(t, r.Rows, 2*(len(tape.Dialects)+2)+1)
	for _, row := range r.Rows {
		require.Positive(t, row.PerSecond, row)
		switch row.Encoding {
		case "json", "naive JSON over Socket.IO":
			require.Zero(t, row.Checked)
		case "@colyseus/schema":
			require.Contains(t, []int{20, 20 * 10, 60 * 20}, row.Checked, row)
		default:
			require.Contains(t, []int{20 * 10, 60 * 20}, row.Checked, row)
		}
	}
	require.Equal(t, r.Rows, run().Rows)
}

// A rival whose client does not see the scene has no figure.
func TestAWrongSceneIsNoticed(t *testing.T) {
	rival, err := openRival(t.Context())
	if err != nil {
		t.Skip(err)
	}
	spec, err := workload.Named("w1", 0, 20)
	require.NoError(t, err)
	f, err := newSceneFile(spec, 5)
	require.NoError(t, err)
	defer f.remove()
	n := 0
	_, err = tape.Record(tape.Options{Spec: spec, Dialect: tape.Msgpack, Snapshots: 5, Sample: sampleMax, Each: func(fr *tape.Frame) error {
		if n++; n == 4 {
			fr.Seats[0].Sum++
		}
		return f.write(fr)
	}})
	require.NoError(t, err)
	_, _, err = rival.measure(t.Context(), f)
	require.ErrorContains(t, err, "checksum")
}

// The naive server's bytes are those of its message, put together as a whole.
func TestNaiveBytes(t *testing.T) {
	spec, err := workload.Named("w1", 0, 20)
	require.NoError(t, err)
	stop := errors.New("enough")
	_, err = tape.Record(tape.Options{Spec: spec, Dialect: tape.Msgpack, Snapshots: 1, Sample: 1, Each: func(f *tape.Frame) error {
		var all []map[string]any
		for i, b := range f.Bodies {
			all = append(all, map[string]any{"id": i + 1, "x": b.X, "y": b.Y, "angle": b.Radians(), "hp": b.HP, "anim": b.Anim})
		}
		text, err := json.Marshal([]any{"snapshot", all})
		require.NoError(t, err)
		require.Equal(t, tape.FrameBytes(len("42/match,")+len(text)), naiveBytes(f))
		return stop
	}})
	require.ErrorIs(t, err, stop)
}

func TestBytesRefuses(t *testing.T) {
	for _, name := range []string{"w9", "w1@7", "w1@x"} {
		require.Error(t, (&bytesCmd{Workloads: []string{name}, Time: time.Second}).Run(t.Context()), name)
	}
	require.Error(t, (&bytesCmd{Time: playMax + 1}).Run(t.Context()))
}
