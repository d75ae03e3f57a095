//go:build unix

package server

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// notifyResize has c told when the terminal changes its size.
func notifyResize(c chan<- os.Signal) { signal.Notify(c, unix.SIGWINCH) }

// terminalSize returns the columns and rows of a terminal.
func terminalSize(f *os.File) (width, height int) {
	ws, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ) //nolint:gosec // a descriptor
	if err != nil || ws.Col == 0 || ws.Row == 0 {
		return fallbackW, fallbackH
	}
	return int(ws.Col), int(ws.Row)
}
