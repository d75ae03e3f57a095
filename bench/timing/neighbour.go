package timing

import (
	"context"
	"sync/atomic"
	"time"

	"gameserver/game/match"
	"gameserver/tick"
)

// Bad are matches that misbehave.
var Bad = []string{"loops forever", "allocates 1 GB/s"}

// Neighbours is how others did beside a bad match.
type Neighbours struct {
	Before, During Share
	Note           string
}

// Share is how many ticks were on time, and how late they began.
type Share struct {
	OnTime          float64
	P50, P99, Worst time.Duration
}

// watched is a match whose ticks are recorded.
type watched struct {
	m    *match.Match
	late *atomic.Pointer[tick.Histogram]
}

func (w *watched) Tick(t *tick.Tick) bool {
	w.late.Load().Record(int64(t.Late))
	return w.m.Tick(t)
}

// Beside runs n matches of eight bots at 60 Hz, for d by themselves and for d
// beside a bad match.
func Beside(ctx context.Context, bad string, n int, d time.Duration, realtime bool) (r Neighbours, err error) {
	var over atomic.Bool
	s := tick.New(tick.Config{Utilisation: -1, Realtime: realtime})
	defer func() {
		over.Store(true)
		if cerr := s.Close(context.WithoutCancel(ctx)); err == nil {
			err = cerr
		}
	}()
	all, err := newMatches(n, Players, 60)
	if err != nil {
		return r, err
	}
	var late atomic.Pointer[tick.Histogram]
	late.Store(new(tick.Histogram))
	var entries []*tick.Entry
	for _, m := range all {
		e, err := s.Add(&watched{m, &late}, tick.Options{Name: m.ID(), Hz: 60})
		if err != nil {
			return r, err
		}
		entries = append(entries, e)
	}
	measure := func() Share {
		before := counts(entries)
		h := new(tick.Histogram)
		late.Store(h)
		sleep(ctx, d)
		after := counts(entries)
		return Share{
			OnTime: float64(after.OnTime-before.OnTime) / float64(max(after.Expected-before.Expected, 1)),
			P50:    h.Quantile(0.5), P99: h.Quantile(0.99), Worst: h.Max(),
		}
	}
	sleep(ctx, warmup)
	r.Before = measure()
	if _, err := s.Add(&villain{bad: bad, over: &over}, tick.Options{Name: "bad", Hz: 60}); err != nil {
		return r, err
	}
	r.During = measure()
	if st := s.Stats(); realtime && st.Realtime == 0 {
		r.Note = "no real-time priority here"
	}
	return r, ctx.Err()
}

// counts adds up the accounts of entries.
func counts(entries []*tick.Entry) (sum tick.Counts) {
	for _, e := range entries {
		c := e.Stats().Counts
		sum.Expected += c.Expected
		sum.OnTime += c.OnTime
	}
	return sum
}

// villain is a task that misbehaves.
type villain struct {
	bad  string
	over *atomic.Bool
	keep []byte
}

func (v *villain) Tick(*tick.Tick) bool {
	if v.bad == Bad[0] {
		for !v.over.Load() { //nolint:revive // it is to burn
		}
		return false
	}
	for range (1 << 30) / 60 / garbage {
		v.keep = make([]byte, garbage)
	}
	return !v.over.Load()
}
