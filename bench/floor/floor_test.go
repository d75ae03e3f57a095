package main

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"gameserver/tick"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sizesFile(t *testing.T, words ...uint32) string {
	t.Helper()
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	name := filepath.Join(t.TempDir(), "sizes")
	require.NoError(t, os.WriteFile(name, b, 0o600))
	return name
}

func TestLoad(t *testing.T) {
	f, err := load(sizesFile(t, 2, 3, 0, 2, 127, frameMax, 130, 7))
	require.NoError(t, err)
	require.Equal(t, []uint32{0, 2, 127, frameMax, 130, 7}, f.sizes)
	for _, bad := range [][]uint32{{}, {1}, {1, 1}, {0, 0}, {2, 1, 5}, {1, 1, 1}, {1, 1, frameMax + 1}} {
		_, err := load(sizesFile(t, bad...))
		require.Error(t, err, bad)
	}
	_, err = load("nowhere")
	require.Error(t, err)
}

func TestArguments(t *testing.T) {
	name := sizesFile(t, 1, 2, 9, 9)
	for _, bad := range [][]string{
		nil,
		{"2", "2", "20", "1"},
		{"0", "2", "20", "1", name},
		{"x", "2", "20", "1", name},
		{"3", "2", "20", "1", name},
		{"3", "3", "20", "1", name},
		{"8194", "2", "20", "1", name},
	} {
		require.Error(t, run(bad), bad)
	}
}

// A tick writes one frame of the recorded size to each player, around again when
// the recording is over.
func TestFramesHaveTheRecordedSizes(t *testing.T) {
	f, err := load(sizesFile(t, 2, 2, 10, 127, 0, 70_000))
	require.NoError(t, err)
	r := &room{floor: f, out: make([]byte, frameMax)}
	var ends []net.Conn
	for range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		s, err := ln.Accept()
		require.NoError(t, err)
		ln.Close()
		defer c.Close()
		defer s.Close()
		raw, err := s.(*net.TCPConn).SyscallConn()
		require.NoError(t, err)
		require.NoError(t, raw.Control(func(fd uintptr) { r.fds = append(r.fds, int(fd)) }))
		ends = append(ends, c)
	}
	got := make(chan [2]int, 2)
	for i, c := range ends {
		go func() {
			total := 0
			b := make([]byte, 4096)
			for total < []int{20, 70_254}[i] {
				n, err := c.Read(b)
				if err != nil {
					break
				}
				total += n
			}
			got <- [2]int{i, total}
		}()
	}
	for n := range uint64(3) {
		r.Tick(&tick.Tick{N: n + 1})
	}
	for range 2 {
		sum := <-got
		require.Equal(t, []int{20, 70_254}[sum[0]], sum[1])
	}
}
