package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// broadcastCmd measures broadcasts to one room as fast as the server makes them.
type broadcastCmd struct {
	hallOptions
	Sockets int           `default:"1000" placeholder:"N" help:"Sockets in the room (${default})."`
	Window  int           `default:"4" placeholder:"N" help:"Broadcasts asked for ahead of the last one that everybody has (${default})."`
	Time    time.Duration `default:"3s" help:"Measured time of each reading (${default})."`
	Warm    time.Duration `default:"1s" help:"Time before it, the same without counting (${default})."`
	Rounds  int           `default:"5" placeholder:"N" help:"Readings of each server, taken in turn (${default})."`
}

type broadcastRow struct {
	Server    string   `json:"server"`
	Parser    string   `json:"parser"`
	Sockets   int      `json:"sockets"`
	PerSecond readings `json:"broadcastsPerSecond"`
	Micros    readings `json:"cpuMicrosPerMessage"` // of the server
	Busy      readings `json:"serverCore"`          // 1: all of it
	Load      readings `json:"generatorCore"`
	Messages  int      `json:"messages"` // delivered in all readings, each counted

	perSecond, micros, busy, load []float64
}

type broadcastReport struct {
	Command string          `json:"command"`
	Machine string          `json:"machine"`
	Payload string          `json:"payload"`
	Rows    []*broadcastRow `json:"rows"`
}

// What is said: a line of a chat.
const newsJSON = `{"id":123456,"from":"ada","text":"The quick brown fox jumps over the lazy dog, and the dog does not mind at all.","at":1767225600000}`

var sayPacket = map[string]string{
	"json": `42["say",` + newsJSON + `]`,
	"msgpack": "\x83\xa4type\x02\xa4data\x92\xa3say\x84\xa2id\xce\x00\x01\xe2\x40\xa4from\xa3ada\xa4text\xd9\x4e" +
		"The quick brown fox jumps over the lazy dog, and the dog does not mind at all." + "\xa2at\xcf\x00\x00\x01\x9b\x76\xda\xa8\x00\xa3nsp\xa1/",
}

// Run takes readings of each server in turn; the others wait meanwhile.
func (o *broadcastCmd) Run(ctx context.Context) error {
	if o.Sockets < 1 || o.Sockets > sessionsMax/4 || o.Rounds < 1 || o.Rounds > roundsMax || o.Window < 1 || o.Window > 64 || o.Time > playMax || o.Warm > playMax {
		return fmt.Errorf("at most %d sockets, %d rounds, %v, and a window of 64", sessionsMax/4, roundsMax, playMax)
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cpu := cores()
	halls, argv, err := o.makeHalls(ctx, dir, time.Minute)
	if err != nil {
		return err
	}
	defer endAll(halls)
	r := broadcastReport{Command: commandLine(), Machine: machine(), Payload: newsJSON}
	rows := map[*hall]*broadcastRow{}
	for _, h := range halls {
		rows[h] = &broadcastRow{Server: h.maker, Parser: h.parser, Sockets: o.Sockets}
		r.Rows = append(r.Rows, rows[h])
		if err := h.start(argv[h], cpu); err != nil {
			return err
		}
		if h.crowd, err = newCrowd(h.url, h.parser); err != nil {
			return err
		}
		if err := h.crowd.join(ctx, o.Sockets); err != nil {
			return fmt.Errorf("%s: %w", h, err)
		}
	}
	err = o.rounds(ctx, halls, rows)
	r.print(os.Stdout)
	if o.JSON != "" {
		err = errors.Join(err, saveJSON(o.JSON, r))
	}
	return err
}

func (o *broadcastCmd) rounds(ctx context.Context, halls []*hall, rows map[*hall]*broadcastRow) error {
	for round := range o.Rounds {
		for _, h := range halls {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, o.Rounds, h)
			if err := o.read(ctx, h, rows[h]); err != nil {
				return fmt.Errorf("%s: %w", h, err)
			}
		}
	}
	return nil
}

// read takes one reading.
func (o *broadcastCmd) read(ctx context.Context, h *hall, row *broadcastRow) error {
	f := flow{c: h.crowd, frame: clientFrame(packetOpcode[h.parser], sayPacket[h.parser]), window: o.Window, start: h.crowd.heard}
	if err := f.keep(ctx, o.Warm); err != nil {
		return err
	}
	before, began, heard := [2]usage{}, time.Now(), h.crowd.heard
	for i, pid := range []int{h.pid, os.Getpid()} {
		var err error
		if before[i], err = usageOf(pid); err != nil {
			return err
		}
	}
	if err := f.keep(ctx, o.Time); err != nil {
		return err
	}
	took, n := time.Since(began).Seconds(), h.crowd.heard-heard
	var used [2]float64
	for i, pid := range []int{h.pid, os.Getpid()} {
		after, err := usageOf(pid)
		if err != nil {
			return err
		}
		used[i] = (after.CPU - before[i].CPU).Seconds()
	}
	if err := f.drain(ctx); err != nil {
		return err
	}
	row.perSecond = append(row.perSecond, float64(n)/float64(o.Sockets)/took)
	row.micros = append(row.micros, used[0]*1e6/float64(max(n, 1)))
	row.busy = append(row.busy, used[0]/took)
	row.load = append(row.load, used[1]/took)
	row.Messages += n
	return nil
}

// flow asks for broadcasts so that some are always under way.
type flow struct {
	c            *crowd
	frame        []byte
	window       int
	start, asked int
}

// have is how many broadcasts everybody has, were they all equally fast.
func (f *flow) have() int { return (f.c.heard - f.start) / len(f.c.members) }

func (f *flow) keep(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	return f.c.run(ctx, func() (bool, error) {
		for ; f.asked < f.have()+f.window; f.asked++ {
			if err := f.c.say(f.asked%len(f.c.members), f.frame); err != nil {
				return true, err
			}
		}
		return !time.Now().Before(end), nil
	})
}

// drain waits for what was asked for, and counts that each member has all.
func (f *flow) drain(ctx context.Context) error {
	end := time.Now().Add(memberPatience)
	err := f.c.run(ctx, func() (bool, error) {
		if time.Now().After(end) {
			return true, fmt.Errorf("%d of %d messages came", f.c.heard-f.start, f.asked*len(f.c.members))
		}
		return f.c.heard-f.start >= f.asked*len(f.c.members), nil
	})
	if err != nil {
		return err
	}
	for i, m := range f.c.members {
		if m.n != f.c.members[0].n {
			return fmt.Errorf("member %d has %d messages, member 0 has %d", i, m.n, f.c.members[0].n)
		}
	}
	return nil
}

func (r *broadcastReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s\n\n", r.Command, r.Machine)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "server\tparser\tsockets\tbroadcasts/s\tserver CPU µs a message\tserver core\tgenerator core\tmessages")
	for _, row := range r.Rows {
		row.PerSecond, row.Micros, row.Busy, row.Load = rangeOf(row.perSecond), rangeOf(row.micros), rangeOf(row.busy), rangeOf(row.load)
		if len(row.perSecond) == 0 {
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%d\n", row.Server, row.Parser, row.Sockets,
			row.PerSecond.format(1), row.Micros.format(2), row.Busy.format(2), row.Load.format(2), row.Messages)
	}
	_ = t.Flush()
}
