// Command serve-sio is a hall in which everybody hears what anybody says: the
// Socket.IO server that `bench idle` and `bench broadcast` measure.
// bench/rivals-sio/server.mjs is the same on Node.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"gameserver/engine"
	"gameserver/sio"
)

// news is what is said.
type news struct {
	ID   int    `json:"id"`
	From string `json:"from"`
	Text string `json:"text"`
	At   int64  `json:"at"`
}

const readHeaderTimeout = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "serve-sio:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. Its arguments are those of server.mjs: a parser,
// which a client's first message decides here, and milliseconds between pings.
func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("want a parser and a ping interval in milliseconds")
	}
	ping, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	io := sio.New(sio.Config{Engine: engine.Config{PingInterval: time.Duration(ping) * time.Millisecond}})
	hall := io.Of("/").To("hall")
	io.Of("/").OnConnection(func(s *sio.Socket) {
		_ = s.Join("hall") // its first room
		sio.On(s, "say", func(n news) { _ = hall.Emit("news", n) })
	})
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("url=http://%s\n", ln.Addr())
	hs := &http.Server{Handler: io, ReadHeaderTimeout: readHeaderTimeout}
	stopped := context.AfterFunc(ctx, func() { _ = hs.Close() })
	defer stopped()
	if err := hs.Serve(ln); ctx.Err() == nil {
		return err
	}
	return nil
}
