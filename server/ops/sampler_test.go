package ops

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/sio"
	"gameserver/tick"
)

const second = time.Second

func TestNothingIsReadWhileNobodyWatches(t *testing.T) {
	bubble(t, func(t *testing.T, l *lab) { //nolint:thelper // the body of the test
		l.match("m1", 60, nil)
		l.pass(time.Minute)
		require.Zero(t, l.readings)

		a, b := &page{}, &page{}
		l.watch(a, WatchRequest{})
		l.pass(time.Minute)
		require.Zero(t, l.readings, "a page in the background does not look")
		require.Empty(t, a.frames)

		l.watch(a, WatchRequest{On: true})
		require.Equal(t, 1, l.readings, "the first one is taken at once")
		require.Len(t, a.frames, 1)
		require.LessOrEqual(t, cap(l.sampler.records), 64, "a match's past is not read for the map")
		l.pass(10 * second)
		require.Equal(t, 41, l.readings, "then four a second")
		l.watch(b, WatchRequest{On: true})
		l.pass(10 * second)
		require.Equal(t, 81, l.readings, "for all that watch together")
		require.Len(t, a.frames, 81)
		require.Len(t, b.frames, 41)

		l.leave(a)
		l.watch(b, WatchRequest{})
		l.pass(time.Minute)
		require.Equal(t, 81, l.readings)
		require.Empty(t, l.sampler.places, "nor is a match kept alive")
		l.leave(b)
		require.Empty(t, l.sampler.watchers)
	})
}

// A match takes 2 ms of its 10, and 8 in every 100th tick; then it is late, too.
func TestFrames(t *testing.T) {
	bubble(t, func(t *testing.T, l *lab) { //nolint:thelper // the body of the test
		p := &page{}
		l.house.seats = []Seat{{0, "ann", "connected", false}, {1, "bob", "bot", true}}
		l.match("m1", 100, func(tk *tick.Tick) {
			tk.Begin(tick.PhaseStep)
			time.Sleep(2 * time.Millisecond)
			if tk.N%100 == 0 {
				time.Sleep(6 * time.Millisecond)
			}
		})
		l.match("m2", 50, nil)
		l.pass(9 * time.Millisecond) // no reading is in the middle of a tick
		l.watch(p, WatchRequest{On: true, Match: "m1"})
		l.pass(10 * second)

		f := p.frames[len(p.frames)-1]
		require.Equal(t, uint32(41), f.N)
		require.Equal(t, uint32(40), f.B)
		require.Equal(t, uint64(1500), f.Sum.Expected)
		require.Equal(t, 2, f.Sum.Entries)
		require.Equal(t, 7, f.House.Players)
		require.Len(t, f.Workers, 2)
		require.Equal(t, 1, f.Workers[0].Entries)
		require.InDelta(t, 0.206, f.Workers[0].Busy+f.Workers[1].Busy, 0.01)
		k := p.knows(t)
		require.Equal(t, l.sampler.hists, k.hists)
		require.Equal(t, uint64(1500), sum(&k.hists[histDuration]))
		require.Equal(t, uint64(1000), sum(&k.hists[histPhases+int(tick.PhaseStep)]))
		require.Equal(t, map[int]string{0: "m1", 1: "m2"}, k.slots)
		require.Equal(t, 1000, len(k.ticks))
		for i, n := range k.ticks {
			require.Equal(t, uint64(i+1), n, "every tick of the selected match, once")
		}

		checkRows(t, p)
		checkBlames(t, p)

		// Ticks on the wire.
		at := 99 - int(p.frames[4].Match.From-1)
		raw := p.frames[4].Match.Ticks[at*tickBytes:][:tickBytes]
		require.Equal(t, pack(8000), binary.LittleEndian.Uint16(raw[6:]))
		require.Equal(t, pack(8000), binary.LittleEndian.Uint16(raw[8+2*tick.PhaseStep:]))
		require.Equal(t, l.house.seats, p.frames[0].Match.Seats)
		l.leave(p)
	})
}

// checkRows looks for the worst first, with what the scheduler says of it, and for
// the long ticks and no others in the heat map.
func checkRows(t *testing.T, p *page) {
	t.Helper()
	var rows []Row
	for _, f := range p.frames {
		if f.Rows != nil {
			rows = f.Rows
		}
	}
	require.Len(t, rows, 2)
	require.Equal(t, 0, rows[0].Slot)
	require.InDelta(t, 2000, rows[0].Took, 10)
	require.InDelta(t, 8000, rows[0].Worst, 20)
	require.InDelta(t, 1, rows[0].Ratio, 1e-9)

	long := 0
	for _, f := range p.frames[1:] {
		switch took := f.Heat[0]; took {
		case share(8*time.Millisecond, 10*time.Millisecond):
			long++
		default:
			require.Equal(t, share(2*time.Millisecond, 10*time.Millisecond), took)
		}
		require.Zero(t, f.Heat[heatStride+1], "m2 is never late")
	}
	require.Equal(t, 10, long)
}

// checkBlames looks for a line for each long tick.
func checkBlames(t *testing.T, p *page) {
	t.Helper()
	var lines []BlameLine
	for _, f := range p.frames {
		lines = append(lines, f.Blames...)
	}
	require.GreaterOrEqual(t, len(lines), 9)
	for i, b := range lines {
		require.Equal(t, uint64(i+1), b.Seq)
		require.Equal(t, "m1", b.ID)
		require.Equal(t, "pond", b.Game)
		require.Equal(t, uint64(100*(i+1)), b.Tick)
		require.InDelta(t, 8, b.Took, 0.001)
		require.Contains(t, b.Line, "took 8.0 of 10.0 ms")
	}
}

func sum(h *histogram) (n uint64) {
	for _, c := range h {
		n += c
	}
	return n
}

// Whatever a line does with frames, in the end a page knows the same.
func TestFramesThatWaitLoseNothing(t *testing.T) {
	for seed := range uint64(10) {
		bubble(t, func(t *testing.T, l *lab) { //nolint:thelper // the body of the test
			rng := rand.New(rand.NewPCG(seed, 1))
			work := func(tk *tick.Tick) {
				tk.Begin(tick.Phase(tk.N % uint64(tick.NumPhases)))
				time.Sleep(time.Duration(tk.N%13) * time.Millisecond / 2)
			}
			l.match("m1", 100, work)
			l.match("m2", 20, work)
			quick, slow := &page{}, &page{}
			for _, p := range []*page{quick, slow} {
				l.watch(p, WatchRequest{On: true, Match: "m1"})
			}
			waits := false
			for range 100 {
				switch {
				case rng.IntN(3) == 0:
					slow.next, waits = append(slow.next, sio.Sent), false
				case waits && rng.IntN(4) > 0:
					slow.next = append(slow.next, sio.Coalesced)
				default:
					slow.next, waits = append(slow.next, sio.Queued), true
				}
			}
			l.pass(time.Duration(5+rng.IntN(8)) * second)
			e := l.match("m3", 10, work)
			l.pass(3 * second)
			e.Stop()
			l.pass(20 * second) // all is sent in the end

			a, b := quick.knows(t), slow.knows(t)
			require.Less(t, len(slow.frames), len(quick.frames))
			require.Equal(t, l.sampler.hists, a.hists)
			require.Equal(t, a.hists, b.hists, "seed %d", seed)
			require.Equal(t, a.ticks, b.ticks, "seed %d", seed)
			require.Equal(t, a.slots, b.slots)
			require.Equal(t, a.blames[len(a.blames)-1], b.blames[len(b.blames)-1])
			require.Empty(t, a.slots[2])
			l.leave(quick)
			l.leave(slow)
		})
	}
}

// A page that never reads is offered the same frame, newer each time.
func TestStalledPageHasOneFrame(t *testing.T) {
	bubble(t, func(t *testing.T, l *lab) { //nolint:thelper // the body of the test
		l.match("m1", 60, func(*tick.Tick) { time.Sleep(9 * time.Millisecond) })
		p := &page{next: []sio.Outcome{sio.Queued}}
		for range 1000 {
			p.next = append(p.next, sio.Coalesced)
		}
		l.watch(p, WatchRequest{On: true, Match: "m1"})
		l.pass(2 * time.Minute)
		require.Empty(t, p.frames)
		require.Equal(t, 481, p.offers)
		f := p.queued
		require.Zero(t, f.B)
		require.Equal(t, uint32(481), f.N)
		require.LessOrEqual(t, len(f.Match.Ticks), MaxTicks*tickBytes)
		require.Len(t, f.Blames, MaxBlames)
		p.next = nil
		l.pass(second)
		require.Len(t, p.frames, 5)
		require.Equal(t, p.frames[1].N, p.frames[2].B)
		l.leave(p)
	})
}

// Every bound, and one past it.
func TestFrameIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, l *lab) { //nolint:thelper // the body of the test
		long := strings.Repeat("ä", MaxName+1)
		for i := range MaxSlots + 1 {
			l.match(fmt.Sprintf("%0*d", MaxName, i), 1, nil)
		}
		heavy := l.match(long, tick.MaxHz, nil)
		l.house.seats = make([]Seat, MaxSeats+1)
		for i := range l.house.seats {
			l.house.seats[i] = Seat{Seat: i, Name: long, State: "connected"}
		}
		all := make([]Trace, MaxTraces+1)
		l.sampler.cfg.Traces = func() []Trace { return all }
		p := &page{}
		l.watch(p, WatchRequest{On: true})
		require.Equal(t, 2, p.frames[0].Hidden, "one past the bound, and the heavy one")
		require.Len(t, p.frames[0].Slots, MaxSlots)
		require.Len(t, p.frames[0].Heat, MaxSlots*heatStride)
		require.Len(t, p.frames[0].Rows, MaxRows)
		require.Len(t, p.traces[0], MaxTraces)

		// Somebody leaves: one of those that were hidden moves in.
		for _, e := range l.ticks.Entries() {
			if e != heavy {
				e.Stop()
				break
			}
		}
		l.pass(second)
		require.Equal(t, 1, p.frames[len(p.frames)-1].Hidden)

		// The largest frame there can be, as it is sent.
		for range 2 * MaxBlames {
			l.sampler.blames = append(l.sampler.blames, BlameLine{
				Seq: uint64(len(l.sampler.blames) + 1), ID: clip(long, MaxName), Game: clip(long, MaxName), Line: cut(strings.Repeat("ß", MaxLine), MaxLine),
			})
		}
		l.sampler.blames = l.sampler.blames[len(l.sampler.blames)-MaxBlames:]
		id := fmt.Sprintf("%0*d", MaxName, 3)
		w := newWatcher(p)
		w.on, w.match = true, id
		w.note(l.sampler)
		f, _ := l.sampler.frame(w)
		require.Len(t, f.Match.Seats, MaxSeats)
		require.Len(t, f.Match.Seats[0].Name, 2*MaxName)
		f.Match.Ticks = make([]byte, MaxTicks*tickBytes)
		f.Hist = make([]byte, numHists*histBuckets*6)
		f.Workers = make([]Worker, tick.MaxWorkers)
		msgs, err := sio.Encode(sio.ParserMsgpack, sio.Header{Type: sio.PacketEvent, Namespace: Namespace}, eventFrame, f)
		require.NoError(t, err)
		require.LessOrEqual(t, len(msgs[0].Data), MaxFrame)
		require.Greater(t, 2*MaxFrame, len(msgs[0].Data), "the bound means something")
		require.Less(t, 2*MaxFrame, OutboxBytes)
		l.leave(p)
	})
}

// A page that selects another match gets its last minute, in pieces.
func TestSelection(t *testing.T) {
	bubble(t, func(t *testing.T, l *lab) { //nolint:thelper // the body of the test
		l.match("m1", 60, nil)
		l.match("m2", 60, nil)
		l.pass(90 * second)
		p := &page{}
		l.watch(p, WatchRequest{On: true})
		require.Nil(t, p.frames[0].Match)
		l.watch(p, WatchRequest{On: true, Match: "m2"})
		require.Len(t, p.frames, 2, "the answer is at once")
		require.Equal(t, p.frames[0].N, p.frames[1].B)
		require.Equal(t, p.frames[0].N, p.frames[1].N)
		l.pass(2 * second)
		ticks := p.knows(t).ticks
		require.InDelta(t, 3600+120, len(ticks), 5)
		for i := range ticks[1:] {
			require.Equal(t, ticks[i]+1, ticks[i+1])
		}
		l.watch(p, WatchRequest{On: true, Match: "nobody"})
		last := p.frames[len(p.frames)-1].Match
		require.True(t, last.Gone)
		l.watch(p, WatchRequest{On: true})
		require.Nil(t, p.frames[len(p.frames)-1].Match)
		l.leave(p)
	})
}

// Reading all matches allocates what Scheduler.Entries does, however many.
func TestReadingAllocatesLittle(t *testing.T) {
	s := newSampler(Config{Ticks: tick.New(tick.Config{Workers: 1}), House: &hotel{}}, nil, nil)
	defer s.cfg.Ticks.Close(t.Context())
	for i := range 100 {
		_, err := s.cfg.Ticks.Add(taskFunc(func(*tick.Tick) bool { return true }), tick.Options{Name: fmt.Sprint("pond/", i), Hz: 60})
		require.NoError(t, err)
	}
	s.n = 1
	s.readMatches(true)
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
		s.n++
		s.readMatches(s.n%rowsEvery == 0)
	}), 4.0)
}

func BenchmarkReading500Matches(b *testing.B) {
	s := newSampler(Config{Ticks: tick.New(tick.Config{Workers: 2, Utilisation: -1}), House: &hotel{}}, nil, nil)
	defer s.cfg.Ticks.Close(b.Context())
	for i := range 500 {
		_, err := s.cfg.Ticks.Add(taskFunc(func(*tick.Tick) bool { return true }), tick.Options{Name: fmt.Sprint("pond/", i), Hz: 60})
		require.NoError(b, err)
	}
	w := newWatcher(&page{})
	w.on = true
	s.watchers[w.out] = w
	s.looking = 1
	b.ReportAllocs()
	for b.Loop() {
		s.read()
		f, _ := s.frame(w)
		_, err := sio.Encode(sio.ParserMsgpack, sio.Header{Type: sio.PacketEvent, Namespace: Namespace}, eventFrame, f)
		require.NoError(b, err)
		w.base, w.hists, w.blames = s.n, s.hists, s.blameSeq
	}
}
