package server

import (
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"gameserver/lobby"
	"gameserver/tick"
)

// overload is what the server does when there is not enough time for its
// matches, or when one of them does not return. The scheduler finds that out and
// calls; all of it runs on the goroutine beside its workers.
type overload struct {
	s     *Server
	until atomic.Int64 // unix nanoseconds; till then newcomers are told to wait

	// Owned by the goroutine that calls level.
	logged time.Time // the last line
	muted  int       // lines left out since
}

func newOverload(s *Server) *overload {
	return &overload{s: s}
}

// ticking is the configuration of the scheduler.
func (s *Server) ticking() tick.Config {
	return tick.Config{
		Workers: s.cfg.Workers, Logger: s.log, Realtime: s.cfg.Realtime,
		OnLevel: s.overload.level, OnStuck: s.overload.stuck,
	}
}

// level notes that the governor has changed its mind about a match. Its players
// hear it from the match.
func (o *overload) level(c tick.LevelChange) {
	o.s.metrics.level(c.From.String(), c.To.String())
	now := time.Now()
	if now.Sub(o.logged) < LevelLogEvery {
		o.muted++
		return
	}
	o.logged = now
	o.s.log.Info("match level changed", slog.String("match", c.Name), slog.String("from", c.From.String()),
		slog.String("to", c.To.String()), slog.Duration("cost", c.Cost), slog.Duration("length", c.Length),
		slog.Uint64("tick", c.N), slog.Int("suppressed", o.muted))
	o.muted = 0
}

// stuck gives up a match whose game does not return. The lobby hears first, so
// that players who are thrown out can be matched again; their sockets are found
// by their room, because the match's own account of them belongs to its owner,
// which hangs.
func (o *overload) stuck(entry string, stack []byte) {
	s := o.s
	s.log.Error("a match does not return from its game: its worker takes no new matches until it does",
		slog.String("match", entry), slog.String("stack", string(stack)))
	l := s.matches.find(entry[strings.LastIndexByte(entry, '/')+1:])
	if l == nil {
		return
	}
	c := l.match.Abandon(stack)
	if c == nil {
		return // it has ended meanwhile
	}
	if !s.crashes.offer(crashReport{crash: c, group: l.group, at: time.Now()}) {
		s.metrics.refuse("crash", "queue_full")
	}
	s.metrics.matchOver(l.game, "stuck")
	s.lobby.Failed(l.id, "failed", c.Ref)
	s.matches.remove(l.id)
	if err := s.io.Of(lobby.MatchNamespace).To("match:" + l.id).Disconnect(false); err != nil {
		s.log.Error("the players of a stuck match could not be disconnected", slog.String("match", l.id), slog.Any("err", err))
	}
}

// refused notes that a match was not made because no worker had time for it: for
// a while newcomers hear that at once. It returns the error for the lobby.
func (o *overload) refused(err error, now time.Time) error {
	if !errors.Is(err, tick.ErrBusy) {
		return err
	}
	o.until.Store(now.Add(retryBusy).UnixNano())
	o.s.metrics.refuse("tick", "busy")
	return errors.Join(lobby.ErrOverloaded, err)
}

// shut reports whether there was no time for another match just now.
func (o *overload) shut(now time.Time) bool { return now.UnixNano() < o.until.Load() }

// hopeless reports whether no worker takes matches any more because each has one
// that does not return.
func (s *Server) hopeless() bool {
	if !s.started.Load() {
		return false
	}
	st := s.ticks.Stats()
	return st.Stuck >= st.Workers
}
