package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"gameserver/internal/netfault"
)

// proxyCmd carries connections over a bad network until it is interrupted.
type proxyCmd struct {
	To      string        `required:"" placeholder:"ADDR" help:"Server to connect to, such as 127.0.0.1:3000."`
	Listen  string        `default:"127.0.0.1:0" placeholder:"ADDR" help:"Address for clients (${default})."`
	Profile string        `default:"4g" enum:"lan,fibre,wifi,4g,bad,bloat" help:"How the network is at first: lan, fibre, wifi, 4g, bad or bloat (${default})."`
	Seed    uint64        `default:"1" help:"Where all chance comes from (${default})."`
	Time    time.Duration `default:"1h" help:"When to stop by itself (${default})."`
}

// Run serves and obeys the lines of standard input.
func (o *proxyCmd) Run(ctx context.Context) error {
	for _, address := range []string{o.To, o.Listen} {
		if !isLoopback("tcp://" + address) {
			return fmt.Errorf("%s is not a loopback address", address)
		}
	}
	link, err := netfault.Named(o.Profile)
	if err != nil {
		return err
	}
	p, err := netfault.New(netfault.Config{Link: link, Seed: o.Seed, Dial: dialer(o.To)})
	if err != nil {
		return err
	}
	defer p.Close()
	ln, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s is %s over %s; lines to obey: %s\n", ln.Addr(), o.To, o.Profile, proxyLines)
	ctx, cancel := context.WithTimeout(ctx, o.Time)
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- p.Serve(ln) }()
	go obey(p, os.Stdin)
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	st := p.Stats()
	fmt.Printf("%d connections; up %d B in %d segments, %d lost; down %d B in %d, %d lost\n", st.Accepted,
		st.Up.Bytes, st.Up.Segments, st.Up.Lost, st.Down.Bytes, st.Down.Segments, st.Down.Lost)
	return err
}

const proxyLines = "profile NAME, stall up|down|both TIME, halfclose up|down, reset"

// dialer connects to one address.
func dialer(to string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", to)
	}
}

// obey does what lines say until they end.
func obey(p *netfault.Proxy, in io.Reader) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if err := obeyLine(p, strings.Fields(lines.Text())); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
}

func obeyLine(p *netfault.Proxy, words []string) error {
	words = append(words, "", "", "")[:3]
	way, known := map[string]netfault.Direction{
		"up": netfault.Up, "down": netfault.Down, "both": netfault.UpDown,
	}[words[1]]
	switch {
	case words[0] == "profile":
		link, err := netfault.Named(words[1])
		if err != nil {
			return err
		}
		return p.Set(link)
	case words[0] == "stall" && known:
		d, err := time.ParseDuration(words[2])
		p.Stall(way, d)
		return err
	case words[0] == "halfclose" && known:
		p.HalfClose(way)
	case words[0] == "reset":
		p.Reset()
	default:
		return errors.New("want " + proxyLines)
	}
	return nil
}
