package tick

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestStolenTimeIsRead(t *testing.T) {
	for line, want := range map[string]time.Duration{
		"cpu  346605 1105 47124 350343 434 0 803 192 0 0\ncpu0 1 2 3 4 5 6 7 8\n": 1920 * ms,
		"cpu  1 2 3 4 5 6 7 8\n": 80 * ms,
		"cpu  1 2 3 4 5 6 7\n":   0,
		"":                       0,
	} {
		require.Equal(t, int64(want), stealOf([]byte(line)), "%q", line)
	}
	h := &kernelHost{evidence: newEvidence(&clock{base: time.Now()})}
	require.Zero(t, h.stolen(0, 10), "nothing is known")
	for i := range int64(200) { // more than are kept
		r := &h.readings[h.n%len(h.readings)]
		r.at, r.stolen = i*100, i/100*7
		h.n++
	}
	require.Zero(t, h.stolen(15000, 15050))
	require.Zero(t, h.stolen(19950, 30000))
	h.readings[(h.n-1)%len(h.readings)].stolen += 5
	require.Equal(t, int64(5), h.stolen(19850, 19899))
}

// TestThreadFiles reads more threads than are kept open, and one that has ended.
func TestThreadFiles(t *testing.T) {
	var th thread
	defer th.close()
	ended := make(chan int)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine
		tid := unix.Gettid()
		_, _, ok := th.file(tid).read()
		if !ok {
			tid = 0
		}
		ended <- tid
	}()
	tid := <-ended
	require.NotZero(t, tid)
	for range 1000 {
		if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(tid)); err != nil {
			break
		}
		runtime.Gosched()
	}
	if _, err := os.Stat("/proc/self/task/" + strconv.Itoa(tid)); err != nil {
		_, _, ok := th.file(tid).read()
		require.False(t, ok)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	for range maxThreads + 1 {
		for _, task := range tasks {
			n := 0
			for _, c := range task.Name() {
				n = n*10 + int(c-'0')
			}
			th.file(n).read()
		}
	}
	ran, _, ok := th.file(unix.Getpid()).read()
	require.True(t, ok)
	require.Positive(t, ran)
}
