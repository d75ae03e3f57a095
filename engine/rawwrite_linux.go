//go:build linux && (amd64 || arm64)

package engine

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawWrite offers p to a socket without waiting and returns how much the kernel
// took. The caller holds the lock under which the descriptor is closed.
func rawWrite(fd int, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])),
			uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch e {
		case 0:
			return int(n), nil
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, e
		}
	}
}

// rawFD returns the descriptor of conn, or -1 where raw writes are not possible.
func rawFD(conn syscall.Conn) int {
	fd := -1
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1
	}
	if err := raw.Control(func(d uintptr) { fd = int(d) }); err != nil {
		return -1
	}
	return fd
}

// tuneSocket keeps the kernel from hoarding what is not sent yet and from
// keeping a peer that is gone. Both are backstops: failing costs nothing.
func tuneSocket(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
}

// defaultMaxConns leaves a reserve of the descriptors this process may open.
func defaultMaxConns() int {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return fallbackMaxConns
	}
	return int(max(min(lim.Cur, 1<<24), descriptorReserve*2) - descriptorReserve)
}
