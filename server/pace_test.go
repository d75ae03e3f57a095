package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
	"gameserver/game"
	"gameserver/game/match"
	"gameserver/lobby"
	"gameserver/server/client"
)

// TestWhoSeesNothingNewIsHeldBackAndClosed has a player in virtual time who reads
// and plays, but names the same tick for ever.
func TestWhoSeesNothingNewIsHeldBackAndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{QueueFill: time.Hour, Workers: 1})
		game.Register(s, "pond", func() *pond { return &pond{} }, game.Rules{Players: game.Between(1, 1), Countdown: -1})
		p := &pageServer{t: t, ln: enginetest.NewListener()}
		done := make(chan error, 1)
		go func() { done <- s.Serve(p.ln) }()
		defer func() {
			require.NoError(t, s.Shutdown(context.Background()))
			require.NoError(t, <-done)
		}()
		r := p.raw()
		r.join(lobbyNamespace, true, m{"name": "ann"})
		r.emit(lobbyNamespace, "queue:join", true, m{"queue": "pond"})
		var f lobby.Found
		r.await(lobbyNamespace, "match:found").into(t, &f)
		r.join(lobby.MatchNamespace, true, m{"seat": f.Seat.Token})
		var w welcome
		r.await(lobby.MatchNamespace, "welcome").into(t, &w)

		var first, last snapshot
		var code, got int
		begin, over := time.Now(), make(chan struct{})
		for code == 0 {
			pkt, err := r.next()
			var closed *enginetest.CloseError
			if errors.As(err, &closed) {
				code = closed.Code
				break
			}
			require.NoError(t, err)
			if pkt.name == "snapshot" {
				pkt.into(t, &last)
				got++
			}
			if first.T == 0 && last.T > 0 {
				first = last
				go r.playOn(w.Tick, first.T, begin, over)
			}
		}
		close(over)
		synctest.Wait()
		require.Equal(t, 4010, code)
		passed := time.Since(begin)
		require.Greater(t, passed, match.PaceGiveUp*time.Second)
		require.Less(t, passed, 15*time.Second)
		require.LessOrEqual(t, got, 8+15, "a few, then one a second")
		require.Greater(t, last.T, first.T+60*10, "the last of which was fresh")

		// The seat is held, and a full snapshot waits in it.
		again := p.raw()
		again.join(lobby.MatchNamespace, true, m{"seat": w.Resume})
		var back snapshot
		again.await(lobby.MatchNamespace, "snapshot").into(t, &back)
		require.Zero(t, back.B)
		require.NotEmpty(t, back.E)
		_ = again.Close()
	})
}

// playOn sends an input a tick that names the same one as seen, until it is over.
func (r *raw) playOn(tick, seen uint32, begin time.Time, over <-chan struct{}) {
	ticks := time.NewTicker(time.Second / 60)
	defer ticks.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticks.C:
		}
		aim := tick + uint32(time.Since(begin)*60/time.Second) + 2 //nolint:gosec // small
		r.emit(lobby.MatchNamespace, "input", true, m{"s": aim, "k": seen, "v": m{}})
	}
}

// TestStalledPlayerIsGivenFreshSnapshots stops reading real bytes for a while and
// plays on: a few snapshots are on their way, whatever the buffers would take, and
// the next one to be read after them is new.
func TestStalledPlayerIsGivenFreshSnapshots(t *testing.T) {
	h := openShoal(t)
	gate := newStaller()
	quiet := h.witness("quiet", client.Options{Dial: gate.dial})
	mate := h.witness("mate", client.Options{Msgpack: true})
	seat(t, quiet, mate)
	play := func() {
		tick := quiet.m.Last().Tick
		_ = quiet.m.SendInput(mate.m.Last().Tick+2, tick, pack(t, m{"row": 1}))
	}
	live := h.matches.find(quiet.m.ID())
	index := 0
	if live.match.Pace(index).Trip == 0 { // the other one has no seat number to tell by
		quiet.until("its round trip", func() bool {
			play()
			if live.match.Pace(0).Trip == 0 && live.match.Pace(1).Trip > 0 {
				index = 1
			}
			return live.match.Pace(index).Trip > 0
		})
	}
	gate.stop()
	defer gate.start()
	most := 0
	mate.until("the stall to be seen", func() bool {
		play()
		pace := live.match.Pace(index)
		most = max(most, pace.InFlight)
		return pace.State == match.PaceStalled
	})
	require.LessOrEqual(t, most, 8)
	_, sum := h.matches.census()
	require.NotZero(t, sum.SnapshotsHeld)
	require.Equal(t, 1, sum.Paces[match.PaceStalled])
	gate.start()
	at, before := mate.m.Last().Tick, quiet.seen()
	quiet.until("what is new", func() bool {
		play()
		return quiet.m.Last().Tick > at
	})
	require.LessOrEqual(t, quiet.seen()-before, most+3, "it had little to catch up with")
	quiet.until("the usual pace", func() bool {
		play()
		return live.match.Pace(index).State == match.PaceFull
	})
	require.Zero(t, quiet.resumed())
	mate.unharmed()
}
