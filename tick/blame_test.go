package tick

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// planted is a host whose evidence a test makes up: a task sleeps, and plants a
// reason for a part of it.
type planted struct {
	mu     sync.Mutex
	pauses []span
	steals []span
	marks  []span
	wait   int64 // of the one thread
	cpu    int64
}

func (p *planted) plant(list *[]span, from, to int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*list = append(*list, span{from, to})
}

func (p *planted) sum(list *[]span, from, to int64) (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range *list {
		n += s.in(from, to)
	}
	return n
}

func (p *planted) sample(_ *worker, now int64) sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sample{ok: true, tid: 1, at: now, wait: p.wait, cpu: p.cpu}
}

func (p *planted) observe(int64)                {}
func (p *planted) paused(from, to int64) int64  { return p.sum(&p.pauses, from, to) }
func (p *planted) marking(from, to int64) int64 { return p.sum(&p.marks, from, to) }
func (p *planted) stolen(from, to int64) int64  { return p.sum(&p.steals, from, to) }
func (p *planted) queued(_, _ int64) int64      { return 0 }
func (p *planted) processors() int              { return 1 }

// addUp requires of a blame what it promises.
func addUp(t *testing.T, b *Blame) {
	t.Helper()
	late, took, phases := time.Duration(0), time.Duration(0), time.Duration(0)
	for c := range NumCauses {
		require.GreaterOrEqual(t, b.LateParts[c], time.Duration(0))
		require.GreaterOrEqual(t, b.TookParts[c], time.Duration(0))
		late, took = late+b.LateParts[c], took+b.TookParts[c]
	}
	for _, d := range b.Phases {
		require.GreaterOrEqual(t, d, time.Duration(0))
		phases += d
	}
	require.Equal(t, b.Late, late)
	require.Equal(t, b.Took, took)
	require.Equal(t, b.TookParts[CauseBusy], phases)
	require.LessOrEqual(t, b.Held, b.LateParts[CauseBusy])
	require.LessOrEqual(t, b.InPhase, b.Held)
	require.True(t, b.Late > 0 || b.Took > 0)
	require.Contains(t, b.String(), b.Cause().causeOrPhase(b))
}

// causeOrPhase is how the cause appears in the line.
func (c Cause) causeOrPhase(b *Blame) string {
	if b.Late > 0 || c != CauseBusy {
		return c.String()
	}
	return "took"
}

// TestBlameAddsUp injects thousands of stalls of each kind that can be planted
// within a tick, and has another entry wait for it.
func TestBlameAddsUp(t *testing.T) {
	const stalls = 2000
	for _, cause := range []Cause{CauseBusy, CauseGC, CausePreempted, CauseStolen} {
		t.Run(cause.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, rnd := &planted{}, rand.New(rand.NewPCG(1, uint64(cause)))
				late, long, wrong := 0, 0, 0
				var sum, unknown time.Duration
				s := virtualWith(t, Config{Workers: 1, host: h, BlameEvery: -1, OnBlame: func(b Blame) {
					addUp(t, &b)
					sum, unknown = sum+b.Late, unknown+b.LateParts[CauseUnknown]
					late += min(int(b.Late), 1)
					if b.Took > 0 {
						long++
						if b.Cause() != cause && b.Late == 0 {
							wrong++
						}
					}
					if b.Late > 0 && (b.Cause() != cause || cause == CauseBusy && (b.Culprit != "culprit" || b.Phase != PhaseEncode)) {
						wrong++
						t.Log(b.String())
					}
				}})
				add(t, s, Options{Name: "culprit", Hz: 50, Policy: CatchUp{Max: -1}}, func(tk *Tick) bool {
					tk.Begin(PhaseStep)
					time.Sleep(time.Duration(rnd.Int64N(int64(200 * time.Microsecond))))
					tk.Begin(PhaseEncode)
					d := 11500*time.Microsecond + time.Duration(rnd.Int64N(int64(7*ms)))
					from := s.Now()
					time.Sleep(d)
					to := s.Now()
					switch cause {
					case CauseGC:
						h.plant(&h.pauses, from, to)
					case CauseStolen:
						h.plant(&h.steals, from, to)
					case CausePreempted:
						h.mu.Lock()
						h.wait += to - from
						h.mu.Unlock()
					default:
					}
					return tk.N < stalls
				})
				add(t, s, Options{Name: "victim", Hz: 50}, idle) // due 10 ms after it
				until(s, (stalls+50)*20*ms)
				require.InDelta(t, stalls, late, stalls/20)
				require.Equal(t, stalls, long)
				require.Zero(t, wrong)
				require.LessOrEqual(t, unknown, sum/20)
				require.Len(t, s.Blames(), MaxBlames)
			})
		})
	}
}

// sleeper is a timer that oversleeps, for a planted reason.
type sleeper struct {
	timer
	after func()
}

func (s *sleeper) wait() error {
	err := s.timer.wait()
	s.after()
	return err
}

// TestBlameOfWaking has the worker oversleep by some milliseconds, thousands of
// times, because of each cause that can do that.
func TestBlameOfWaking(t *testing.T) {
	const naps = 2000
	for _, cause := range []Cause{CauseWake, CauseGC, CauseSched, CauseStolen, CauseUnknown} {
		t.Run(cause.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, rnd := &planted{}, rand.New(rand.NewPCG(2, uint64(cause)))
				blames, wrong := 0, 0
				var sum, named time.Duration
				s := virtualWith(t, Config{Workers: 1, host: h, BlameEvery: -1, OnBlame: func(b Blame) {
					addUp(t, &b)
					blames++
					sum, named = sum+b.Late, named+b.LateParts[cause]
					if b.Cause() != cause {
						wrong++
						t.Log(b.String())
					}
				}})
				w := s.workers[0].Load()
				w.mu.Lock()
				w.timer = &sleeper{timer: w.timer, after: func() {
					from, d := s.Now(), 2*ms+time.Duration(rnd.Int64N(int64(7*ms)))
					time.Sleep(d)
					to := s.Now()
					h.mu.Lock()
					defer h.mu.Unlock()
					switch cause {
					case CauseWake:
						h.wait += to - from
					case CauseStolen:
						h.wait += to - from // the kernel cannot tell them apart
						h.steals = append(h.steals, span{from, to})
					case CauseGC:
						h.marks = append(h.marks, span{from, to})
					case CauseSched:
						h.cpu = s.Now()
					default:
						h.cpu = 0
					}
				}}
				w.mu.Unlock()
				e := add(t, s, Options{Hz: 50}, func(tk *Tick) bool { return tk.N < naps })
				<-e.Done()
				time.Sleep(time.Second)
				synctest.Wait()
				require.InDelta(t, naps, blames, naps/100)
				require.LessOrEqual(t, wrong, naps/100)
				require.GreaterOrEqual(t, named, sum*95/100)
			})
		})
	}
}

// TestBlameOfACrowd is late because of three hundred small ticks, more than a
// worker remembers.
func TestBlameOfACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []Blame
		s := virtualWith(t, Config{Workers: 1, Utilisation: -1, BlameEvery: -1, OnBlame: func(b Blame) { got = append(got, b) }})
		for i := range 300 {
			e := add(t, s, Options{Name: fmt.Sprint(i), Hz: 10}, func(*Tick) bool { time.Sleep(100 * time.Microsecond); return true })
			e.Scale(0)
		}
		for _, e := range s.Entries() {
			w := e.lock()
			e.phase = 0
			e.sched.anchor = 0
			w.mu.Unlock()
			e.Scale(1)
		}
		until(s, time.Second-ms)
		require.NotEmpty(t, got)
		for _, b := range got {
			addUp(t, &b)
			require.LessOrEqual(t, b.LateParts[CauseUnknown], b.Late/20, b.String())
			require.Equal(t, CauseBusy, b.Cause())
			require.Positive(t, b.Others)
		}
	})
}

func TestBlameLine(t *testing.T) {
	us := time.Microsecond
	b := Blame{
		Late:    7300 * us,
		Culprit: "match 9f2", Phase: PhaseStep, Held: 6100 * us, InPhase: 6090 * us,
	}
	b.LateParts[CauseBusy], b.LateParts[CauseGC], b.LateParts[CauseWake] = 6100*us, 800*us, 400*us
	require.Equal(t, "late 7.3 ms = worker busy (match 9f2: step 6.1) + gc 0.8 + wake 0.4", b.String())
	require.Equal(t, CauseBusy, b.Cause())

	b.LateParts[CauseBusy] += 200 * us
	b.Late += 200 * us
	b.InPhase = 3000 * us
	require.Equal(t, "late 7.5 ms = worker busy (match 9f2: 6.1, step 3.0, others 0.2) + gc 0.8 + wake 0.4", b.String())

	long := Blame{Took: 12 * ms, Length: 16667 * us}
	long.TookParts[CauseBusy], long.TookParts[CauseGC] = 10*ms, 2*ms
	long.Phases[PhaseStep], long.Phases[PhaseEncode] = 9*ms, ms
	require.Equal(t, "took 12.0 of 16.7 ms = step 9.0 + encode 1.0 + gc 2.0", long.String())
	require.Equal(t, CauseBusy, long.Cause())

	// Rounding does not spoil the sum.
	odd := Blame{Late: 1150 * us}
	odd.LateParts[CauseGC], odd.LateParts[CauseWake], odd.LateParts[CauseUnknown] = 383*us, 383*us, 384*us
	require.Equal(t, "late 1.2 ms = gc 0.4 + wake 0.4 + unknown 0.4", odd.String())
	odd.LateParts[CauseUnknown], odd.Late = 434*us, 1200*us
	odd.LateParts[CauseGC], odd.LateParts[CauseWake] = 349*us, 417*us
	require.Equal(t, "late 1.2 ms = gc 0.3 + wake 0.5 + unknown 0.4", odd.String())
	require.Equal(t, "unknown", Cause(99).String())
}

// TestBlamesAreBounded fills the list of a worker that the keeper does not get
// round to, and the ring.
func TestBlamesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, suppressed := 0, uint64(0)
		s := virtualWith(t, Config{Workers: 1, Utilisation: -1, BlameEvery: time.Second, OnBlame: func(b Blame) {
			calls++
			suppressed += b.Suppressed
			panic("planted")
		}})
		add(t, s, Options{Hz: 1}, func(*Tick) bool { time.Sleep(500 * ms); return true })
		for range 3 * maxPending {
			add(t, s, Options{Hz: 1}, idle)
		}
		until(s, 10*time.Second+500*ms)
		st := s.Stats()
		require.NotZero(t, st.Lost, "one past the bound")
		require.Len(t, s.Blames(), MaxBlames)
		require.InDelta(t, 10, calls, 1)
		require.LessOrEqual(t, uint64(calls)+suppressed+st.Lost, st.Blames)
		require.Positive(t, suppressed)
		blames := s.Blames()
		require.True(t, blames[0].Due < blames[len(blames)-1].Due, "oldest first")
		require.False(t, strings.Contains(blames[0].String(), "\n"))
	})
}
