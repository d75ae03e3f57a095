// Command conformance runs the servers that the protocol suites of the
// Socket.IO project, and any other suite, can be pointed at: an Engine.IO echo
// server at /engine.io/ and a Socket.IO server at /socket.io/.
//
// It is a tool for tests: its timers are short and its handlers do what a
// client asks for. Package e2e compares it with the Node reference.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"gameserver/engine"
)

const description = `Servers for conformance suites.

/engine.io/ echoes every message, text and binary.

/socket.io/ has the namespaces
  /        on connect emits "auth" with the auth payload; "message" is answered
           by "message-back" with the same arguments; "message-with-ack" is
           acknowledged with them
  /custom  on connect emits "auth"
  /chat    wants the auth payload {"token":"open"}; rooms, broadcasts, binary,
           questions to the client and ways to be disconnected: see
           cmd/conformance/chat.go
  /sync    "barrier" is acknowledged, behind everything sent before

/stats tells as JSON what the process holds, after a garbage collection.

The official suites of github.com/socketio/socket.io, folder docs/, want what
the flags default to, and --eio3 for engine.io-protocol/v3-test-suite.`

// flags are the command line.
type flags struct {
	Listen         string        `default:"127.0.0.1:3000" placeholder:"HOST:PORT" help:"Where both servers listen (${default}); port 0 takes a free one."`
	EngineListen   string        `placeholder:"HOST:PORT" help:"A second address, for the Engine.IO server alone."`
	PingInterval   time.Duration `default:"300ms" placeholder:"TIME" help:"Time between heartbeats (${default})."`
	PingTimeout    time.Duration `default:"200ms" placeholder:"TIME" help:"Time to answer one (${default})."`
	UpgradeTimeout time.Duration `default:"10s" placeholder:"TIME" help:"Time to complete an upgrade to WebSocket (${default})."`
	ConnectTimeout time.Duration `default:"1s" placeholder:"TIME" help:"Time to join a first namespace (${default})."`
	MaxPayload     int           `default:"1000000" placeholder:"BYTES" help:"Largest message and polling payload (${default})."`
	EIO3           bool          `name:"eio3" help:"Let clients of Engine.IO v3 in, those of Socket.IO v2."`
	Recovery       time.Duration `placeholder:"TIME" help:"Let clients recover their sockets and what they missed for this long after a loss; off by default, and the official suites want it off."`
	AnyOrigin      bool          `help:"Serve pages of every origin: for suites that run in a browser."`
	Verbose        bool          `short:"v" help:"Log what is refused."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Name("conformance"), kong.Description(description))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, f flags, out io.Writer) error {
	level := slog.LevelWarn
	if f.Verbose {
		level = slog.LevelDebug
	}
	s := newServers(f, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	addresses := []string{f.Listen}
	if f.EngineListen != "" {
		addresses = append(addresses, f.EngineListen)
	}
	failed := make(chan error, len(addresses))
	var servers []*http.Server
	for i, addr := range addresses {
		ln, err := engine.Listen("tcp", addr)
		if err != nil {
			return err
		}
		hs := newHTTP(s.handler(i == 0), s.log)
		servers = append(servers, hs)
		announce(out, ln.Addr(), i == 0)
		go func() { failed <- hs.Serve(ln) }()
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err = errors.Join(err, s.shutdown(ctx))
	for _, hs := range servers {
		err = errors.Join(err, hs.Shutdown(ctx))
	}
	return err
}

func announce(out io.Writer, addr net.Addr, both bool) {
	fmt.Fprintf(out, "Engine.IO echo server: http://%s/engine.io/\n", addr)
	if both {
		fmt.Fprintf(out, "Socket.IO server:      http://%s/socket.io/\n", addr)
	}
}
