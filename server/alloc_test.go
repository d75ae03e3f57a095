//go:build !race

package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	windowsMeasured = 4
	// heartbeatMallocs bounds what one ping and its pong allocate, the pong being
	// a message that gws makes. Each connection has one in ten seconds, so there
	// are windows without any.
	heartbeatMallocs = 6
	// strayMallocs bounds what the runtime allocates for itself now and then, such
	// as for the first goroutine that waits for a mutex on its thread.
	strayMallocs = 4
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

// measure runs through some windows of windowTicks ticks. Nothing but the server
// runs in this process meanwhile, and this goroutine allocates nothing. The
// collector is off, because it empties the pools.
func (a *armada) measure(ctx context.Context) []measured {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	list := make([]measured, windowsMeasured)
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
	const most = heartbeatMallocs*botsAll + strayMallocs
	for _, mode := range []string{"quiet", "play"} {
		a.tell(mode)
		sent := snapshots()
		best := int64(most)
		for _, w := range a.measure(t.Context()) {
			t.Logf("%s: %d steps of %d matches, %d messages received, %d allocations", mode, w.steps, fleets, w.messages, w.mallocs)
			require.Greater(t, w.steps, int64(windowTicks*fleets/2)) // read a moment after its end
			if mode == "play" {
				require.Greater(t, w.messages, int64(windowTicks), "the bots play")
			}
			// A message that was counted in one window may have been made in the other.
			require.LessOrEqual(t, w.mallocs-w.messages, int64(most+botsAll))
			best = min(best, w.mallocs-w.messages)
		}
		t.Logf("%s: beyond one for each message: %d", mode, best)
		if mode == "quiet" {
			require.Zero(t, best, "a tick allocates")
		} else {
			require.LessOrEqual(t, best, int64(strayMallocs), "an input allocates more than gws's message")
		}
		require.Greater(t, snapshots()-sent, uint64(botsAll*windowTicks*windowsMeasured/fleetRate), "everybody is sent snapshots")
	}
	_, sum := a.matches.census()
	require.Zero(t, sum.Bad)
	require.Zero(t, sum.InboxFull)
	require.NotZero(t, sum.Inputs)
}
