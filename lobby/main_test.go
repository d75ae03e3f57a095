package lobby

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// note is one event that a player was told.
type note struct {
	player, event string
	payload       any
	at            time.Duration // since the bench was made
}

// bench is a lobby in a synctest bubble with everything it calls.
type bench struct {
	*Lobby
	t     *testing.T
	start time.Time

	mu     sync.Mutex
	notes  []note
	groups []Group
	made   []time.Duration
	refuse error
	create func(Group) error // runs instead, when set
}

var errRefused = errors.New("refused")

// newBench runs a lobby with one queue, "arena", until the test ends.
func newBench(t *testing.T, q Queue, cfg Config) *bench {
	t.Helper()
	if q.Name == "" {
		q.Name = "arena"
	}
	b := &bench{t: t, start: time.Now()}
	cfg.Queues = append(cfg.Queues, q)
	cfg.Matches, cfg.Notifier = b, b
	b.Lobby = New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return b
}

// Create implements Matches.
func (b *bench) Create(g Group) error {
	b.mu.Lock()
	create, err := b.create, b.refuse
	b.groups = append(b.groups, g)
	b.made = append(b.made, time.Since(b.start))
	b.mu.Unlock()
	if create != nil {
		return create(g)
	}
	return err
}

// refuses has Create fail from now on, or work again.
func (b *bench) refuses(err error) {
	synctest.Wait() // what is due at this instant is done
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = err
}

// Notify implements Notifier.
func (b *bench) Notify(player, event string, payload any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes = append(b.notes, note{player, event, payload, time.Since(b.start)})
}

// told returns what a player heard of one event and forgets it.
func (b *bench) told(player, event string) (list []note) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []note
	for _, n := range b.notes {
		if n.player == player && n.event == event {
			list = append(list, n)
		} else {
			rest = append(rest, n)
		}
	}
	b.notes = rest
	return list
}

// found returns the only match:found that a player heard.
func (b *bench) found(player string) Found {
	b.t.Helper()
	list := b.told(player, EventFound)
	require.Len(b.t, list, 1)
	f, ok := list[0].payload.(Found)
	require.True(b.t, ok)
	return f
}

// states returns the states of all queue:state that a player heard.
func (b *bench) states(player string) (list []QueueState) {
	b.t.Helper()
	for _, n := range b.told(player, EventState) {
		s, ok := n.payload.(QueueState)
		require.True(b.t, ok)
		list = append(list, s)
	}
	return list
}

// enter attaches players and lets them join the queue.
func (b *bench) enter(players ...string) {
	b.t.Helper()
	for _, p := range players {
		require.NoError(b.t, b.Attach(p, p))
		_, err := b.Join(p, "arena", "")
		require.NoError(b.t, err)
	}
}

func (b *bench) groupCount() int {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.groups)
}

func (b *bench) group(i int) (Group, time.Duration) {
	b.t.Helper()
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Greater(b.t, len(b.groups), i)
	return b.groups[i], b.made[i]
}
