package main

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/server/client"
)

// echoes is a server that acknowledges inputs at 60 Hz, unless it is stalled.
type echoes struct {
	bots  []*bot
	asked []atomic.Uint32 // newest input of each bot
	tick  uint32
	start time.Time
	stall func() // before each tick
}

// seatOf is what one bot sends to.
type seatOf struct {
	e *echoes
	i int
}

// Due aims two ticks ahead, as a client's clock would.
func (s seatOf) Due() (last uint32, n int) {
	last = uint32(time.Since(s.e.start)*60/time.Second) + 2
	return last, int(min(last-s.e.asked[s.i].Load(), 4))
}

func (s seatOf) SendInputs(seq, _ uint32, _ uint8, _ ...[]byte) error {
	s.e.asked[s.i].Store(seq)
	return nil
}

func (e *echoes) run(ctx context.Context) {
	for ctx.Err() == nil {
		e.tick++
		time.Sleep(time.Until(e.start.Add(time.Duration(e.tick) * time.Second / 60)))
		e.stall()
		for i, b := range e.bots {
			b.onSnapshot(nil, client.Snapshot{Tick: e.tick, Ack: min(e.asked[i].Load(), e.tick)})
		}
	}
}

// onceASecond returns a function that takes 20 ms the first time it is called in
// each second.
func onceASecond() func() {
	last := time.Now()
	return func() {
		if time.Since(last) >= time.Second {
			last = last.Add(time.Second)
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// A stall of 20 ms in each second is 2 % of the time: whoever stalls, server or
// generator, it has to show in p99.9 of the latency. A generator that waits for
// answers, or times its inputs from when it got to send them, hides it and fails.
func TestAPlantedStallShows(t *testing.T) {
	play := func(t *testing.T, server, generator bool) (latency, lateness quantiles) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			l := &load{o: playCmd{Tick: 60}, epoch: time.Now(), latency: newHistogram(), lateness: newHistogram()}
			e := &echoes{start: time.Now(), asked: make([]atomic.Uint32, 10), stall: func() {}}
			for i := range e.asked {
				l.bots = append(l.bots, &bot{load: l, match: seatOf{e, i}, rng: botRand(i)})
			}
			e.bots = l.bots
			if server {
				e.stall = onceASecond()
			}
			if generator {
				l.stall = onceASecond()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 32*time.Second)
			defer cancel()
			var both sync.WaitGroup
			both.Go(func() { e.run(ctx) })
			both.Go(func() { l.pace(ctx) })
			time.Sleep(2 * time.Second)
			l.measuring.Store(true)
			both.Wait()
			latency, lateness = quantilesOf(l.latency), quantilesOf(l.lateness)
		})
		return latency, lateness
	}
	const ms = 1000
	calm, punctual := play(t, false, false)
	require.Greater(t, calm.Count, int64(10*60*29))
	require.Less(t, calm.P999, int64(40*ms), "a tick or two")
	require.Less(t, punctual.Max, int64(1*ms))

	latency, lateness := play(t, true, false)
	require.GreaterOrEqual(t, latency.P999, calm.P999+15*ms)
	require.Less(t, lateness.Max, int64(1*ms), "it was not the generator")

	latency, lateness = play(t, false, true)
	require.GreaterOrEqual(t, latency.P999, calm.P999+10*ms)
	require.GreaterOrEqual(t, lateness.P999, int64(18*ms))
}
