package tick

import (
	"errors"
	"time"
)

// timer wakes one worker. arm and close are called with the worker's mutex held,
// wait by the worker alone. A worker may be woken too early, never too late:
// arming replaces the time before, and a time that has passed wakes at once.
type timer interface {
	arm(at int64) // on the scheduler's clock
	wait() error
	close()
	name() string
}

// errFakeTime says that package time does not follow the kernel's clock.
var errFakeTime = errors.New("tick: not on the kernel's clock")

// portableTimer sleeps on a time.Timer. It is up to a millisecond late, and
// works in a synctest bubble.
type portableTimer struct {
	clk *clock
	t   *time.Timer
}

func newPortableTimer(clk *clock) *portableTimer {
	// Fires at once: the worker's first look at its queue.
	return &portableTimer{clk: clk, t: time.NewTimer(0)}
}

func (p *portableTimer) arm(at int64) { p.t.Reset(time.Duration(at - p.clk.now())) }

func (p *portableTimer) wait() error {
	<-p.t.C
	return nil
}

func (p *portableTimer) close() { p.t.Stop() }

func (p *portableTimer) name() string { return "portable" }
