//go:build !race

package server

import (
	"context"
	"math"
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

// measure runs through some windows of windowTicks ticks, until there was one
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
// while matches run with clients on real sockets: none at all for the ticks, and
// for each message received the one that gws makes.
func TestTickWithSocketsAllocatesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	a := sail(t)
	snapshots := func() uint64 {
		_, sum := a.matches.census()
		return sum.Snapshots
	}
	for _, mode := range []string{"quiet", "play"} {
		stray := int64(0)
		if mode == "play" {
			stray = strayMallocs
		}
		a.tell(mode)
		sent, best := snapshots(), int64(math.MaxInt64)
		windows := a.measure(t.Context(), stray)
		for _, w := range windows {
			t.Logf("%s: %d steps of %d matches, %d messages received, %d allocations", mode, w.steps, fleets, w.messages, w.mallocs)
			require.Greater(t, w.steps, int64(windowTicks*fleets/2)) // read a moment after its end
			if mode == "play" {
				require.Greater(t, w.messages, int64(windowTicks), "the bots play")
			}
			// A message that was counted in one window may have been made in the other.
			require.LessOrEqual(t, w.beyond(), int64(heartbeatMallocs*botsAll+windowStrays+botsAll))
			best = min(best, w.beyond())
		}
		t.Logf("%s: at best %d beyond one for each message", mode, best)
		require.LessOrEqual(t, best, stray, "a tick or an input allocates")
		require.Greater(t, snapshots()-sent, uint64(botsAll*windowTicks*len(windows)/fleetRate), "everybody is sent snapshots")
	}
	_, sum := a.matches.census()
	require.Zero(t, sum.Bad)
	require.Zero(t, sum.InboxFull)
	require.NotZero(t, sum.Inputs)
}
