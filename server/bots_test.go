package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine"
	engineclient "gameserver/engine/client"
	"gameserver/game"
	"gameserver/server/client"
)

// The clients of these tests live in a process of their own, so that what this
// process allocates is the server's. That process is this test binary again.
const (
	botsURL  = "GAMESERVER_TEST_BOTS"
	botsPlan = "GAMESERVER_TEST_PLAN"
)

// plan is how many bots play how fast. Of each six one has the default parser and
// two more the plain dialect.
type plan struct {
	Bots   int // in all
	Size   int // players of a match
	Rate   int // ticks a second
	Inputs int // a second, of each bot
	Ticks  int // of each match, between two readings
}

func (p plan) fleets() int { return p.Bots / p.Size }

// fleet is a game whose world moves by itself as well as by its players.
type fleet struct {
	Ships game.Set[ship]
	Drift game.Set[ship]
	pace  *pace
}

type ship struct {
	X, Y float64 `snap:"q=0.1"`
	Rot  float64 `snap:"q=0.01"`
	HP   int     `snap:""`
	Fire bool    `snap:""`
}

type helm struct {
	Up   bool    `json:"up"`
	Fire bool    `json:"fire" in:"edge"`
	Aim  float64 `json:"aim" in:"-3.2..3.2"`
}

// pace counts the steps of all matches and tells of every n-th.
type pace struct {
	steps  atomic.Int64
	every  int64
	passed chan struct{} // capacity 1
}

func (p *pace) step() {
	if p.steps.Add(1)%p.every == 0 {
		select {
		case p.passed <- struct{}{}:
		default:
		}
	}
}

// wait waits for the next n-th step. It allocates nothing.
func (p *pace) wait(ctx context.Context) {
	select {
	case <-p.passed:
	case <-ctx.Done():
	}
}

func (g *fleet) Init(m *game.Match) error {
	for range 24 {
		g.Drift.Add(ship{X: 1000 * m.Rand.Float64(), Y: 1000 * m.Rand.Float64(), HP: m.Rand.IntN(100)})
	}
	return nil
}

func (g *fleet) Join(_ *game.Match, p *game.Player) error {
	g.Ships.Put(p.ID, ship{HP: 100})
	return nil
}

func (g *fleet) Leave(_ *game.Match, p *game.Player, _ game.Reason) { g.Ships.Del(p.ID) }

func (g *fleet) Step(s *game.Step[helm]) {
	for p, in := range s.Inputs() {
		if own := g.Ships.Mut(p.ID); own != nil {
			own.Rot, own.Fire = in.Aim, in.Fire
			if in.Up {
				own.X += 4
			}
			own.Y += 0.5
		}
	}
	for id, d := range g.Drift.All() {
		d.X += float64(id%7) - 3
		d.Rot += 0.05
	}
	g.pace.step()
}

// armada is a running server with the fleet, and a process of bots in it.
type armada struct {
	*harbour
	plan  plan
	pace  *pace
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// sail runs a server whose matches are full of bots from another process.
func sail(t *testing.T, plan plan) *armada {
	t.Helper()
	p := &pace{every: int64(plan.Ticks * plan.fleets()), passed: make(chan struct{}, 1)}
	h := &harbour{Server: New(Config{QueueFill: time.Hour}), t: t, done: make(chan error, 1)}
	game.Register(h.Server, "fleet", func() *fleet { return &fleet{pace: p} },
		game.Rules{Tick: plan.Rate, Players: game.Between(plan.Size, plan.Size), Countdown: -1})
	ln, err := engine.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.url = "http://" + ln.Addr().String()
	go func() { h.done <- h.Serve(ln) }()
	t.Cleanup(h.close)

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), botsURL+"="+h.url, botsPlan+"="+toJSON(t, plan))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		require.NoError(t, cmd.Wait())
	})
	a := &armada{harbour: h, plan: plan, pace: p, stdin: stdin, lines: bufio.NewScanner(stdout)}
	a.expect("ready")
	return a
}

// expect reads the next line of the bots.
func (a *armada) expect(word string) {
	a.t.Helper()
	if !a.lines.Scan() || a.lines.Text() != word {
		a.t.Fatalf("the bots said %q, not %q", a.lines.Text(), word)
	}
}

// tell says something to the bots and waits until they have heard it.
func (a *armada) tell(word string) {
	a.t.Helper()
	_, err := io.WriteString(a.stdin, word+"\n")
	require.NoError(a.t, err)
	a.expect(word)
}

// bots is the main of the other process. It plays when it is told to and ends
// with its input.
func bots(url string, plan plan) int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var (
		playing atomic.Bool
		joining sync.WaitGroup
		failed  atomic.Bool
	)
	boarding := make(chan struct{}, 50)
	for i := range plan.Bots {
		joining.Add(1)
		go func() {
			boarding <- struct{}{}
			m, err := board(ctx, url, fmt.Sprintf("bot-%d", i), i, boarding)
			joining.Done()
			if err == nil {
				err = row(ctx, m, i, plan.Inputs, &playing)
			}
			if err != nil && ctx.Err() == nil {
				fmt.Fprintln(os.Stderr, "bot:", err)
				failed.Store(true)
				cancel()
			}
		}()
	}
	joining.Wait()
	if failed.Load() {
		return 1
	}
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		playing.Store(in.Text() == "play")
		fmt.Println(in.Text())
	}
	if failed.Load() {
		return 1
	}
	return 0
}

// board brings one bot into a match that has begun to send.
func board(ctx context.Context, url, name string, i int, boarding <-chan struct{}) (*client.Match, error) {
	seen := make(chan struct{}, 1)
	c, err := client.Dial(ctx, url, client.Options{
		Name: name, Transport: engineclient.WebSocket, Msgpack: i%6 > 0, Plain: i%6 < 3, Check: true,
		Handlers: client.Handlers{OnSnapshot: func(_ *client.Match, s client.Snapshot) {
			select {
			case seen <- struct{}{}:
			default:
			}
		}},
	})
	<-boarding
	if err != nil {
		return nil, err
	}
	m, err := c.Queue(ctx, "fleet")
	if err != nil {
		return nil, err
	}
	for range 3 {
		select {
		case <-seen:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return m, nil
}

// row sends inputs at the game's rate while playing is set.
func row(ctx context.Context, m *client.Match, seed, rate int, playing *atomic.Bool) error {
	beat := time.NewTicker(time.Second / time.Duration(rate))
	defer beat.Stop()
	for n := seed; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-m.Done():
			return errors.Join(errors.New("the match is over"), m.Err())
		case <-beat.C:
		}
		if !playing.Load() {
			continue
		}
		in := helm{Up: n%3 > 0, Fire: n%30 == 0, Aim: float64(n%60)/10 - 3}
		if _, err := m.Input(in); err != nil {
			return err
		}
	}
}

// botsMain runs the bots if this process is theirs.
func botsMain() {
	if url := os.Getenv(botsURL); strings.HasPrefix(url, "http://127.0.0.1:") {
		var p plan
		if err := json.Unmarshal([]byte(os.Getenv(botsPlan)), &p); err != nil {
			panic(err)
		}
		os.Exit(bots(url, p))
	}
}
