package tick

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A worker under real-time priority is a thread of its own under SCHED_FIFO that
// sleeps in the kernel until an absolute time, in a system call that the runtime
// knows to block. It is the kernel that wakes it, ahead of all ordinary threads,
// with nothing in between but the runtime's handing back a processor. The sleep
// is a futex with a time limit instead of clock_nanosleep: the kernel's timer is
// the same, and another goroutine can end it.

// Operations of futex(2).
const (
	futexWake       = 1 | futexPrivate
	futexWaitBitset = 9 | futexPrivate // with an absolute time of CLOCK_MONOTONIC
	futexPrivate    = 128
	futexAnyBit     = math.MaxUint32
)

// realtimeTimer is the timer of such a worker.
type realtimeTimer struct {
	clk    *clock
	offset int64 // kernel time minus scheduler time
	target atomic.Int64
	word   atomic.Uint32 // changes when the target does
	asleep atomic.Bool
}

func (r *realtimeTimer) arm(at int64) {
	r.target.Store(at)
	r.word.Add(1)
	if r.asleep.Load() {
		futex(&r.word, futexWake, 1, nil)
	}
}

func (r *realtimeTimer) wait() error {
	for {
		word, at := r.word.Load(), r.target.Load()
		if r.clk.now() >= at {
			r.target.Store(never)
			return nil
		}
		var limit *unix.Timespec
		if at != never {
			ts := unix.NsecToTimespec(max(at+r.offset, 1))
			limit = &ts
		}
		r.asleep.Store(true)
		err := futex(&r.word, futexWaitBitset, word, limit)
		r.asleep.Store(false)
		switch err {
		case 0, unix.EAGAIN, unix.EINTR, unix.ETIMEDOUT:
		default:
			return fmt.Errorf("futex: %w", err)
		}
	}
}

func (r *realtimeTimer) close() { r.arm(0) }

func (*realtimeTimer) name() string { return "realtime" }

func futex(word *atomic.Uint32, op uintptr, value uint32, limit *unix.Timespec) unix.Errno {
	_, _, err := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), op, uintptr(value),
		uintptr(unsafe.Pointer(limit)), 0, futexAnyBit)
	return err
}

// priority is where a worker under real-time priority stands.
type priority struct {
	tid     atomic.Int64 // its thread; 0: none of its own
	demoted atomic.Bool  // it did not sleep for too long, and is an ordinary thread for now
}

// enthrone makes the calling goroutine a thread of its own under real-time
// priority and exchanges the worker's timer.
func (w *worker) enthrone() error {
	w.mu.Lock()
	t := w.timer
	w.mu.Unlock()
	if t.name() == "portable" {
		return errors.New("tick: no real-time priority without the kernel's timer")
	}
	runtime.LockOSThread()
	if err := setPolicy(0, true); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("tick: real-time priority refused: it takes CAP_SYS_NICE, or a limit RLIMIT_RTPRIO of %d: %w", realtimePriority, err)
	}
	w.priority.tid.Store(int64(unix.Gettid()))
	w.thread.own = true
	if k, ok := t.(*kernelTimer); ok {
		w.mu.Lock()
		w.timer = &realtimeTimer{clk: w.clk, offset: k.offset}
		w.mu.Unlock()
		k.close()
	}
	return nil
}

// relax takes the priority from a worker that has not slept for so long that
// others may be starving. Both the worker and the keeper call it.
func (w *worker) relax(now int64) {
	p := &w.priority
	tid := p.tid.Load()
	if tid == 0 || p.demoted.Load() {
		return
	}
	w.mu.Lock()
	busy := !w.sleeping && now-w.woke > realtimeBurst
	w.mu.Unlock()
	if busy && p.demoted.CompareAndSwap(false, true) {
		_ = setPolicy(int(tid), false) // the thread may have ended
		w.totals.demoted.Add(1)
	}
}

// restore gives the priority back before the worker sleeps.
func (w *worker) restore() {
	p := &w.priority
	if p.demoted.Load() {
		if err := setPolicy(0, true); err != nil {
			p.tid.Store(0)
			w.s.refuse(fmt.Errorf("tick: real-time priority refused: %w", err))
		}
		p.demoted.Store(false)
	}
}

// setPolicy chooses between SCHED_FIFO and the ordinary scheduler for a thread,
// 0 being the calling one. Threads that it makes are ordinary.
func setPolicy(tid int, realtime bool) error {
	a := unix.SchedAttr{Size: unix.SizeofSchedAttr, Flags: unix.SCHED_FLAG_RESET_ON_FORK}
	if realtime {
		a.Policy, a.Priority = unix.SCHED_FIFO, realtimePriority
	}
	return unix.SchedSetAttr(tid, &a, 0)
}
