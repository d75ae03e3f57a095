package flight

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	pprofile "github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"gameserver/tick"
)

// task is a tick made of a function.
type task func(t *tick.Tick) bool

func (f task) Tick(t *tick.Tick) bool { return f(t) }

// slowly runs a task at 20 Hz and records it.
func slowly(t *testing.T, d time.Duration, cpu bool, step func(n uint64)) []byte {
	t.Helper()
	s := tick.New(tick.Config{})
	defer func() { require.NoError(t, s.Close(context.Background())) }()
	_, err := s.Add(task(func(tk *tick.Tick) bool {
		tk.Begin(tick.PhaseStep)
		step(tk.N)
		tk.Begin(tick.PhaseEncode)
		return true
	}), tick.Options{Name: "game/one", Hz: 20})
	require.NoError(t, err)
	b, err := Record(t.Context(), d, cpu)
	require.NoError(t, err)
	return b
}

// spin burns processor time.
//
//go:noinline
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		spins++
	}
}

var spins int // by one task at a time

//go:noinline
func guard(mu *sync.Mutex) {
	mu.Lock() // waiting is all it does
	defer mu.Unlock()
}

//go:noinline
func nap() { time.Sleep(20 * time.Millisecond) }

// addsUp holds a profile to its contract.
func addsUp(t *testing.T, p *Profile) {
	t.Helper()
	var sum time.Duration
	for _, r := range p.Rows {
		require.GreaterOrEqual(t, r.Time, time.Duration(0))
		sum += r.Time
	}
	require.InDelta(t, float64(p.Total), float64(sum), float64(len(p.Rows)+1), "the rows add up to the slow ticks")
}

func text(t *testing.T, p *Profile) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, p.WriteText(&b, 10))
	return b.String()
}

// find returns the row in which most time was spent in a function.
func find(t *testing.T, p *Profile, fn string) Row {
	t.Helper()
	for _, r := range p.Rows {
		if f, ok := guilty(r.Stack); ok && strings.HasSuffix(f.Func, fn) {
			return r
		}
	}
	t.Fatalf("no row for %s in\n%s", fn, text(t, p))
	return Row{}
}

func TestOnlySlowTicks(t *testing.T) {
	b := slowly(t, 1500*time.Millisecond, true, func(n uint64) {
		if n%4 == 0 {
			spin(30 * time.Millisecond)
		}
	})
	p, err := Read(bytes.NewReader(b), 10*time.Millisecond)
	require.NoError(t, err)
	require.GreaterOrEqual(t, p.Slow, 3)
	require.Greater(t, p.Ticks, p.Slow)
	require.Equal(t, "game/one", p.Worst.Entry)
	require.NotZero(t, p.Samples)
	addsUp(t, p)
	row := find(t, p, "spin")
	require.Equal(t, running, row.State)
	require.Equal(t, "step", row.Phase)
	require.Equal(t, "game/one", row.Entry)

	all, err := Read(bytes.NewReader(b), 0)
	require.NoError(t, err)
	require.Equal(t, all.Ticks, all.Slow)
	addsUp(t, all)

	none, err := Read(bytes.NewReader(b), time.Hour)
	require.NoError(t, err)
	require.Zero(t, none.Slow)
	require.Empty(t, none.Rows)
	require.Contains(t, text(t, none), "0 of ")
}

func TestWaitsNameBothSides(t *testing.T) {
	var mu sync.Mutex
	holder := make(chan struct{})
	go func() {
		for range holder {
			mu.Lock()
			holder <- struct{}{}
			time.Sleep(20 * time.Millisecond)
			release(&mu)
		}
	}()
	defer close(holder)
	b := slowly(t, 600*time.Millisecond, false, func(n uint64) {
		if n%3 == 0 {
			holder <- struct{}{}
			<-holder
			guard(&mu)
		}
	})
	p, err := Read(bytes.NewReader(b), 10*time.Millisecond)
	require.NoError(t, err)
	require.NotZero(t, p.Slow)
	addsUp(t, p)
	row := find(t, p, "guard")
	require.Contains(t, row.State, waiting)
	require.Contains(t, row.WokenBy, "flight.release flight/read_test.go:")
	require.Contains(t, text(t, p), "woken by gameserver/server/flight.release")
	require.Contains(t, text(t, p), "the CPU profiler was off")
}

//go:noinline
func release(mu *sync.Mutex) { mu.Unlock() }

func TestSleepInAStep(t *testing.T) {
	b := slowly(t, 400*time.Millisecond, false, func(uint64) { nap() })
	p, err := Read(bytes.NewReader(b), 10*time.Millisecond)
	require.NoError(t, err)
	addsUp(t, p)
	row := find(t, p, "nap")
	require.Equal(t, waiting+"sleep", row.State)
	require.InDelta(t, float64(p.Total), float64(row.Time), float64(p.Total)/2)
}

// What a trace of the flight recorder holds can be read as well, and the regions
// carry the words of package tick.
func TestSnapshotSpeaksOfMatchesAndPhases(t *testing.T) {
	r, err := New(Config{Dir: t.TempDir()})
	require.NoError(t, err)
	defer r.Close()
	require.True(t, r.Stats().Running, r.Stats().Problem)
	s := tick.New(tick.Config{})
	defer s.Close(context.Background())
	done := make(chan struct{})
	_, err = s.Add(task(func(tk *tick.Tick) bool {
		tk.Begin(tick.PhaseInput)
		tk.Begin(tick.PhaseStep)
		nap()
		if tk.N == 5 {
			close(done)
			return false
		}
		return true
	}), tick.Options{Name: "game/two", Hz: 20})
	require.NoError(t, err)
	<-done
	b, err := r.Snapshot()
	require.NoError(t, err)
	p, err := Read(bytes.NewReader(b), 10*time.Millisecond)
	require.NoError(t, err)
	require.GreaterOrEqual(t, p.Slow, 4)
	row := find(t, p, "nap")
	require.Equal(t, "game/two", row.Entry)
	require.Equal(t, "step", row.Phase)
}

func TestPprof(t *testing.T) {
	b := slowly(t, 300*time.Millisecond, false, func(uint64) { nap() })
	p, err := Read(bytes.NewReader(b), time.Millisecond)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, p.WritePprof(&out))
	pp, err := pprofile.Parse(&out)
	require.NoError(t, err)
	require.NoError(t, pp.CheckValid())
	i, err := pp.SampleIndexByName("tick")
	require.NoError(t, err)
	sum, named := int64(0), false
	for _, s := range pp.Sample {
		sum += s.Value[i]
		require.Equal(t, []string{"game/one"}, s.Label["match"])
		for _, l := range s.Location {
			named = named || strings.HasSuffix(l.Line[0].Function.Name, "flight.nap")
		}
	}
	require.True(t, named)
	require.InDelta(t, float64(p.Total), float64(sum), float64(len(pp.Sample)+1))
}

func TestRecordBounds(t *testing.T) {
	for _, d := range []time.Duration{0, -1, MaxRecord + 1} {
		_, err := Record(t.Context(), d, false)
		require.ErrorContains(t, err, "up to")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b, err := Record(ctx, MaxRecord, true)
	require.NoError(t, err, "whoever leaves ends it")
	_, err = Read(bytes.NewReader(b), 0)
	require.NoError(t, err)

	recording.Lock()
	_, err = Record(t.Context(), time.Second, false)
	recording.Unlock()
	require.ErrorIs(t, err, ErrBusy)
}

func TestTapeEndsAtItsBound(t *testing.T) {
	tp := &tape{full: make(chan struct{})}
	_, _ = tp.Write(make([]byte, MaxTraceBytes))
	select {
	case <-tp.full:
		t.Fatal("full at the bound")
	default:
	}
	_, _ = tp.Write([]byte{1})
	<-tp.full
	require.Equal(t, MaxTraceBytes+1, tp.b.Len(), "what the runtime flushes is taken whole")
}

func TestGuilty(t *testing.T) {
	std := Frame{Func: "sync.(*Mutex).Lock", File: "/usr/local/go/src/sync/mutex.go", Line: 1}
	linked := Frame{Func: "sync.runtime_Semrelease", File: "/usr/local/go/src/runtime/sema.go"}
	deep := Frame{Func: "encoding/json.Marshal", File: "/usr/local/go/src/encoding/json/encode.go", Line: 2}
	trimmed := Frame{Func: "time.Sleep", File: "time/sleep.go"}
	for _, mine := range []Frame{
		{Func: "main.(*game).Step", File: "/home/me/game/main.go", Line: 3},
		{Func: "example.com/game/world.Walk", File: "/home/me/world/walk.go"},
		{Func: "mygame/world.Walk[...]", File: "/home/me/src/mygame/world/walk.go"},
		{Func: "mygame.Walk", File: "/home/me/src/mygame/walk.go"},
		{Func: "gameserver/game/arena.Step", File: "gameserver/game/arena/step.go"},
	} {
		f, ok := guilty([]Frame{trimmed, linked, std, deep, mine, std})
		require.True(t, ok)
		require.Equal(t, mine, f)
	}
	_, ok := guilty([]Frame{linked, std, deep, trimmed})
	require.False(t, ok)
	require.Equal(t, "sync.(*Mutex).Lock sync/mutex.go:1", std.String())
	require.Equal(t, "f x.go:1", Frame{Func: "f", File: "x.go", Line: 1}.String())
}

func TestReadRefusesWhatIsNoTrace(t *testing.T) {
	for _, b := range []string{"", "hello", "go 1.25 trace\x00\x00\x00", "go 1.25 trace\x00\x00\x00\xff\xff\xff"} {
		_, err := Read(strings.NewReader(b), 0)
		if b == "go 1.25 trace\x00\x00\x00" {
			continue // an empty trace is one
		}
		require.Error(t, err, b)
	}
}

func FuzzRead(f *testing.F) {
	seed, err := os.ReadFile("testdata/small.trace")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Add([]byte("go 1.26 trace\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Read(bytes.NewReader(b), time.Microsecond)
		if err != nil {
			return
		}
		require.NoError(t, p.WriteText(io.Discard, 5))
		require.NoError(t, p.WritePprof(io.Discard))
	})
}
