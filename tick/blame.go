package tick

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// Cause is a reason why time passed.
type Cause uint8

// The causes. Each has its own evidence; what none explains is CauseUnknown.
const (
	CauseBusy      Cause = iota // the worker ran ticks: others' before a late one, the entry's own in a long one
	CauseGC                     // the garbage collector stopped the world, or kept every processor busy marking
	CauseWake                   // the timer had expired, and the kernel ran other threads
	CauseSched                  // the process had processors, and ran other goroutines on them
	CausePreempted              // the kernel took the worker's thread off its processor
	CauseStolen                 // the hypervisor ran another machine
	CauseBlocked                // the tick waited for something else than a processor: a lock, a channel, a file
	CauseUnknown
	NumCauses
)

// String returns the cause as it stands in a blame line.
func (c Cause) String() string {
	names := [NumCauses]string{"worker busy", "gc", "wake", "sched", "preempted", "stolen", "blocked", "unknown"}
	return names[min(c, CauseUnknown)]
}

// Blame is the account of one tick that was late, by more than LateThreshold, or
// took more than half of its time.
type Blame struct {
	Entry  string
	Worker int           // that ran it
	N      uint64        // number of the tick
	Due    int64         // on the clock of Scheduler.Now
	Length time.Duration // from one tick to the next

	// Why it began late: the parts add up to Late. All zero if it did not.
	Late      time.Duration
	LateParts [NumCauses]time.Duration
	Culprit   string        // the entry that accounts for most of LateParts[CauseBusy]
	Phase     Phase         // in which it spent most of that
	Held      time.Duration // its share of LateParts[CauseBusy]
	InPhase   time.Duration // the phase's share of Held
	Others    int           // how many other ticks, or at least one, account for the rest

	// Where its own time went, if it took more than half of Length: the parts add
	// up to Took, and Phases to TookParts[CauseBusy]; the last phase is no phase.
	Took      time.Duration
	TookParts [NumCauses]time.Duration
	Phases    [NumPhases + 1]time.Duration

	Suppressed uint64 // blames since the last call of Config.OnBlame that it was not called for
}

// Cause returns the largest part: of the lateness if there is any, else of the
// duration.
func (b *Blame) Cause() Cause {
	parts := &b.LateParts
	if b.Late == 0 {
		parts = &b.TookParts
	}
	best := Cause(0)
	for c := range NumCauses {
		if parts[c] > parts[best] {
			best = c
		}
	}
	return best
}

// String returns the account in one line, such as
//
//	late 7.3 ms = worker busy (match 9f2: step 6.1) + gc 0.8 + wake 0.4
//
// in milliseconds; what it prints adds up too.
func (b *Blame) String() string {
	var s strings.Builder
	if b.Late > 0 {
		line := newLine("late ", b.Late, " ms")
		for c := range NumCauses {
			line.add(c.String(), b.LateParts[c])
		}
		line.note = b.culprit
		line.write(&s)
	}
	if b.Took > 0 {
		if s.Len() > 0 {
			s.WriteString("; ")
		}
		line := newLine("took ", b.Took, " of "+tenths(round(b.Length))+" ms")
		for p, d := range b.Phases {
			line.add(Phase(p).String(), d)
		}
		for c := CauseGC; c < NumCauses; c++ {
			line.add(c.String(), b.TookParts[c])
		}
		line.write(&s)
	}
	return s.String()
}

// culprit says who kept the worker busy.
func (b *Blame) culprit(busy int64) string {
	if b.Culprit == "" {
		return tenths(busy)
	}
	held := min(round(b.Held), busy)
	s := "(" + b.Culprit + ": "
	if in := round(b.InPhase); in*10 >= held*9 {
		s += b.Phase.String() + " " + tenths(held)
	} else {
		s += tenths(held) + ", " + b.Phase.String() + " " + tenths(in)
	}
	if rest := busy - held; rest > 0 {
		s += ", others " + tenths(rest)
	}
	return s + ")"
}

// line is a sum in tenths of a millisecond, rounded so that it adds up.
type line struct {
	head, unit string
	total      int64
	names      []string
	parts      []int64
	note       func(int64) string // instead of the number of the worker's busy time
}

func newLine(head string, total time.Duration, unit string) *line {
	return &line{head: head, unit: unit, total: round(total)}
}

func (l *line) add(name string, d time.Duration) {
	l.names, l.parts = append(l.names, name), append(l.parts, round(d))
}

func (l *line) write(s *strings.Builder) {
	sum, most := int64(0), 0
	for i, p := range l.parts {
		sum += p
		if p > l.parts[most] {
			most = i
		}
	}
	l.parts[most] += l.total - sum
	s.WriteString(l.head + tenths(l.total) + l.unit)
	sep := " = "
	for i, p := range l.parts {
		if p == 0 {
			continue
		}
		number := tenths(p)
		if l.note != nil && l.names[i] == CauseBusy.String() {
			number = l.note(p)
		}
		s.WriteString(sep + l.names[i] + " " + number)
		sep = " + "
	}
}

// round returns d in tenths of a millisecond.
func round(d time.Duration) int64 {
	return int64(d.Round(100*time.Microsecond) / (100 * time.Microsecond))
}

func tenths(n int64) string { return strconv.FormatFloat(float64(n)/10, 'f', 1, 64) }

// raw is what a worker writes down about a tick that needs an explanation. It is
// judged later, by the keeper, when all evidence is in.
type raw struct {
	name       string
	worker     int
	n          uint64
	due        int64
	start, end int64
	length     int64
	late       bool
	heavy      bool
	why        testimony
	waited     int64  // of the tick's time its thread had no processor
	off        int64  // and, at least, was not even waiting for one
	causes     *tally // of the entry
	group      *group
	spent      [NumPhases + 1]int64
}

// pending is what a worker has for the keeper.
type pending struct {
	mu      sync.Mutex
	raws    [maxPending]raw
	n       int
	lost    uint64
	levels  [maxPending]LevelChange
	changed int
}

// accuse writes down a tick that has just ended.
func (w *worker) accuse(e *Entry, o *outcome, why *testimony, waited, off int64) {
	t, p := &e.tick, &w.pend
	w.totals.blames.Add(1)
	p.mu.Lock()
	if p.n == len(p.raws) {
		p.lost++
	} else {
		r := &p.raws[p.n]
		p.n++
		r.name, r.worker, r.n, r.due = e.name, w.id, t.N, t.Due
		r.start, r.end, r.length = t.start, t.stamp, o.period
		r.late, r.heavy = o.late > int64(LateThreshold), o.duration > o.period/2
		r.why, r.waited, r.off, r.spent = *why, waited, off, t.spent
		r.causes, r.group = e.causes, e.group
	}
	p.mu.Unlock()
	w.s.poke()
}

// note keeps a change of level for the keeper to report.
func (w *worker) note(c LevelChange) {
	p := &w.pend
	p.mu.Lock()
	if p.changed < len(p.levels) {
		p.levels[p.changed] = c
		p.changed++
	}
	p.mu.Unlock()
	w.s.poke()
}

// split divides a stretch of time among causes.
type split struct {
	parts *[NumCauses]time.Duration
	rest  int64
}

func (s *split) take(c Cause, ns int64) int64 {
	ns = min(max(ns, 0), s.rest)
	s.parts[c] += time.Duration(ns)
	s.rest -= ns
	return ns
}

// crowd divides what is left of a time asleep by what all threads of the process
// did meanwhile. As far as they were enough to use its processors, the worker had
// to wait for one of them: for others' goroutines while they ran, for the kernel
// while they waited.
func (s *split) crowd(h host, g gap, due, awake int64) {
	asleep := s.rest
	ran, wait := h.used(due, awake)
	wait = max(wait-g.wait, 0)
	held := min(float64(ran+wait)/float64(h.processors()), float64(asleep))
	sched := int64(0)
	if ran+wait > 0 {
		sched = int64(held * float64(ran) / float64(ran+wait))
		s.take(CauseWake, int64(held)-sched)
	}
	s.take(CauseSched, max(sched, g.block, h.queued(due, awake)))
}

// away divides the time that a tick was off its thread. When the process had
// processors to spare meanwhile, it was not for want of one.
func (s *split) away(h host, r *raw, ran int64) {
	if r.off <= 0 {
		return
	}
	all, wait := h.used(r.start, r.end)
	p := int64(h.processors())
	others := all + wait - ran - r.waited - (p-1)*(r.end-r.start-r.off)
	if float64(others) >= crowdedOut*float64(p*r.off) {
		s.take(CauseSched, r.off)
	} else {
		s.take(CauseBlocked, r.off)
	}
}

// judge explains a tick with all evidence. Measured causes are taken first, the
// exact before the estimated; what they leave of a busy time is the busy ticks'.
func (r *raw) judge(h host, b *Blame) {
	*b = Blame{Entry: r.name, Worker: r.worker, N: r.n, Due: r.due, Length: time.Duration(r.length)}
	if r.late {
		r.judgeLate(h, b)
	}
	if r.heavy {
		r.judgeLong(h, b)
	}
}

func (r *raw) judgeLate(h host, b *Blame) {
	why := &r.why
	b.Late = time.Duration(r.start - r.due)
	awake := min(max(why.awake, r.due), r.start)

	// Asleep, although due.
	s := split{&b.LateParts, awake - r.due}
	if s.rest > 0 {
		s.take(CauseGC, h.paused(r.due, awake))
		stolen := h.stolen(r.due, awake)
		if why.gap.wait > 0 {
			stolen = min(stolen, why.gap.wait)
		}
		stolen = s.take(CauseStolen, stolen)
		s.take(CauseWake, why.gap.wait-stolen)
		s.take(CauseGC, h.marking(r.due, awake))
		s.crowd(h, why.gap, r.due, awake)
		s.take(CauseUnknown, s.rest)
	}

	// Awake, and busy with something else.
	s.rest = r.start - awake
	if s.rest > 0 {
		s.take(CauseGC, h.paused(awake, r.start))
		s.take(CauseStolen, h.stolen(awake, r.start))
		s.take(CausePreempted, why.waited)
		whole := why.took + why.others
		busy := s.take(CauseBusy, whole)
		b.Culprit, b.Phase, b.Others = why.culprit, why.phase, why.crowd
		b.Held = time.Duration(max(why.took-(whole-busy), 0))
		b.InPhase = min(time.Duration(why.inPhase), b.Held)
		s.take(CauseUnknown, s.rest)
	}
}

func (r *raw) judgeLong(h host, b *Blame) {
	b.Took = time.Duration(r.end - r.start)
	s := split{&b.TookParts, r.end - r.start}
	s.take(CauseGC, h.paused(r.start, r.end))
	s.take(CauseStolen, h.stolen(r.start, r.end))
	s.take(CausePreempted, r.waited)
	s.away(h, r, s.rest-r.off)
	foreign := int64(b.Took) - s.rest
	s.take(CauseBusy, s.rest)
	// What was not the entry's own fell into its phases, most likely the longest.
	for p, ns := range r.spent {
		b.Phases[p] = time.Duration(ns)
	}
	for foreign > 0 {
		most := 0
		for p, d := range b.Phases {
			if d > b.Phases[most] {
				most = p
			}
		}
		cut := min(foreign, int64(b.Phases[most]))
		if cut == 0 {
			return
		}
		b.Phases[most] -= time.Duration(cut)
		foreign -= cut
	}
}
