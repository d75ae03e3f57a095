package server

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gameserver/game"
	"gameserver/game/match"
	"gameserver/lobby"
	"gameserver/tick"
)

// matches holds the live matches. It implements lobby.Matches.
type matches struct {
	s     *Server
	ended results

	mu    sync.Mutex // guards the following
	live  map[string]*liveMatch
	past  match.Stats   // sums of those that are over
	empty chan struct{} // closed when the last one is gone while draining
	drawn bool          // draining: no match is made any more
}

// liveMatch is one running match.
type liveMatch struct {
	id     string
	game   string
	rate   int // ticks a second
	match  *match.Match
	group  lobby.Group
	opened []atomic.Bool   // by seat: it was taken once
	seats  []atomic.Uint32 // by seat: its match.SeatState
}

func newMatches(s *Server) *matches {
	return &matches{s: s, live: make(map[string]*liveMatch)}
}

var (
	errDraining = errors.New("server: draining")
	errFull     = errors.New("server: too many matches")
)

// Create implements lobby.Matches.
func (ms *matches) Create(g lobby.Group) (err error) {
	def := ms.s.games[g.Game]
	if def == nil {
		return fmt.Errorf("server: no game %q", g.Game)
	}
	defer func() { // the author's constructor runs here
		if v := recover(); v != nil {
			err = fmt.Errorf("server: making a match of %s: %v", g.Game, v)
		}
	}()
	seats := make([]match.SeatSpec, len(g.Seats))
	for i, seat := range g.Seats {
		seats[i] = match.SeatSpec{Player: seat.Player, Name: seat.Name, Team: seat.Team, Bot: seat.Bot}
	}
	l := &liveMatch{
		id: g.Match, game: g.Game, rate: def.Rules.Tick, group: g,
		opened: make([]atomic.Bool, len(seats)), seats: make([]atomic.Uint32, len(seats)),
	}
	l.match, err = match.New(match.Config{
		ID:     g.Match,
		Def:    def,
		Seed:   seed(),
		Seats:  seats,
		Hooks:  ms.hooks(l, g),
		Logger: ms.s.log,
	})
	if err != nil {
		return fmt.Errorf("server: making a match of %s: %w", g.Game, err)
	}
	if err := ms.add(l); err != nil {
		return err
	}
	_, err = ms.s.ticks.Add(l.match, tick.Options{
		Name:   g.Game + "/" + g.Match,
		Group:  g.Game,
		Hz:     def.Rules.Tick,
		Policy: tick.CatchUp{Max: def.Rules.CatchUp},
		Dilate: true,
	})
	if err != nil {
		ms.remove(l.id)
		return fmt.Errorf("server: scheduling a match of %s: %w", g.Game, ms.s.overload.refused(err, time.Now()))
	}
	ms.s.log.Info("match made", slog.String("match", l.id), slog.String("game", l.game), slog.Int("seats", len(seats)))
	return nil
}

// add makes a match known. It refuses matches beyond the bound, and all of them
// while draining.
func (ms *matches) add(l *liveMatch) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	switch {
	case ms.drawn:
		return errDraining
	case len(ms.live) >= ms.s.cfg.MaxMatches:
		return errFull
	}
	ms.live[l.id] = l
	return nil
}

// seed draws the random source of a match.
func seed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// hooks returns what a match calls on its owner. None of it blocks: the lobby
// speaks from its own goroutine.
func (ms *matches) hooks(l *liveMatch, g lobby.Group) match.Hooks {
	s := ms.s
	return match.Hooks{
		Ending: func(*match.Match) { s.lobby.Ended(l.id) },
		Ended: func(_ *match.Match, reason game.Reason, result any) {
			ms.ended.add(&finalResult{Match: l.id, Reason: reason.String(), Result: result}, time.Now())
			s.log.Info("match ended", slog.String("match", l.id), slog.String("reason", reason.String()))
			s.metrics.matchOver(l.game, reason.String())
			ms.remove(l.id)
		},
		Failed: func(m *match.Match, ref string, stack []byte) {
			if !s.crashes.offer(crashReport{crash: m.Crash(), group: g, at: time.Now()}) {
				s.metrics.refuse("crash", "queue_full")
			}
			s.log.Error("match failed", slog.String("match", l.id), slog.String("game", l.game),
				slog.String("ref", ref), slog.String("stack", string(stack)))
			s.metrics.matchOver(l.game, "failed")
			s.lobby.Failed(l.id, "failed", ref)
			ms.remove(l.id)
		},
		Voided: func(_ *match.Match, reason game.Reason) {
			s.log.Info("match void", slog.String("match", l.id), slog.String("reason", reason.String()))
			s.metrics.matchOver(l.game, "voided")
			s.lobby.Voided(l.id, reason.String())
			ms.remove(l.id)
		},
		Seat: func(_ *match.Match, seat int, from, to match.SeatState) {
			s.metrics.seat(from.String(), to.String())
			l.seats[seat].Store(uint32(to))
			if to == match.SeatLeft || to == match.SeatBot || to == match.SeatNoShow {
				s.lobby.Freed(l.id, seat)
			}
		},
		Refused: s.metrics.refuse,
	}
}

// find returns a live match, or nil.
func (ms *matches) find(id string) *liveMatch {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	return ms.live[id]
}

// remove forgets a match that is over.
func (ms *matches) remove(id string) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if l := ms.live[id]; l != nil {
		addStats(&ms.past, l.match.Stats())
		delete(ms.live, id)
	}
	if ms.empty != nil && len(ms.live) == 0 {
		close(ms.empty)
		ms.empty = nil
	}
}

// census returns the number of live matches by game, and the sums of all
// matches there ever were.
func (ms *matches) census() (live map[string]int, sum match.Stats) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	live, sum = make(map[string]int), ms.past
	for _, l := range ms.live {
		live[l.game]++
		one := l.match.Stats()
		addStats(&sum, one)
		for state, n := range one.Paces {
			sum.Paces[state] += n
		}
	}
	return live, sum
}

// addStats adds the counters of one match.
func addStats(sum *match.Stats, one match.Stats) {
	sum.Inputs += one.Inputs
	sum.Late += one.Late
	sum.Early += one.Early
	sum.Repeated += one.Repeated
	sum.Bad += one.Bad
	sum.Rate += one.Rate
	sum.Views += one.Views
	sum.Requests += one.Requests
	sum.Snapshots += one.Snapshots
	sum.SnapshotsRefused += one.SnapshotsRefused
	sum.SnapshotsHeld += one.SnapshotsHeld
	sum.SnapshotBytes += one.SnapshotBytes
	sum.Events += one.Events
	sum.EventsRefused += one.EventsRefused
	sum.InboxFull += one.InboxFull
	sum.StaleEpoch += one.StaleEpoch
}

// drain ends every match and waits until they are over.
func (ms *matches) drain(ctx context.Context) error {
	ms.mu.Lock()
	ms.drawn = true
	var over chan struct{}
	list := make([]*liveMatch, 0, len(ms.live))
	for _, l := range ms.live {
		list = append(list, l)
	}
	if len(list) > 0 {
		over = make(chan struct{})
		ms.empty = over
	}
	ms.mu.Unlock()
	if over == nil {
		return nil
	}
	for _, l := range list {
		l.match.Stop(game.ReasonDrain)
	}
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("server: matches did not end: %w", ctx.Err())
	}
}
