package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
)

// Without descriptors for all who come, a server keeps those it has, does not
// burn the processor, and takes others again once there is room.
func TestDescriptorsRunOut(t *testing.T) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("needs prlimit")
	}
	const most = 600
	s := launch(t, prlimit, "/stats", fmt.Sprintf("--nofile=%d:%d", most, most), command(t, "conformance"),
		"--listen", "127.0.0.1:0", "--ping-interval", "1m")
	addr := strings.TrimPrefix(s.url, "http://")
	old, err := enginetest.DialWS(addr, "/engine.io/?EIO=4&transport=websocket")
	require.NoError(t, err)
	defer old.Close()
	_, err = old.ReadOpen()
	require.NoError(t, err)

	var idle []net.Conn
	for range most + 100 {
		c, err := net.DialTimeout("tcp", addr, patience) // the kernel accepts some that the server cannot
		require.NoError(t, err)
		idle = append(idle, c)
	}
	pid := s.cmd.Process.Pid
	require.Eventually(t, func() bool {
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		return err == nil && len(files) >= most-1
	}, patience, 10*time.Millisecond)
	before := ticksOf(t, pid)
	for i := range 20 { // two seconds
		require.NoError(t, old.Send(fmt.Sprint("4still here ", i)))
		text, err := old.ReadText()
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint("4still here ", i), text)
		time.Sleep(100 * time.Millisecond)
	}
	require.Less(t, ticksOf(t, pid)-before, 100, "hundredths of a second of CPU in two seconds")
	for _, c := range idle {
		require.NoError(t, c.Close())
	}
	require.Eventually(t, func() bool {
		w, err := enginetest.DialWS(addr, "/engine.io/?EIO=4&transport=websocket")
		return err == nil && w.Close() == nil
	}, patience, 10*time.Millisecond)
}

// ticksOf is the CPU time of a process, in hundredths of a second.
func ticksOf(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	user, err := strconv.Atoi(f[11])
	require.NoError(t, err)
	system, err := strconv.Atoi(f[12])
	require.NoError(t, err)
	return user + system
}
