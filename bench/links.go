package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"gameserver/internal/netfault"
)

// linksCmd shows how old what players see is, and what becomes of their inputs, on
// networks from good to bad.
type linksCmd struct {
	Profiles []string      `default:"lan,fibre,wifi,4g,bad" placeholder:"NAME" help:"Networks: lan, fibre, wifi, 4g, bad, bloat (${default})."`
	Game     string        `default:"w1" enum:"w1,w2" help:"Workload: w1 or w2 (${default})."`
	Bots     int           `default:"10" help:"How many players, one of whom sits beside the server and is not counted (${default})."`
	Send     int           `default:"0" help:"Snapshots a second; the workload's own number if 0."`
	Parser   string        `default:"msgpack" enum:"msgpack,json" help:"Parser of the bots: msgpack or json (${default})."`
	Dialect  string        `default:"compact" enum:"compact,plain" help:"Dialect of the bots with msgpack: compact or plain (${default})."`
	Time     time.Duration `default:"20s" help:"How long to measure each (${default})."`
	Warmup   time.Duration `default:"5s" help:"How long to play before measuring (${default})."`
	Seed     uint64        `default:"1" help:"Where the networks' chance comes from (${default})."`
	Pin      bool          `default:"true" negatable:"" help:"Pin server and load to different cores."`
	JSON     string        `name:"json" placeholder:"FILE" help:"Write the table as JSON, too."`
}

type linksRow struct {
	Profile string         `json:"profile"`
	Report  *report        `json:"report"`
	Network netfault.Stats `json:"network"`
}

type linksReport struct {
	Command string     `json:"command"`
	Machine string     `json:"machine"`
	Rows    []linksRow `json:"rows"`
	Notes   []string   `json:"notes"`
}

// Run plays on one network after the other.
func (o *linksCmd) Run(ctx context.Context) error {
	r := linksReport{Command: commandLine(), Machine: machine()}
	for _, name := range o.Profiles {
		fmt.Fprintf(os.Stderr, "%s\n", name)
		row, err := o.play(ctx, name)
		if row != nil {
			r.Rows = append(r.Rows, *row)
		}
		if ctx.Err() != nil {
			r.Notes = append(r.Notes, "interrupted")
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	r.print(os.Stdout)
	return saveJSON(o.JSON, r)
}

// play plays on one network.
func (o *linksCmd) play(ctx context.Context, profile string) (*linksRow, error) {
	link, err := netfault.Named(profile)
	if err != nil {
		return nil, err
	}
	play := playCmd{
		Bots: o.Bots, Game: o.Game, Send: o.Send, Parser: o.Parser, Dialect: o.Dialect, Time: o.Time, Warmup: o.Warmup, Pin: o.Pin,
		through: &netfault.Config{Link: link, Seed: o.Seed},
	}
	r, err := play.once(ctx)
	if err != nil {
		return nil, err
	}
	return &linksRow{Profile: profile, Report: r, Network: *play.network}, nil
}

// worsen puts a proxy between the server and all players but the first of each
// match. The returned function ends it and keeps its counts.
func (o *playCmd) worsen(srv *process) (end func(), err error) {
	u, err := url.Parse(srv.url)
	if err != nil {
		return nil, err
	}
	cfg := *o.through
	cfg.Dial, cfg.Conns = dialer(u.Host), botsMax
	p, err := netfault.New(cfg)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = p.Serve(ln) // nil, once closed
	}()
	srv.via = ln.Addr().String()
	return func() {
		st := p.Stats()
		o.network = &st
		_ = p.Close()
		<-served
	}, nil
}

// print writes the table.
func (r *linksReport) print(w io.Writer) {
	if len(r.Rows) == 0 {
		return
	}
	first := r.Rows[0].Report
	fmt.Fprintf(w, "\n%d players, %s   (%s)\n", first.Bots, first.Parser, r.Machine)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tnetwork\tsnapshot age p50\tp95\tp99\tinput to snapshot p50\tp99\tsnapshots/s\tB/s down\tup\tinputs late\tnot taken\tsegments lost\tdisconnects\t")
	for _, row := range r.Rows {
		q := row.Report
		n := q.Seconds * float64(max(q.Bots-1, 1))
		fmt.Fprintf(t, "\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f\t%.0f\t%.0f\t%.2f %%\t%.2f %%\t%d\t%d\t\n", row.Profile,
			ms(q.Age.P50), ms(q.Age.P95), ms(q.Age.P99), ms(q.InputLatency.P50), ms(q.InputLatency.P99),
			float64(q.Snapshots)/n, float64(q.BytesIn)/n, float64(q.BytesOut)/n, 100*q.InputsLate, 100*q.InputsLost,
			row.Network.Up.Lost+row.Network.Down.Lost, q.Disconnects)
	}
	_ = t.Flush()
	fmt.Fprintln(w, "\nAge: now less when the newest tick that the player has was due, sampled in every millisecond.")
	fmt.Fprintln(w, "Late inputs were played after their tick. Delays are one way; no real TCP loss: a lost segment")
	fmt.Fprintln(w, "is a stall as long as Linux takes to mend it.")
	for _, n := range r.Notes {
		fmt.Fprintln(w, n)
	}
}
