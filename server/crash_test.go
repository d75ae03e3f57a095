package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"gameserver/game/match"
	"gameserver/lobby"
	"gameserver/sio/client"
)

// TestCrashFile sinks a boat and reads what was written about it.
func TestCrashFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "crashes")
	h := open(t, Config{CrashDir: dir, Version: "v1.2.3"}, duo())
	a, b := h.arrive("ann", client.Options{}), h.arrive("bob", client.Options{Msgpack: true})
	wa := h.pair(a, b)
	at := a.sees(wa.You, func(float64) bool { return true })
	a.row(at+1, 7)
	a.sees(wa.You, func(x float64) bool { return x > 0 })
	require.NoError(t, a.match.Emit("input", m{"s": at + 100, "v": m{"crash": true}})) // too early: not accepted
	require.NoError(t, a.match.Emit("input", m{"s": at + 2, "v": m{"row": 3, "crash": true}}))
	told := decode[lobby.Failed](t, a.await(a.inLobby, "match:failed"))
	a.leave()
	b.leave()
	h.close() // waits for what is being written

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Contains(t, files[0], wa.Match)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	var f crashFile
	require.NoError(t, json.Unmarshal(raw, &f))
	require.Equal(t, "v1.2.3", strings.Fields(f.Version)[0])
	require.Equal(t, told.Ref, f.Ref)
	require.Equal(t, wa.Match, f.Match)
	require.Equal(t, "pond", f.Game)
	require.NotZero(t, f.Seed)
	require.Equal(t, f.Ref, fmt.Sprintf("%s@%d", f.Match, f.Tick))
	require.Equal(t, "running", f.State)
	require.Equal(t, "the boat sinks", f.What)
	require.Contains(t, f.Stack, "pond).Step")
	require.Equal(t, []crashSeat{{Name: "ann"}, {Name: "bob"}}, f.Seats)
	require.Len(t, f.Inputs, 2)
	require.Equal(t, at+2, f.Inputs[1].S)
	require.Equal(t, f.Tick, f.Inputs[1].Tick)
	require.Zero(t, f.Inputs[1].Seat)
	var in m
	require.NoError(t, msgpack.Unmarshal(f.Inputs[1].Value, &in))
	require.EqualValues(t, 3, in["row"])
	require.Equal(t, true, in["crash"])
}

func report(i int) crashReport {
	return crashReport{crash: &match.Crash{Match: fmt.Sprintf("m%d/../x", i)}, at: time.Unix(int64(i), 0)}
}

// TestCrashFilesAreBounded goes to the bound and one past it.
func TestCrashFilesAreBounded(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "a-note.txt")
	require.NoError(t, os.WriteFile(other, []byte("mine"), 0o600))
	c := &crashes{dir: dir, log: slog.New(slog.DiscardHandler)}
	for i := range MaxCrashFiles {
		c.write(report(i))
	}
	names := func() []string {
		list, err := filepath.Glob(filepath.Join(dir, "crash-*"))
		require.NoError(t, err)
		return list
	}
	require.Len(t, names(), MaxCrashFiles)
	require.Contains(t, names()[0], "-m0____x.json")
	c.write(report(MaxCrashFiles))
	require.Len(t, names(), MaxCrashFiles)
	require.Contains(t, names()[0], "-m1____x.json", "the oldest is gone")
	require.Contains(t, names()[MaxCrashFiles-1], fmt.Sprintf("-m%d____x.json", MaxCrashFiles))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, MaxCrashFiles+1, "nothing half-written, and nothing else touched")
}

// TestCrashQueueIsBounded offers more than the disk takes; nobody waits.
func TestCrashQueueIsBounded(t *testing.T) {
	c := &crashes{dir: t.TempDir(), queue: make(chan crashReport, MaxCrashQueue)} // nobody writes
	for i := range MaxCrashQueue {
		require.True(t, c.offer(report(i)))
	}
	require.False(t, c.offer(report(MaxCrashQueue)))
	off := newCrashes("", "", nil)
	for i := range MaxCrashQueue + 1 {
		require.True(t, off.offer(report(i)), "nothing is written, nothing is refused")
	}
	require.Empty(t, off.queue)
}

func TestCrashTextsAreBounded(t *testing.T) {
	c := &crashes{}
	f := c.encode(crashReport{crash: &match.Crash{
		What: strings.Repeat("w", MaxCrashText), Stack: []byte(strings.Repeat("s", MaxCrashText+1)),
	}})
	require.Len(t, f.What, MaxCrashText)
	require.Len(t, f.Stack, MaxCrashText)
}

// TestCrashFileThatCannotBeWritten leaves nothing behind and breaks nothing.
func TestCrashFileThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c := &crashes{dir: file, log: slog.New(slog.DiscardHandler)}
	_, err := c.save(crashFile{}, "crash-x.json")
	require.Error(t, err)
	c.write(report(1))

	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "crash-x.json"), 0o700))
	c = &crashes{dir: dir}
	_, err = c.save(crashFile{}, "crash-x.json")
	require.Error(t, err)
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
