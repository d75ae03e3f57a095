package timing

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"gameserver/tick"
)

// Load is what one worker is given.
type Load struct {
	Name    string
	Hz      int
	Players int // 0: a task that does nothing
}

// Loads are those that Capacity knows.
var Loads = []Load{
	{"empty tasks at 240 Hz", 240, 0},
	{"matches of 1 bot at 60 Hz", 60, 1},
	{"matches of 8 bots at 60 Hz", 60, 8},
	{"matches of 64 bots at 60 Hz", 60, 64},
}

// Held is a number of entries and how well one worker did with them.
type Held struct {
	N      int
	OnTime float64
	Late   time.Duration // p99
	Busy   float64       // share of the time
}

// Try runs n entries of a load on one worker, for d after a second of warming up.
func Try(ctx context.Context, l Load, n int, d time.Duration) (h Held, err error) {
	s := tick.New(tick.Config{Workers: 1, Utilisation: -1})
	defer func() {
		if cerr := s.Close(context.WithoutCancel(ctx)); err == nil {
			err = cerr
		}
	}()
	var tasks []tick.Task
	for range n {
		tasks = append(tasks, nothing{})
	}
	if l.Players > 0 {
		all, err := newMatches(n, l.Players, l.Hz)
		if err != nil {
			return h, err
		}
		for i, m := range all {
			tasks[i] = m
		}
	}
	for i, t := range tasks {
		_, err := s.Add(t, tick.Options{Name: fmt.Sprint(i), Hz: l.Hz})
		if errors.Is(err, tick.ErrBusy) {
			return Held{N: n}, nil // it has had enough before all were there
		}
		if err != nil {
			return h, err
		}
	}
	runtime.GC()
	sleep(ctx, warmup)
	before := s.Stats()
	sleep(ctx, d)
	after := s.Stats()
	late := since(before.Lateness, after.Lateness)
	h = Held{
		N: n, Late: Quantile(late, 0.99), Busy: after.Busy[0],
		OnTime: float64(after.OnTime-before.OnTime) / float64(max(after.Expected-before.Expected, 1)),
	}
	return h, ctx.Err()
}

// Capacity searches the largest number of entries of which a share of the ticks
// is on time: by doubling, then by halving the distance, to 5 %. A number is given
// up when it has failed twice, so that what else the machine does for a
// moment does not decide.
func Capacity(ctx context.Context, l Load, share float64, d time.Duration, try func(context.Context, Load, int, time.Duration) (Held, error)) (Held, error) {
	good, bad := Held{}, MaxMatches+1
	for bad-good.N > 1+good.N/20 {
		n := min(max(2*good.N, 16), MaxMatches)
		if bad <= MaxMatches {
			n = (good.N + bad) / 2
		}
		var h Held
		for range 2 {
			var err error
			if h, err = try(ctx, l, n, d); err != nil {
				return good, err
			}
			if h.OnTime >= share {
				break
			}
		}
		if h.OnTime >= share {
			good = h
		} else {
			bad = n
		}
		if good.N == MaxMatches {
			break
		}
	}
	return good, nil
}

// Quantile returns the lateness that a share q of the ticks did not exceed.
func Quantile(late [][2]int64, q float64) time.Duration {
	total := int64(0)
	for _, b := range late {
		total += b[1]
	}
	rank, seen := int64(q*float64(total)), int64(0)
	for _, b := range late {
		if seen += b[1]; seen > rank || seen == total {
			return time.Duration(b[0])
		}
	}
	return 0
}
