//go:build !race

package server

import (
	"context"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	windowsLeast = 3
	windowsMost  = 12
	// heartbeatMallocs bounds what one ping and its pong allocate, the pong being
	// a message that gws makes. Each connection has one in ten seconds, so there
	// are windows without any.
	heartbeatMallocs = 2
	// strayMallocs bounds what the runtime allocates for itself in the best window,
	// such as for the first goroutine that waits for a mutex on its thread, and
	// windowStrays in any: the lists of late ticks grow on a busy machine.
	strayMallocs = 4
	windowStrays = 64
)

// reading is the state of some counters of the process.
type reading struct {
	mem             runtime.MemStats
	steps, messages int64
}

// measured is what happened in one window.
type measured struct {
	mallocs, steps, messages int64
}

// beyond is what was allocated beyond one for each message.
func (m measured) beyond() int64 { return m.mallocs - m.messages }

// measure runs through some windows of plan.Ticks ticks, until there was one
// with no more than stray allocations beyond those for messages. Nothing but the
// server runs in this process meanwhile, and this goroutine allocates nothing.
// The collector is off, because it empties the pools.
func (a *armada) measure(ctx context.Context, stray int64) []measured {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	list := make([]measured, windowsMost)
	found := false
	var before, after reading
	io := a.io.Engine()
	read := func(r *reading) {
		r.messages, r.steps = io.Stats().PacketsIn, a.pace.steps.Load()
		runtime.ReadMemStats(&r.mem)
	}
	a.pace.wait(ctx) // the rest of a window, and a whole one to fill the pools
	a.pace.wait(ctx)
	read(&before)
	for i := range list {
		a.pace.wait(ctx)
		read(&after)
		list[i] = measured{
			mallocs:  int64(after.mem.Mallocs - before.mem.Mallocs), //nolint:gosec // a count of seconds
			steps:    after.steps - before.steps,
			messages: after.messages - before.messages,
		}
		before = after
		found = found || list[i].beyond() <= stray
		if found && i+1 >= windowsLeast {
			return list[:i+1]
		}
	}
	return list
}

// TestTickWithSocketsAllocatesNothing counts every allocation of the process
// while matches run with clients on real sockets, of both parsers and both
// dialects: none at all for the ticks, and for each message received the one that
// gws makes.
func TestTickWithSocketsAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	a := sail(t, plan{Bots: 18, Size: 6, Rate: 240, Inputs: 60, Ticks: 600})
	for _, mode := range []string{"quiet", "play"} {
		stray := int64(0)
		if mode == "play" {
			stray = strayMallocs
		}
		windows := a.watch(mode, stray)
		best := int64(math.MaxInt64)
		for _, w := range windows {
			// A message that was counted in one window may have been made in the other.
			require.LessOrEqual(t, w.beyond(), int64(heartbeatMallocs*a.plan.Bots+windowStrays+a.plan.Bots))
			best = min(best, w.beyond())
		}
		t.Logf("%s: at best %d beyond one for each message", mode, best)
		require.LessOrEqual(t, best, stray, "a tick or an input allocates")
	}
	a.unharmed()
}

// TestTickOfAHundredAllocatesNothing does the same for a match of a hundred, and
// with CROWD for ten of them.
func TestTickOfAHundredAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	plan := plan{Bots: 100, Size: 100, Rate: 60, Inputs: 20, Ticks: 120}
	if os.Getenv("CROWD") != "" {
		plan.Bots, plan.Rate, plan.Inputs = 1000, 20, 10
	}
	a := sail(t, plan)
	for _, mode := range []string{"quiet", "play"} {
		best := int64(math.MaxInt64)
		for _, w := range a.watch(mode, strayMallocs) {
			best = min(best, w.beyond())
		}
		t.Logf("%s: at best %d beyond one for each message", mode, best)
		require.LessOrEqual(t, best, int64(strayMallocs), "a tick or an input allocates")
	}
	a.unharmed()
}

// watch puts the bots into a mode and measures.
func (a *armada) watch(mode string, stray int64) []measured {
	a.t.Helper()
	a.tell(mode)
	_, before := a.matches.census()
	windows := a.measure(a.t.Context(), stray)
	for _, w := range windows {
		a.t.Logf("%s: %d steps of %d matches, %d messages received, %d allocations", mode, w.steps, a.plan.fleets(), w.messages, w.mallocs)
		require.Greater(a.t, w.steps, int64(a.plan.Ticks*a.plan.fleets()/2)) // read a moment after its end
		if mode == "play" {
			require.Greater(a.t, w.messages, int64(a.plan.Ticks), "the bots play")
		}
	}
	_, after := a.matches.census()
	require.Greater(a.t, after.Snapshots-before.Snapshots, uint64(a.plan.Bots*a.plan.Ticks*len(windows)/a.plan.Rate), "everybody is sent snapshots")
	return windows
}

// unharmed requires that the bots could play.
func (a *armada) unharmed() {
	a.t.Helper()
	_, sum := a.matches.census()
	require.Zero(a.t, sum.Bad)
	require.Zero(a.t, sum.InboxFull)
	require.NotZero(a.t, sum.Inputs)
}
