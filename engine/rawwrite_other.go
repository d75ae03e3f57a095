//go:build !linux || (!amd64 && !arm64)

package engine

import (
	"errors"
	"syscall"
)

// rawWrite is never reached here: rawFD offers no descriptor.
func rawWrite(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

// rawFD offers nothing, so that the flush goroutine does all writing.
func rawFD(syscall.Conn) int { return -1 }

func tuneSocket(int) {}

func defaultMaxConns() int { return fallbackMaxConns }
