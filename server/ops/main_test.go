package ops

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/sio"
	"gameserver/tick"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hotel is the house of these tests.
type hotel struct {
	mu    sync.Mutex // guards the following
	seats []Seat
	did   []string
	fails error
}

func (h *hotel) Figures() Figures { return Figures{Players: 7, Ready: true} }

func (h *hotel) Match(string) (string, []Seat, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return "running", h.seats, true
}

func (h *hotel) act(what string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.did = append(h.did, what)
	return h.fails
}

func (h *hotel) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fails = err
}

func (h *hotel) Kick(match string, seat int) error {
	if match == "gone" || match == "" {
		return ErrNotFound
	}
	return h.act(fmt.Sprint("kick ", match, " ", seat))
}

func (h *hotel) Stop(match string) error { return h.act("stop " + match) }

// page is a connection that takes what it is told to, and keeps what a page
// would know.
type page struct {
	next   []sio.Outcome // of the offers to come; then Sent
	frames []*Frame      // delivered
	queued *Frame        // waits
	traces [][]Trace
	offers int
	closed bool
}

// Offer implements outlet, as a slow or a quick line would.
func (p *page) Offer(o sio.Offer, event string, args ...any) (sio.Outcome, error) {
	if p.closed {
		return sio.Closed, sio.ErrNotConnected
	}
	if event == eventTraces {
		list, _ := args[0].([]Trace)
		p.traces = append(p.traces, list)
		return sio.Sent, nil
	}
	f, _ := args[0].(*Frame)
	p.offers++
	outcome := sio.Sent
	if len(p.next) > 0 {
		outcome, p.next = p.next[0], p.next[1:]
	}
	if o.Key != eventFrame {
		panic("a frame without a key")
	}
	switch outcome {
	case sio.Sent:
		p.flush()
		p.frames = append(p.frames, f)
	case sio.Queued: // whatever waited has left meanwhile
		p.flush()
		p.queued = f
	case sio.Coalesced:
		p.queued = f
	case sio.Closed, sio.Dropped:
	}
	return outcome, nil
}

func (p *page) flush() {
	if p.queued != nil {
		p.frames = append(p.frames, p.queued)
		p.queued = nil
	}
}

// known is what a page knows after its frames, by the one rule: a frame takes the
// place of those before it that have the same base.
type known struct {
	hists  histograms
	missed map[int]int
	blames []uint64
	ticks  []uint64
	slots  map[int]string
}

func (p *page) knows(t *testing.T) known {
	t.Helper()
	k := known{missed: map[int]int{}, slots: map[int]string{}}
	newest := uint32(0)
	for i, f := range p.frames {
		if i+1 < len(p.frames) && p.frames[i+1].B == f.B && f.N != f.B {
			continue // replaced
		}
		if f.B == 0 {
			k = known{missed: map[int]int{}, slots: map[int]string{}}
		} else {
			require.Equal(t, newest, f.B, "a frame builds on what was delivered")
		}
		newest = f.N
		for h := f.Hist; len(h) > 0; h = h[6:] {
			k.hists[h[0]][h[1]] += uint64(binary.LittleEndian.Uint32(h[2:]))
		}
		for s := range len(f.Heat) / heatStride {
			k.missed[s] += int(f.Heat[s*heatStride+2])
		}
		for _, b := range f.Blames {
			k.blames = append(k.blames, b.Seq)
		}
		for _, s := range f.Slots {
			k.slots[s.Slot] = s.ID
		}
		if m := f.Match; m != nil {
			for n := range len(m.Ticks) / tickBytes {
				k.ticks = append(k.ticks, m.From+uint64(n)) //nolint:gosec // small
			}
		}
	}
	return k
}

// taskFunc is a tick.Task.
type taskFunc func(*tick.Tick) bool

func (f taskFunc) Tick(t *tick.Tick) bool { return f(t) }

// lab is a sampler with a scheduler in virtual time.
type lab struct {
	t        *testing.T
	ticks    *tick.Scheduler
	house    *hotel
	sampler  *sampler
	orders   chan order
	readings int
}

func bubble(t *testing.T, f func(*testing.T, *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{t: t, ticks: tick.New(tick.Config{Workers: 2, Utilisation: -1}), house: &hotel{}, orders: make(chan order)}
		quit, gone := make(chan struct{}), make(chan struct{})
		l.sampler = newSampler(Config{Ticks: l.ticks, House: l.house}, l.orders, quit)
		l.sampler.readings = func() { l.readings++ }
		go func() {
			defer close(gone)
			l.sampler.run()
		}()
		t.Cleanup(func() {
			close(quit)
			<-gone
			require.NoError(t, l.ticks.Close(context.Background()))
		})
		f(t, l)
	})
}

// match adds an entry that does f in each of its ticks.
func (l *lab) match(id string, hz int, f func(*tick.Tick)) *tick.Entry {
	l.t.Helper()
	e, err := l.ticks.Add(taskFunc(func(tk *tick.Tick) bool {
		if f != nil {
			f(tk)
		}
		return true
	}), tick.Options{Name: "pond/" + id, Group: "pond", Hz: hz})
	require.NoError(l.t, err)
	return e
}

func (l *lab) watch(p *page, w WatchRequest) {
	l.orders <- order{out: p, watch: w} // what the test has read, it has read before
	synctest.Wait()
}

func (l *lab) leave(p *page) {
	l.orders <- order{out: p, leave: true}
	synctest.Wait()
}

// pass lets time go by.
func (l *lab) pass(d time.Duration) {
	l.orders <- order{out: &page{}, leave: true} // nobody: as in watch
	time.Sleep(d)
	synctest.Wait()
}

var errTest = errors.New("the house burns")
