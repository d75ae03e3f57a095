package tick

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type taskFunc func(*Tick) bool

func (f taskFunc) Tick(t *Tick) bool { return f(t) }

// bubble runs f in virtual time with a scheduler that is closed at the end.
// Inside, a tick takes exactly as long as its task sleeps.
func bubble(t *testing.T, workers int, f func(t *testing.T, s *Scheduler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Workers: workers})
		require.Equal(t, "portable", s.Stats().Timer, "a bubble needs the portable timer")
		defer func() { require.NoError(t, s.Close(context.Background())) }()
		f(t, s)
	})
}

func add(t *testing.T, s *Scheduler, o Options, f func(*Tick) bool) *Entry {
	t.Helper()
	e, err := s.Add(taskFunc(f), o)
	require.NoError(t, err)
	return e
}

// until sleeps to a moment on the scheduler's clock and lets everything settle.
func until(s *Scheduler, at time.Duration) {
	time.Sleep(at - time.Duration(s.Now()))
	synctest.Wait()
}
