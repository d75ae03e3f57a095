package ops

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gameserver/sio"
	"gameserver/tick"
)

// slot is a place in the heat map, and what was last read of the match in it.
type slot struct {
	entry   *tick.Entry // nil: nobody
	who     Slot
	seen    uint64 // number of the last tick that was read
	born    uint32 // the reading that found it first
	changed uint32 // the reading at which who last changed
	live    uint32 // the last reading that found it
	length  time.Duration
	row     Row
	now     heat
}

// order is what a handler asks of the sampler.
type order struct {
	out   outlet
	watch WatchRequest
	leave bool
}

// outlet is a watcher's connection. *sio.Socket is one.
type outlet interface {
	Offer(o sio.Offer, event string, args ...any) (sio.Outcome, error)
}

// sampler reads the accounts and sends them. All of it belongs to the goroutine
// that runs it.
type sampler struct {
	cfg    Config
	orders <-chan order
	quit   <-chan struct{}

	watchers map[outlet]*watcher
	looking  int         // of them that are on
	timer    *time.Timer // runs while somebody looks

	n        uint32 // number of the reading
	at       time.Time
	stats    tick.Stats
	hists    histograms
	slots    []slot
	places   map[*tick.Entry]int
	hidden   int
	rows     []Row
	rowsAt   uint32
	order    []int // scratch
	records  []tick.Record
	figures  Figures
	runtime  *process
	process  Process
	blames   []BlameLine
	blameSeq uint64 // of the newest line
	judged   uint64
	newest   blameKey
	traces   []Trace
	tracesAt uint32

	readings func() // told of each, for tests
}

// blameKey tells one blame from all others.
type blameKey struct {
	entry string
	tick  uint64
}

func newSampler(cfg Config, orders <-chan order, quit <-chan struct{}) *sampler {
	return &sampler{
		cfg: cfg, orders: orders, quit: quit,
		watchers: make(map[outlet]*watcher), places: make(map[*tick.Entry]int), runtime: newProcess(),
		readings: func() {},
	}
}

// run serves until quit is closed.
func (s *sampler) run() {
	s.timer = time.NewTimer(time.Hour)
	s.timer.Stop()
	defer s.timer.Stop()
	for {
		select {
		case o := <-s.orders:
			s.take(o)
		case <-s.timer.C:
			s.timer.Reset(SampleEvery)
			s.read()
			for _, w := range s.watchers {
				s.tell(w)
			}
		case <-s.quit:
			return
		}
	}
}

// take carries out an order.
func (s *sampler) take(o order) {
	w := s.watchers[o.out]
	switch {
	case o.leave:
		if w != nil {
			s.turn(w, false)
			delete(s.watchers, o.out)
		}
		return
	case w == nil:
		w = newWatcher(o.out)
		s.watchers[o.out] = w
	}
	s.turn(w, o.watch.On)
	w.choose(o.watch.Match)
	if w.on {
		s.tell(w)
	}
}

// turn begins or ends a watcher's looking. The first one to look begins the
// readings, with one at once, and the last one ends them.
func (s *sampler) turn(w *watcher, on bool) {
	if w.on == on {
		return
	}
	w.restart()
	w.on = on
	if !on {
		if s.looking--; s.looking == 0 {
			s.timer.Stop()
			s.forget()
		}
		return
	}
	if s.looking++; s.looking > 1 {
		w.note(s)
		return
	}
	s.timer.Reset(SampleEvery)
	s.read()
}

// forget lets go of the matches, so that nothing here keeps them alive.
func (s *sampler) forget() {
	s.slots, s.hidden, s.rows = nil, 0, nil
	clear(s.places)
	clear(s.records[:cap(s.records)])
}

// read takes a new reading of everything.
func (s *sampler) read() {
	s.n++
	s.at = time.Now()
	s.stats = s.cfg.Ticks.Stats()
	s.hists[histLateness].read(s.stats.Lateness)
	s.hists[histDuration].read(s.stats.Duration)
	for p, h := range s.stats.Phases {
		s.hists[histPhases+p].read(h)
	}
	s.figures, s.process = s.cfg.House.Figures(), s.runtime.read()
	slow := s.rowsAt == 0 || s.n-s.rowsAt >= rowsEvery || s.rows == nil
	s.readMatches(slow)
	if slow {
		s.rank()
		s.rowsAt = s.n
	}
	s.readBlames()
	s.readTraces()
	for _, w := range s.watchers {
		w.note(s)
	}
	s.readings()
}

// readMatches reads what the matches have done since the last time.
func (s *sampler) readMatches(slow bool) {
	s.hidden = 0
	free := 0
	for _, e := range s.cfg.Ticks.Entries() {
		i, known := s.places[e]
		if !known {
			for free < len(s.slots) && s.slots[free].entry != nil {
				free++
			}
			if free == MaxSlots {
				s.hidden++
				continue
			}
			if free == len(s.slots) {
				s.slots = append(s.slots, slot{})
			}
			i = free
			s.places[e] = i
		}
		s.readMatch(i, e, slow || !known)
	}
	for i := range s.slots {
		if p := &s.slots[i]; p.entry != nil && p.live != s.n {
			delete(s.places, p.entry)
			*p = slot{who: Slot{Slot: i}, changed: s.n}
		}
	}
}

// readMatch brings slot i up to date, which is that of e, or will be.
func (s *sampler) readMatch(i int, e *tick.Entry, slow bool) {
	p := &s.slots[i]
	fresh := p.entry == nil
	p.live = s.n
	if slow {
		st := e.Stats()
		if fresh {
			game, id := split(st.Name)
			*p = slot{
				entry: e, live: s.n, born: s.n, changed: s.n, seen: st.Ticks,
				who: Slot{Slot: i, ID: clip(id, MaxName), Game: clip(game, MaxName), Hz: st.Hz, Worker: st.Worker},
			}
		}
		if p.who.Worker != st.Worker {
			p.who.Worker, p.changed = st.Worker, s.n
		}
		p.length = st.Length
		p.row = Row{
			Slot: i, Use: st.Use, Took: micro(st.Lately.Took), Worst: micro(st.Lately.Worst), Late: micro(st.Lately.Late),
			Ratio: st.OnTimeRatio(), Level: int(st.Level), Stuck: st.Stuck,
		}
		p.now.state = uint8(st.Level)
		if st.Stuck {
			p.now.state |= flagStuck
		}
		if st.Scale == 0 {
			p.now.state |= flagPaused
		}
	}
	s.records = e.Recent(s.records[:0], p.seen)
	p.now = heat{state: p.now.state}
	for j := range s.records {
		r := &s.records[j]
		missed := min(r.Skipped, 254)
		if r.Late > tick.LateThreshold {
			missed++
		}
		p.now.add(heat{
			took: share(r.Took, p.length), late: share(r.Late, p.length), missed: uint8(missed), //nolint:gosec // 255 at most
			state: p.now.state,
		})
		p.seen = r.N
	}
}

// rank puts the matches in order, the worst first.
func (s *sampler) rank() {
	s.order = s.order[:0]
	for i := range s.slots {
		if s.slots[i].entry != nil {
			s.order = append(s.order, i)
		}
	}
	slices.SortFunc(s.order, func(a, b int) int {
		x, y := &s.slots[a], &s.slots[b]
		if x.row.Stuck != y.row.Stuck {
			if x.row.Stuck {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(y.load(), x.load()), cmp.Compare(a, b))
	})
	s.rows = make([]Row, 0, MaxRows)
	for _, i := range s.order[:min(len(s.order), MaxRows)] {
		s.rows = append(s.rows, s.slots[i].row)
	}
}

// load is how bad a match is: its ticks' p99, late or long, by its time for one.
func (p *slot) load() float64 { return max(p.row.Took, p.row.Late) / max(micro(p.length), 1) }

// readBlames takes the blames that are new.
func (s *sampler) readBlames() {
	if s.stats.Causes.Blames == s.judged {
		return
	}
	s.judged = s.stats.Causes.Blames
	all := s.cfg.Ticks.Blames()
	first := len(all)
	for first > 0 && s.newest != (blameKey{all[first-1].Entry, all[first-1].N}) {
		first--
	}
	now := s.cfg.Ticks.Now()
	for i := first; i < len(all); i++ {
		b := &all[i]
		s.newest = blameKey{b.Entry, b.N}
		s.blameSeq++
		if len(all)-i > MaxBlames {
			continue
		}
		game, id := split(b.Entry)
		s.blames = append(s.blames, BlameLine{
			Seq: s.blameSeq, At: s.at.Add(time.Duration(b.Due - now)).UnixMilli(),
			ID: clip(id, MaxName), Game: clip(game, MaxName), Tick: b.N, Worker: b.Worker,
			Late: milli(b.Late), Took: milli(b.Took), Cause: int(b.Cause()), Line: cut(b.String(), MaxLine),
		})
	}
	if more := len(s.blames) - MaxBlames; more > 0 {
		s.blames = slices.Delete(s.blames, 0, more)
	}
}

// readTraces looks now and then for traces that are new.
func (s *sampler) readTraces() {
	if s.cfg.Traces == nil || s.tracesAt != 0 && s.n-s.tracesAt < 2*rowsEvery {
		return
	}
	list := s.cfg.Traces()
	list = list[:min(len(list), MaxTraces)]
	s.tracesAt = s.n
	if slices.Equal(list, s.traces) {
		return
	}
	s.traces = list
	for _, w := range s.watchers {
		w.listed = false
	}
}

// split takes the name of an entry apart: game/match.
func split(name string) (game, id string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// clip bounds a text in characters, cut in bytes, between two characters.
func clip(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i]
		}
	}
	return s
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

func micro(d time.Duration) float64 { return float64(d) / 1e3 }
func milli(d time.Duration) float64 { return float64(d) / 1e6 }

func millis(all []time.Duration) []float64 {
	list := make([]float64, len(all))
	for i, d := range all {
		list[i] = milli(d)
	}
	return list
}
