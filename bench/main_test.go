package main

import (
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
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
