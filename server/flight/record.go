package flight

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"
)

// recording is held while Record runs: the runtime has one such trace.
var recording sync.Mutex

// Record records a new trace for the given time, or until ctx ends or it has
// MaxTraceBytes. With cpu it carries samples of the CPU profiler. It runs beside
// a Recorder, not beside another Record, which is ErrBusy.
func Record(ctx context.Context, d time.Duration, cpu bool) ([]byte, error) {
	if d <= 0 || d > MaxRecord {
		return nil, fmt.Errorf("flight: recording for %v, want up to %v", d, MaxRecord)
	}
	if !recording.TryLock() {
		return nil, ErrBusy
	}
	defer recording.Unlock()
	tape := &tape{full: make(chan struct{})}
	if err := trace.Start(tape); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBusy, err) // somebody else's, such as /debug/pprof/trace
	}
	stop := func() {}
	if cpu && pprof.StartCPUProfile(io.Discard) == nil {
		stop = pprof.StopCPUProfile
	} // else there is a CPU profile already, and its samples are in the trace
	end := time.NewTimer(d)
	defer end.Stop()
	select {
	case <-end.C:
	case <-ctx.Done():
	case <-tape.full:
	}
	stop()
	trace.Stop()
	return tape.b.Bytes(), nil
}

// tape takes a trace, and says when it has become long. What the runtime flushes
// after that it takes too: a trace that is cut cannot be read.
type tape struct {
	b    bytes.Buffer
	full chan struct{}
	once sync.Once
}

func (t *tape) Write(b []byte) (int, error) {
	if t.b.Len()+len(b) > MaxTraceBytes {
		t.once.Do(func() { close(t.full) })
	}
	return t.b.Write(b)
}
