package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/tinylib/msgp/msgp"

	engine "gameserver/engine/client"
	"gameserver/server/client"
)

// load is all bots and what they have seen.
type load struct {
	o     playCmd
	bots  []*bot
	epoch time.Time

	measuring   atomic.Bool
	snapshots   atomic.Int64
	bytes       atomic.Int64 // of snapshots
	sent        atomic.Int64
	disconnects atomic.Int64
	wire        counters

	mu       sync.Mutex
	latency  *hdrhistogram.Histogram // guarded by mu
	lateness *hdrhistogram.Histogram // owned by pace
	stall    func()                  // of tests: see pacer
	via      string                  // address of all bots but the first, "": none
	ages     *ages                   // nil: not measured
}

// bot is one player. Its inputs are sent by the pacing goroutine, its snapshots
// arrive on its reader.
type bot struct {
	index  int
	load   *load
	client *client.Client
	match  seat
	rng    *rand.Rand
	buf    []byte    // owned by pace
	values [4][]byte // owned by pace
	hold   int       // owned by pace

	seen  atomic.Uint64           // newest tick seen, and when it was
	acked uint32                  // owned by the reader
	owed  [sentRing]atomic.Uint64 // inputs sent: their sequence, and when they were due
}

// seat is what a bot plays on: a *client.Match.
type seat interface {
	Due() (last uint32, n int)
	SendInputs(s, k uint32, view uint8, values ...[]byte) error
}

// botRand is the source of a bot's chance.
func botRand(i int) *rand.Rand { return rand.New(rand.NewPCG(uint64(i), 1)) }

// latencyUnit is the resolution of a time in a stamp: 32 bits of it are days.
const latencyUnit = 62500 * time.Nanosecond

// stamp puts a tick and a time since the epoch into one word.
func stamp(tick uint32, at time.Duration) uint64 {
	return uint64(tick)<<32 | uint64(uint32(at/latencyUnit))
}

func unstamp(w uint64) (tick uint32, at time.Duration) {
	return uint32(w >> 32), time.Duration(uint32(w)) * latencyUnit
}

// join brings the bots into matches, joinAtOnce at a time.
func (l *load) join(ctx context.Context, url string, p *progress) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg     sync.WaitGroup
		joined atomic.Int64
		slots  = make(chan struct{}, joinAtOnce)
	)
	// Queueing takes as long as a match takes to fill, so only dialling is
	// bounded by the slots.
	for i := range l.o.Bots {
		b := &bot{index: i, load: l, rng: botRand(i)}
		l.bots = append(l.bots, b)
		wg.Go(func() {
			slots <- struct{}{}
			err := b.dial(ctx, url, i)
			<-slots
			if err == nil {
				b.match, err = b.client.Queue(ctx, l.o.Game)
			}
			if err != nil {
				cancel(fmt.Errorf("bot %d: %w", i, err))
				return
			}
			joined.Add(1)
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case <-done:
			p.end()
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
			p.show("joining", int(joined.Load()), l.o.Bots, "")
		}
	}
}

// dial returns how a bot opens connections.
func (l *load) dial(i int) func(ctx context.Context, network, addr string) (net.Conn, error) {
	switch {
	case l.via == "":
		return l.wire.dial
	case i == 0: // beside the server
		return (&net.Dialer{}).DialContext
	}
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return l.wire.dial(ctx, network, l.via)
	}
}

func (b *bot) dial(ctx context.Context, url string, i int) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	c, err := client.Dial(ctx, url, client.Options{
		Name:      fmt.Sprintf("bot %d", i),
		Msgpack:   b.load.o.Parser == "msgpack",
		Plain:     b.load.o.Dialect == "plain",
		Transport: engine.WebSocket,
		Dial:      b.load.dial(i),
		Handlers: client.Handlers{
			OnSnapshot: b.onSnapshot,
			OnLost:     func(*client.Match, string) { b.load.disconnects.Add(1) },
		},
	})
	b.client = c
	return err
}

// onSnapshot runs on the bot's reader.
func (b *bot) onSnapshot(_ *client.Match, s client.Snapshot) {
	now := time.Since(b.load.epoch)
	b.seen.Store(stamp(s.Tick, now))
	if a := b.load.ages; a != nil {
		a.heard(b.index, s, now)
		if b.index == 0 {
			b.acked = s.Ack
			return // the reference is not counted
		}
	}
	first := b.acked + 1
	b.acked = s.Ack
	if !b.load.measuring.Load() {
		return
	}
	b.load.snapshots.Add(1)
	b.load.bytes.Add(int64(s.Bytes))
	if s.Ack < first {
		return
	}
	b.load.mu.Lock()
	defer b.load.mu.Unlock()
	for seq := max(first, s.Ack-min(s.Ack, sentRing-1)); seq <= s.Ack; seq++ {
		owed, due := unstamp(b.owed[seq%sentRing].Load())
		if owed == seq {
			late := now - due
			_ = b.load.latency.RecordValue(min(max(late.Microseconds(), 1), latencyMaxUs))
		}
	}
}

// pace sends every bot's inputs on an absolute schedule until ctx is done.
func (l *load) pace(ctx context.Context) {
	if l.o.Idle {
		<-ctx.Done()
		return
	}
	p := pacer{
		epoch: l.epoch, period: time.Second / time.Duration(l.o.Tick), measuring: &l.measuring,
		lateness: l.lateness, stall: l.stall,
	}
	p.run(ctx, len(l.bots), func(i int, due time.Duration) { l.bots[i].input(due) })
}

// input sends what the bot's clock says is to be sent, due at that time or later.
func (b *bot) input(due time.Duration) {
	last, n := b.match.Due()
	if n == 0 {
		return // the clock is being slowed down
	}
	if b.rng.IntN(30) == 0 {
		b.hold = b.rng.IntN(8)
	}
	v := b.buf[:0]
	v = msgp.AppendMapHeader(v, 4)
	v = msgp.AppendBool(msgp.AppendString(v, "right"), b.hold&1 == 0)
	v = msgp.AppendBool(msgp.AppendString(v, "down"), b.hold&2 == 0)
	v = msgp.AppendBool(msgp.AppendString(v, "fire"), b.hold&4 == 0)
	v = msgp.AppendFloat32(msgp.AppendString(v, "aim"), float32(b.hold)*0.7-2.8)
	b.buf = v
	n = min(n, len(b.values))
	for i := range n {
		b.values[i] = v
		seq := last - uint32(i)
		b.owed[seq%sentRing].Store(stamp(seq, due)) // before it is sent: the answer may be quick
	}
	seen, _ := unstamp(b.seen.Load())
	if b.match.SendInputs(last, seen, 0, b.values[:n]...) == nil && b.load.measuring.Load() {
		b.load.sent.Add(int64(n))
	}
}

// close ends all bots.
func (l *load) close() {
	var wg sync.WaitGroup
	for _, b := range l.bots {
		if b.client != nil {
			wg.Go(func() { _ = b.client.Close() })
		}
	}
	wg.Wait()
}
