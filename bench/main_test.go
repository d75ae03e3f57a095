package main

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"gameserver/internal/netfault"
)

// The command line of the first days keeps its meaning.
func TestPlayIsWhatHappensWithoutACommand(t *testing.T) {
	for _, args := range [][]string{{"--bots", "7", "--idle"}, {"play", "--bots", "7", "--idle"}} {
		var c commands
		k, err := kong.New(&c)
		require.NoError(t, err)
		ctx, err := k.Parse(args)
		require.NoError(t, err)
		require.Equal(t, "play", ctx.Command())
		require.Equal(t, 7, c.Play.Bots)
		require.True(t, c.Play.Idle)
	}
}

func TestTheProxyObeysLines(t *testing.T) {
	p, err := netfault.New(netfault.Config{Dial: func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }})
	require.NoError(t, err)
	defer p.Close()
	for line, ok := range map[string]bool{
		"profile bad": true, "stall both 1s": true, "halfclose up": true, "reset": true,
		"": false, "profile": false, "stall sideways 1s": false, "stall up soon": false, "halfclose": false,
	} {
		require.Equal(t, ok, obeyLine(p, strings.Fields(line)) == nil, line)
	}
	require.Error(t, (&proxyCmd{To: "10.0.0.1:1", Listen: "127.0.0.1:0"}).Run(t.Context()))
	require.Error(t, (&proxyCmd{To: "127.0.0.1:1", Listen: "0.0.0.0:0"}).Run(t.Context()))
}
