package tick

import (
	"sync/atomic"
	"time"
)

// Counts are the sums kept for every entry and for the whole scheduler.
type Counts struct {
	Ticks    uint64        // calls of Task.Tick
	Expected uint64        // deadlines that came: Ticks, skipped slots, periods slipped
	OnTime   uint64        // ticks that finished before the next one was due
	Late     uint64        // ticks that began more than LateThreshold after they were due
	CatchUps uint64        // ticks that began when the next one was due already
	Skipped  uint64        // slots given up by CatchUp
	Slipped  time.Duration // how far Slip has moved the schedule
	Heavy    uint64        // ticks that took more than half of their period
	Overruns uint64        // ticks that took more than their period
	Merged   uint64        // periods that Stretch put into longer ticks
	Bytes    uint64        // as told to Tick.Count
	Entities uint64        // as told to Tick.Count
	Allocs   uint64        // objects allocated during ticks, while CountAllocs is on
	AllocMem uint64        // and their bytes
}

// OnTimeRatio returns the share of expected ticks that ran and finished before
// the next one was due. Without any it is 1.
func (c Counts) OnTimeRatio() float64 {
	if c.Expected == 0 {
		return 1
	}
	return float64(c.OnTime) / float64(c.Expected)
}

// Summary is a distribution in a few numbers; Sum and Max are exact, the
// quantiles good to 7 %.
type Summary struct {
	Count uint64
	Sum   time.Duration
	Max   time.Duration
	P50   time.Duration
	P99   time.Duration
	P999  time.Duration
}

// PhaseTotal is the time spent in one phase.
type PhaseTotal struct {
	Sum time.Duration
	Max time.Duration // in one tick
}

// EntryStats is the account of one entry since it was added.
type EntryStats struct {
	Counts
	ID       uint64 // of the scheduler's own, never used again
	Name     string
	Group    string
	Hz       int
	Worker   int
	Scale    float64       // of time; 0: paused
	Length   time.Duration // from one tick to the next
	Cost     time.Duration // of a tick: p95 of a second, smoothed; 0: not measured yet
	Use      float64       // Cost as a share of the soft budget; above 1 the governor acts
	Level    Level
	Stuck    bool
	Lately   Lately
	Causes   Causes
	Lateness Summary // skipped slots included
	Duration Summary // of whole ticks
	Phases   [NumPhases]PhaseTotal
}

// Stats is the account of a scheduler since it was made, of entries that are
// gone too. The histograms are the caller's own.
type Stats struct {
	Counts
	Workers  int
	Entries  int
	Panics   uint64                // entries ended by a panic
	Wakes    uint64                // times a worker slept and woke
	Uptime   time.Duration         // Duration.Sum() / Uptime / Workers is the share of time spent in ticks
	Steals   uint64                // ticks run by another worker because theirs was busy
	Rehomed  uint64                // entries that stayed there
	Refused  uint64                // Adds refused with ErrBusy
	Stuck    int                   // ticks that are stuck now
	Stalls   uint64                // ticks that have been found stuck
	Blames   uint64                // late or long ticks
	Lost     uint64                // of them without a Blame, because there were too many at once
	Busy     []float64             // share of the last second each worker spent in ticks
	Timer    string                // "timerfd", "realtime" or "portable"
	Realtime int                   // workers under real-time priority
	Demoted  uint64                // times one of them lost it until it slept again, so that others do not starve
	Refusal  error                 // why there are fewer of those than Config.Realtime asks for
	Lateness *Histogram            // skipped slots included
	Duration *Histogram            // of whole ticks
	Phases   [NumPhases]*Histogram // of ticks that entered the phase
	Causes   Causes
}

// counters are Counts in the making. One goroutine writes, any may read.
type counters struct {
	ticks, expected, onTime, late, catchUps atomic.Uint64
	skipped, heavy, overruns                atomic.Uint64
	merged, bytes, entities, allocs, mem    atomic.Uint64
	slipped                                 atomic.Int64
}

// outcome is all there is to say about one tick.
type outcome struct {
	decision
	bytes    uint64
	entities uint64
	allocs   uint64
	mem      uint64
	periods  int64 // whole periods the schedule moved
	duration int64
	onTime   bool
	catchUp  bool
	behind   bool // the next tick is due already
	period   int64
}

func (c *counters) add(o *outcome) {
	c.ticks.Add(1)
	c.expected.Add(uint64(1 + o.missed() + o.periods))
	if o.onTime {
		c.onTime.Add(1)
	}
	if o.late > int64(LateThreshold) {
		c.late.Add(1)
	}
	if o.catchUp {
		c.catchUps.Add(1)
	}
	if o.skip > 0 {
		c.skipped.Add(uint64(o.skip))
	}
	if o.stretch > 1 {
		c.merged.Add(uint64(o.stretch - 1))
	}
	if o.bytes > 0 || o.entities > 0 {
		c.bytes.Add(o.bytes)
		c.entities.Add(o.entities)
	}
	if o.allocs > 0 {
		c.allocs.Add(o.allocs)
		c.mem.Add(o.mem)
	}
	if o.slide > 0 {
		c.slipped.Add(o.slide)
	}
	if o.duration > o.period/2 {
		c.heavy.Add(1)
	}
	if o.duration > o.period {
		c.overruns.Add(1)
	}
}

// addTo adds a reading of c to sum.
func (c *counters) addTo(sum *Counts) {
	sum.Ticks += c.ticks.Load()
	sum.OnTime += c.onTime.Load()
	sum.Expected += c.expected.Load()
	sum.Late += c.late.Load()
	sum.CatchUps += c.catchUps.Load()
	sum.Skipped += c.skipped.Load()
	sum.Slipped += time.Duration(c.slipped.Load())
	sum.Heavy += c.heavy.Load()
	sum.Overruns += c.overruns.Load()
	sum.Merged += c.merged.Load()
	sum.Bytes += c.bytes.Load()
	sum.Entities += c.entities.Load()
	sum.Allocs += c.allocs.Load()
	sum.AllocMem += c.mem.Load()
}

// totals is what a worker keeps for all entries it runs: about 160 KB.
type totals struct {
	counters
	panics, wakes      atomic.Uint64
	steals, rehomed    atomic.Uint64
	blames, demoted    atomic.Uint64
	lateness, duration Histogram
	phases             [NumPhases]Histogram
}

// mergeInto adds a reading of t to st.
func (t *totals) mergeInto(st *Stats) {
	t.addTo(&st.Counts)
	st.Panics += t.panics.Load()
	st.Wakes += t.wakes.Load()
	st.Steals += t.steals.Load()
	st.Rehomed += t.rehomed.Load()
	st.Blames += t.blames.Load()
	st.Demoted += t.demoted.Load()
	st.Lateness.merge(&t.lateness)
	st.Duration.merge(&t.duration)
	for p := range st.Phases {
		st.Phases[p].merge(&t.phases[p])
	}
}
