package main

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line: one field and one file a command. A command is a
// struct of flags with Run(context.Context) error; its context ends with Ctrl-C,
// and it prints what it has then.
type commands struct {
	Play     playCmd     `cmd:"" default:"withargs" help:"Play with bots on a server and print one table (what happens without a command)."`
	Bytes    bytesCmd    `cmd:"" help:"Bytes a player is sent in each workload: ours in every dialect, naive JSON, @colyseus/schema."`
	Floor    floorCmd    `cmd:"" help:"What a snapshot costs the server, beside programs that only copy and write."`
	Capacity capacityCmd `cmd:"" help:"The most players that one core serves in time."`
	Links    linksCmd    `cmd:"" help:"How old what players see is, and what becomes of their inputs, on networks from good to bad."`
	Proxy    proxyCmd    `cmd:"" help:"Carry connections over a bad network: delay, jitter, loss, stalls, resets."`

	Recorder recorderCmd `cmd:"" help:"What the flight recorder costs: servers with and without it in turn."`

	Idle      idleCmd      `cmd:"" help:"Memory of an idle Socket.IO session: ours, and Node's beside it."`
	Broadcast broadcastCmd `cmd:"" help:"Broadcasts a second to one room, and CPU for each message: ours, and Node's beside it."`
	Lateness  latenessCmd  `cmd:"" help:"How late ticks begin: ours, tickers, sleeping, Node; idle and loaded."`
	Ticks     ticksCmd     `cmd:"" help:"How many ticks and matches one core holds on time."`
	Neighbour neighbourCmd `cmd:"" help:"What a match that misbehaves does to the others."`
}

const description = `Measures a game server on this machine.

Examples:

    bench --bots 500                500 bots play for 20 s
    bench play --bots 10 --idle     what ten players who send nothing cost

Every command is bounded in time, takes Ctrl-C for an early end, and aims only at
loopback addresses.`

func main() {
	var c commands
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	k := kong.Parse(&c, kong.Name("bench"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)))
	err := k.Run()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// commandLine is what was typed, for reports.
func commandLine() string {
	return strings.Join(append([]string{"go run ./bench"}, os.Args[1:]...), " ")
}

// isLoopback reports whether a URL points at this machine.
func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
