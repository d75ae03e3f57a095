//go:build unix

package server

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// busyShare returns a function that tells how much of its processors the process
// has used since the last call.
func busyShare() func() float64 {
	used := func() time.Duration {
		var u unix.Rusage
		if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	at, before := time.Now(), used()
	return func() float64 {
		now, sum := time.Now(), used()
		share := float64(sum-before) / float64(max(now.Sub(at), 1)) / float64(runtime.GOMAXPROCS(0))
		at, before = now, sum
		return share
	}
}
