package netfault

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"gameserver/engine/enginetest"
)

func TestEachDirectionHasItsOwnDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Link: Both{Up: Profile{Delay: 20 * ms}, Down: Profile{Delay: 70 * ms}}})
		start := time.Now()
		send(t, r.client, 10)
		send(t, r.server, 10)
		require.Equal(t, 20*ms, receive(t, r.server, 10, start))
		require.Equal(t, 70*ms, receive(t, r.client, 10, start))
	})
}

// A megabit a second takes 1460 bytes in 11.68 ms, and one after the other.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Link: Same(Profile{Delay: 10 * ms, Rate: 1e6 / 8})})
		start := time.Now()
		send(t, r.client, 5*SegmentBytes)
		for i := range 5 {
			require.Equal(t, 10*ms+time.Duration(i+1)*11680*time.Microsecond, receive(t, r.server, SegmentBytes, start))
		}
	})
}

// What is on its way is never more than the buffer, and it is all of it.
func TestBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Link: Same(Profile{Delay: 10 * ms, Buffer: 3 * SegmentBytes})})
		start := time.Now()
		send(t, r.client, 4*SegmentBytes)
		synctest.Wait()
		require.EqualValues(t, 3*SegmentBytes, r.Stats().Up.Bytes, "three fit, the fourth waits at the sender's")
		require.Equal(t, SegmentBytes, r.near.Buffered())
		require.Equal(t, 10*ms, receive(t, r.server, 3*SegmentBytes, start))
		require.Equal(t, 20*ms, receive(t, r.server, SegmentBytes, start))
	})
}

// Tiny segments are bounded by their number.
func TestSegmentsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Link: Same(Profile{Delay: time.Second})})
		for range SegmentsMax + 1 {
			send(t, r.client, 1)
			synctest.Wait()
		}
		require.EqualValues(t, SegmentsMax, r.Stats().Up.Segments)
		receive(t, r.server, SegmentsMax+1, time.Now())
	})
}

func TestStallHoldsBackAndThenDeliversAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Link: Same(Profile{Delay: 5 * ms})})
		start := time.Now()
		r.Stall(Down, 300*ms)
		for range 3 {
			send(t, r.server, 1)
			send(t, r.client, 1)
			time.Sleep(50 * ms)
		}
		require.Equal(t, 150*ms, receive(t, r.server, 3, start), "the other direction goes on")
		require.Equal(t, 300*ms, receive(t, r.client, 3, start))
		start = time.Now()
		send(t, r.server, 1)
		require.Equal(t, 5*ms, receive(t, r.client, 1, start))
	})
}

func TestSetChangesWhatComesFromNowOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Link: Same(Profile{Delay: 100 * ms})})
		start := time.Now()
		send(t, r.client, 1)
		synctest.Wait()
		require.NoError(t, r.Set(Same(Profile{Delay: 20 * ms})))
		send(t, r.client, 1)
		require.Equal(t, 100*ms, receive(t, r.server, 2, start), "the second does not overtake the first")
		start = time.Now()
		send(t, r.client, 1)
		require.Equal(t, 20*ms, receive(t, r.server, 1, start))
		require.Error(t, r.Set(Same(Profile{Delay: -1})))
	})
}

// A byte sequence through the worst link is the same byte sequence, and equal
// seeds give it equal times.
func TestNothingIsLostOrReordered(t *testing.T) {
	// What arrives in one instant may be read in pieces: bytes by time are counted.
	run := func(t *testing.T, seed uint64) map[time.Duration]int {
		t.Helper()
		times := map[time.Duration]int{}
		synctest.Test(t, func(t *testing.T) {
			bad, err := Named("bad")
			require.NoError(t, err)
			bad.Up.SlotMin, bad.Up.SlotMax, bad.Up.Rate, bad.Up.Burst = ms, 9*ms, 200_000, 2
			r := newRig(t, Config{Link: bad, Seed: seed})
			rng := rand.New(rand.NewPCG(1, 1))
			var sent []byte
			go func() {
				for range 300 {
					b := make([]byte, 1+rng.IntN(3000))
					for i := range b {
						b[i] = byte(rng.Uint32())
					}
					sent = append(sent, b...)
					_, _ = r.client.Write(b)
					time.Sleep(time.Duration(1+rng.IntN(40)) * ms)
				}
				r.client.Close()
			}()
			start := time.Now()
			var got []byte
			for {
				b := make([]byte, 4096)
				n, err := r.server.Read(b)
				got = append(got, b[:n]...)
				times[time.Since(start)] += n
				if err != nil {
					require.ErrorIs(t, err, io.EOF)
					break
				}
			}
			require.True(t, bytes.Equal(sent, got))
			require.Positive(t, r.Stats().Up.Lost)
		})
		return times
	}
	first := run(t, 7)
	require.Equal(t, first, run(t, 7))
	require.NotEqual(t, first, run(t, 8))
}

// One connection more than the bound is reset, and a place is free again when
// one ends.
func TestConnsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Conns: 1})
		near, second := enginetest.Pipe()
		r.Carry(near)
		_, err := second.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, Stats{Conns: 1, Accepted: 2, Refused: 1}, r.Stats())
		r.Reset()
		synctest.Wait()
		require.Zero(t, r.Stats().Conns)
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Link: Same(Profile{Delay: time.Minute})})
		send(t, r.client, 100)
		require.NoError(t, r.Close())
		_, err := r.server.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, r.Serve(enginetest.NewListener()), "a closed proxy serves nobody")
	})
}

func TestHalfCloseOnRealSockets(t *testing.T) {
	p, client, server := tcp(t, Same(Profile{Delay: ms}))
	send(t, client, 100)
	receive(t, server, 100, time.Now())
	p.HalfClose(Up)
	_, err := server.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	send(t, server, 100)
	receive(t, client, 100, time.Now())

	require.NoError(t, server.CloseWrite(), "and so ends the other direction")
	_, err = client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestResetOnRealSockets(t *testing.T) {
	p, client, server := tcp(t, Both{})
	send(t, client, 1)
	receive(t, server, 1, time.Now())
	p.Reset()
	for _, c := range []net.Conn{client, server} {
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
}

// A reset of one end is a reset of the other.
func TestResetsArePassedOn(t *testing.T) {
	_, client, server := tcp(t, Both{})
	send(t, client, 1)
	receive(t, server, 1, time.Now())
	require.NoError(t, client.SetLinger(0))
	require.NoError(t, client.Close())
	_, err := server.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}
