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

// virtual returns a scheduler for a test in a synctest bubble: a tick takes
// exactly as long as its task sleeps.
func virtual(t *testing.T, workers int) *Scheduler {
	t.Helper()
	return virtualWith(t, Config{Workers: workers})
}

func virtualWith(t *testing.T, c Config) *Scheduler {
	t.Helper()
	s := New(c)
	require.Equal(t, "portable", s.Stats().Timer, "a bubble needs the portable timer")
	t.Cleanup(func() { require.NoError(t, s.Close(context.Background())) })
	return s
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

// burn keeps a processor busy.
func burn(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}
