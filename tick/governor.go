package tick

import "time"

// Level says how far an entry that costs too much should reduce its work. What
// each level means to a game is up to the task; the scheduler itself only acts
// on the last three, and on the last two only for entries with Options.Dilate.
type Level uint8

// The levels, in the order in which work is shed.
const (
	LevelFull    Level = iota // everything
	LevelFar                  // lower cadence for spectators, hidden tabs, what is far away
	LevelSparse               // half the snapshots, half the interest updates
	LevelQuality              // fewer entities, cheaper behaviour
	LevelRefuse               // no joins and no new matches
	LevelDilate               // time passes at 5/6 of its speed (60 Hz: 20 ms per tick)
	LevelCrawl                // time passes at 2/3 of its speed (60 Hz: 25 ms per tick)
	numLevels
)

// String returns the level's name in lower case.
func (l Level) String() string {
	names := [numLevels]string{"full", "far", "sparse", "quality", "refuse", "dilate", "crawl"}
	return names[min(l, numLevels-1)]
}

// LevelChange tells of an entry whose level has changed.
type LevelChange struct {
	Name     string
	From, To Level
	Cost     time.Duration // of a tick, smoothed p95
	Length   time.Duration // of a tick's time
	N        uint64        // the tick after which it changed
}

// Shares of a period that a tick may take, and when a level is left.
const (
	budgetSoft  = 0.5
	budgetHard  = 0.8
	budgetLeave = 0.7 * budgetSoft

	// softCeiling is the highest level that the soft budget alone leads to: a
	// match that is merely heavy keeps its door open and its time.
	softCeiling = LevelQuality

	// crowded is the share of its time a worker may be busy before its entries
	// have to reduce their work, and crushed the one that counts as no time left.
	crowded = 0.7
	crushed = 0.97
)

// pressure is the share of its budget that an entry uses: of its own period, or
// of the time its worker has.
func pressure(cost, period int64, busy float64) float64 {
	own := float64(cost) / float64(period)
	if busy >= crushed {
		return max(own, budgetHard+0.01)
	}
	return max(own, busy*budgetSoft/crowded)
}

// governor decides on the level of one entry. It is a pure state machine: it is
// told the pressure about once a second and knows nothing else.
type governor struct {
	level Level
	calm  int64 // since when the pressure is low; 0: it is not
}

// observe returns the level from now on. It rises by one step per observation
// over the soft budget, by two over the hard one, and falls by one after every
// five seconds in a row below 70 % of the soft budget.
func (g *governor) observe(pressure float64, now int64) Level {
	if pressure >= budgetLeave {
		g.calm = 0
	}
	switch {
	case pressure > budgetHard:
		g.level = min(g.level+2, numLevels-1)
	case pressure > budgetSoft:
		g.level = max(g.level, min(g.level+1, softCeiling))
	case pressure >= budgetLeave || g.level == LevelFull:
	case g.calm == 0:
		g.calm = max(now, 1)
	case now-g.calm >= int64(calmTime):
		g.level--
		g.calm = now
	}
	return g.level
}

// dilation is by how much a tick is longer than it should be.
func (g *governor) dilation(allowed bool) float64 {
	switch {
	case !allowed || g.level < LevelDilate:
		return 1
	case g.level == LevelDilate:
		return 1.2
	default:
		return 1.5
	}
}

// window keeps the longest ticks of about a second, so that their p95 is exact:
// of 240 ticks, 13 reach it.
type window struct {
	since int64
	n     int64
	top   [topTicks]int64 // longest first
}

const topTicks = MaxHz/20 + 1

// add records a tick. When a second is over it returns the p95 of its ticks and
// starts anew.
func (w *window) add(ns, now int64) (p95 int64, full bool) {
	if w.n == 0 && w.since == 0 {
		w.since = now - ns
	}
	w.n++
	if i := len(w.top) - 1; ns > w.top[i] {
		for ; i > 0 && w.top[i-1] < ns; i-- {
			w.top[i] = w.top[i-1]
		}
		w.top[i] = ns
	}
	if now-w.since < second {
		return 0, false
	}
	// The rank from above of the smallest tick that 95 % do not exceed.
	above := w.n - (w.n*95+99)/100
	p95 = w.top[min(above, int64(len(w.top)-1))]
	*w = window{since: now}
	return p95, true
}
