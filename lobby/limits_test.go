package lobby

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestMaxPlayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{}, Config{MaxPlayers: 3})
		for i := range 3 {
			require.NoError(t, b.Attach(fmt.Sprint(i), ""))
		}
		require.ErrorIs(t, b.Attach("3", ""), ErrOverloaded)
		require.NoError(t, b.Attach("2", ""), "a known player may come again")
		require.Equal(t, 3, b.Stats().Attached)
	})
}

func TestMaxTickets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{Min: 9, Max: 9}, Config{MaxTickets: 2})
		b.enter("a", "b")
		require.NoError(t, b.Attach("c", ""))
		_, err := b.Join("c", "arena", "")
		require.ErrorIs(t, err, ErrOverloaded)
		require.NoError(t, b.Leave("a", ""))
		_, err = b.Join("c", "arena", "")
		require.NoError(t, err)
	})
}

func TestMaxRids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{}, Config{})
		require.NoError(t, b.Attach("a", ""))
		join := func(rid string) string {
			ticket, err := b.Join("a", "arena", rid)
			require.NoError(t, err)
			return ticket
		}
		first := join("r0")
		require.NoError(t, b.Leave("a", ""))
		for i := 1; i < MaxRids; i++ {
			join(fmt.Sprint("r", i))
		}
		require.Equal(t, first, join("r0"), "the last that is remembered")
		join(fmt.Sprint("r", MaxRids))
		require.NotEqual(t, first, join("r0"), "one past it")
	})
}

func TestMaxRidLen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{}, Config{})
		require.NoError(t, b.Attach("a", ""))
		_, err := b.Join("a", "arena", strings.Repeat("r", MaxRidLen+1))
		require.ErrorIs(t, err, ErrBadPayload)
		_, err = b.Join("a", "arena", strings.Repeat("r", MaxRidLen))
		require.NoError(t, err)
	})
}

func TestMaxIDLen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Queue{}, Config{})
		require.ErrorIs(t, b.Attach(strings.Repeat("p", MaxIDLen+1), ""), ErrBadPayload)
		require.ErrorIs(t, b.Attach("", ""), ErrBadPayload)
		require.NoError(t, b.Attach(strings.Repeat("p", MaxIDLen), ""))
	})
}

func TestMaxPending(t *testing.T) {
	// Without Run nothing is delivered.
	b := &bench{t: t}
	l := New(Config{Queues: []Queue{{Name: "arena"}}, Matches: b, Notifier: b})
	require.NoError(t, l.Attach("a", ""))
	l.core.out = make([]effect, MaxPending-1)
	_, err := l.Join("a", "arena", "")
	require.NoError(t, err)
	require.NoError(t, l.Attach("b", ""))
	_, err = l.Join("b", "arena", "")
	require.ErrorIs(t, err, ErrOverloaded)
}

func TestQueueMistakesPanic(t *testing.T) {
	b := &bench{t: t}
	var many []Queue
	for i := range MaxQueues {
		many = append(many, Queue{Name: fmt.Sprint(i)})
	}
	with := func(queues ...Queue) func() {
		return func() { New(Config{Queues: queues, Matches: b, Notifier: b}) }
	}
	require.NotPanics(t, with(many...))
	require.Panics(t, with(append(slices.Clip(many), Queue{Name: "more"})...))
	require.Panics(t, with(Queue{Name: "a"}, Queue{Name: "a"}))
	require.Panics(t, with(Queue{}))
	require.Panics(t, with(Queue{Name: "a", Min: 3, Max: 2}))
	require.NotPanics(t, with(Queue{Name: "a", Max: MaxGroup}))
	require.Panics(t, with(Queue{Name: "a", Max: MaxGroup + 1}))
	require.Panics(t, func() { New(Config{}) })
}
