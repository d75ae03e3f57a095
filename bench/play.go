package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"gameserver/bench/workload"
	"gameserver/internal/netfault"
)

// playCmd joins bots into matches and measures.
type playCmd struct {
	Bots    int           `default:"50" help:"How many bots play (${default})."`
	Time    time.Duration `default:"20s" help:"How long to measure (${default})."`
	Warmup  time.Duration `default:"5s" help:"How long to play before measuring (${default}); matches count down meanwhile."`
	Parser  string        `default:"msgpack" enum:"msgpack,json" help:"Parser of the bots: msgpack or json (${default})."`
	Dialect string        `default:"compact" enum:"compact,plain" help:"Dialect of the bots with msgpack: compact or plain (${default})."`
	Tick    int           `default:"60" help:"Tick rate of the server that is started (${default} Hz)."`
	Size    int           `default:"10" help:"Players in a match, all of them bots of this program (${default})."`
	Game    string        `default:"arena" enum:"arena,w1,w2,w3" help:"What to play: arena, or w1, w2 or w3 of bench/workloads.md (${default}), which bring their own tick rate and number of players."`
	Send    int           `default:"0" help:"Snapshots a second of a workload; its own number if 0."`
	Idle    bool          `help:"Bots send no inputs: what the server costs by itself."`
	Pin     bool          `default:"true" negatable:"" help:"Pin server and load to different cores."`
	JSON    string        `name:"json" placeholder:"FILE" help:"Write the report as JSON, too."`
	URL     string        `name:"url" help:"Play on this server instead of starting one, such as http://127.0.0.1:3000."`
	Admin   string        `help:"Admin address of that server, such as http://127.0.0.1:9090, for ticks."`
	PID     int           `name:"pid" help:"Process id of that server, for CPU and memory."`
	Profile string        `placeholder:"FILE" help:"Save a CPU profile of the server, taken while measuring."`

	through *netfault.Config // of linksCmd: the network between, nil: none
	network *netfault.Stats  // what it did
}

func (o *playCmd) check() error {
	switch {
	case o.Bots < 1 || o.Bots > botsMax:
		return fmt.Errorf("--bots must be 1 to %d", botsMax)
	case o.Time <= 0 || o.Time > playMax:
		return fmt.Errorf("--time must be at most %v", playMax)
	case o.Warmup < 0 || o.Warmup > playMax:
		return fmt.Errorf("--warmup must be at most %v", playMax)
	case o.Game == "arena" && (o.Size < 2 || o.Size > 64):
		return errors.New("--size must be 2 to 64")
	}
	for _, address := range []string{o.URL, o.Admin} {
		if address != "" && !isLoopback(address) {
			return fmt.Errorf("%s is not a loopback address: this is a load generator", address)
		}
	}
	return nil
}

// Run plays and prints.
func (o *playCmd) Run(ctx context.Context) error {
	r, err := o.once(ctx)
	if err != nil {
		return err
	}
	r.print(os.Stdout)
	return saveJSON(o.JSON, r)
}

// once starts a server, if need be, and measures.
func (o *playCmd) once(ctx context.Context) (*report, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	srv := &process{url: o.URL, admin: o.Admin, pid: o.PID}
	pinned := o.Pin && runtime.NumCPU() > 1 && o.URL == ""
	if o.URL == "" {
		cpu := -1
		if pinned {
			cpu = 0
		}
		fmt.Fprintln(os.Stderr, "building and starting the server")
		var err error
		if srv, err = o.start(ctx, cpu); err != nil {
			return nil, err
		}
		defer srv.stop()
		if pinned {
			pinSelf(cpu)
		}
	}
	if o.through != nil {
		end, err := o.worsen(srv)
		if err != nil {
			return nil, err
		}
		defer end()
	}
	r, err := measure(ctx, *o, srv)
	if err != nil {
		return nil, err
	}
	r.Pinned, r.Command = pinned, commandLine()
	return r, nil
}

// resolve takes the numbers of a workload.
func (o *playCmd) resolve() error {
	if o.Game == "arena" {
		return nil
	}
	players := 0
	if o.Game == "w2" {
		players = o.Bots
	}
	spec, err := workload.Named(o.Game, players, o.Send)
	if err != nil {
		return err
	}
	if o.Bots%spec.Players != 0 {
		return fmt.Errorf("%s has %d players in a match: --bots must be a multiple", o.Game, spec.Players)
	}
	o.Size, o.Tick, o.Send = spec.Players, spec.Tick, spec.Send
	return nil
}

// start runs the server that is played on.
func (o *playCmd) start(ctx context.Context, cpu int) (*process, error) {
	if o.Game != "arena" {
		return startServer(ctx, cpu, "gameserver/bench/serve", o.workloadArgs()...)
	}
	length := o.Warmup + o.Time + time.Minute
	return startServer(ctx, cpu, "gameserver/cmd/gameserver",
		"--tick", fmt.Sprint(o.Tick), "--round", length.String(), "--players", fmt.Sprint(o.Size), "--queue-fill", "2s")
}

func (o *playCmd) workloadArgs() []string {
	return []string{"--workload", o.Game, "--players", fmt.Sprint(o.Size), "--send", fmt.Sprint(o.Send)}
}

// speaks is what the bots speak, for reports.
func (o *playCmd) speaks() string {
	if o.Parser == "msgpack" {
		return o.Parser + ", " + o.Dialect
	}
	return o.Parser
}
