package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// counters of all sockets of the load.
type counters struct{ in, out atomic.Int64 }

// counted counts what passes a connection.
type counted struct {
	net.Conn
	n *counters
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.in.Add(int64(n))
	return n, err
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.out.Add(int64(n))
	return n, err
}

// dial opens a counted connection.
func (n *counters) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return counted{c, n}, nil
}

// sample is what the counters said at one instant.
type sample struct {
	at      time.Time
	ticks   tickAccount
	usage   usage
	in, out int64
	inputs  inputAccount
}

func (l *load) sample(ctx context.Context, srv *process) (sample, error) {
	s := sample{at: time.Now(), in: l.wire.in.Load(), out: l.wire.out.Load()}
	var err error
	if srv.admin != "" {
		if s.ticks, err = ticksOf(ctx, srv.admin); err != nil {
			return s, fmt.Errorf("reading the server's ticks: %w", err)
		}
		if s.inputs, err = inputsOf(ctx, srv.admin); err != nil {
			return s, fmt.Errorf("reading the server's inputs: %w", err)
		}
	}
	if srv.pid != 0 {
		if s.usage, err = usageOf(srv.pid); err != nil {
			return s, err
		}
	}
	return s, nil
}

// measure joins the bots, plays, and reports what the measured time showed.
func measure(ctx context.Context, o playCmd, srv *process) (*report, error) {
	l := &load{o: o, epoch: time.Now(), latency: newHistogram(), lateness: newHistogram()}
	if srv.via != "" {
		l.via, l.ages = srv.via, newAges(o.Bots, o.Tick)
	}
	p := newProgress(os.Stderr)
	defer l.close()
	empty, _ := usageOf(srv.pid) // without it there is no memory per player
	if err := l.join(ctx, srv.url, p); err != nil {
		return nil, fmt.Errorf("joining: %w", err)
	}
	pacing, stop := context.WithCancel(ctx)
	paced := make(chan struct{})
	go func() { l.pace(pacing); close(paced) }()
	defer func() { stop(); <-paced }()

	l.wait(ctx, "warm-up", o.Warmup, p)
	before, err := l.sample(ctx, srv)
	if err != nil {
		return nil, err
	}
	l.measuring.Store(true)
	if l.ages != nil {
		l.ages.begin(time.Since(l.epoch))
	}
	profiled := l.profile(ctx, srv)
	l.wait(ctx, "playing", o.Time, p)
	l.measuring.Store(false)
	if l.ages != nil {
		l.ages.end(time.Since(l.epoch))
	}
	// An interrupt still shows what there is.
	after, err := l.sample(context.WithoutCancel(ctx), srv)
	if err != nil {
		return nil, err
	}
	p.end()
	stop()
	<-paced
	if err := <-profiled; err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	r := l.report(before, after)
	r.RSSEmpty = empty.RSS
	return r, nil
}

// wait shows the progress of a phase.
func (l *load) wait(ctx context.Context, what string, d time.Duration, p *progress) {
	end := time.Now().Add(d)
	for left := d; left > 0 && ctx.Err() == nil; left = time.Until(end) {
		p.show(what, int((d - left).Seconds()), int(d.Seconds()), fmt.Sprintf("%d snapshots", l.snapshots.Load()))
		select {
		case <-ctx.Done():
		case <-time.After(min(left, 200*time.Millisecond)):
		}
	}
}

// profile saves a CPU profile of the server while it plays.
func (l *load) profile(ctx context.Context, srv *process) <-chan error {
	done := make(chan error, 1)
	if l.o.Profile == "" || srv.admin == "" {
		done <- nil
		return done
	}
	go func() {
		url := fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", srv.admin, max(1, int(l.o.Time.Seconds())-1))
		done <- download(ctx, url, l.o.Profile)
	}()
	return done
}

func download(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// report makes the table's numbers from two samples and what the bots saw.
func (l *load) report(before, after sample) *report {
	r := &report{
		Machine: machine(), Bots: l.o.Bots, Parser: l.o.speaks(),
		Seconds:       after.at.Sub(before.at).Seconds(),
		Ticks:         after.ticks.Expected - before.ticks.Expected,
		TicksSkipped:  after.ticks.Skipped - before.ticks.Skipped,
		Lateness:      quantilesOf(since(before.ticks.Lateness, after.ticks.Lateness)),
		Duration:      quantilesOf(since(before.ticks.Duration, after.ticks.Duration)),
		Inputs:        l.sent.Load(),
		InputLatency:  quantilesOf(l.latency),
		Snapshots:     l.snapshots.Load(),
		SnapshotBytes: l.bytes.Load(),
		BytesIn:       after.in - before.in,
		BytesOut:      after.out - before.out,
		Disconnects:   l.disconnects.Load(),
		GeneratorLate: quantilesOf(l.lateness),
		ServerCPU:     (after.usage.CPU - before.usage.CPU).Seconds(),
		RSS:           after.usage.RSS,
	}
	if l.ages != nil {
		r.Age = quantilesOf(l.ages.hist)
	}
	if taken := after.inputs.Taken - before.inputs.Taken; r.Inputs > 0 && taken > 0 {
		r.InputsLate = (after.inputs.Late - before.inputs.Late) / taken
		r.InputsLost = max(0, 1-taken/float64(r.Inputs))
	}
	if r.Ticks > 0 {
		r.TicksOnTime = float64(after.ticks.OnTime-before.ticks.OnTime) / float64(r.Ticks)
	}
	if r.Snapshots > 0 {
		r.CPUPerSnapshot = r.ServerCPU * 1e6 / float64(r.Snapshots)
	}
	return r
}
