package tick

import (
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// kernelTimer sleeps on a timerfd of CLOCK_MONOTONIC with absolute times. The
// descriptor is read through the runtime's poller, so a sleeping worker holds no
// thread, and the kernel's timer wakes it without the poller's rounding to
// milliseconds.
type kernelTimer struct {
	f      *os.File
	fd     int   // of f, -1 once closed; File.Fd would make it blocking
	offset int64 // kernel time minus scheduler time
	spec   unix.ItimerSpec
	buf    [8]byte
}

// newKernelTimer returns errFakeTime in a synctest bubble.
func newKernelTimer(clk *clock) (timer, error) {
	offset, err := kernelOffset(clk)
	if err != nil {
		return nil, err
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	return &kernelTimer{f: os.NewFile(uintptr(fd), "timerfd"), fd: fd, offset: offset}, nil
}

// kernelOffset returns the difference between CLOCK_MONOTONIC and clk, from the
// reading that was least disturbed.
func kernelOffset(clk *clock) (int64, error) {
	const readings = 16
	var wall, mono unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &wall); err != nil {
		return 0, fmt.Errorf("clock_gettime: %w", err)
	}
	if d := time.Since(time.Unix(wall.Unix())); d < -time.Minute || d > time.Minute {
		return 0, errFakeTime
	}
	best, offset := int64(math.MaxInt64), int64(0)
	for range readings {
		before := clk.now()
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono); err != nil {
			return 0, fmt.Errorf("clock_gettime: %w", err)
		}
		if took := clk.now() - before; took < best {
			best, offset = took, mono.Nano()-before-took/2
		}
	}
	return offset, nil
}

func (k *kernelTimer) arm(at int64) {
	// Zero would disarm.
	k.spec.Value = unix.NsecToTimespec(max(at+k.offset, 1))
	if unix.TimerfdSettime(k.fd, unix.TFD_TIMER_ABSTIME, &k.spec, nil) != nil {
		k.close() // wait fails, and the worker changes timers
	}
}

func (k *kernelTimer) wait() error {
	_, err := io.ReadFull(k.f, k.buf[:])
	return err
}

func (k *kernelTimer) close() {
	k.f.Close()
	k.fd = -1 // the number may soon be another file's
}

func (k *kernelTimer) name() string { return "timerfd" }
