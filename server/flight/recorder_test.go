package flight

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/tick"
)

// box is a source with something in it.
type box struct {
	data    []byte
	fail    error
	started int
	stopped int
	gate    chan struct{} // WriteTo waits for it; nil: it does not
}

func (b *box) Start() error { b.started++; return b.fail }
func (b *box) Stop()        { b.stopped++ }
func (b *box) WriteTo(w io.Writer) (int64, error) {
	if b.gate != nil {
		<-b.gate
	}
	n, err := w.Write(b.data)
	return int64(n), err
}

// open makes a recorder in a fresh folder, or in that of c.
func open(t *testing.T, c Config) *Recorder {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if c.source == nil {
		c.source = &box{data: []byte("trace")}
	}
	r, err := New(c)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

// late is a tick that began two periods late.
func late(entry string, n uint64) tick.Blame {
	b := tick.Blame{Entry: entry, N: n, Length: 16 * time.Millisecond, Late: 32 * time.Millisecond}
	b.LateParts[tick.CauseGC] = b.Late
	return b
}

func read(t *testing.T, r *Recorder, file string) string {
	t.Helper()
	f, err := r.Open(file)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

func TestLateTickIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ticks := []tick.Record{{N: 6, Took: 2, Phases: [tick.NumPhases + 1]time.Duration{tick.PhaseStep: 2}}, {N: 7}}
		r := open(t, Config{Ticks: func(entry string) []tick.Record {
			require.Equal(t, "arena/ä../7", entry)
			return ticks
		}})
		r.Blame(late("arena/ä../7", 7))
		synctest.Wait()

		list := r.List()
		require.Len(t, list, 1)
		s := list[0]
		require.Equal(t, "20000101T000000.000000000Z-late-arena_____7", s.Name)
		require.Equal(t, Late, s.Why)
		require.Equal(t, "late 32.0 ms = gc 32.0", s.Blame)
		require.EqualValues(t, 5, s.TraceBytes)
		require.Equal(t, "trace", read(t, r, s.Name+TraceExt))

		var h Head
		require.NoError(t, json.Unmarshal([]byte(read(t, r, s.Name+HeadExt)), &h))
		require.Equal(t, s, h.Save)
		require.Equal(t, []TickLine{{N: 6, Took: 2, Phases: map[string]time.Duration{"step": 2}}, {N: 7}}, h.Ticks)
		require.Equal(t, Stats{Running: true, Saved: 1}, r.Stats())
	})
}

func TestThreshold(t *testing.T) {
	const period = 16 * time.Millisecond
	for _, c := range []struct {
		over, late, took time.Duration
		want             Why
	}{
		{0, period, 0, ""},
		{0, period + 1, 0, Late},
		{0, 0, period, ""},
		{0, 0, period + 1, Long},
		{0, period + 1, period + 1, Late},
		{4 * time.Millisecond, 4 * time.Millisecond, 4 * time.Millisecond, ""},
		{4 * time.Millisecond, 4*time.Millisecond + 1, 0, Late},
		{4 * time.Millisecond, 0, 4*time.Millisecond + 1, Long},
		{40 * time.Millisecond, period + 1, period + 1, ""},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := open(t, Config{Over: c.over})
				r.Blame(tick.Blame{Entry: "m", Length: period, Late: c.late, Took: c.took})
				synctest.Wait()
				if c.want == "" {
					require.Empty(t, r.List())
					return
				}
				require.Len(t, r.List(), 1)
				require.Equal(t, c.want, r.List()[0].Why)
			})
		})
	}
}

func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		for range 1000 {
			r.Blame(late("m", 1))
		}
		synctest.Wait()
		require.EqualValues(t, 1, r.Stats().Saved)
		require.EqualValues(t, 999, r.Stats().Suppressed)

		time.Sleep(DefaultEvery - 1)
		r.Blame(late("m", 2))
		synctest.Wait()
		require.EqualValues(t, 1, r.Stats().Saved)

		time.Sleep(time.Nanosecond)
		r.Blame(late("m", 3))
		synctest.Wait()
		require.EqualValues(t, 2, r.Stats().Saved)
		require.EqualValues(t, 3, r.List()[0].Tick)
		require.EqualValues(t, 1000, r.List()[0].Suppressed, "the next save says how many had none of their own")
	})
}

func TestWorseTickIsSavedSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		after := func(d time.Duration) uint64 {
			r.Blame(tick.Blame{Entry: "m", Length: time.Millisecond, Took: d})
			synctest.Wait()
			time.Sleep(time.Microsecond)
			return r.Stats().Saved
		}
		require.EqualValues(t, 1, after(10*time.Millisecond))
		require.EqualValues(t, 1, after(20*time.Millisecond))
		require.EqualValues(t, 2, after(20*time.Millisecond+1), "more than twice as bad")
		require.EqualValues(t, 2, after(40*time.Millisecond))
		time.Sleep(DefaultEvery)
		require.EqualValues(t, 3, after(10*time.Millisecond))
		require.EqualValues(t, 4, after(21*time.Millisecond), "as the last one was, not the worst ever")
	})
}

func TestStuckTickIsSavedEvenRightAfterALateOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{})
		r.Blame(late("m", 1))
		r.Stuck("m", []byte("goroutine 7 [running]:\n"+strings.Repeat("x", MaxText)))
		r.Stuck("n", []byte("goroutine 8 [running]:"))
		synctest.Wait()
		list := r.List()
		require.Len(t, list, 2)
		var h Head
		name := "20000101T000000.000000000Z-stuck-m"
		require.NoError(t, json.Unmarshal([]byte(read(t, r, name+HeadExt)), &h))
		require.Len(t, h.Stack, MaxText)
		require.True(t, strings.HasPrefix(h.Stack, "goroutine 7 [running]:"))
		require.EqualValues(t, 1, r.Stats().Suppressed, "the second one that was stuck")
	})
}

func TestFolderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Config{Saves: 3})
		for n := range uint64(5) {
			r.Blame(late("m", n+1))
			synctest.Wait()
			time.Sleep(DefaultEvery)
			require.Len(t, r.List(), int(min(n+1, 3)))
		}
		require.EqualValues(t, 5, r.List()[0].Tick)
		require.EqualValues(t, 3, r.List()[2].Tick)
		files, err := os.ReadDir(r.conf.Dir)
		require.NoError(t, err)
		require.Len(t, files, 6)
	})
}

func TestFolderIsBoundedInBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const trace = 1 << 20
		size := func(r *Recorder) (sum int64) {
			files, err := os.ReadDir(r.conf.Dir)
			require.NoError(t, err)
			for _, f := range files {
				info, err := f.Info()
				require.NoError(t, err)
				sum += info.Size()
			}
			return sum
		}
		probe := open(t, Config{source: &box{data: make([]byte, trace)}})
		probe.Blame(late("m", 1))
		synctest.Wait()
		one := size(probe)

		r := open(t, Config{source: &box{data: make([]byte, trace)}, Bytes: 2 * one})
		for n := range uint64(4) {
			r.Blame(late("m", n+1))
			synctest.Wait()
			time.Sleep(DefaultEvery)
		}
		// Later heads say how long ago nothing: they are as long as the first.
		require.Len(t, r.List(), 2, "exactly as many as fit")
		require.LessOrEqual(t, size(r), 2*one)

		small := open(t, Config{source: &box{data: make([]byte, trace)}, Bytes: one - 1})
		small.Blame(late("m", 1))
		synctest.Wait()
		require.Empty(t, small.List())
		require.EqualValues(t, 1, small.Stats().Failed)
		require.Equal(t, ErrTooLarge.Error(), small.Stats().Problem)
	})
}

func TestWindowIsBounded(t *testing.T) {
	r := open(t, Config{source: &box{data: make([]byte, MaxTraceBytes)}})
	b, err := r.Snapshot()
	require.NoError(t, err)
	require.Len(t, b, MaxTraceBytes)
	r = open(t, Config{source: &box{data: make([]byte, MaxTraceBytes+1)}})
	_, err = r.Snapshot()
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := open(t, Config{Every: time.Nanosecond, source: &box{data: []byte("x"), gate: gate}})
		for n := range uint64(1 + MaxQueue + 2) { // one is being written
			r.Blame(late("m", n+1))
			synctest.Wait()
			time.Sleep(time.Nanosecond)
		}
		require.EqualValues(t, 2, r.Stats().QueueFull)
		close(gate)
		synctest.Wait()
		require.Len(t, r.List(), 1+MaxQueue)
	})
}

func TestCloseDropsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		source := &box{data: []byte("x"), gate: gate}
		r := open(t, Config{Every: time.Nanosecond, source: source})
		for n := range uint64(3) {
			r.Blame(late("m", n+1))
			synctest.Wait()
			time.Sleep(time.Nanosecond)
		}
		go r.Close()
		synctest.Wait()
		close(gate)
		synctest.Wait()
		require.EqualValues(t, 1, r.Stats().Saved)
		require.EqualValues(t, 2, r.Stats().Dropped)
		require.Equal(t, 1, source.stopped)
		r.Close()
		require.Equal(t, 1, source.stopped)
		_, err := r.Snapshot()
		require.ErrorIs(t, err, ErrOff)
	})
}

func TestOneSnapshotAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		r := open(t, Config{source: &box{data: []byte("x"), gate: gate}})
		go func() { _, _ = r.Snapshot() }()
		synctest.Wait()
		_, err := r.Snapshot()
		require.ErrorIs(t, err, ErrBusy)
		close(gate)
		synctest.Wait()
		_, err = r.Snapshot()
		require.NoError(t, err)
	})
}

// A disk that is full, or a folder that is none any more, is counted and costs
// the save only.
func TestDiskTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "traces")
		r := open(t, Config{Dir: dir})
		require.NoError(t, os.Remove(dir))
		require.NoError(t, os.WriteFile(dir, nil, 0o600))
		r.Blame(late("m", 1))
		synctest.Wait()
		require.EqualValues(t, 1, r.Stats().Failed)
		require.Contains(t, r.Stats().Problem, "traces")
		require.Empty(t, r.List())

		// It is made again when somebody has tidied it away.
		require.NoError(t, os.Remove(dir))
		time.Sleep(DefaultEvery)
		r.Blame(late("m", 2))
		synctest.Wait()
		require.Len(t, r.List(), 1)
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, files, 2, "no half-written file is left")
	})
}

func TestHeadWithoutTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &box{fail: errors.New("tracing is taken")}
		r := open(t, Config{source: source})
		require.Equal(t, Stats{Problem: "tracing is taken"}, r.Stats())
		r.Blame(late("m", 1))
		synctest.Wait()
		require.Len(t, r.List(), 1)
		require.Zero(t, r.List()[0].TraceBytes)
		require.Equal(t, ErrOff.Error(), r.List()[0].Problem)
		_, err := r.Open(r.List()[0].Name + TraceExt)
		require.ErrorIs(t, err, fs.ErrNotExist)
		r.Close()
		require.Zero(t, source.stopped)
	})
}

// A process that has no time to spare gets all of it.
func TestRecorderPausesWhileTheProcessIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Value
		source := &box{data: []byte("x")}
		r := open(t, Config{source: source, Busy: func() float64 { return busy.Load().(float64) }})
		after := func(share float64) Stats {
			busy.Store(share)
			time.Sleep(lookEvery)
			synctest.Wait()
			return r.Stats()
		}
		require.True(t, after(PauseAbove).Running, "at the bound")
		require.Equal(t, Stats{Paused: true}, after(PauseAbove+0.01))
		require.Equal(t, 1, source.stopped)
		_, err := r.Snapshot()
		require.ErrorIs(t, err, ErrPaused)
		r.Blame(late("m", 1))
		synctest.Wait()
		require.Equal(t, ErrPaused.Error(), r.List()[0].Problem, "what is known without a trace is saved")

		require.True(t, after(resumeBelow).Paused, "not to and fro")
		require.True(t, after(resumeBelow-0.01).Running)
		require.Equal(t, 2, source.started)
		_, err = r.Snapshot()
		require.NoError(t, err)

		after(1)
		r.taking.Lock()
		source.fail = errors.New("taken")
		r.taking.Unlock()
		st := after(0)
		require.False(t, st.Running)
		require.Equal(t, "taken", st.Problem)
		r.Close()
		require.Equal(t, 2, source.stopped, "what does not run is not stopped")
	})
}

func TestSavesOutliveTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := open(t, Config{Dir: dir})
		first.Blame(late("m", 1))
		synctest.Wait()
		first.Close()
		saved := first.List()

		// What is not one of its saves is neither listed nor removed.
		foreign := filepath.Join(dir, "notes.json")
		require.NoError(t, os.WriteFile(foreign, []byte("{}"), 0o600))
		broken := filepath.Join(dir, "19990101T000000.000000000Z-late-m.json")
		require.NoError(t, os.WriteFile(broken, []byte("{"), 0o600))
		other := filepath.Join(dir, "19990102T000000.000000000Z-late-m.json")
		require.NoError(t, os.WriteFile(other, []byte(`{"name":"../../etc/passwd"}`), 0o600))
		huge := filepath.Join(dir, "19990103T000000.000000000Z-late-m.json")
		require.NoError(t, os.WriteFile(huge, make([]byte, MaxHeadBytes+1), 0o600))

		second := open(t, Config{Dir: dir})
		require.Equal(t, saved, second.List())
		third := open(t, Config{Dir: dir, Saves: 1})
		require.Equal(t, saved, third.List(), "the oldest go, broken ones too")
		require.FileExists(t, foreign)
		require.NoFileExists(t, broken)
		require.NoFileExists(t, huge)
	})
}

func TestOpenTakesOnlyNamesOfSaves(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.trace")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	r := open(t, Config{Dir: filepath.Join(dir, "traces")})
	const good = "20000101T000000.000000000Z-late-m"
	inside := filepath.Join(dir, "traces")
	require.NoError(t, os.WriteFile(filepath.Join(inside, "secret.trace"), []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(secret, filepath.Join(inside, good+TraceExt)))
	require.NoError(t, os.Mkdir(filepath.Join(inside, good+HeadExt), 0o700))
	for _, name := range []string{
		"", ".", "..", "/", "secret.trace", "../secret.trace", "/etc/passwd", good, good + TraceExt + "/",
		good + TraceExt, // a link that leads outside
		good + HeadExt,  // a folder
		good + ".trace\x00", "./" + good + TraceExt, good + "/../secret.trace", good + ".exe",
		"20000101T000000.000000000Z-late-../../secret.trace", `20000101T000000.000000000Z-late-..\secret.trace`,
	} {
		_, err := r.Open(name)
		require.Error(t, err, name)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("20000101T000000.000000000Z-late-m.trace")
	f.Add("../20000101T000000.000000000Z-late-m.trace")
	f.Add("20000101T000000.000000000Z-late-m/../../x.json")
	f.Fuzz(func(t *testing.T, file string) {
		if name, ok := base(file); ok {
			require.True(t, filepath.IsLocal(file))
			require.Equal(t, file, filepath.Base(file))
			require.LessOrEqual(t, len(name), 128)
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add([]byte(`{"name":"x","time":"2000-01-01T00:00:00Z","why":"late","entry":"m","lateNs":1,"traceBytes":5}`))
	f.Add([]byte(`{"name":"x","ticks":[{"n":1,"phasesNs":{"step":2}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := parseHead(b, "x"); err == nil {
			require.Equal(t, "x", h.Name)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []Config{
		{},
		{Dir: dir, Saves: -1},
		{Dir: dir, Saves: MaxSaves + 1},
		{Dir: dir, Window: -1},
		{Dir: dir, Over: -1},
		{Dir: dir, Every: -1},
		{Dir: dir, Bytes: -1},
		{Dir: dir, WindowBytes: -1},
	} {
		c.source = &box{}
		_, err := New(c)
		require.Error(t, err)
	}
	open(t, Config{Saves: MaxSaves})
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := New(Config{Dir: file, source: &box{}})
	require.Error(t, err)
}

// Blame is called between ticks: it must cost them nothing.
func TestBlameDoesNotAllocate(t *testing.T) {
	r := open(t, Config{Every: time.Hour})
	b := late("m", 1)
	require.Zero(t, testing.AllocsPerRun(100, func() { r.Blame(b) }))
}
