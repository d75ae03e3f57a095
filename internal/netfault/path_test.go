package netfault

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newPath(p Profile, back time.Duration) *path {
	return &path{profile: p, back: back, rng: rand.New(rand.NewPCG(3, 4))}
}

// arrivals are the times of all segments since the epoch.
func (p *path) arrivals() (out []time.Duration) {
	for _, s := range p.queue {
		out = append(out, s.at.Sub(epoch))
	}
	return out
}

// loseNext makes the next segment a lost one and its retransmission not.
func (p *path) loseNext() {
	p.profile.Loss, p.profile.Burst, p.bad = 1e-12, 1e12, true
}

func (p *path) loseNoMore() { p.profile.Loss, p.bad = 0, false }

// A lost segment with nothing behind it comes after the round trip and 200 ms.
func TestALossAtTheEndWaitsForTheTimeout(t *testing.T) {
	p := newPath(Profile{Delay: 20 * ms}, 30*ms)
	p.loseNext()
	p.put(100, epoch)
	require.Equal(t, []time.Duration{(20 + 50 + 200) * ms}, p.arrivals())
}

// The next segment mends it: it arrives, its acknowledgement travels back, RACK
// waits a quarter of the round trip, and the retransmission travels.
func TestALossIsMendedByTheNextSegment(t *testing.T) {
	p := newPath(Profile{Delay: 20 * ms}, 20*ms)
	p.put(100, epoch)
	p.loseNext()
	p.put(100, epoch.Add(16*ms))
	p.put(100, epoch.Add(20*ms))
	p.loseNoMore()
	p.put(100, epoch.Add(32*ms))
	p.put(100, epoch.Add(200*ms))
	mended := (32 + 20 + 20 + 10 + 20) * ms
	require.Equal(t, []time.Duration{20 * ms, mended, mended, mended, 220 * ms}, p.arrivals())
	require.EqualValues(t, 2, p.lost)
}

// The timeout doubles while the retransmission is lost again, a bounded number of
// times.
func TestTheTimeoutDoubles(t *testing.T) {
	p := newPath(Profile{Loss: 1 - 1e-12}, 0)
	p.put(1, epoch)
	require.Equal(t, []time.Duration{rtoMin * (1<<(retriesMax+1) - 1)}, p.arrivals())
}

// Whatever the link does, arrivals never go back, and none is earlier than light.
func TestArrivalsNeverGoBack(t *testing.T) {
	for _, name := range append([]string{"bloat"}, Names...) {
		b, err := Named(name)
		require.NoError(t, err)
		require.NoError(t, b.Up.Check())
		require.NoError(t, b.Down.Check())
		p := newPath(b.Down, b.Up.Delay)
		rng := rand.New(rand.NewPCG(5, 6))
		now := epoch
		for range 5000 {
			now = now.Add(time.Duration(rng.IntN(30)) * ms)
			p.put(1+rng.IntN(SegmentBytes), now)
			require.False(t, p.queue[len(p.queue)-1].at.Before(now.Add(b.Down.Delay-b.Down.Jitter)), name)
			for i := max(1, len(p.queue)-40); i < len(p.queue); i++ {
				require.False(t, p.queue[i].at.Before(p.queue[i-1].at), name)
			}
		}
	}
}

// Lost segments are as many as asked for, and come in runs as long.
func TestLossAndBursts(t *testing.T) {
	for _, burst := range []float64{0, 1, 3} {
		p := newPath(Profile{Loss: .02, Burst: burst}, 0)
		const n = 1_000_000
		lost, runs, before := 0, 0, false
		for range n {
			now := p.loses()
			if now {
				lost++
				if !before {
					runs++
				}
			}
			before = now
		}
		require.InEpsilon(t, .02, float64(lost)/n, .05)
		require.InEpsilon(t, max(burst, 1), float64(lost)/float64(runs), .05)
	}
}

// A radio sends what has gathered when its gate opens: arrivals share few times.
func TestSlotsGather(t *testing.T) {
	p := newPath(Profile{Delay: 30 * ms, SlotMin: 5 * ms, SlotMax: 10 * ms}, 0)
	times := map[time.Time]int{}
	for i := range 1000 {
		p.put(10, epoch.Add(time.Duration(i)*ms))
	}
	for _, s := range p.queue {
		times[s.at]++
	}
	require.InDelta(t, 1000/7.5, len(times), 20)
}

func TestJitterIsUniform(t *testing.T) {
	p := newPath(Profile{Delay: 50 * ms, Jitter: 10 * ms}, 0)
	var sum, low, high time.Duration = 0, time.Hour, 0
	const n = 100_000
	for range n {
		d := p.delay()
		sum, low, high = sum+d, min(low, d), max(high, d)
	}
	require.InDelta(t, 50*ms, sum/n, float64(ms/10))
	require.InDelta(t, 40*ms, low, float64(ms/100))
	require.InDelta(t, 60*ms, high, float64(ms/100))
}

func TestProfilesAreChecked(t *testing.T) {
	good := Profile{Delay: DelayMax, Jitter: DelayMax, SlotMin: 1, SlotMax: DelayMax, Buffer: BufferMax, Loss: .99, Burst: 1}
	require.NoError(t, good.Check())
	for _, bad := range []func(*Profile){
		func(p *Profile) { p.Delay++ }, func(p *Profile) { p.Jitter++ }, func(p *Profile) { p.Jitter = -1 },
		func(p *Profile) { p.SlotMax = 0 }, func(p *Profile) { p.Rate = -1 }, func(p *Profile) { p.Buffer++ },
		func(p *Profile) { p.Buffer = SegmentBytes - 1 }, func(p *Profile) { p.Loss = 1 }, func(p *Profile) { p.Burst = .5 },
	} {
		p := good
		bad(&p)
		require.Error(t, p.Check())
	}
	_, err := Named("carrier-pigeon")
	require.Error(t, err)
	_, err = New(Config{})
	require.Error(t, err, "there is no Dial")
}
