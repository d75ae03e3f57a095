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
	clk *clock

	mu     sync.Mutex
	pauses []span
	steals []span
	marks  []span
	crowds []span // all processors of the process ran
	pushed []span // its threads waited for them
	queues []span // a goroutine waited for its turn
	ran    int64  // of the one thread
	wait   int64
}

// spend sleeps for a reason.
func (p *planted) spend(why string, d time.Duration) {
	from := p.clk.now()
	time.Sleep(d)
	to := p.clk.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	here := span{from, to}
	switch why {
	case "busy":
		p.ran += int64(d)
	case "gc":
		p.ran += int64(d)
		p.pauses = append(p.pauses, here)
	case "stolen":
		p.ran += int64(d) // the kernel of the guest knows nothing
		p.steals = append(p.steals, here)
	case "gc asleep":
		p.pauses = append(p.pauses, here)
	case "stolen asleep":
		p.wait += int64(d)
		p.steals = append(p.steals, here)
	case "wake", "preempted":
		p.wait += int64(d)
	case "marking":
		p.marks = append(p.marks, here)
	case "crowd":
		p.crowds = append(p.crowds, here)
	case "pushed":
		p.pushed = append(p.pushed, here)
	case "queue":
		p.queues = append(p.queues, here)
	case "blocked", "nothing":
	default:
		panic(why)
	}
}

func (p *planted) sum(list *[]span, from, to int64) (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range *list {
		n += s.in(from, to)
	}
	return n
}

func (p *planted) sample(*worker) sample {
	p.mu.Lock()
	defer p.mu.Unlock()
	return sample{ok: true, tid: 1, ran: p.ran, wait: p.wait}
}

func (p *planted) observe(int64)                {}
func (p *planted) paused(from, to int64) int64  { return p.sum(&p.pauses, from, to) }
func (p *planted) marking(from, to int64) int64 { return p.sum(&p.marks, from, to) }
func (p *planted) stolen(from, to int64) int64  { return p.sum(&p.steals, from, to) }
func (p *planted) queued(from, to int64) int64  { return p.sum(&p.queues, from, to) }
func (p *planted) processors() int              { return 1 }
func (p *planted) known(int) sample             { return sample{} }
func (p *planted) count(int64)                  {}
func (p *planted) close()                       {}
func (p *planted) used(from, to int64) (ran, wait int64) {
	return p.sum(&p.crowds, from, to), p.sum(&p.pushed, from, to)
}

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

// plant is a reason to plant, and what it is to be called.
type plant struct {
	why  string
	want Cause
}

// account is what blames add up to.
type account struct {
	n, misnamed int
	sum         time.Duration
	parts       [NumCauses]time.Duration
}

func (a *account) add(t *testing.T, parts *[NumCauses]time.Duration, cause, want Cause, line string) {
	t.Helper()
	a.n++
	for c, d := range parts {
		a.sum += d
		a.parts[c] += d
	}
	if cause != want {
		if a.misnamed++; a.misnamed < 5 {
			t.Log(line)
		}
	}
}

// check requires that nearly all of it went to the one cause.
func (a *account) check(t *testing.T, want Cause) {
	t.Helper()
	require.Zero(t, a.misnamed)
	for c, d := range a.parts {
		if Cause(c) == want {
			require.GreaterOrEqual(t, d, a.sum*95/100, "%v of %v", a.parts, a.sum)
		} else {
			require.LessOrEqual(t, d, a.sum/20, "%v got what is not its own", Cause(c))
		}
	}
}

// TestBlameAddsUp injects thousands of stalls of each kind that can be planted
// within a tick, and has another entry wait for it.
func TestBlameAddsUp(t *testing.T) {
	const stalls = 2000
	for _, k := range []plant{
		{"busy", CauseBusy},
		{"gc", CauseGC},
		{"preempted", CausePreempted},
		{"stolen", CauseStolen},
		{"blocked", CauseBlocked},
		{"crowd", CauseSched},
		{"pushed", CauseSched},
	} {
		t.Run(k.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, rnd := &planted{}, rand.New(rand.NewPCG(1, uint64(k.want)))
				var late, long account
				// Who waits for a tick that is blocked, or queued, waits for that tick.
				seen := k.want
				if seen == CauseBlocked || seen == CauseSched {
					seen = CauseBusy
				}
				s := virtualWith(t, Config{Workers: 1, host: h, BlameEvery: -1, OnBlame: func(b Blame) {
					addUp(t, &b)
					if b.Late > 0 {
						late.add(t, &b.LateParts, b.Cause(), seen, b.String())
						if seen == CauseBusy {
							require.Equal(t, "culprit", b.Culprit)
							require.Equal(t, PhaseEncode, b.Phase)
						}
					} else {
						long.add(t, &b.TookParts, b.Cause(), k.want, b.String())
					}
				}})
				h.clk = &s.clk
				add(t, s, Options{Name: "culprit", Hz: 50, Policy: CatchUp{Max: -1}}, func(tk *Tick) bool {
					tk.Begin(PhaseStep)
					h.spend("busy", time.Duration(rnd.Int64N(int64(200*time.Microsecond))))
					tk.Begin(PhaseEncode)
					h.spend(k.why, 11500*time.Microsecond+time.Duration(rnd.Int64N(int64(7*ms))))
					return tk.N < stalls
				})
				add(t, s, Options{Name: "victim", Hz: 50}, idle) // due 10 ms after it
				until(s, (stalls+50)*20*ms)
				require.InDelta(t, stalls, late.n, stalls/20)
				require.Equal(t, stalls, long.n)
				late.check(t, seen)
				long.check(t, k.want)
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

// oversleep has the worker oversleep by some milliseconds, again and again, and
// hands what is said about it to told.
func oversleep(t *testing.T, naps uint64, after func(h *planted), told func(b *Blame)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, blames := &planted{}, uint64(0)
		s := virtualWith(t, Config{Workers: 1, host: h, BlameEvery: -1, OnBlame: func(b Blame) {
			addUp(t, &b)
			blames++
			told(&b)
		}})
		h.clk = &s.clk
		w := s.workers[0].Load()
		w.mu.Lock()
		w.timer = &sleeper{timer: w.timer, after: func() { after(h) }}
		w.mu.Unlock()
		e := add(t, s, Options{Hz: 50}, func(tk *Tick) bool { return tk.N < naps })
		<-e.Done()
		time.Sleep(time.Second)
		synctest.Wait()
		require.InDelta(t, naps, blames, float64(naps)/100)
	})
}

// TestBlameOfWaking oversleeps because of each cause that can do that.
func TestBlameOfWaking(t *testing.T) {
	for _, k := range []plant{
		{"wake", CauseWake},
		{"pushed", CauseWake},
		{"marking", CauseGC},
		{"gc asleep", CauseGC},
		{"crowd", CauseSched},
		{"queue", CauseSched},
		{"stolen asleep", CauseStolen},
		{"nothing", CauseUnknown},
	} {
		t.Run(k.why, func(t *testing.T) {
			var a account
			rnd := rand.New(rand.NewPCG(2, uint64(k.want)))
			oversleep(t, 2000, func(h *planted) {
				h.spend(k.why, 2*ms+time.Duration(rnd.Int64N(int64(7*ms))))
			}, func(b *Blame) { a.add(t, &b.LateParts, b.Cause(), k.want, b.String()) })
			a.check(t, k.want)
		})
	}
}

// TestBlameOfAMixture oversleeps for several reasons at a time: each has its own
// part of the line.
func TestBlameOfAMixture(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	kinds := []plant{{"wake", CauseWake}, {"gc asleep", CauseGC}, {"crowd", CauseSched}, {"stolen asleep", CauseStolen}, {"nothing", CauseUnknown}}
	var want, got [NumCauses]time.Duration
	sum := time.Duration(0)
	oversleep(t, 2000, func(h *planted) {
		for _, i := range rnd.Perm(len(kinds))[:1+rnd.IntN(3)] {
			d := ms + time.Duration(rnd.Int64N(int64(2*ms)))
			h.spend(kinds[i].why, d)
			want[kinds[i].want] += d
			sum += d
		}
	}, func(b *Blame) {
		for c, d := range b.LateParts {
			got[c] += d
		}
	})
	for c := range NumCauses {
		require.InDelta(t, want[c], got[c], float64(sum)/50, "%v: %v, not %v", c, got, want)
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
